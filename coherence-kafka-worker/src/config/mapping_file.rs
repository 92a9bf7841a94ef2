//! Mapping files on a disk.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use coherence_kafka_common::map::Format;
use coherence_kafka_connect::config::{ConfigErrors, Property};
use coherence_kafka_connect::mapping::Mapping;

/// The setting that names a mapping file.
pub const SETTING: &str = "coherence.mapping.file";

const MAX_FILE: u64 = 1024 * 1024;

/// Reads the mapping file that [`SETTING`] names, for maps of this format. All that is wrong with it becomes a finding.
pub fn of_setting(
    path: &str,
    format: Format,
    property: Option<&Property>,
    findings: &mut ConfigErrors,
) -> Option<Arc<Mapping>> {
    let path = Path::new(path);
    let of_format = |mapping: Mapping| match mapping.check_format(format) {
        Ok(()) => Ok(mapping),
        Err(errors) => Err(errors.iter().map(|error| format!("{} {error}", path.display())).collect()),
    };
    match read(path).and_then(of_format) {
        Ok(mapping) => Some(Arc::new(mapping)),
        Err(errors) => {
            for why in errors {
                findings.refusal(property, SETTING, why, "the mapping file cannot be used");
            }
            None
        }
    }
}

/// Reads a mapping file.
///
/// # Errors
/// All that is wrong with it, each with its place.
pub fn read(path: &Path) -> Result<Mapping, Vec<String>> {
    let shown = path.display();
    let text = text_of(path).map_err(|why| vec![format!("cannot read {shown}: {why}")])?;
    Mapping::parse(&text).map_err(|errors| errors.iter().map(|error| format!("{shown} {error}")).collect())
}

/// Returns the text of a file, which may be as large as a mapping file.
///
/// # Errors
/// Why it cannot be read.
pub fn text_of(path: &Path) -> Result<String, String> {
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(MAX_FILE + 1).read_to_string(&mut text));
    match read {
        Err(error) => Err(error.to_string()),
        Ok(_) if text.len() as u64 > MAX_FILE => Err(format!("it is larger than {MAX_FILE} bytes")),
        Ok(_) => Ok(text),
    }
}
