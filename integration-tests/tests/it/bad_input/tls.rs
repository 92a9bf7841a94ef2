//! TLS with the grid: what works, and what is said where it does not.

use std::path::Path;

use integration_tests::grid::{Grid, GridOptions};
use integration_tests::sink::Settings;
use integration_tests::tls::{Certificates, ClientAuth};
use integration_tests::{require_peers, shared};

use super::run;
use crate::flow::{Flow, SOON};

const ENABLED: (&str, &str) = ("coherence.session.tls.enabled", "true");

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Settings of the connector, and what must be said about them.
type Fault<'a> = (Settings<'a>, &'a [&'a str]);

/// The settings `wrong` are refused by `check` with all of `says`; the settings `right` deliver.
fn assert_tls(grid: &Grid, wrong: &[Fault<'_>], right: &[(&str, &str)]) {
    let kafka = shared::kafka();
    let flow = Flow::new(kafka, grid, "tls", 1);
    for (settings, says) in wrong {
        let printed = run(&["check"], &flow.worker(&[]), &flow.connector(settings));
        assert_eq!(printed.code, Some(3), "{settings:?}\n{}", printed.text);
        printed.says(says);
        printed.says(&[&grid.address()]);
    }
    kafka.produce(&flow.name, [(Some("k"), Some("v"))]).unwrap();
    let printed = run(&["check"], &flow.worker(&[]), &flow.connector(right));
    assert_eq!(printed.code, Some(0), "{}", printed.text);
    let sink = flow.start(&[], right);
    flow.assert_delivered(kafka, &sink, SOON);
    assert_eq!(grid.tool().get(&flow.name, "k").unwrap().unwrap().text, "v");
}

#[test]
fn tls_works_and_its_faults_name_the_setting() {
    require_peers!();
    let grid = Grid::start(GridOptions { tls: Some(ClientAuth::None), ..GridOptions::default() }).unwrap();
    let foreign = Certificates::new().unwrap();
    let (ca, other) = (grid.certificates().unwrap().authority(), foreign.authority());
    let right = [ENABLED, ("coherence.session.tls.ca", text(&ca))];
    assert_tls(
        &grid,
        &[
            (&[], &["coherence.session.tls.enabled"]),
            (
                &[ENABLED, ("coherence.session.tls.ca", text(&other))],
                &["not trusted", "coherence.session.tls.ca"],
            ),
            (&[ENABLED], &["not trusted", "coherence.session.tls.ca"]),
            (
                &[right[0], right[1], ("coherence.session.tls.server.name", "grid.example")],
                &["does not carry this name", "coherence.session.tls.server.name"],
            ),
        ],
        &right,
    );
}

#[test]
fn mutual_tls_works_and_its_faults_name_the_setting() {
    require_peers!();
    let grid =
        Grid::start(GridOptions { tls: Some(ClientAuth::Required), ..GridOptions::default() }).unwrap();
    let certificates = grid.certificates().unwrap();
    let (ca, certificate, key) =
        (certificates.authority(), certificates.client_certificate(), certificates.client_key());
    let foreign = Certificates::new().unwrap();
    let (foreign_certificate, foreign_key) = (foreign.client_certificate(), foreign.client_key());
    let trusts = [ENABLED, ("coherence.session.tls.ca", text(&ca))];
    let with = |certificate, key| {
        [
            &trusts[..],
            &[("coherence.session.tls.certificate", certificate), ("coherence.session.tls.key", key)],
        ]
        .concat()
    };
    let asked = ["coherence.session.tls.certificate", "coherence.session.tls.key"];
    assert_tls(
        &grid,
        &[(&trusts, &asked), (&with(text(&foreign_certificate), text(&foreign_key)), &asked)],
        &with(text(&certificate), text(&key)),
    );
}

#[test]
fn tls_to_a_grid_without_it_names_the_setting() {
    require_peers!();
    let grid = shared::grid();
    let authority = Certificates::new().unwrap();
    let ca = authority.authority();
    assert_tls(
        grid,
        &[(
            &[ENABLED, ("coherence.session.tls.ca", text(&ca))],
            &["does not speak TLS", "check the port", "coherence.session.tls.enabled"],
        )],
        &[],
    );
}
