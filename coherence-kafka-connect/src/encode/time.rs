//! Milliseconds to fields of the proleptic ISO calendar in UTC.

pub(super) const MILLIS_PER_DAY: i64 = 86_400_000;

const DAYS_PER_ERA: i64 = 146_097;
/// 1970-01-01, counted from the first of March of the year 0.
const EPOCH: i64 = 719_468;

/// Year, month from 1, day from 1 of the day that many days after 1970-01-01.
///
/// Counted in eras of 400 years, each of which begins on a first of March, so that the leap day comes last.
pub(super) fn date(days: i64) -> (i64, u8, u8) {
    let days = days + EPOCH;
    let (era, day) = (days.div_euclid(DAYS_PER_ERA), days.rem_euclid(DAYS_PER_ERA));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + i64::from(month <= 2), month as u8, day as u8)
}

/// The inverse of [`date`].
pub(super) fn days(year: i64, month: u8, day: u8) -> i64 {
    let year = year - i64::from(month <= 2);
    let (era, year) = (year.div_euclid(400), year.rem_euclid(400));
    let month = (i64::from(month) + 9) % 12;
    let day = (153 * month + 2) / 5 + i64::from(day) - 1 + 365 * year + year / 4 - year / 100;
    era * DAYS_PER_ERA + day - EPOCH
}

/// Hour, minute, second, nanosecond of a time of day in milliseconds.
pub(super) fn time(millis: i64) -> (u8, u8, u8, u32) {
    let second = millis / 1_000;
    let nanos = (millis % 1_000) as u32 * 1_000_000;
    ((second / 3_600) as u8, (second / 60 % 60) as u8, (second % 60) as u8, nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_iso_calendar() {
        assert_eq!(date(0), (1970, 1, 1));
        assert_eq!(date(-1), (1969, 12, 31));
        assert_eq!(date(11_016), (2000, 2, 29));
        assert_eq!(date(18_263), (2020, 1, 2));
        assert_eq!(date(-719_528), (0, 1, 1));
        assert_eq!(date(-719_529), (-1, 12, 31));
        assert_eq!(date(106_751_991_167), (292_278_994, 8, 17));
    }

    #[test]
    fn every_day_of_four_centuries_follows_the_one_before() {
        let mut before = date(-146_097);
        for days in -146_096..146_097 {
            let now = date(days);
            let next_day = now.0 == before.0 && now.1 == before.1 && now.2 == before.2 + 1;
            let next_month = now.2 == 1
                && before.2 >= 28
                && (now.0, now.1) == (before.0 + i64::from(before.1 == 12), before.1 % 12 + 1);
            assert!(next_day || next_month, "{before:?} {now:?}");
            assert_eq!(super::days(now.0, now.1, now.2), days);
            before = now;
        }
    }

    #[test]
    fn the_last_millisecond_of_a_day_has_its_nanoseconds() {
        assert_eq!(time(86_399_999), (23, 59, 59, 999_000_000));
    }
}
