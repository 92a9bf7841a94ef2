//! Suggests the known name that is nearest to an unknown one.

/// Returns the known name that `unknown` was probably meant to be: at most one edit for every five characters away,
/// upper and lower case being the same.
pub fn nearest<'a>(unknown: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let unknown = unknown.trim().to_lowercase();
    let allowed = (unknown.chars().count() / 5).max(1);
    known
        .into_iter()
        .map(|name| (strsim::osa_distance(&unknown, &name.to_lowercase()), name))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_name_and_another_word_does_not() {
        let known = ["StringSerializer", "ShortSerializer"];
        assert_eq!(nearest("stringserialiser", known), Some("StringSerializer"));
        assert_eq!(nearest("AvroSerializer", known), None);
    }
}
