//! `pof-config.xml`, where a grid registers its classes, compared with a mapping.

use std::collections::BTreeMap;

use roxmltree::{Document, Node};

use super::Mapping;
use super::types::{EnumForm, Layout};

/// Coherence's own classes; every configuration that is not a test's includes it.
const BUILT_IN: &str = "coherence-pof-config.xml";
/// Type ids below it are for Coherence's own classes.
const FIRST_APPLICATION: u32 = 1000;
const MAX_FILES: usize = 100;

const ENUM_SERIALIZER: &str = "com.tangosol.io.pof.EnumPofSerializer";

/// The classes that a configuration and what it includes register.
#[derive(Debug, Default)]
pub struct PofConfig {
    types: BTreeMap<u32, Registered>,
    /// Included files that could not be read, and why.
    missing: Vec<(String, String)>,
}

#[derive(Debug)]
struct Registered {
    class: String,
    serializer: Option<String>,
    /// File and line.
    place: String,
}

/// Why a configuration cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PofConfigError {
    /// The file itself.
    #[error("{file}: {why}")]
    File {
        /// Its name.
        file: String,
        /// Why it cannot be read.
        why: String,
    },
    /// An element that is not as it should be.
    #[error("{place}: {why}")]
    Element {
        /// File and line.
        place: String,
        /// What is wrong.
        why: String,
    },
}

/// What a comparison found out about one type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Compared {
    /// Mapping and configuration agree.
    Same(String),
    /// They could not be compared in full.
    Unknown(String),
    /// They do not agree.
    Different(String),
}

impl PofConfig {
    /// Reads a configuration. `load` returns the text of a file by its name as it is included, or why that is not
    /// possible.
    ///
    /// # Errors
    /// Where the file itself cannot be read, or is no configuration. An included file that cannot be read is a finding
    /// of the comparison.
    pub fn read(
        name: &str,
        load: &mut dyn FnMut(&str) -> Result<String, String>,
    ) -> Result<Self, Vec<PofConfigError>> {
        let mut config = Self::default();
        let mut errors = Vec::new();
        let mut known = vec![name.to_owned()];
        let mut next = 0;
        while let Some(file) = known.get(next).cloned() {
            match load(&file) {
                Ok(text) => config.add(&file, &text, &mut known, &mut errors),
                Err(why) if next == 0 => errors.push(PofConfigError::File { file, why }),
                Err(why) => config.missing.push((file, why)),
            }
            next += 1;
        }
        if errors.is_empty() { Ok(config) } else { Err(errors) }
    }

    fn add(&mut self, file: &str, text: &str, known: &mut Vec<String>, errors: &mut Vec<PofConfigError>) {
        let document = match Document::parse(text) {
            Ok(document) => document,
            Err(error) => {
                errors.push(PofConfigError::File { file: file.to_owned(), why: error.to_string() });
                return;
            }
        };
        let root = document.root_element();
        let place =
            |node: &Node<'_, '_>| format!("{file} line {}", document.text_pos_at(node.range().start).row);
        if root.tag_name().name() != "pof-config" {
            let why = format!("root element is {}, expected pof-config", root.tag_name().name());
            errors.push(PofConfigError::Element { place: place(&root), why });
            return;
        }
        let lists = children(root, "user-type-list");
        for node in lists.flat_map(|list| list.children().filter(Node::is_element)) {
            match node.tag_name().name() {
                "include" => {
                    let included = content(node);
                    let included = included.strip_prefix("classpath:").unwrap_or(included);
                    if included != BUILT_IN
                        && !known.iter().any(|file| file == included)
                        && known.len() < MAX_FILES
                    {
                        known.push(included.to_owned());
                    }
                }
                "user-type" => {
                    let class = children(node, "class-name").next().map(content).unwrap_or_default();
                    let id = children(node, "type-id").next().map(content).unwrap_or_default();
                    let serializer = children(node, "serializer").next();
                    let serializer = serializer.and_then(|node| children(node, "class-name").next());
                    let Ok(id) = id.parse::<u32>() else {
                        let why = format!(
                            "class {class} has no type-id that is a number, so it cannot be compared"
                        );
                        errors.push(PofConfigError::Element { place: place(&node), why });
                        continue;
                    };
                    let registered = Registered {
                        class: class.to_owned(),
                        serializer: serializer.map(|node| content(node).to_owned()),
                        place: place(&node),
                    };
                    if let Some(other) = self.types.get(&id).filter(|other| other.class != class) {
                        let why =
                            format!("type-id {id} of {class} is that of {} ({})", other.class, other.place);
                        errors.push(PofConfigError::Element { place: registered.place, why });
                        continue;
                    }
                    self.types.entry(id).or_insert(registered);
                }
                _ => {}
            }
        }
    }

    fn compare(&self, what: &str, id: u32, class: Option<&str>, fits: &[&str]) -> Compared {
        let Some(registered) = self.types.get(&id) else {
            let elsewhere = self.types.iter().find(|(_, registered)| Some(&*registered.class) == class);
            return match elsewhere {
                Some((other, registered)) => {
                    let Registered { class, place, .. } = registered;
                    Compared::Different(format!(
                        "{what}: id is {id}, and {class} has type-id {other} ({place})"
                    ))
                }
                None if id < FIRST_APPLICATION => Compared::Different(format!(
                    "{what}: id {id} is registered nowhere; ids below {FIRST_APPLICATION} are for Coherence's classes"
                )),
                None => match self.missing.first() {
                    None => Compared::Different(format!("{what}: id {id} is registered nowhere")),
                    Some((file, why)) => Compared::Unknown(format!(
                        "{what}: id {id} was not found, and the included file {file} could not be read: {why}"
                    )),
                },
            };
        };
        let Registered { class: actual, serializer, place } = registered;
        match (class, serializer.as_deref()) {
            (Some(class), _) if class != actual => Compared::Different(format!(
                "{what}: class is {class}, and type-id {id} is {actual} ({place})"
            )),
            (_, Some(serializer)) if !fits.contains(&serializer) => Compared::Unknown(format!(
                "{what}: {actual} has the serializer {serializer} ({place}): whether it writes this layout is not known"
            )),
            (None, _) => {
                Compared::Unknown(format!("{what}: names no class, and type-id {id} is {actual} ({place})"))
            }
            (Some(_), _) => Compared::Same(format!("{what}: type-id {id} is {actual}")),
        }
    }
}

impl Mapping {
    /// Compares the type ids and classes with a configuration, in the order of the file.
    pub fn compare(&self, config: &PofConfig) -> Vec<Compared> {
        let types = self.types.iter().map(|ty| {
            let fits: &[&str] = match ty.layout {
                Layout::PortableObject => &["com.tangosol.io.pof.PortableObjectSerializer"],
                Layout::Portable => &["com.tangosol.io.pof.PofAnnotationSerializer"],
                Layout::PortableType => &["com.tangosol.io.pof.PortableTypeSerializer"],
            };
            (ty.line, format!("type {}", ty.name), ty.id, ty.class.as_deref(), fits)
        });
        let enums =
            self.enums.iter().filter(|constants| constants.form == EnumForm::Object).map(|constants| {
                let fits: &[&str] = &[ENUM_SERIALIZER];
                (
                    constants.line,
                    format!("enum {}", constants.name),
                    constants.id,
                    constants.class.as_deref(),
                    fits,
                )
            });
        let mut all: Vec<_> = types.chain(enums).collect();
        all.sort_by_key(|(line, ..)| *line);
        let compared = all.into_iter().map(|(_, what, id, class, fits)| match id {
            Some(id) => config.compare(&what, id, class, fits),
            None => Compared::Unknown(format!("{what}: has no id, so it is for maps in JSON only")),
        });
        compared.collect()
    }
}

fn children<'a, 'i>(node: Node<'a, 'i>, name: &'static str) -> impl Iterator<Item = Node<'a, 'i>> {
    node.children().filter(move |child| child.is_element() && child.tag_name().name() == name)
}

fn content<'a>(node: Node<'a, '_>) -> &'a str {
    node.text().unwrap_or_default().trim()
}
