//! How a session finds a grid, and what it says where it finds none.

use std::collections::HashMap;

use coherence_client::{GrpcSession, SessionOptions};
use coherence_kafka_common::map::{EventKind, ListenTo, MapError, Session};
use integration_tests::grid::{Grid, GridOptions};
use integration_tests::sandbox::{free_port, unique};
use integration_tests::tls::ClientAuth;
use integration_tests::{require_peers, shared};

use super::{listen, options, put, session, told};

fn from_variables(variables: &[(&str, String)]) -> GrpcSession {
    let variables: HashMap<_, _> = variables.iter().cloned().collect();
    let options = SessionOptions::from_variables(|name| variables.get(name).map(Into::into)).unwrap();
    GrpcSession::new(options).unwrap()
}

#[tokio::test]
async fn the_name_service_of_a_cluster_tells_where_its_proxy_is() {
    require_peers!();
    let (grid, name) = (shared::grid(), unique("named"));
    let session = from_variables(&[("COHERENCE_SERVER_ADDRESS", grid.name_service())]);
    let map = session.map(&name).await.unwrap();
    let mut notices = listen(&*map, ListenTo::All).await;
    put(&*map, "k", "1").await;
    told(&mut notices, EventKind::Inserted, "k", "1").await;
    assert_eq!(grid.tool().get(&name, "k").unwrap().unwrap().text, "1");
}

#[tokio::test]
async fn a_name_service_that_knows_no_such_cluster_is_named() {
    require_peers!();
    let address = format!("{}-of-somebody-else", shared::grid().name_service());
    let failure = session([address.clone()]).map("m").await.unwrap_err();
    let MapError::Unavailable(reason) = failure else { panic!("{failure:?}") };
    assert!(reason.contains("of-somebody-else"), "{reason}");
}

#[tokio::test]
async fn the_next_address_is_used_where_nobody_is_at_the_first() {
    require_peers!();
    let nobody = format!("127.0.0.1:{}", free_port().unwrap());
    let name = unique("failover");
    let addresses = format!("{nobody},{}", shared::grid().address());
    let map = from_variables(&[("COHERENCE_SERVER_ADDRESS", addresses)]).map(&name).await.unwrap();
    put(&*map, "k", "1").await;
    assert_eq!(shared::grid().tool().get(&name, "k").unwrap().unwrap().text, "1");
}

#[tokio::test]
async fn a_listener_hears_over_mutual_tls_from_the_environment() {
    require_peers!();
    let grid =
        Grid::start(GridOptions { tls: Some(ClientAuth::Required), ..GridOptions::default() }).unwrap();
    let certificates = grid.certificates().unwrap();
    let file = |path: std::path::PathBuf| path.display().to_string();
    let variables = [
        ("COHERENCE_SERVER_ADDRESS", grid.address()),
        ("COHERENCE_TLS_CERTS_PATH", file(certificates.authority())),
        ("COHERENCE_TLS_CLIENT_CERT", file(certificates.client_certificate())),
        ("COHERENCE_TLS_CLIENT_KEY", file(certificates.client_key())),
    ];
    let map = from_variables(&variables).map("m").await.unwrap();
    let mut notices = listen(&*map, ListenTo::All).await;
    put(&*map, "k", "1").await;
    told(&mut notices, EventKind::Inserted, "k", "1").await;
    grid.tool().put("m", "k", "2").unwrap();
    told(&mut notices, EventKind::Updated, "k", "2").await;
    drop(notices);

    let without = from_variables(&variables[..2]).map("m").await.unwrap_err();
    let MapError::Misuse(reason) = without else { panic!("{without:?}") };
    assert!(reason.contains("COHERENCE_TLS_CLIENT_CERT"), "{reason}");
}

#[tokio::test]
async fn a_scope_that_the_grid_does_not_run_is_a_misuse() {
    require_peers!();
    let options = SessionOptions { scope: "bogus".to_owned(), ..options([shared::grid().address()]) };
    let failure = GrpcSession::new(options).unwrap().map("m").await.unwrap_err();
    let MapError::Misuse(reason) = failure else { panic!("{failure:?}") };
    assert!(reason.contains("scope \"bogus\""), "{reason}");
}
