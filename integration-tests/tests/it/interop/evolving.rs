//! Classes of several versions and of several generations, written by hand on both sides.

use coherence_kafka_common::map::Format;
use coherence_kafka_common::packed::DecodeError;
use coherence_kafka_common::pof::{
    Evolvable, PofObject, PofReader, PofWriter, UserTypeReader, UserTypeWriter, WriteError,
};
use integration_tests::grid::{Literal, Value};
use integration_tests::sandbox::unique;
use integration_tests::{require_peers, shared};

use super::{Client, pof, text};

/// The grid tool's `Contact` in its first version, which had the name alone.
#[derive(Debug, PartialEq)]
struct Contact {
    name: Option<String>,
    evolvable: Evolvable,
}

impl PofObject for Contact {
    const TYPE_ID: u32 = 1006;
    const VERSION: u32 = 1;

    fn write_properties(&self, writer: &mut UserTypeWriter<'_, '_>) -> Result<(), WriteError> {
        writer.string(0, self.name.as_deref())
    }

    fn read_properties(reader: &mut UserTypeReader<'_, '_>) -> Result<Self, DecodeError> {
        Ok(Self { name: reader.string(0)?, evolvable: reader.evolvable()? })
    }

    fn evolvable(&self) -> Option<&Evolvable> {
        Some(&self.evolvable)
    }
}

/// The grid tool's `Dog`, a class below its `Animal`.
#[derive(Debug, PartialEq)]
struct Dog {
    animal: Animal,
    breed: Option<String>,
}

/// The generator numbers properties by their names.
#[derive(Debug, PartialEq)]
struct Animal {
    legs: i32,
    species: Option<String>,
}

const ANIMAL: u32 = 1010;
/// That of the class itself, in the blocks of the classes above, too.
const DOG_VERSION: u32 = 2;

impl PofObject for Dog {
    const TYPE_ID: u32 = 1011;

    fn write_properties(&self, writer: &mut UserTypeWriter<'_, '_>) -> Result<(), WriteError> {
        writer.nested(ANIMAL, ANIMAL, DOG_VERSION, |writer| {
            writer.int32(0, self.animal.legs)?;
            writer.string(1, self.animal.species.as_deref())
        })?;
        writer.nested(Self::TYPE_ID, Self::TYPE_ID, DOG_VERSION, |writer| {
            writer.string(0, self.breed.as_deref())
        })
    }

    fn read_properties(reader: &mut UserTypeReader<'_, '_>) -> Result<Self, DecodeError> {
        let missing = reader.invalid("a dog", "a class of its hierarchy is missing");
        let animal = reader
            .nested(ANIMAL, |reader| Ok(Animal { legs: reader.int32(0)?, species: reader.string(1)? }))?
            .ok_or(missing)?;
        let breed = reader.nested(Self::TYPE_ID, |reader| reader.string(0))?.ok_or(missing)?;
        Ok(Self { animal, breed })
    }
}

/// A `Dog` as a program sees it that was built when an `Animal` had nothing but legs, and before there were dogs.
#[derive(Debug, PartialEq)]
struct Legs {
    legs: i32,
    /// Of the block of `Animal`, and what its newer version added.
    animal: Evolvable,
    /// The blocks of the classes below.
    below: Vec<u8>,
}

impl PofObject for Legs {
    const TYPE_ID: u32 = 1011;

    fn write_properties(&self, writer: &mut UserTypeWriter<'_, '_>) -> Result<(), WriteError> {
        writer.nested(ANIMAL, ANIMAL, self.animal.data_version, |writer| {
            writer.int32(0, self.legs)?;
            writer.remainder(&self.animal.future_data);
            Ok(())
        })?;
        writer.remainder(&self.below);
        Ok(())
    }

    fn read_properties(reader: &mut UserTypeReader<'_, '_>) -> Result<Self, DecodeError> {
        let missing = reader.invalid("an animal", "a class of its hierarchy is missing");
        let animal = reader.nested(ANIMAL, |reader| Ok((reader.int32(0)?, reader.evolvable()?)))?;
        let (legs, animal) = animal.ok_or(missing)?;
        Ok(Self { legs, animal, below: reader.remainder()?.to_vec() })
    }
}

fn read<T: PofObject>(binary: &[u8]) -> T {
    let mut reader = PofReader::new(&binary[1..]);
    let object = reader.object().unwrap().unwrap();
    reader.finish().unwrap();
    object
}

fn written<T: PofObject>(object: &T) -> Vec<u8> {
    pof(|writer: &mut PofWriter<'_>| writer.object(object).unwrap())
}

fn seen(class: &str, text: &str) -> Option<Value> {
    Some(Value { class: class.to_owned(), text: text.to_owned() })
}

#[test]
fn what_a_newer_java_class_added_survives_a_change_in_rust() {
    require_peers!();
    let (client, tool, name) =
        (Client::new(shared::grid(), Format::Pof), shared::grid().tool(), unique("evolving"));
    let map = client.map(&name);
    tool.put(&name, "k", Literal::new("contact", "Ann|ann@example.org|7")).unwrap();

    let mut contact: Contact = read(&map.get(&text("k")).unwrap());
    assert_eq!((contact.name.as_deref(), contact.evolvable.data_version), (Some("Ann"), 2));
    contact.name = Some("Anna".to_owned());
    map.put(&text("k"), &written(&contact));
    let changed = "Contact{Anna, ann@example.org, 7, data of version 2}";
    assert_eq!(tool.get(&name, "k").unwrap(), seen("Evolving$Contact", changed));

    // And one that Rust has made is of the first version.
    contact.evolvable = Evolvable::default();
    map.put(&text("k"), &written(&contact));
    let made = "Contact{Anna, null, 0, data of version 1}";
    assert_eq!(tool.get(&name, "k").unwrap(), seen("Evolving$Contact", made));
}

#[test]
fn an_object_of_a_class_hierarchy_is_read_and_written() {
    require_peers!();
    let (client, tool, name) =
        (Client::new(shared::grid(), Format::Pof), shared::grid().tool(), unique("evolving"));
    let map = client.map(&name);
    tool.put(&name, "k", Literal::new("dog", "dog|4|lab")).unwrap();
    let by_java = map.get(&text("k")).unwrap();
    let mut dog: Dog = read(&by_java);
    let animal = Animal { species: Some("dog".to_owned()), legs: 4 };
    assert_eq!(dog, Dog { animal, breed: Some("lab".to_owned()) });
    assert_eq!(written(&dog), by_java);

    dog.animal.legs = 3;
    map.put(&text("k"), &written(&dog));
    assert_eq!(tool.get(&name, "k").unwrap(), seen("Evolving$Dog", "Dog{Animal{dog, 3}, lab}"));
}

#[test]
fn an_older_program_changes_a_base_class_and_keeps_what_it_does_not_know_of_it_and_of_the_classes_below() {
    require_peers!();
    let (client, tool, name) =
        (Client::new(shared::grid(), Format::Pof), shared::grid().tool(), unique("evolving"));
    let map = client.map(&name);
    tool.put(&name, "k", Literal::new("dog", "dog|4|lab")).unwrap();
    let by_java = map.get(&text("k")).unwrap();
    let mut known: Legs = read(&by_java);
    assert_eq!((known.legs, known.animal.data_version), (4, DOG_VERSION));
    assert!(!known.animal.future_data.is_empty() && !known.below.is_empty(), "{known:?}");
    assert_eq!(written(&known), by_java);

    for legs in [3, 0, 100] {
        known.legs = legs;
        map.put(&text("k"), &written(&known));
        let changed = format!("Dog{{Animal{{dog, {legs}}}, lab}}");
        assert_eq!(tool.get(&name, "k").unwrap(), seen("Evolving$Dog", &changed));
    }
}
