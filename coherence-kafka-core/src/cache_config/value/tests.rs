use proptest::prelude::*;

use super::*;

#[test]
fn a_time_has_units_or_the_unit_of_its_element() {
    for (text, ms) in [
        ("0", 0),
        ("10", 10_000),
        ("1.5", 1_500),
        ("500ms", 500),
        ("10s", 10_000),
        ("1m", 60_000),
        ("1M 30S", 90_000),
        ("1h30m", 5_400_000),
        ("1d 2h 3m 4s 5ms", 93_784_005),
        ("20m 10.5s", 1_210_500),
        (" 2 s ", 2_000),
        ("1000us", 1),
        ("1000000ns", 1),
    ] {
        assert_eq!(seconds(text), Ok(Duration::from_millis(ms)), "{text}");
    }
    assert_eq!(millis("500"), Ok(Duration::from_millis(500)));
    assert_eq!(millis("2s"), Ok(Duration::from_secs(2)));
}

#[test]
fn what_is_no_time_is_refused() {
    for text in [
        "", " ", "s", "10 sec", "1s 1m", "1s 1s", "1 2s", "1s 2", "-1", "1.s", ".5s", "1..5", "1e3", "10x",
        "99999d",
    ] {
        assert!(seconds(text).is_err(), "{text}");
    }
}

#[test]
fn numbers_are_taken_within_their_bounds() {
    assert_eq!(count("128"), Ok(128));
    assert!(["-1", "", "1.5", "2147483648", "all"].iter().all(|text| count(text).is_err()));
    assert_eq!(factor("0.25"), Ok(0.25));
    assert!(["-0.1", "1.1", "NaN", "inf", "half"].iter().all(|text| factor(text).is_err()));
    assert_eq!((truth("TRUE"), truth("false")), (Ok(true), Ok(false)));
    assert!(["yes", "", "1"].iter().all(|text| truth(text).is_err()));
}

proptest! {
    #[test]
    fn any_text_is_a_time_or_refused(text in "[0-9.dhmsun µ]{0,20}|\\PC{0,20}") {
        let _ = seconds(&text);
        let _ = millis(&text);
    }

    #[test]
    fn a_time_is_the_sum_of_its_units(h in 0_u64..100, m in 0_u64..100, s in 0_u64..100, ms in 0_u64..10_000) {
        let sum = Duration::from_secs(h * 3600 + m * 60 + s) + Duration::from_millis(ms);
        prop_assert_eq!(seconds(&format!("{h}h {m}m {s}s {ms}ms")), Ok(sum));
    }
}
