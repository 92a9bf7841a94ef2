//! From an instant to its text.

use std::fmt::Write as _;

use super::super::calendar::Instant;
use super::{DAYS, DateFormat, ERAS, HALVES, LONG_ERAS, MONTHS, Part};

impl DateFormat {
    /// Returns the text of the instant that many milliseconds after the epoch.
    pub(crate) fn format(&self, millis: i64) -> String {
        let instant = Instant::of(millis);
        let mut text = String::with_capacity(self.pattern.len() + 8);
        for part in &self.parts {
            match part {
                Part::Literal(literal) => text.push_str(literal),
                Part::Field(letter, count) => field(*letter, *count, &instant, &mut text),
            }
        }
        text
    }
}

fn field(letter: char, count: usize, at: &Instant, text: &mut String) {
    let long = count >= 4;
    let (month, of_week) = (MONTHS[usize::from(at.month - 1)], DAYS[at.day_of_week as usize]);
    let era = usize::from(!at.before_christ);
    let number = match letter {
        'G' => return text.push_str(if long { LONG_ERAS[era] } else { ERAS[era] }),
        'E' => return text.push_str(if long { of_week } else { &of_week[..3] }),
        'M' | 'L' if count > 2 => return text.push_str(if long { month } else { &month[..3] }),
        'a' => return text.push_str(HALVES[usize::from(at.hour >= 12)]),
        'z' => return text.push_str(if long { "Coordinated Universal Time" } else { "UTC" }),
        'Z' => return text.push_str("+0000"),
        'X' => return text.push('Z'),
        'y' if count == 2 => at.year % 100,
        'y' => at.year,
        'Y' if count == 2 => at.week_year % 100,
        'Y' => at.week_year,
        'M' | 'L' => at.month.into(),
        'd' => at.day.into(),
        'D' => at.day_of_year,
        'w' => at.week_of_year,
        'W' => at.week_of_month,
        'F' => (i64::from(at.day) - 1) / 7 + 1,
        'u' => (at.day_of_week + 6) % 7 + 1,
        'k' => {
            if at.hour == 0 {
                24
            } else {
                at.hour
            }
        }
        'K' => at.hour % 12,
        'h' => (at.hour + 11) % 12 + 1,
        'H' => at.hour,
        'm' => at.minute,
        's' => at.second,
        _ => at.milli,
    };
    // A string takes any text.
    let _ = write!(text, "{number:0count$}");
}
