//! The classes of the vectors, as a user of this crate writes them.

use coherence_kafka_common::packed::DecodeError;
use coherence_kafka_common::pof::{
    Evolvable, PofObject, PofReader, PofValue, PofWriter, UniformElement, UserTypeReader, UserTypeWriter,
    WriteError,
};
use serde_json::Value;

use crate::notation;

type Written = Result<(), WriteError>;
type Read<T> = Result<T, DecodeError>;

/// A class that can be made from its description.
pub trait Described: PofObject + PartialEq + std::fmt::Debug {
    fn described(json: &Value) -> Self;
}

fn string(described: &Value) -> Option<String> {
    match notation::value(described)? {
        PofValue::String(text) => Some(text),
        _ => None,
    }
}

fn value(described: &Value) -> PofValue {
    notation::value(described).expect("a value without classes")
}

#[derive(Debug, PartialEq)]
pub struct Empty;

impl PofObject for Empty {
    const TYPE_ID: u32 = 1003;

    fn write_properties(&self, _: &mut UserTypeWriter<'_, '_>) -> Written {
        Ok(())
    }

    fn read_properties(_: &mut UserTypeReader<'_, '_>) -> Read<Self> {
        Ok(Empty)
    }
}

impl Described for Empty {
    fn described(_: &Value) -> Self {
        Empty
    }
}

#[derive(Debug, PartialEq)]
pub struct Address {
    lines: [Option<String>; 4],
}

impl PofObject for Address {
    const TYPE_ID: u32 = 1002;

    fn write_properties(&self, writer: &mut UserTypeWriter<'_, '_>) -> Written {
        (0..).zip(&self.lines).try_for_each(|(index, line)| writer.string(index, line.as_deref()))
    }

    fn read_properties(reader: &mut UserTypeReader<'_, '_>) -> Read<Self> {
        Ok(Address { lines: [reader.string(0)?, reader.string(1)?, reader.string(2)?, reader.string(3)?] })
    }
}

impl Described for Address {
    fn described(json: &Value) -> Self {
        Address { lines: ["street", "city", "state", "zip"].map(|field| string(&json[field])) }
    }
}

#[derive(Debug, PartialEq)]
pub struct Person {
    name: Option<String>,
    age: i32,
    address: Option<Address>,
}

impl PofObject for Person {
    const TYPE_ID: u32 = 1001;

    fn write_properties(&self, writer: &mut UserTypeWriter<'_, '_>) -> Written {
        writer.string(0, self.name.as_deref())?;
        writer.int32(1, self.age)?;
        match &self.address {
            Some(address) => writer.value(2)?.object(address),
            None => {
                writer.value(2)?.null();
                Ok(())
            }
        }
    }

    fn read_properties(reader: &mut UserTypeReader<'_, '_>) -> Read<Self> {
        Ok(Person { name: reader.string(0)?, age: reader.int32(1)?, address: reader.object(2)? })
    }
}

impl Described for Person {
    fn described(json: &Value) -> Self {
        let address = &json["address"];
        Person {
            name: string(&json["name"]),
            age: json["age"].as_i64().unwrap() as i32,
            address: (address["t"] != "null").then(|| Address::described(address)),
        }
    }
}

/// Evolvable, of version 2.
#[derive(Debug, PartialEq)]
pub struct Evo {
    a: i32,
    evolvable: Evolvable,
}

impl PofObject for Evo {
    const TYPE_ID: u32 = 1006;
    const VERSION: u32 = 2;

    fn write_properties(&self, writer: &mut UserTypeWriter<'_, '_>) -> Written {
        writer.int32(0, self.a)
    }

    fn read_properties(reader: &mut UserTypeReader<'_, '_>) -> Read<Self> {
        Ok(Evo { a: reader.int32(0)?, evolvable: reader.evolvable()? })
    }

    fn evolvable(&self) -> Option<&Evolvable> {
        Some(&self.evolvable)
    }
}

impl Described for Evo {
    fn described(json: &Value) -> Self {
        // What is read back has the version that was written.
        let data_version = json["data_version"].as_u64().unwrap() as u32;
        let future_data = json["future"].as_str().map(notation::hex).unwrap_or_default();
        let evolvable = Evolvable { data_version: data_version.max(Self::VERSION), future_data };
        Evo { a: json["a"].as_i64().unwrap() as i32, evolvable }
    }
}

/// `@Portable`: every attribute goes through `writeObject`.
#[derive(Debug, PartialEq)]
pub struct Ann {
    attributes: Vec<PofValue>,
}

impl PofObject for Ann {
    const TYPE_ID: u32 = 1008;

    fn write_properties(&self, writer: &mut UserTypeWriter<'_, '_>) -> Written {
        (0..).zip(&self.attributes).try_for_each(|(index, value)| writer.value(index)?.value(value))
    }

    fn read_properties(reader: &mut UserTypeReader<'_, '_>) -> Read<Self> {
        let mut attributes = Vec::new();
        while let Some(reader) = reader.value(attributes.len() as u32)? {
            attributes.push(reader.value()?);
        }
        Ok(Ann { attributes })
    }
}

impl Described for Ann {
    fn described(json: &Value) -> Self {
        let attributes = vec![
            value(&json["s"]),
            PofValue::Int32(json["i"].as_i64().unwrap() as i32),
            PofValue::Int64(json["l"].as_str().unwrap().parse().unwrap()),
            PofValue::Boolean(json["b"].as_bool().unwrap()),
            value(&json["boxed"]),
            value(&json["list"]),
        ];
        Ann { attributes }
    }
}

/// `EnumPofSerializer`: the name of the constant.
#[derive(Debug, PartialEq)]
pub struct Color {
    name: String,
}

impl PofObject for Color {
    const TYPE_ID: u32 = 1007;

    fn write_properties(&self, writer: &mut UserTypeWriter<'_, '_>) -> Written {
        writer.string(0, Some(&self.name))
    }

    fn read_properties(reader: &mut UserTypeReader<'_, '_>) -> Read<Self> {
        match reader.string(0)? {
            Some(name) if ["RED", "GREEN", "BLUE_ISH"].contains(&name.as_str()) => Ok(Color { name }),
            _ => Err(reader.invalid("a color", "no such constant")),
        }
    }
}

impl Described for Color {
    fn described(json: &Value) -> Self {
        Color { name: json["v"].as_str().unwrap().to_owned() }
    }
}

/// `@PortableType`: one nested user type for each class, all with the version of the most derived one.
#[derive(Debug, PartialEq)]
pub struct Animal {
    species: Option<String>,
    legs: i32,
    weight: Option<i64>,
}

impl Animal {
    fn write(&self, version: u32, writer: &mut UserTypeWriter<'_, '_>) -> Written {
        writer.nested(Self::TYPE_ID, Self::TYPE_ID, version, |animal| {
            animal.int32(0, self.legs)?;
            animal.string(1, self.species.as_deref())?;
            match self.weight {
                Some(weight) => animal.value(2)?.int64(weight),
                None => animal.value(2)?.null(),
            }
            Ok(())
        })
    }
}

impl PofObject for Animal {
    const TYPE_ID: u32 = 1010;

    fn write_properties(&self, writer: &mut UserTypeWriter<'_, '_>) -> Written {
        self.write(1, writer)
    }

    fn read_properties(reader: &mut UserTypeReader<'_, '_>) -> Read<Self> {
        let animal = reader.nested(Self::TYPE_ID, |animal| {
            let (legs, species) = (animal.int32(0)?, animal.string(1)?);
            let weight = animal.value(2)?.map(PofReader::value).transpose()?;
            let weight = weight.and_then(|weight| match weight {
                PofValue::Int64(weight) => Some(weight),
                _ => None,
            });
            Ok(Animal { species, legs, weight })
        })?;
        animal.ok_or_else(|| reader.invalid("an animal", "missing"))
    }
}

impl Described for Animal {
    fn described(json: &Value) -> Self {
        Animal {
            species: string(&json["species"]),
            legs: json["legs"].as_i64().unwrap() as i32,
            weight: json["weight"]["v"].as_str().map(|weight| weight.parse().unwrap()),
        }
    }
}

#[derive(Debug, PartialEq)]
pub struct Dog {
    animal: Animal,
    breed: Option<String>,
    color: Option<Color>,
    good: bool,
}

impl PofObject for Dog {
    const TYPE_ID: u32 = 1011;

    fn write_properties(&self, writer: &mut UserTypeWriter<'_, '_>) -> Written {
        self.animal.write(2, writer)?;
        writer.nested(Self::TYPE_ID, Self::TYPE_ID, 2, |dog| {
            dog.string(0, self.breed.as_deref())?;
            match &self.color {
                Some(color) => dog.value(1)?.object(color)?,
                None => dog.value(1)?.null(),
            }
            dog.boolean(2, self.good)
        })
    }

    fn read_properties(reader: &mut UserTypeReader<'_, '_>) -> Read<Self> {
        let animal = Animal::read_properties(reader)?;
        let dog =
            reader.nested(Self::TYPE_ID, |dog| Ok((dog.string(0)?, dog.object(1)?, dog.boolean(2)?)))?;
        let (breed, color, good) = dog.unwrap_or_default();
        Ok(Dog { animal, breed, color, good })
    }
}

impl Described for Dog {
    fn described(json: &Value) -> Self {
        Dog {
            animal: Animal::described(json),
            breed: string(&json["breed"]),
            color: (json["color"]["t"] == "enum").then(|| Color::described(&json["color"])),
            good: json["good"].as_bool().unwrap(),
        }
    }
}

#[derive(Debug, PartialEq)]
pub struct LineId {
    order: i64,
    line: i32,
}

impl PofObject for LineId {
    const TYPE_ID: u32 = 1013;

    fn write_properties(&self, writer: &mut UserTypeWriter<'_, '_>) -> Written {
        writer.int64(0, self.order)?;
        writer.int32(1, self.line)
    }

    fn read_properties(reader: &mut UserTypeReader<'_, '_>) -> Read<Self> {
        Ok(LineId { order: reader.int64(0)?, line: reader.int32(1)? })
    }
}

impl Described for LineId {
    fn described(json: &Value) -> Self {
        let order = json["order"].as_str().unwrap().parse().unwrap();
        LineId { order, line: json["line"].as_i64().unwrap() as i32 }
    }
}

#[derive(Debug, PartialEq)]
pub struct PartKey {
    part: i32,
    k: Option<String>,
}

impl PofObject for PartKey {
    const TYPE_ID: u32 = 1014;

    fn write_properties(&self, writer: &mut UserTypeWriter<'_, '_>) -> Written {
        writer.int32(0, self.part)?;
        writer.string(1, self.k.as_deref())
    }

    fn read_properties(reader: &mut UserTypeReader<'_, '_>) -> Read<Self> {
        Ok(PartKey { part: reader.int32(0)?, k: reader.string(1)? })
    }
}

impl Described for PartKey {
    fn described(json: &Value) -> Self {
        PartKey { part: json["part"].as_i64().unwrap() as i32, k: json["k"].as_str().map(str::to_owned) }
    }
}

/// What a check does with the class of an object.
pub trait ForClass<T> {
    fn with<C: Described>(self) -> T;
}

/// `visit` for the class that the notation names.
pub fn by_name<T>(name: &str, visit: impl ForClass<T>) -> Option<T> {
    Some(match name {
        "Empty" => visit.with::<Empty>(),
        "Address" => visit.with::<Address>(),
        "Person" => visit.with::<Person>(),
        "Evo" => visit.with::<Evo>(),
        "Ann" => visit.with::<Ann>(),
        "enum" => visit.with::<Color>(),
        "Animal" => visit.with::<Animal>(),
        "Dog" => visit.with::<Dog>(),
        "LineId" => visit.with::<LineId>(),
        "PartKey" => visit.with::<PartKey>(),
        _ => return None,
    })
}

/// What a grid says to an object of a class that it does not know.
pub const UNKNOWN: &str = "unknown user type";

/// Reads every object in a value as its class does, and refuses those of other classes.
pub fn read_all(value: &PofValue) -> Result<(), String> {
    match value {
        PofValue::Collection(elements) | PofValue::Array(elements) => elements.iter().try_for_each(read_all),
        PofValue::SparseArray { elements, .. } => elements.iter().try_for_each(|(_, value)| read_all(value)),
        PofValue::Map(entries) => entries.iter().try_for_each(|(key, value)| {
            read_all(key)?;
            read_all(value)
        }),
        PofValue::User { type_id, .. } => {
            let mut pof = Vec::new();
            PofWriter::new(&mut pof).value(value).map_err(|error| error.to_string())?;
            fn read<C: PofObject>(pof: &[u8]) -> Result<(), String> {
                PofReader::new(pof).object::<C>().map(|_| ()).map_err(|error| error.to_string())
            }
            match type_id {
                1001 => read::<Person>(&pof),
                1002 => read::<Address>(&pof),
                1003 => read::<Empty>(&pof),
                1006 => read::<Evo>(&pof),
                1007 => read::<Color>(&pof),
                1008 => read::<Ann>(&pof),
                1010 => read::<Animal>(&pof),
                1011 => read::<Dog>(&pof),
                1013 => read::<LineId>(&pof),
                1014 => read::<PartKey>(&pof),
                _ => Err(UNKNOWN.to_owned()),
            }
        }
        _ => Ok(()),
    }
}

/// Writes a value to a grid that has references on: objects bear identities, and equal ones are the same.
pub fn write_shared(writer: &mut PofWriter<'_>, described: &Value, met: &mut Vec<Value>) -> Written {
    match described["t"].as_str().unwrap() {
        "list" | "array" => {
            let elements = described["v"].as_array().unwrap();
            match described["t"] == "list" {
                true => writer.collection(elements.len()),
                false => writer.object_array(elements.len()),
            }
            elements.iter().try_for_each(|element| write_shared(writer, element, met))
        }
        "Person" | "Address" | "user" => {
            if let Some(known) = met.iter().position(|other| other == described) {
                writer.reference(known as u32 + 1);
                return Ok(());
            }
            met.push(described.clone());
            writer.identity(met.len() as u32);
            if described["t"] != "Person" {
                return crate::values::write(writer, described);
            }
            let person = Person::described(described);
            writer.user(Person::TYPE_ID, 0, |properties| {
                properties.string(0, person.name.as_deref())?;
                properties.int32(1, person.age)?;
                write_shared(properties.value(2)?, &described["address"], met)
            })
        }
        _ => crate::values::write(writer, described),
    }
}

/// An element under a common type id, in a grid that has references on.
pub enum Shared<T> {
    First(u32, T),
    Again(u32),
}

impl<T: PofObject> UniformElement for Shared<T> {
    const TYPE: i32 = <T as UniformElement>::TYPE;

    fn write_body(&self, writer: &mut PofWriter<'_>) -> Written {
        match self {
            Shared::First(id, object) => {
                writer.identity(*id);
                object.write_body(writer)
            }
            // Nothing but the number, which an index is too.
            Shared::Again(id) => {
                writer.property(*id);
                Ok(())
            }
        }
    }
}
