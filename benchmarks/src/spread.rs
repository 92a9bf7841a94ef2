//! Several measurements of one thing.

/// The middle and the ends of some measurements.
#[derive(Debug, Clone, Copy)]
pub struct Spread {
    /// The middle one, or the mean of the two in the middle.
    pub median: f64,
    /// The least.
    pub min: f64,
    /// The largest.
    pub max: f64,
}

impl Spread {
    /// Of these; all NaN of none.
    pub fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
        let middle = values.len() / 2;
        let median =
            if values.len() % 2 == 1 { at(middle) } else { (at(middle.wrapping_sub(1)) + at(middle)) / 2.0 };
        Self { median, min: at(0), max: at(values.len().wrapping_sub(1)) }
    }

    fn shown(&self, number: impl Fn(f64) -> String) -> String {
        format!("{} ({}–{})", number(self.median), number(self.min), number(self.max))
    }

    /// In thousands: `92 k (88–97)`.
    pub fn thousands(&self) -> String {
        self.shown(|rate| format!("{:.0} k", rate / 1e3))
    }

    /// In whole numbers.
    pub fn whole(&self) -> String {
        self.shown(|number| format!("{number:.0}"))
    }

    /// To the hundredth.
    pub fn exact(&self) -> String {
        self.shown(|number| format!("{number:.2}"))
    }
}
