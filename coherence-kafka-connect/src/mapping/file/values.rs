//! The tables of a file and the values in them, each of the type that is expected.

use coherence_kafka_common::nearest::nearest;

use super::super::expression;
use super::{MAX_NUMBER, Node, Reader, Table};

impl<'t> Reader<'t> {
    /// Returns the tables below a name, in the order of the file.
    pub(super) fn tables<'n>(
        &mut self,
        root: &'n Table<'t>,
        name: &str,
    ) -> Vec<(&'n str, &'n Table<'t>, usize)> {
        let Some(node) = root.get(name) else { return Vec::new() };
        let Some(table) = node.get_ref().as_table() else {
            self.error(node.span().start, format!("{name} is no table: write [{name}.NAME]"));
            return Vec::new();
        };
        let mut tables = Vec::new();
        for (key, node) in table {
            let at = key.span().start;
            match node.get_ref().as_table() {
                Some(inner) => tables.push((&**key.get_ref(), inner, at)),
                None => self.error(at, format!("{name}.{} is no table: write [{name}.NAME]", key.get_ref())),
            }
        }
        tables.sort_by_key(|(_, _, at)| *at);
        tables
    }

    /// Refuses keys that are not known.
    pub(super) fn known(&mut self, table: &Table<'t>, of: &str, known: &[&str]) {
        for (key, _) in table {
            let name = key.get_ref();
            if !known.contains(&&**name) {
                let mean = nearest(name, known.iter().copied());
                let mean = mean.map_or_else(
                    || format!("expected {}", known.join(", ")),
                    |known| format!("did you mean {known}?"),
                );
                let of = if of.is_empty() { String::new() } else { format!("{of}: ") };
                self.error(key.span().start, format!("{of}unknown key {name}, {mean}"));
            }
        }
    }

    pub(super) fn check_name(&mut self, what: &str, name: &str, at: usize) {
        let fits = name.chars().all(|c| c.is_alphanumeric() || "_$.".contains(c)) && !name.is_empty();
        if !fits {
            self.error(at, format!("{what} {name}: a name has letters, digits, _, $ and . only"));
        } else if expression::is_built_in(name) {
            self.error(at, format!("{what} {name}: the name is that of a Java class that every mapping has"));
        }
    }

    pub(super) fn text(&mut self, table: &'_ Table<'t>, of: &str, key: &str) -> Option<(String, usize)> {
        let node = table.get(key)?;
        let at = node.span().start;
        match node.get_ref().as_str() {
            Some("") => self.error(at, format!("{of}: {key} is empty")),
            Some(text) => return Some((text.to_owned(), at)),
            None => self.expected(node, of, key, "text in quotation marks"),
        }
        None
    }

    pub(super) fn number(&mut self, table: &Table<'t>, of: &str, key: &str) -> Option<u32> {
        let node = table.get(key)?;
        let number = node.get_ref().as_integer();
        let number = number.and_then(|number| i64::from_str_radix(number.as_str(), number.radix()).ok());
        match number {
            Some(number @ 0..=MAX_NUMBER) => Some(number as u32),
            _ => {
                self.expected(node, of, key, "a number from 0 to 2147483647");
                None
            }
        }
    }

    pub(super) fn flag(&mut self, table: &Table<'t>, of: &str, key: &str) -> bool {
        let Some(node) = table.get(key) else { return false };
        node.get_ref().as_bool().unwrap_or_else(|| {
            self.expected(node, of, key, "true or false");
            false
        })
    }

    /// Returns one of several words.
    pub(super) fn word<T: Copy>(
        &mut self,
        table: &Table<'t>,
        of: &str,
        key: &str,
        words: &[(T, &str)],
    ) -> Option<T> {
        let (text, at) = self.text(table, of, key)?;
        let found = words.iter().find(|(_, word)| *word == text).map(|(value, _)| *value);
        if found.is_none() {
            let words: Vec<String> = words.iter().map(|(_, word)| format!("\"{word}\"")).collect();
            self.error(at, format!("{of}: {key} is \"{text}\", expected {}", words.join(" or ")));
        }
        found
    }

    pub(super) fn expected(&mut self, node: &Node<'t>, of: &str, key: &str, expected: &str) {
        let found = node.get_ref().type_str();
        self.error(node.span().start, format!("{of}: {key} is {found}, expected {expected}"));
    }
}
