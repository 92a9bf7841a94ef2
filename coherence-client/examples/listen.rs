//! Prints the changes of a map until an entry `stop` is put there.
//!
//! ```text
//! COHERENCE_SERVER_ADDRESS=localhost:1408 cargo run -p coherence-client --example listen -- orders
//! ```

use coherence_client::{
    Classes, EventKind, GrpcSession, SessionOptions, TypedListenTo, TypedMap, TypedNotice,
};
use futures::StreamExt;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let name = std::env::args().nth(1).unwrap_or_else(|| "orders".to_owned());
    let session = GrpcSession::new(SessionOptions::from_env()?)?;
    let map = TypedMap::<String, String>::open(&session, &name, &Classes::default()).await?;

    let mut notices = map.listen(TypedListenTo::All, false).await?;
    println!("listening to {name}");
    while let Some(notice) = notices.next().await {
        match notice {
            TypedNotice::Event(event) if event.kind == EventKind::Inserted && event.key == "stop" => break,
            TypedNotice::Event(event) => {
                println!("{:?} {}: {:?} -> {:?}", event.kind, event.key, event.old_value, event.new_value)
            }
            TypedNotice::Unreadable(error) => println!("not a text: {error}"),
            TypedNotice::Truncated => println!("everything is gone"),
            TypedNotice::Destroyed => println!("the map is gone"),
            // A program that keeps a copy of the map reads the map again here.
            TypedNotice::Gap(why) => println!("something may have been missed: {why}"),
        }
    }
    session.close().await;
    Ok(())
}
