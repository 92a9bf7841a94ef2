//! What `mapping check` asks of a mapping file.

use std::path::Path;

use coherence_kafka_connect::config::Checked;
use coherence_kafka_connect::mapping::{Compared, PofConfig};
use coherence_kafka_worker::CONNECTOR;
use coherence_kafka_worker::config::mapping_file::{read, text_of};

/// Checks a mapping file, and compares it with a POF configuration where one is given.
pub fn check(file: &Path, pof_config: Option<&Path>) -> Checked {
    let mut findings = Checked::default();
    let mapping = match read(file) {
        Ok(mapping) => mapping,
        Err(errors) => {
            errors.iter().for_each(|error| findings.problem(CONNECTOR, error));
            return findings;
        }
    };
    let maps: Vec<_> = mapping.maps().collect();
    findings.good(format_args!("{}: entries of {}", file.display(), maps.join(", ")));
    let Some(path) = pof_config else {
        findings.note("type ids are compared with a grid's where --pof-config names its pof-config.xml");
        return findings;
    };
    let name = path.display().to_string();
    let folder = path.parent().unwrap_or(Path::new(""));
    // What a configuration includes is a resource of the class path, where it usually stands next to it.
    let mut load = |included: &str| {
        if included == name { text_of(path) } else { text_of(&folder.join(included)) }
    };
    match PofConfig::read(&name, &mut load) {
        Ok(config) => {
            for compared in mapping.compare(&config) {
                match compared {
                    Compared::Same(what) => findings.good(what),
                    Compared::Unknown(what) => findings.note(what),
                    Compared::Different(what) => findings.problem(CONNECTOR, what),
                }
            }
        }
        Err(errors) => errors.iter().for_each(|error| findings.problem(CONNECTOR, error)),
    }
    findings
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const MAPPING: &str = "[types.Order]\nclass = \"com.acme.Order\"\nid = 2001\n[types.Order.fields]\n\
                           id = { index = 0, type = \"long\" }\n[maps.Orders]\nvalue = \"Order\"\n";

    fn config(include: &str, id: u32, class: &str) -> String {
        format!(
            "<pof-config><user-type-list><include>{include}</include>\
             <user-type><type-id>{id}</type-id><class-name>{class}</class-name></user-type>\
             </user-type-list></pof-config>"
        )
    }

    #[test]
    fn a_check_compares_a_mapping_with_a_configuration_and_what_it_includes() {
        let folder = tempfile::tempdir().unwrap();
        let (file, pof) = (folder.path().join("mapping.toml"), folder.path().join("pof-config.xml"));
        fs::write(&file, MAPPING).unwrap();
        fs::write(&pof, config("orders.xml", 2000, "com.acme.Other")).unwrap();
        let lines =
            |findings: &Checked| findings.to_string().lines().skip(1).map(str::to_owned).collect::<Vec<_>>();
        let unresolved = check(&file, Some(&pof));
        assert_eq!(unresolved.exit_code(), 0);
        assert!(
            lines(&unresolved)[0].starts_with("note     type Order: id 2001 was not found"),
            "{unresolved}"
        );
        fs::write(
            folder.path().join("orders.xml"),
            config("coherence-pof-config.xml", 2001, "com.acme.Order"),
        )
        .unwrap();
        let same = check(&file, Some(&pof));
        assert_eq!(
            (same.exit_code(), lines(&same)),
            (0, vec!["ok       type Order: type-id 2001 is com.acme.Order".into()])
        );
        fs::write(
            folder.path().join("orders.xml"),
            config("coherence-pof-config.xml", 2001, "com.acme.Line"),
        )
        .unwrap();
        let different = check(&file, Some(&pof));
        assert_eq!(different.exit_code(), 3);
        assert!(
            lines(&different)[0].starts_with("problem  type Order: class is com.acme.Order"),
            "{different}"
        );
        assert_eq!(check(&file, Some(&folder.path().join("none.xml"))).exit_code(), 3);
        assert_eq!(check(&file, None).exit_code(), 0);
    }

    #[test]
    fn a_check_reports_every_error_of_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("mapping.toml");
        fs::write(&file, MAPPING.replace("index", "idx").replace("value", "valeu")).unwrap();
        let findings = check(&file, None);
        assert_eq!(findings.exit_code(), 3);
        let lines = findings.to_string();
        assert!(
            lines.lines().all(|line| line.starts_with("problem  ") && line.contains(" line ")),
            "{lines}"
        );
        assert_eq!(lines.lines().count(), 4, "{lines}");
        assert_eq!(check(&folder.path().join("none"), None).exit_code(), 3);
    }
}
