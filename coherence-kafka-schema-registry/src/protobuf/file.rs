//! From a `.proto` file to the descriptors of its messages.

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use prost_reflect::prost::encoding::{WireType, encode_key, encode_varint};
use prost_reflect::{FileDescriptor, Kind, MessageDescriptor};
use protox::file::{ChainFileResolver, File, FileResolver, GoogleFileResolver};
use protox::{Compiler, Error};

/// The name of the file that the registry has no name for.
const ROOT: &str = "default";
/// Blocks inside each other at most: the compiler reads them by recursion.
const MAX_DEPTH: usize = 100;
/// A reason is shown up to this many characters.
const MAX_REASON: usize = 300;

/// Files that Confluent's serializers know without the registry.
const KNOWN: [(&str, &str); 4] = [
    ("confluent/meta.proto", include_str!("proto/meta.proto")),
    ("confluent/type/decimal.proto", include_str!("proto/decimal.proto")),
    ("google/type/date.proto", include_str!("proto/date.proto")),
    ("google/type/timeofday.proto", include_str!("proto/timeofday.proto")),
];

#[derive(Debug)]
struct Texts(Vec<(String, String)>);

impl FileResolver for Texts {
    fn open_file(&self, name: &str) -> Result<File, Error> {
        match self.0.iter().find(|(known, _)| known == name) {
            Some((_, text)) => descriptor(name, text).map_or_else(|| File::from_source(name, text), Ok),
            None => Err(Error::file_not_found(name)),
        }
    }
}

/// Returns a file that is its descriptor in Base64: Confluent's serializers for Python register it so, and some
/// registries return it unchanged.
fn descriptor(name: &str, text: &str) -> Option<File> {
    let mut bytes = STANDARD.decode(text.trim()).ok().filter(|bytes| !bytes.is_empty())?;
    // The name that others import it by; of a field that comes twice, the last one counts.
    encode_key(1, WireType::LengthDelimited, &mut bytes);
    encode_varint(name.len() as u64, &mut bytes);
    bytes.extend_from_slice(name.as_bytes());
    File::decode_file_descriptor_proto(&*bytes).ok()
}

/// Returns the descriptors of a file, which is its text or its descriptor in Base64; `references` are the files that it
/// imports, by their names.
pub(super) fn compile(text: &str, references: &[(String, String)]) -> Result<FileDescriptor, String> {
    if std::iter::once(text).chain(references.iter().map(|(_, text)| text.as_str())).any(is_too_deep) {
        return Err(format!("more than {MAX_DEPTH} blocks inside each other"));
    }
    let owned = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
    let files = std::iter::once((ROOT.to_owned(), text.to_owned())).chain(references.iter().cloned());
    let mut resolver = ChainFileResolver::new();
    resolver.add(Texts(files.chain(KNOWN.iter().map(owned)).collect()));
    resolver.add(GoogleFileResolver::new());
    let mut compiler = Compiler::with_file_resolver(resolver);
    compiler.include_imports(true);
    let reason = |error: Error| error.to_string().chars().take(MAX_REASON).collect::<String>();
    compiler.open_file(ROOT).map_err(reason)?;
    compiler.descriptor_pool().get_file_by_name(ROOT).ok_or_else(|| "a file without content".to_owned())
}

/// Counts every bracket, those in comments and strings too.
fn is_too_deep(text: &str) -> bool {
    let mut depth = 0_usize;
    text.bytes().any(|byte| {
        match byte {
            b'{' | b'[' | b'(' | b'<' => depth += 1,
            b'}' | b']' | b')' | b'>' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth > MAX_DEPTH
    })
}

/// Returns the message at these positions: of a message of the file, of a message inside it, and so on.
pub(super) fn message(file: &FileDescriptor, indexes: &[u32]) -> Option<MessageDescriptor> {
    let (first, inner) = indexes.split_first()?;
    let mut message = file.messages().nth(usize::try_from(*first).ok()?)?;
    for index in inner {
        // Entries of maps are messages that the text does not have.
        let mut children = message.child_messages().filter(|child| !child.is_map_entry());
        let child = children.nth(usize::try_from(*index).ok()?)?;
        drop(children);
        message = child;
    }
    Some(message)
}

/// Returns the positions of the message of this full name.
pub(super) fn indexes(file: &FileDescriptor, name: &str) -> Option<Vec<u32>> {
    fn inside(messages: &[MessageDescriptor], name: &str, indexes: &mut Vec<u32>) -> bool {
        let messages = messages.iter().filter(|message| !message.is_map_entry());
        for (index, message) in messages.enumerate() {
            indexes.extend(u32::try_from(index));
            let children: Vec<_> = message.child_messages().collect();
            if message.full_name() == name || inside(&children, name, indexes) {
                return true;
            }
            indexes.pop();
        }
        false
    }
    let (messages, mut indexes): (Vec<_>, _) = (file.messages().collect(), Vec::new());
    inside(&messages, name, &mut indexes).then_some(indexes)
}

/// Returns whether all fields of a message are fields of another one, with their names, numbers and types.
pub(super) fn is_part(of: &MessageDescriptor, other: &MessageDescriptor) -> bool {
    let mut met = HashSet::new();
    let mut open = vec![(of.clone(), other.clone())];
    while let Some((of, other)) = open.pop() {
        if !met.insert((of.full_name().to_owned(), other.full_name().to_owned())) {
            continue;
        }
        for field in of.fields() {
            let Some(same) = other.get_field(field.number()) else { return false };
            let is_same = match (field.kind(), same.kind()) {
                (Kind::Message(of), Kind::Message(other)) => {
                    open.push((of, other));
                    true
                }
                (Kind::Enum(of), Kind::Enum(other)) => of.values().all(|symbol| {
                    other.get_value(symbol.number()).is_some_and(|s| s.name() == symbol.name())
                }),
                (of, other) => of == other,
            };
            if !is_same || field.name() != same.name() || field.cardinality() != same.cardinality() {
                return false;
            }
        }
    }
    true
}
