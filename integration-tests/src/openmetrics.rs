//! The grammar of OpenMetrics 1.0, as far as a page of this project uses it. It is strict: what is not known is refused.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, bail, ensure};

/// A metric of a page.
#[derive(Debug, Default)]
struct Family<'p> {
    kind: Option<&'p str>,
    help: bool,
    samples: Vec<Sample<'p>>,
}

#[derive(Debug)]
struct Sample<'p> {
    /// What its name has behind the name of the metric.
    suffix: &'p str,
    labels: BTreeMap<&'p str, String>,
    value: f64,
}

/// Checks a page. Returns the names of its metrics, each with its kind.
///
/// # Errors
///
/// The first line that violates the grammar, or a metric that violates a rule.
pub fn check(page: &str) -> Result<BTreeMap<&str, &str>> {
    let lines = page.strip_suffix("# EOF\n").context("the page does not end with # EOF")?;
    ensure!(lines.is_empty() || lines.ends_with('\n'), "the last line before # EOF is not ended");
    let mut families: BTreeMap<&str, Family<'_>> = BTreeMap::new();
    let mut current = "";
    for line in lines.lines() {
        parse(line, &mut current, &mut families).with_context(|| format!("in the line {line:?}"))?;
    }
    let mut kinds = BTreeMap::new();
    for (name, family) in &families {
        check_family(family).with_context(|| format!("the metric {name}"))?;
        kinds.insert(*name, family.kind.unwrap_or_default());
    }
    Ok(kinds)
}

fn parse<'p>(
    line: &'p str,
    current: &mut &'p str,
    families: &mut BTreeMap<&'p str, Family<'p>>,
) -> Result<()> {
    if let Some(metadata) = line.strip_prefix("# ") {
        let mut words = metadata.splitn(3, ' ');
        let (Some(word), Some(name), Some(rest)) = (words.next(), words.next(), words.next()) else {
            bail!("metadata without a name or a text");
        };
        ensure!(is_name(name), "{name:?} is no name");
        ensure!(name == *current || !families.contains_key(name), "the lines of {name} are not together");
        *current = name;
        let family = families.entry(name).or_default();
        ensure!(family.samples.is_empty(), "metadata behind samples");
        match word {
            "HELP" => {
                ensure!(!family.help, "a second HELP");
                unescaped(rest).context("the help")?;
                family.help = true;
            }
            "TYPE" => {
                ensure!(family.kind.is_none(), "a second TYPE");
                ensure!(["counter", "gauge", "histogram"].contains(&rest), "an unknown type");
                family.kind = Some(rest);
            }
            _ => bail!("{word} is not expected"),
        }
        return Ok(());
    }
    let end = line.find(['{', ' ']).context("a sample without a value")?;
    let (name, rest) = line.split_at(end);
    ensure!(is_name(name), "{name:?} is no name");
    let suffix = name.strip_prefix(*current).with_context(|| format!("a sample under {current}"))?;
    let (labels, value) = match rest.strip_prefix('{') {
        Some(rest) => labels(rest)?,
        None => (BTreeMap::new(), rest),
    };
    let value = value.strip_prefix(' ').context("no space before the value")?;
    ensure!(value.chars().all(|c| c.is_ascii_digit() || ".+-e".contains(c)), "{value:?} is no number");
    let value: f64 = value.parse().with_context(|| format!("{value:?} is no number"))?;
    let family = families.get_mut(*current).context("a sample without metadata")?;
    family.samples.push(Sample { suffix, labels, value });
    Ok(())
}

/// Whether a text is a name of a metric or a label.
fn is_name(name: &str) -> bool {
    let first = name.chars().next();
    first.is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Reads labels up to their closing brace. Returns what comes behind it.
fn labels(mut rest: &str) -> Result<(BTreeMap<&str, String>, &str)> {
    let mut labels = BTreeMap::new();
    loop {
        let (name, value) = rest.split_once("=\"").context("a label without a value")?;
        ensure!(is_name(name), "{name:?} is no name of a label");
        let mut escaped = false;
        let end = value.find(|c| {
            let ends = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            ends
        });
        let (value, behind) = value.split_at(end.context("a label whose value does not end")?);
        ensure!(labels.insert(name, unescaped(value)?).is_none(), "the label {name} occurs twice");
        match behind[1..].split_at_checked(1) {
            Some((",", behind)) => rest = behind,
            Some(("}", behind)) => return Ok((labels, behind)),
            _ => bail!("neither a comma nor a brace behind the label {name}"),
        }
    }
}

/// Replaces the escapes of a text.
fn unescaped(text: &str) -> Result<String> {
    let (mut plain, mut chars) = (String::new(), text.chars());
    while let Some(c) = chars.next() {
        plain.push(match (c, if c == '\\' { chars.next() } else { None }) {
            ('\\', Some('n')) => '\n',
            ('\\', Some(c @ ('\\' | '"'))) => c,
            ('\\', _) => bail!("an unknown escape in {text:?}"),
            (c, _) => c,
        });
    }
    Ok(plain)
}

fn check_family(family: &Family<'_>) -> Result<()> {
    let kind = family.kind.context("no TYPE")?;
    ensure!(family.help, "no HELP");
    let mut seen = BTreeSet::new();
    for Sample { suffix, labels, value } in &family.samples {
        let suffixes: &[&str] = match kind {
            "counter" => &["_total"],
            "histogram" => &["_bucket", "_count", "_sum"],
            _ => &[""],
        };
        ensure!(suffixes.contains(suffix), "a {kind} has no sample with the suffix {suffix:?}");
        ensure!(seen.insert((*suffix, labels)), "two samples with {suffix:?} and {labels:?}");
        ensure!(kind == "gauge" || *value >= 0.0, "a negative {kind}");
        ensure!(
            labels.contains_key("le") == (*suffix == "_bucket"),
            "le where it does not belong: {labels:?}"
        );
    }
    let mut sums = family.samples.iter().filter(|sample| sample.suffix == "_sum");
    sums.try_for_each(|sum| check_histogram(&sum.labels, &family.samples))
}

/// Checks the buckets of the histogram with these labels.
fn check_histogram(labels: &BTreeMap<&str, String>, samples: &[Sample<'_>]) -> Result<()> {
    let count = samples.iter().find(|sample| sample.suffix == "_count" && sample.labels == *labels);
    let count = count.context("a histogram without a count")?.value;
    let (mut bound, mut below) = (f64::NEG_INFINITY, 0.0);
    for bucket in samples.iter().filter(|sample| sample.suffix == "_bucket") {
        let mut others = bucket.labels.clone();
        let le = others.remove("le").context("a bucket without le")?;
        if others != *labels {
            continue;
        }
        let le: f64 = le.parse().with_context(|| format!("{le:?} is no bound"))?;
        ensure!(le > bound, "bounds do not grow: {le} behind {bound}");
        ensure!(bucket.value >= below, "buckets do not grow at {le}");
        (bound, below) = (le, bucket.value);
    }
    ensure!(bound == f64::INFINITY, "no bucket +Inf");
    ensure!(below == count, "the bucket +Inf has {below}, the count is {count}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "# HELP a_b Text with \\\\ and \\n.\n# TYPE a_b counter\na_b_total{c=\"x \\\"y\\\" \\\\\",d=\"\"} 7\n\
        # HELP g One.\n# TYPE g gauge\ng -1.5e-3\n# HELP n None.\n# TYPE n gauge\n\
        # HELP h H.\n# TYPE h histogram\nh_sum{c=\"1\"} 2.5\nh_count{c=\"1\"} 3\n\
        h_bucket{le=\"1.0\",c=\"1\"} 1\nh_bucket{le=\"+Inf\",c=\"1\"} 3\n# EOF\n";

    #[test]
    fn a_valid_page_is_accepted_with_its_metrics() {
        let kinds = check(PAGE).unwrap();
        assert_eq!(kinds, [("a_b", "counter"), ("g", "gauge"), ("h", "histogram"), ("n", "gauge")].into());
        assert!(check("# EOF\n").unwrap().is_empty());
    }

    #[test]
    fn each_violation_is_refused() {
        for (valid, invalid) in [
            ("# EOF\n", ""),
            ("# EOF\n", "\n# EOF\n"),
            ("a_b_total{", "a_b{"),
            ("a_b_total{", "c_total{"),
            ("} 7", "} -7"),
            ("} 7", "} 7 "),
            ("} 7", "}7"),
            ("} 7", "} seven"),
            ("} 7", "} NaN"),
            ("\",d=", "\" d="),
            ("d=\"\"", "c=\"\""),
            ("d=\"\"", "d=\"\\t\""),
            ("d=\"\"", "2=\"\""),
            ("g -1.5e-3\n", "g -1.5e-3\ng 2\n"),
            ("# TYPE g gauge\n", ""),
            ("# HELP g One.\n", ""),
            ("# HELP g One.\n", "# HELP g One.\n# HELP g Two.\n"),
            ("# TYPE g gauge", "# TYPE g number"),
            ("# TYPE n gauge\n", "# TYPE n gauge\n# HELP a_b Again.\n"),
            ("h_count{c=\"1\"} 3\n", ""),
            ("h_count{c=\"1\"} 3\n", "h_count{c=\"1\"} 4\n"),
            ("h_bucket{le=\"+Inf\",c=\"1\"} 3\n", ""),
            ("h_bucket{le=\"1.0\",c=\"1\"} 1\n", "h_bucket{le=\"1.0\",c=\"1\"} 4\n"),
        ] {
            assert!(PAGE.contains(valid), "{valid}");
            let page = PAGE.replacen(valid, invalid, 1);
            assert!(check(&page).is_err(), "{valid:?} as {invalid:?}");
        }
    }
}
