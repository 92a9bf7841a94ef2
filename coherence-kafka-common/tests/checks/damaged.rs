//! Bytes that are legal, half legal or damaged, and what Java makes of them.

use coherence_kafka_common::binary::{FMT_EXT, FMT_IDO};
use coherence_kafka_common::decoration::{undecorated_key, undecorated_value};
use coherence_kafka_common::pof::{self, PofContext, PofValue};

use crate::classes;
use crate::differences::Here;
use crate::notation::{self, alike, hex};
use crate::tally::{Checked, Outcome, Row};
use crate::values;

pub fn half_legal(row: &Row<'_>) -> Checked {
    judged(row, &row.bytes("hex"), !row.json["error"].is_null())
}

pub fn malformed(row: &Row<'_>) -> Checked {
    let binary = match row.json["hex_repeat"].as_str() {
        None => row.bytes("hex"),
        Some(part) => {
            let count = row.json["repeat_count"].as_u64().unwrap() as usize;
            hex(&[row.text("hex_prefix"), &part.repeat(count), row.text("hex_suffix")].concat())
        }
    };
    judged(row, &binary, row.json["accepted"] == false)
}

fn judged(row: &Row<'_>, binary: &[u8], java_refuses: bool) -> Checked {
    let here = row.differences.here(row.json["hex"].as_str().unwrap_or_default());
    let described = notation::value(&row.json["decoded"]);
    match (read(binary), here, java_refuses) {
        (Err(wrong), Here::AsJava, true) | (Err(wrong), Here::Refused, false) => {
            located(&wrong, binary.len())
        }
        (Err(wrong), ..) => Err(wrong),
        (Ok(read), Here::Refused, _) => Err(format!("listed as refused, but read {read:?}")),
        (Ok(read), Here::AsJava, true) => Err(format!("refused by Java, but read {read:?}")),
        (Ok(_), Here::Otherwise, true) => Ok(Outcome::Passed),
        (Ok(read), Here::AsJava, false) => match described {
            Some(described) if !alike(&read, &described) => Err(format!("read {read:?}")),
            _ => Ok(Outcome::Passed),
        },
        (Ok(read), Here::Otherwise, false) => match described {
            Some(described) if !alike(&read, &described) => Ok(Outcome::Passed),
            _ => Err(format!("listed as read otherwise, but read {read:?}")),
        },
    }
}

/// The value, whose objects their classes can read.
fn read(binary: &[u8]) -> Result<PofValue, String> {
    let plain = if binary.first() == Some(&FMT_IDO) {
        undecorated_key(binary).map(Some)
    } else {
        undecorated_value(binary)
    };
    match plain.map_err(|error| error.to_string())?.unwrap_or_default() {
        [FMT_EXT, pof @ ..] => {
            let value = values::read(pof)?;
            classes::read_all(&value)?;
            Ok(value)
        }
        _ => pof::serde::from_binary(&PofContext::new(), binary).map_err(|error| error.to_string()),
    }
}

/// What is refused is refused with its place.
fn located(error: &str, len: usize) -> Checked {
    // The bytes are whole; only the grid of the vectors does not know the class.
    if error == classes::UNKNOWN {
        return Ok(Outcome::Passed);
    }
    let offset = error.rsplit_once("at byte ").map(|(_, offset)| offset.parse::<usize>());
    match offset {
        Some(Ok(offset)) if offset <= len => Ok(Outcome::Passed),
        _ => Err(format!("refused without a place inside of {len} bytes: {error}")),
    }
}
