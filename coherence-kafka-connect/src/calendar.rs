//! Milliseconds to fields in UTC, of the calendar that `java.util.Date` counts in.
//!
//! From 1582-10-15 on that is the Gregorian calendar and before it the Julian one, in which POF read by Java names other
//! days than ISO 8601 does. The year before 1 is 0.

pub(crate) const MILLIS_PER_DAY: i64 = 86_400_000;

/// 1582-10-15, in days since 1970-01-01. The day before it is 1582-10-04.
const FIRST_GREGORIAN: i64 = -141_427;

const DAYS_PER_ERA: i64 = 146_097;
/// 1970-01-01, counted from the first of March of the Gregorian year 0.
const EPOCH: i64 = 719_468;
/// The same of the Julian year 0, in which four years follow each other.
const JULIAN_EPOCH: i64 = 719_470;
const DAYS_PER_JULIAN_ERA: i64 = 1_461;

/// Year, month from 1, day from 1 of the day that many days after 1970-01-01.
///
/// Counted in eras, each of which begins on a first of March, so that the leap day comes last.
pub(crate) fn date(days: i64) -> (i64, u8, u8) {
    of_days(days, days >= FIRST_GREGORIAN)
}

/// The same in the calendar of ISO 8601, that of `java.time`, which has Gregorian years only.
pub(crate) fn iso_date(days: i64) -> (i64, u8, u8) {
    of_days(days, true)
}

fn of_days(days: i64, gregorian: bool) -> (i64, u8, u8) {
    let (years, year, day) = if gregorian {
        let days = days + EPOCH;
        let (era, day) = (days.div_euclid(DAYS_PER_ERA), days.rem_euclid(DAYS_PER_ERA));
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        (era * 400, year, day - (365 * year + year / 4 - year / 100))
    } else {
        let days = days + JULIAN_EPOCH;
        let (era, day) = (days.div_euclid(DAYS_PER_JULIAN_ERA), days.rem_euclid(DAYS_PER_JULIAN_ERA));
        let year = (day - day / 1_460) / 365;
        (era * 4, year, day - 365 * year)
    };
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (years + year + i64::from(month <= 2), month as u8, day as u8)
}

/// Returns the inverse of [`date`]. Of the ten days that were left out in 1582, Java makes those that follow, and so
/// does this.
///
/// The fields may be out of their ranges, as in a lenient calendar of Java: month 14 is February of the next year.
pub(crate) fn days(year: i64, month: i64, day: i64) -> i64 {
    if year >= 1582 {
        let days = iso_days(year, month, day);
        if days >= FIRST_GREGORIAN {
            return days;
        }
    }
    julian(year, month, day)
}

/// Returns the inverse of [`iso_date`], with the same leniency as [`days`].
pub(crate) fn iso_days(year: i64, month: i64, day: i64) -> i64 {
    let (year, day) = from_march(year, month, day);
    let (era, year) = (year.div_euclid(400), year.rem_euclid(400));
    era * DAYS_PER_ERA + 365 * year + year / 4 - year / 100 + day - EPOCH
}

fn julian(year: i64, month: i64, day: i64) -> i64 {
    let (year, day) = from_march(year, month, day);
    let (era, year) = (year.div_euclid(4), year.rem_euclid(4));
    era * DAYS_PER_JULIAN_ERA + 365 * year + day - JULIAN_EPOCH
}

/// Returns the year that begins in March, and how many days after its first one the day is.
fn from_march(year: i64, month: i64, day: i64) -> (i64, i64) {
    let months = month - 3;
    let month = months.rem_euclid(12);
    (year + months.div_euclid(12), (153 * month + 2) / 5 + day - 1)
}

/// Hour, minute, second, nanosecond of a time of day in milliseconds.
pub(crate) fn time(millis: i64) -> (u8, u8, u8, u32) {
    let second = millis / 1_000;
    let nanos = (millis % 1_000) as u32 * 1_000_000;
    ((second / 3_600) as u8, (second / 60 % 60) as u8, (second % 60) as u8, nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each of them is what Java 25's `GregorianCalendar` makes of the fields, and of the days.
    #[test]
    fn days_are_those_of_javas_calendar() {
        for (days, fields) in [
            (0, (1970, 1, 1)),
            (-1, (1969, 12, 31)),
            (11_016, (2000, 2, 29)),
            (18_263, (2020, 1, 2)),
            (-141_427, (1582, 10, 15)),
            (-141_428, (1582, 10, 4)),
            (-171_596, (1500, 2, 29)),
            (-719_162, (1, 1, 3)),
            (-719_530, (0, 1, 1)),
            (-719_531, (-1, 12, 31)),
            (-720_932, (-4, 2, 29)),
            (-755_995, (-100, 3, 1)),
            (-1_084_257, (-999, 6, 7)),
            (106_751_991_167, (292_278_994, 8, 17)),
        ] {
            assert_eq!(date(days), fields);
            let (year, month, day) = fields;
            assert_eq!(super::days(year, month.into(), day.into()), days);
        }
        assert_eq!(super::days(1582, 10, 5), super::days(1582, 10, 15));
        assert_eq!(super::days(1582, 10, 14), -141_418);
    }

    /// As `LocalDate.ofEpochDay` of Java has them.
    #[test]
    fn days_of_iso_8601_are_gregorian_in_every_year() {
        for (days, fields) in [(0, (1970, 1, 1)), (-141_428, (1582, 10, 14)), (-719_162, (1, 1, 1))] {
            assert_eq!(iso_date(days), fields);
        }
        for days in (-800_000..100_000).step_by(37) {
            let (year, month, day) = iso_date(days);
            assert_eq!(iso_days(year, month.into(), day.into()), days);
        }
    }

    #[test]
    fn every_day_of_twenty_five_centuries_follows_the_one_before() {
        let mut before = date(-771_001);
        for days in -771_000..146_097 {
            let now = date(days);
            let next_day = now.0 == before.0 && now.1 == before.1 && now.2 == before.2 + 1;
            let next_month = now.2 == 1
                && before.2 >= 28
                && (now.0, now.1) == (before.0 + i64::from(before.1 == 12), before.1 % 12 + 1);
            let left_out = (before, now) == ((1582, 10, 4), (1582, 10, 15));
            assert!(next_day || next_month || left_out, "{before:?} {now:?}");
            assert_eq!(super::days(now.0, now.1.into(), now.2.into()), days);
            before = now;
        }
    }

    #[test]
    fn fields_out_of_their_ranges_count_on() {
        assert_eq!(super::days(2020, 14, 0), super::days(2021, 1, 31));
        assert_eq!(super::days(2020, 1, -1), super::days(2019, 12, 30));
        assert_eq!(super::days(1582, 10, 35), super::days(1582, 11, 4));
        assert_eq!(super::days(1581, 22, 20), -141_412, "Julian to the end of its year");
        assert_eq!(super::days(1583, -2, 1), super::days(1582, 10, 1));
    }

    #[test]
    fn the_last_millisecond_of_a_day_has_its_nanoseconds() {
        assert_eq!(time(86_399_999), (23, 59, 59, 999_000_000));
    }
}
