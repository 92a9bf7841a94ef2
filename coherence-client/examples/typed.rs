//! Rust structs and enums as objects of Java classes, in a grid whose POF configuration knows these classes:
//!
//! ```text
//! 1001 Person(String name, int age, Address address)   1002 Address(String street, String city)
//! 1003 Color, an enum under EnumPofSerializer          1005 Team(String name, Color color, Person captain, …)
//! ```
//!
//! ```text
//! COHERENCE_SERVER_ADDRESS=localhost:1408 cargo run -p coherence-client --example typed
//! ```

use std::collections::BTreeMap;

use coherence_client::{Classes, GrpcSession, JsonClasses, PofContext, SessionOptions, TypedMap};
use serde::{Deserialize, Serialize};

/// Fields stand in the order of the properties of POF, and bear their names in JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Team {
    name: Option<String>,
    color: Option<Color>,
    captain: Option<Person>,
    members: Vec<Person>,
    points: BTreeMap<String, i32>,
    rank: Option<i32>,
    rating: f64,
    active: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Person {
    name: Option<String>,
    age: i32,
    address: Option<Address>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Address {
    street: Option<String>,
    city: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Color {
    Red,
    Green,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let classes = Classes {
        pof: PofContext::builder()
            .user_type("Person", 1001)
            .user_type("Address", 1002)
            .user_type("Color", 1003)
            .user_type("Team", 1005)
            .build()?,
        // For a grid whose maps are JSON: the names in its META-INF/type-aliases.properties.
        json: JsonClasses::default()
            .class("Person", "Person")
            .class("Address", "Address")
            .class("Color", "Color")
            .class("Team", "sports.Team"),
    };
    let session = GrpcSession::new(SessionOptions::from_env()?)?;
    let teams = TypedMap::<i32, Team>::open(&session, "typed-teams", &classes).await?;

    let address = Address { street: None, city: Some("Prague".to_owned()) };
    let ann = Person { name: Some("Ann".to_owned()), age: 50, address: Some(address) };
    let mut team = Team {
        name: Some("Owls".to_owned()),
        color: Some(Color::Red),
        captain: Some(ann.clone()),
        members: vec![ann],
        points: BTreeMap::from([("home".to_owned(), 3)]),
        rank: None,
        rating: 0.5,
        active: true,
    };
    teams.put(&1, &team).await?;

    team.color = Some(Color::Green);
    team.rank = Some(2);
    let before = teams.replace(&1, &team).await?;
    println!("was {:?}", before.and_then(|team| team.color));
    println!("is the same: {}", teams.get(&1).await? == Some(team));
    session.close().await;
    Ok(())
}
