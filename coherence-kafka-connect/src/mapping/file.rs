//! The mapping file: TOML, read and checked as a whole.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use coherence_kafka_common::nearest::nearest;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::types::{Enum, EnumForm, Field, Kind, Layout, Type, UserType, Write};
use super::{MapTypes, Mapping, PartType, expression, schema};

mod checks;
mod values;

/// Types and enums of a file at most.
const MAX_TYPES: usize = 1000;
/// Names in the path of a field at most.
const MAX_PATH: usize = 16;
/// Properties of a user type in Java are counted by an `int`.
const MAX_NUMBER: i64 = i32::MAX as i64;

/// What is wrong with a mapping file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong there, and what would be right.
    pub message: String,
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

impl std::error::Error for FileError {}

type Table<'t> = DeTable<'t>;
type Node<'t> = Spanned<DeValue<'t>>;

/// Reads a file, and collects what is wrong.
struct Reader<'t> {
    text: &'t str,
    errors: Vec<FileError>,
}

/// The names of types and enums, and their positions.
#[derive(Default)]
struct Names<'t> {
    types: HashMap<&'t str, usize>,
    enums: HashMap<&'t str, usize>,
}

impl expression::Names for Names<'_> {
    fn find(&self, name: &str) -> Option<Type> {
        let user = self.types.get(name).map(|index| Type::User(*index));
        user.or_else(|| self.enums.get(name).map(|index| Type::Enum(*index)))
    }

    fn nearest(&self, name: &str) -> Option<String> {
        let built_in = Kind::ALL.iter().flat_map(|(_, primitive, wrapper)| [*primitive, *wrapper]);
        let temporal = super::types::Temporal::ALL.iter().map(|(_, class)| *class);
        let others = ["String", "BigInteger", "BigDecimal", "UUID", "Binary"];
        let own = self.types.keys().chain(self.enums.keys()).copied();
        // In one order: a map of names has none.
        let mut known: Vec<&str> = built_in.chain(temporal).chain(others).chain(own).collect();
        let other_case =
            |known: &str| known.starts_with(char::is_uppercase) != name.starts_with(char::is_uppercase);
        known.sort_unstable_by_key(|known| (other_case(known), *known));
        nearest(name, known).map(str::to_owned)
    }
}

/// Reads the text of a mapping file.
pub(super) fn parse(text: &str) -> Result<Mapping, Vec<FileError>> {
    let mut reader = Reader { text, errors: Vec::new() };
    let (root, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let at = error.span().map_or(0, |span| span.start);
        reader.error(at, error.message().to_owned());
    }
    // What stands behind an error of the grammar may have been read otherwise than it was meant.
    let mapping = if reader.errors.is_empty() { reader.mapping(root.get_ref()) } else { None };
    match mapping.filter(|_| reader.errors.is_empty()) {
        Some(mapping) => Ok(mapping),
        None => {
            reader.errors.sort_by_key(|error| error.line);
            Err(reader.errors)
        }
    }
}

impl<'t> Reader<'t> {
    fn error(&mut self, at: usize, message: String) {
        let line = self.line(at);
        self.errors.push(FileError { line, message });
    }

    fn line(&self, at: usize) -> usize {
        let before = self.text.as_bytes().get(..at).unwrap_or(self.text.as_bytes());
        before.iter().filter(|byte| **byte == b'\n').count() + 1
    }

    fn mapping(&mut self, root: &Table<'t>) -> Option<Mapping> {
        self.known(root, "", &["types", "enums", "maps"]);
        let types = self.tables(root, "types");
        let enums = self.tables(root, "enums");
        let maps = self.tables(root, "maps");
        if maps.is_empty() {
            self.error(0, "no map has a type: add a table [maps.NAME] with key and value".to_owned());
        }
        if types.len() + enums.len() > MAX_TYPES {
            self.error(0, format!("more than {MAX_TYPES} types and enums"));
            return None;
        }
        let mut names = Names::default();
        for (index, (name, _, at)) in types.iter().enumerate() {
            self.check_name("type", name, *at);
            names.types.insert(name, index);
        }
        for (index, (name, _, at)) in enums.iter().enumerate() {
            self.check_name("enum", name, *at);
            if names.types.contains_key(name) {
                self.error(*at, format!("enum {name}: a type has the same name"));
            }
            names.enums.insert(name, index);
        }
        let enums: Vec<Enum> =
            enums.iter().map(|(name, table, at)| self.constants(name, table, *at)).collect();
        let mut read: Vec<UserType> =
            types.iter().map(|(name, table, at)| self.user_type(name, table, *at, &names, &enums)).collect();
        self.check_ids(&read, &enums);
        self.hierarchies(&mut read);
        if !self.errors.is_empty() {
            // The names of maps can be checked all the same.
            maps.iter().for_each(|(name, table, at)| drop(self.map(name, table, *at, &names, &read)));
            return None;
        }
        if let Err(overlaps) = schema::build(&mut read) {
            for (index, why) in overlaps {
                let ty = &read[index];
                self.errors.push(FileError { line: ty.line, message: format!("type {}: {why}", ty.name) });
            }
        }
        let maps: BTreeMap<String, MapTypes> = maps
            .iter()
            .map(|(name, table, at)| ((*name).to_owned(), self.map(name, table, *at, &names, &read)))
            .collect();
        Some(Mapping { types: read, enums, maps })
    }

    fn constants(&mut self, name: &str, table: &Table<'t>, at: usize) -> Enum {
        let of = format!("enum {name}");
        self.known(table, &of, &["class", "id", "constants", "form"]);
        let mut constants = Vec::new();
        match table.get("constants").map(|node| (node, node.get_ref().as_array())) {
            None => {
                self.error(at, format!("{of}: constants is missing: list the names in the order of the enum"))
            }
            Some((node, None)) => self.expected(node, &of, "constants", "a list of names"),
            Some((node, Some(items))) => {
                for item in items.iter() {
                    match item.get_ref().as_str() {
                        Some(constant) if constants.iter().any(|known| known == constant) => {
                            self.error(item.span().start, format!("{of}: constant {constant} occurs twice"));
                        }
                        Some(constant) => constants.push(constant.to_owned()),
                        None => self.expected(item, &of, "an item of constants", "a name in quotation marks"),
                    }
                }
                if items.is_empty() {
                    self.error(node.span().start, format!("{of}: constants is empty"));
                }
            }
        }
        Enum {
            name: name.to_owned(),
            class: self.text(table, &of, "class").map(|(class, _)| class),
            id: self.number(table, &of, "id"),
            constants,
            form: self.word(table, &of, "form", &EnumForm::ALL).unwrap_or(EnumForm::Object),
            line: self.line(at),
        }
    }

    fn user_type(
        &mut self,
        name: &str,
        table: &Table<'t>,
        at: usize,
        names: &Names<'_>,
        enums: &[Enum],
    ) -> UserType {
        let of = format!("type {name}");
        self.known(table, &of, &["class", "id", "version", "layout", "extends", "unmapped", "fields"]);
        let id = self.number(table, &of, "id");
        let layout = self.word(table, &of, "layout", &Layout::ALL).unwrap_or(Layout::PortableObject);
        let parent = self.text(table, &of, "extends").and_then(|(parent, at)| {
            if layout != Layout::PortableType {
                let why = "extends is for layout \"@PortableType\": elsewhere a class writes the properties of the \
                           class that it extends as its own, so list them in fields";
                self.error(at, format!("{of}: {why}"));
                return None;
            }
            let found = names.types.get(&*parent).copied();
            if found.is_none() {
                let mut known: Vec<&str> = names.types.keys().copied().collect();
                known.sort_unstable();
                let mean = nearest(&parent, known);
                let mean = mean.map_or_else(String::new, |known| format!(", did you mean {known}?"));
                self.error(at, format!("{of}: extends the unknown type {parent}{mean}"));
            }
            found
        });
        let mut fields = Vec::new();
        match table.get("fields").map(|node| (node, node.get_ref().as_table())) {
            None => self.error(at, format!("{of}: fields is missing: add a table [types.{name}.fields]")),
            Some((node, None)) => self.expected(node, &of, "fields", "a table of fields"),
            Some((_, Some(table))) => {
                let mut nodes: Vec<_> = table.iter().collect();
                nodes.sort_by_key(|(key, _)| key.span().start);
                for (key, node) in nodes {
                    fields.extend(self.field(&of, key.get_ref(), node, id.is_some(), layout, names, enums));
                }
            }
        }
        self.check_indexes(&of, &mut fields);
        UserType {
            name: name.to_owned(),
            class: self.text(table, &of, "class").map(|(class, _)| class),
            id,
            version: self.number(table, &of, "version").unwrap_or(0),
            layout,
            parent,
            fields: fields.into_iter().map(|(field, _)| field).collect(),
            refuses_unmapped: self
                .word(table, &of, "unmapped", &[(false, "ignore"), (true, "refuse")])
                .unwrap_or(false),
            schema: None,
            shape: Vec::new(),
            hierarchy: Vec::new(),
            line: self.line(at),
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the context of a field is that of its type")]
    fn field(
        &mut self,
        of: &str,
        name: &str,
        node: &Node<'t>,
        has_id: bool,
        layout: Layout,
        names: &Names<'_>,
        enums: &[Enum],
    ) -> Option<(Field, usize)> {
        let of = format!("{of}: field {name}");
        let at = node.span().start;
        let Some(table) = node.get_ref().as_table() else {
            let found = node.get_ref().type_str();
            self.error(at, format!("{of} is {found}, expected a table as {{ index = 0, type = \"int\" }}"));
            return None;
        };
        self.known(table, &of, &["index", "type", "from", "write", "required"]);
        let index = self.number(table, &of, "index");
        match (has_id, table.get("index")) {
            (true, None) => {
                self.error(at, format!("{of}: index is missing: the index of the property in POF"))
            }
            (false, Some(node)) => {
                self.error(
                    node.span().start,
                    format!("{of}: an index is for a type with an id, which is missing"),
                );
            }
            _ => {}
        }
        let from = match self.text(table, &of, "from") {
            None => vec![name.to_owned()],
            Some((path, at)) => {
                let path: Vec<String> = path.split('.').map(str::to_owned).collect();
                if path.iter().any(String::is_empty) || path.len() > MAX_PATH {
                    self.error(
                        at,
                        format!("{of}: from is no path: names with a dot between them, {MAX_PATH} at most"),
                    );
                }
                path
            }
        };
        let write = self.word(
            table,
            &of,
            "write",
            &[(Write::Typed, "typed"), (Write::Object, "object"), (Write::Uniform, "uniform")],
        );
        let ty = self.ty(table, &of, "type", at, names)?;
        let by_default = match (layout, &ty) {
            (Layout::Portable, _) | (Layout::PortableType, Type::Collection(_) | Type::Map(..)) => {
                Write::Object
            }
            _ => Write::Typed,
        };
        if write == Some(Write::Uniform) {
            let fits = match &ty {
                Type::Array(element) | Type::Collection(element) => {
                    matches!(**element, Type::String | Type::Wrapper(_))
                }
                _ => false,
            };
            if !fits {
                let why = "write = \"uniform\" is for collections and arrays of String and of wrappers such as Integer";
                self.error(at, format!("{of}: {why}"));
            }
        }
        let write = write.unwrap_or(by_default);
        let required = self.flag(table, &of, "required");
        if let Type::Enum(constants) = ty
            && enums[constants].form == EnumForm::Ordinal
            && write == Write::Object
            && layout != Layout::Portable
        {
            self.error(
                at,
                format!("{of}: an enum of form \"ordinal\" is an int: write = \"object\" is for Integer"),
            );
        }
        Some((Field { name: name.to_owned(), from, index, ty, write, required }, at))
    }

    fn ty(&mut self, table: &Table<'t>, of: &str, key: &str, at: usize, names: &Names<'_>) -> Option<Type> {
        if table.get(key).is_none() {
            self.error(at, format!("{of}: {key} is missing"));
        }
        let (text, at) = self.text(table, of, key)?;
        match expression::parse(&text, names) {
            Ok(ty) => Some(ty),
            Err(why) => {
                self.error(at, format!("{of}: {key}: {why}"));
                None
            }
        }
    }

    fn map(
        &mut self,
        name: &str,
        table: &Table<'t>,
        at: usize,
        names: &Names<'_>,
        types: &[UserType],
    ) -> MapTypes {
        let of = format!("map {name}");
        self.known(table, &of, &["key", "value"]);
        let mut part = |key: &str| {
            let node = table.get(key)?;
            let at = node.span().start;
            let ty = self.ty(table, &of, key, at, names)?;
            let schema = schema::of_root(&ty, types);
            Some(PartType { ty, schema })
        };
        let (key, value) = (part("key"), part("value"));
        if table.get("key").is_none() && table.get("value").is_none() {
            self.error(at, format!("{of}: neither key nor value has a type"));
        }
        MapTypes { key, value }
    }
}
