//! Changes at two workers at the same moment.

use std::sync::Barrier;

use integration_tests::require_peers;

use super::*;

const ROUNDS: usize = 20;

/// Sends both requests at once: their answers, in the same order.
fn at_once(requests: [(&Sink, &str, String, Value); 2]) -> [Answer; 2] {
    let begin = Barrier::new(requests.len());
    thread::scope(|scope| {
        let sending = requests.map(|(worker, method, path, body)| {
            let begin = &begin;
            scope.spawn(move || {
                begin.wait();
                rest::change(worker.rest(), method, &path, &body).unwrap()
            })
        });
        sending.map(|answer| answer.join().unwrap())
    })
}

#[test]
fn of_two_simultaneous_creations_of_one_name_one_is_refused() {
    require_peers!();
    let (fleet, flow) = (fleet("created"), flow("created", 1));
    let [a, b] = fleet.start_all(&[]).unwrap();
    let mut names = Vec::new();
    for round in 0..ROUNDS {
        let name = format!("{}-{round}", flow.name);
        let request = |who: &str| {
            let config = json!({"connector.class": "CoherenceSink", "topics": flow.name, "created.by": who});
            let body = json!({"name": name, "config": config, "initial_state": "STOPPED"});
            ("POST", "/connectors".to_owned(), body)
        };
        let ((method, path, of_a), (_, _, of_b)) = (request("a"), request("b"));
        let answers = at_once([(&a, method, path.clone(), of_a), (&b, method, path, of_b)]);
        let mut statuses = answers.each_ref().map(|answer| answer.status);
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409], "{answers:?}");
        let [of_a, of_b] = answers.map(|answer| answer.status == 201);
        let winner = if of_a { "a" } else { "b" };
        assert_ne!(of_a, of_b);
        for worker in [&a, &b] {
            let path = format!("/connectors/{name}/config");
            eventually(SOON, "the first creation holds", || get(worker, &path).body["created.by"] == winner);
        }
        names.push(name);
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    for worker in [&a, &b] {
        lists(worker, &names);
    }
}

#[test]
fn two_simultaneous_patches_both_take_effect() {
    require_peers!();
    let (fleet, flow) = (fleet("patched"), flow("patched", 1));
    let [a, b] = fleet.start_all(&[]).unwrap();
    let config = json!({"connector.class": "CoherenceSink", "topics": flow.name});
    let body = json!({"name": flow.name, "config": config, "initial_state": "STOPPED"});
    change(&a, "POST", "/connectors", &body, 201);
    let path = format!("/connectors/{}/config", flow.name);
    eventually(SOON, "the other worker knows it", || get(&b, &path).status == 200);
    for round in 0..ROUNDS {
        let patch = |who: &str| json!({format!("note.{who}"): round.to_string()});
        let answers =
            at_once([(&a, "PATCH", path.clone(), patch("a")), (&b, "PATCH", path.clone(), patch("b"))]);
        assert_eq!(answers.each_ref().map(|answer| answer.status), [200, 200], "{answers:?}");
        for worker in [&a, &b] {
            eventually(SOON, "both are seen", || {
                let (config, written) = (get(worker, &path).body, round.to_string());
                ["note.a", "note.b"].iter().all(|note| config[note].as_str() == Some(&written))
            });
        }
    }
}
