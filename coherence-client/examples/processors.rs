//! Changes entries where they are: no value travels, and no other change comes in between.
//!
//! ```text
//! COHERENCE_SERVER_ADDRESS=localhost:1408 cargo run -p coherence-client --example processors
//! ```

use coherence_client::{Classes, Filter, Format, GrpcSession, Processor, Select, SessionOptions, TypedMap};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Account {
    owner: String,
    balance: i32,
    open: bool,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = SessionOptions { format: Format::Json, ..SessionOptions::from_env()? };
    let session = GrpcSession::new(options)?;
    let accounts =
        TypedMap::<String, Account>::open(&session, "processor-accounts", &Classes::default()).await?;
    accounts.clear().await?;

    // The first of two programs that create the same account wins.
    let account = |balance| Account { owner: "Ann".to_owned(), balance, open: true };
    let before = accounts.invoke("ann", &Processor::put_if_absent(account(10))).await?;
    let again = accounts.invoke("ann", &Processor::put_if_absent(account(99))).await?;
    println!("was there: {}, then: {}", before.is_some(), again.is_some());

    // Only where there is enough.
    let enough = Filter::greater_or_equal("balance", 7);
    for _ in 0..2 {
        let pay = Processor::update("balance", 3).only_if(&enough);
        println!("paid: {:?}", accounts.invoke("ann", &pay).await?);
    }

    accounts.put("bob", &Account { owner: "Bob".to_owned(), balance: 0, open: true }).await?;
    let close = Processor::update("open", false);
    let closed = accounts.invoke_all(Filter::less("balance", 1), &close).await?;
    println!("closed: {closed:?}");

    let mut owners = accounts.invoke_all(Select::All, &Processor::<String>::extract("owner")).await?;
    owners.sort();
    println!("owners: {owners:?}");
    session.close().await;
    Ok(())
}
