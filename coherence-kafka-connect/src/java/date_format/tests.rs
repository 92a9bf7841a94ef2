use proptest::prelude::*;

use super::*;

fn format(pattern: &str, millis: i64) -> String {
    DateFormat::new(pattern).unwrap().format(millis)
}

fn parse(pattern: &str, text: &str) -> Option<i64> {
    DateFormat::new(pattern).unwrap().parse(text)
}

/// Each text is what Java 17 gives for the second of January 2020, a Thursday.
#[test]
fn every_letter_is_written_as_by_java() {
    for (pattern, expected) in [
        ("yyyy-MM-dd'T'HH:mm:ss.SSSXXX", "2020-01-02T03:04:05.678Z"),
        ("EEE, d MMM yyyy HH:mm:ss z", "Thu, 2 Jan 2020 03:04:05 UTC"),
        ("EEEE MMMM dd", "Thursday January 02"),
        ("yy/M/d h:m a", "20/1/2 3:4 AM"),
        ("D w W F u k K", "2 1 1 1 4 3 3"),
        ("G yyyy", "AD 2020"),
        ("hh 'o''clock' a", "03 o'clock AM"),
        ("YYYY-'W'ww-u", "2020-W01-4"),
        ("SSSSSS", "000678"),
        ("zzzz", "Coordinated Universal Time"),
        ("yyyyy", "02020"),
        ("", ""),
    ] {
        assert_eq!(format(pattern, 1_577_934_245_678), expected, "{pattern}");
    }
}

#[test]
fn the_last_days_of_a_year_may_be_in_the_first_week_of_the_next() {
    // 2019-12-29, a Sunday.
    assert_eq!(format("YYYY ww yyyy D", 1_577_577_600_000), "2020 01 2019 363");
    assert_eq!(format("YYYY ww", 1_577_577_600_000 - 1), "2019 52");
}

#[test]
fn far_dates_are_those_of_javas_calendar() {
    for (millis, expected) in [
        (-1, "1969-12-31"),
        (-62_135_596_800_001, "0001-01-02"),
        (253_402_300_800_000, "10000-01-01"),
        (-12_219_292_800_001, "1582-10-04"),
    ] {
        assert_eq!(format("yyyy-MM-dd", millis), expected);
    }
    assert_eq!(format("G y", -62_198_928_000_000), "BC 2");
    assert_eq!(parse("yyyy-MM-dd", "1582-10-15"), Some(-12_219_292_800_000));
}

#[test]
fn texts_are_read_as_leniently_as_by_java() {
    for (pattern, text, expected) in [
        ("yyyy-MM-dd", "2020-1-2", Some(1_577_923_200_000)),
        ("yyyy-MM-dd", "2020-01-02junk", Some(1_577_923_200_000)),
        ("yyyy-MM-dd", "2020-13-45", Some(1_613_260_800_000)),
        ("yyyy-MM-dd", "x2020-01-02", None),
        ("yyyyMMdd", "20200102", Some(1_577_923_200_000)),
        ("yyyyMMdd", "2020010", Some(1_577_750_400_000)),
        ("yyyyMMdd", "202001", None),
        ("yyyy-MM-dd'T'HH:mm:ssXXX", "2020-01-02T03:04:05+02:00", Some(1_577_927_045_000)),
        ("yyyy-MM-dd'T'HH:mm:ssX", "2020-01-02T03:04:05-02", Some(1_577_941_445_000)),
        ("yyyy-MM-dd HH:mm:ss.SSS", "2020-01-02 03:04:05.6789", Some(1_577_934_251_789)),
        ("yyyy-MM-dd'T'HH:mm:ss.SSSX", "2020-01-02T03:04:05.678901234Z", Some(1_578_613_146_234)),
        ("yyyy-MM-dd", "20-01-02", Some(-61_536_153_600_000)),
        ("yyyy-MM-dd", "-0001-01-01", Some(-62_198_928_000_000)),
        ("h:mm a", "3:04 PM", Some(54_240_000)),
        ("h:mm a", "12:04 am", Some(240_000)),
        ("k", "24", Some(0)),
        ("s", "1577934245", Some(1_577_934_245_000)),
        ("yyyy", "", None),
        ("yyyy", "-", None),
        ("dd-MMM-yyyy", "02-jan-2020", Some(1_577_923_200_000)),
        ("dd-MMM-yyyy", "02-JANUARY-2020", Some(1_577_923_200_000)),
        ("EEE, d MMM yyyy HH:mm:ss z", "Thu, 2 Jan 2020 03:04:05 EST", Some(1_577_952_245_000)),
        ("yyyy z", "2020 GMT+1:00", Some(1_577_833_200_000)),
        ("yyyy z", "2020 Mars", None),
        ("yyyy D", "2020 366", Some(1_609_372_800_000)),
        ("YYYY-'W'ww-u", "2020-W01-4", Some(1_577_923_200_000)),
        ("yyyy MM W E", "2020 01 1 Thu", Some(1_577_923_200_000)),
        ("yyyy MM F E", "2020 01 1 Thu", Some(1_577_923_200_000)),
        ("G yyyy", "BC 0002", Some(-62_198_928_000_000)),
    ] {
        assert_eq!(parse(pattern, text), expected, "{text} as {pattern}");
    }
}

#[test]
fn a_year_of_two_digits_is_within_eighty_years_before_and_twenty_after_today() {
    let format = DateFormat {
        century: eighty_years_before(1_764_547_200_000),
        ..DateFormat::new("yy-MM-dd").unwrap()
    };
    assert_eq!(format.parse("99-01-02"), Some(915_235_200_000));
    assert_eq!(format.parse("20-01-02"), Some(1_577_923_200_000));
    // 1945-12-01 is the first day; the day before is in 2045.
    assert_eq!(format.parse("45-12-02").map(|millis| Instant::of(millis).year), Some(1945));
    assert_eq!(format.parse("45-11-30").map(|millis| Instant::of(millis).year), Some(2045));
    assert_eq!(format.parse("5-01-02").map(|millis| Instant::of(millis).year), Some(5));
}

#[test]
fn a_pattern_that_java_refuses_is_refused_in_its_words() {
    for (pattern, expected) in [
        ("QQ", "Illegal pattern character 'Q'"),
        ("yyyy 'x", "Unterminated quote"),
        ("XXXX", "invalid ISO 8601 format: length=4"),
    ] {
        assert_eq!(DateFormat::new(pattern).unwrap_err(), expected);
    }
}

proptest! {
    #[test]
    fn what_is_written_in_full_is_read_back(millis in -100_000_000_000_000_i64..200_000_000_000_000) {
        let pattern = "G yyyy-MM-dd HH:mm:ss.SSS Z";
        prop_assert_eq!(parse(pattern, &format(pattern, millis)), Some(millis));
    }

    #[test]
    fn no_text_makes_it_panic(pattern in "[GyMdkHmsSEDFwWahKzZYuXL':. -]{0,8}", text in "[-0-9A-Za-z:+. ٣]{0,16}", millis: i64) {
        if let Ok(format) = DateFormat::new(&pattern) {
            let _ = format.parse(&text);
            let _ = format.format(millis);
        }
    }
}
