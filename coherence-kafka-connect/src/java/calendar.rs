//! `java.util.GregorianCalendar` in UTC, lenient, with the weeks of the United States: they begin on a Sunday, and the first
//! one of a year is the one that holds the first of January.

use crate::calendar::{MILLIS_PER_DAY, date, days};

/// A field of the calendar that a text can set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Era,
    Year,
    Month,
    WeekOfYear,
    WeekOfMonth,
    DayOfMonth,
    DayOfYear,
    DayOfWeek,
    DayOfWeekInMonth,
    AmPm,
    Hour,
    HourOfDay,
    Minute,
    Second,
    Millisecond,
    ZoneOffset,
    WeekYear,
}

const FIELDS: usize = Field::WeekYear as usize + 1;

/// The fields of an instant.
#[derive(Debug, Clone, Copy)]
pub(super) struct Instant {
    /// True before the year 1.
    pub(super) before_christ: bool,
    /// The year of the era.
    pub(super) year: i64,
    /// The year that the week belongs to.
    pub(super) week_year: i64,
    /// From 1.
    pub(super) month: u8,
    pub(super) day: u8,
    pub(super) day_of_year: i64,
    pub(super) week_of_year: i64,
    pub(super) week_of_month: i64,
    /// From 0, which is Sunday.
    pub(super) day_of_week: i64,
    pub(super) hour: i64,
    pub(super) minute: i64,
    pub(super) second: i64,
    pub(super) milli: i64,
}

impl Instant {
    /// Returns the fields of the instant that many milliseconds after the epoch.
    pub(super) fn of(millis: i64) -> Self {
        let day_number = millis.div_euclid(MILLIS_PER_DAY);
        let of_day = millis.rem_euclid(MILLIS_PER_DAY);
        let (year, month, day) = date(day_number);
        let day_of_year = day_number - days(year, 1, 1) + 1;
        // The first day of the next year is in this week, which is then its first.
        let next = days(year + 1, 1, 1);
        let in_next_year = next - day_number <= 6 - day_of_week(day_number);
        Self {
            before_christ: year <= 0,
            year: if year <= 0 { 1 - year } else { year },
            week_year: year + i64::from(in_next_year),
            month,
            day,
            day_of_year,
            week_of_year: if in_next_year { 1 } else { week_of(days(year, 1, 1), day_number) },
            week_of_month: week_of(day_number - i64::from(day) + 1, day_number),
            day_of_week: day_of_week(day_number),
            hour: of_day / 3_600_000,
            minute: of_day / 60_000 % 60,
            second: of_day / 1_000 % 60,
            milli: of_day % 1_000,
        }
    }
}

/// Returns the day of the week, 0 for Sunday.
fn day_of_week(day_number: i64) -> i64 {
    (day_number + 4).rem_euclid(7)
}

/// Returns the number of the week that `day` is in, where `first` is in week 1.
fn week_of(first: i64, day: i64) -> i64 {
    (day - (first - day_of_week(first))) / 7 + 1
}

/// Returns the last day up to `day` that is this day of the week.
fn on_or_before(day: i64, day_of_week: i64) -> i64 {
    day - (day - day_of_week + 4).rem_euclid(7)
}

/// The fields that a text has set, and in which order: the last ones decide where they contradict each other.
#[derive(Debug, Clone, Default)]
pub(super) struct Fields {
    values: [i64; FIELDS],
    /// When each field was set, counted from 1; 0 for one that was not.
    stamps: [u8; FIELDS],
    last: u8,
}

impl Fields {
    /// Sets a field.
    pub(super) fn set(&mut self, field: Field, value: i64) {
        self.last = self.last.saturating_add(1);
        self.values[field as usize] = value;
        self.stamps[field as usize] = self.last;
    }

    fn value(&self, field: Field) -> Option<i64> {
        (self.stamp(field) > 0).then(|| self.values[field as usize])
    }

    fn stamp(&self, field: Field) -> u8 {
        self.stamps[field as usize]
    }

    /// When both of two fields were set.
    fn both(&self, one: Field, other: Field) -> u8 {
        let (one, other) = (self.stamp(one), self.stamp(other));
        if one == 0 || other == 0 { 0 } else { one.max(other) }
    }

    /// Returns the instant that the fields name, in milliseconds since the epoch; what is not set is that of the epoch.
    /// `None` where it is beyond 64 bits.
    pub(super) fn millis(&self) -> Option<i64> {
        let or_zero = |field| i128::from(self.value(field).unwrap_or_default());
        let hours = self.hours();
        let millis = ((hours * 60 + or_zero(Field::Minute)) * 60 + or_zero(Field::Second)) * 1_000
            + or_zero(Field::Millisecond)
            - or_zero(Field::ZoneOffset)
            + i128::from(self.day()) * i128::from(MILLIS_PER_DAY);
        i64::try_from(millis).ok()
    }

    fn hours(&self) -> i128 {
        let of_day = self.stamp(Field::HourOfDay);
        let of_half = self.both(Field::Hour, Field::AmPm);
        let mut best = of_day.max(of_half);
        if best == 0 {
            best = self.stamp(Field::Hour).max(self.stamp(Field::AmPm));
        }
        if best == 0 {
            0
        } else if best == of_day {
            self.value(Field::HourOfDay).unwrap_or_default().into()
        } else {
            let half = self.value(Field::AmPm).unwrap_or_default();
            i128::from(self.value(Field::Hour).unwrap_or_default()) + 12 * i128::from(half)
        }
    }

    /// Returns the day, counted from the epoch, that the group of fields which was set last names.
    fn day(&self) -> i64 {
        let week_year = self.value(Field::WeekYear);
        if let Some(year) = week_year.filter(|_| self.stamp(Field::WeekYear) > self.stamp(Field::Year)) {
            let first = days(year, 1, 1);
            let week = self.value(Field::WeekOfYear).unwrap_or(1);
            let day = self.value(Field::DayOfWeek).unwrap_or_default();
            return first - day_of_week(first) + 7 * (week - 1) + day;
        }
        let mut year = self.value(Field::Year).unwrap_or(1970);
        if self.value(Field::Era) == Some(0) {
            year = 1 - year;
        }
        let of_week = self.stamp(Field::DayOfWeek);
        let mut of_month = self.stamp(Field::DayOfMonth);
        let mut week_of_month = self.both(Field::WeekOfMonth, Field::DayOfWeek);
        let mut in_month = self.both(Field::DayOfWeekInMonth, Field::DayOfWeek);
        let of_year = self.stamp(Field::DayOfYear);
        let week_of_year = self.both(Field::WeekOfYear, Field::DayOfWeek);
        let mut best =
            [of_month, week_of_month, in_month, of_year, week_of_year].into_iter().max().unwrap_or(0);
        if best == 0 {
            week_of_month = self.stamp(Field::WeekOfMonth);
            in_month = self.stamp(Field::DayOfWeekInMonth).max(of_week);
            best = week_of_month.max(in_month).max(self.stamp(Field::WeekOfYear));
        }
        if best == 0 {
            of_month = self.stamp(Field::Month);
            best = of_month;
        }
        let after_week_of_year = |field| self.stamp(field) >= self.stamp(Field::WeekOfYear);
        if best == of_month {
            return days(year, self.month(), self.value(Field::DayOfMonth).unwrap_or(1));
        }
        if best == week_of_month && after_week_of_year(Field::WeekOfMonth)
            || best == in_month && after_week_of_year(Field::DayOfWeekInMonth)
        {
            let by_week = if week_of_month == in_month {
                self.stamp(Field::WeekOfMonth) >= self.stamp(Field::DayOfWeekInMonth)
            } else {
                best == week_of_month
            };
            return self.day_of_week_of_month(year, by_week);
        }
        let first = days(year, 1, 1);
        if best == of_year {
            return first + self.value(Field::DayOfYear).unwrap_or(1) - 1;
        }
        let week = self.value(Field::WeekOfYear).unwrap_or_default();
        first - day_of_week(first) + 7 * (week - 1) + self.value(Field::DayOfWeek).unwrap_or_default()
    }

    /// The month from 1; it may be beyond December.
    fn month(&self) -> i64 {
        self.value(Field::Month).unwrap_or_default() + 1
    }

    fn day_of_week_of_month(&self, year: i64, by_week: bool) -> i64 {
        let month = self.month();
        let first = days(year, month, 1);
        let of_week = self.value(Field::DayOfWeek);
        if by_week {
            let week = self.value(Field::WeekOfMonth).unwrap_or_default();
            return first - day_of_week(first) + of_week.unwrap_or_default() + 7 * (week - 1);
        }
        let of_week = of_week.unwrap_or_default();
        match self.value(Field::DayOfWeekInMonth).unwrap_or(1) {
            number @ 0.. => on_or_before(first + 7 * number - 1, of_week),
            number => on_or_before(days(year, month + 1, 1) + 7 * (number + 1) - 1, of_week),
        }
    }

    /// Moves the year by a century.
    pub(super) fn next_century(&mut self) {
        for field in [Field::Year, Field::WeekYear] {
            self.values[field as usize] += 100;
        }
    }
}
