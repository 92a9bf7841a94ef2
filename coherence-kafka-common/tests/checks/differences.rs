//! What this crate does otherwise than Java: `vectors/differences.md`, where people read it too.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

const TABLE: &str = include_str!("../vectors/differences.md");

/// The lines of the table: bytes or value, and what happens here.
pub struct Differences {
    listed: BTreeMap<&'static str, &'static str>,
    met: RefCell<BTreeSet<&'static str>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Here {
    AsJava,
    Refused,
    Otherwise,
}

impl Differences {
    pub fn listed() -> Self {
        let listed = TABLE.lines().filter_map(|line| {
            let mut cells = line.strip_prefix("| `")?.split('|').map(str::trim);
            Some((cells.next()?.trim_end_matches('`'), cells.nth(1)?))
        });
        Self { listed: listed.collect(), met: RefCell::default() }
    }

    /// What happens to these bytes, in hexadecimal, or to this value.
    pub fn here(&self, subject: &str) -> Here {
        match self.listed.get_key_value(subject) {
            None => Here::AsJava,
            Some((subject, here)) => {
                self.met.borrow_mut().insert(subject);
                if here.starts_with("refused") { Here::Refused } else { Here::Otherwise }
            }
        }
    }

    /// What stands in the table for this subject.
    pub fn told(&self, subject: &str) -> Option<&'static str> {
        let (subject, told) = self.listed.get_key_value(subject)?;
        self.met.borrow_mut().insert(subject);
        Some(told)
    }

    pub fn unused(&self) -> Vec<&'static str> {
        let met = self.met.borrow();
        self.listed.keys().filter(|subject| !met.contains(*subject)).copied().collect()
    }
}
