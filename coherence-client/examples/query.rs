//! Asks a grid about its entries: which fulfil a condition, and what they come to. Without a Java class.
//!
//! ```text
//! COHERENCE_SERVER_ADDRESS=localhost:1408 cargo run -p coherence-client --example query
//! ```

use std::collections::BTreeMap;

use coherence_client::{
    Aggregator, Classes, Extractor, Filter, Format, GrpcSession, Select, SessionOptions, TypedMap,
};
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize)]
struct Person {
    name: String,
    age: i32,
    address: Address,
}

#[derive(Debug, Serialize, Deserialize)]
struct Address {
    city: String,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    // In JSON an object without a class is a map to Java, whose keys are properties to a query.
    let options = SessionOptions { format: Format::Json, ..SessionOptions::from_env()? };
    let session = GrpcSession::new(options)?;
    let people = TypedMap::<String, Person>::open(&session, "query-people", &Classes::default()).await?;
    people.clear().await?;
    for (name, age, city) in
        [("Ann", 50, "Prague"), ("Bob", 17, "Brno"), ("Cid", 33, "Prague"), ("Dot", 8, "Brno")]
    {
        let address = Address { city: city.to_owned() };
        people.put(name, &Person { name: name.to_owned(), age, address }).await?;
    }

    // The grid keeps the ages in order, for the queries about them.
    people.add_index("age", true).await?;
    let adults = Filter::greater_or_equal("age", 18);
    let mut found = people.keys_where(&adults).await?;
    found.sort();
    println!("adults: {found:?}");

    let city = Extractor::chained(["address", "city"]);
    let young_of_brno = Filter::between("age", 0..18).and(Filter::equal(&city, "Brno"));
    let ages: BTreeMap<_, _> = people
        .entries_where(&young_of_brno)
        .await?
        .into_iter()
        .map(|(key, person)| (key, person.age))
        .collect();
    println!("young in Brno: {ages:?}");

    let oldest: Option<i32> = people.aggregate(Select::All, &Aggregator::max("age")).await?;
    let average = people.aggregate(&adults, &Aggregator::average("age")).await?;
    println!("oldest: {oldest:?}, average of the adults: {:?}", average.map(|average| average.to_f64()));
    let by_city = people.aggregate(Select::All, &Aggregator::count().by::<String>(&city)).await?;
    println!("by city: {:?}", BTreeMap::from_iter(by_city));
    session.close().await;
    Ok(())
}
