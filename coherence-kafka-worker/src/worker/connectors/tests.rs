use std::sync::mpsc::{Sender, channel};

use super::super::*;
use crate::testing::{connector, worker};

/// Adds a connector with a task that ends when something is sent.
fn add_stubborn(worker: &Worker, name: &str) -> Sender<()> {
    let (end, ends) = channel();
    let config = ConnectorConfig::parse(&worker.config, &connector(name)).unwrap();
    let context = Context { worker: &worker.config, bootstrap: None, runtime: &worker.runtime };
    let set = config.connector.start(&context).unwrap();
    let task = TaskHandle {
        state: set.state(0),
        control: Arc::default(),
        failure: Arc::default(),
        thread: std::thread::spawn(move || ends.recv().unwrap()),
    };
    let connector = Connector { config: config.raw, tasks: vec![task], set };
    worker.connectors.lock().by_name.insert(name.to_owned(), Entry::Running(Arc::new(connector)));
    end
}

#[test]
fn a_connector_is_deleted_when_its_tasks_have_ended_and_not_before() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let worker = worker(runtime.handle());
    let end = add_stubborn(&worker, "c");
    assert_eq!(worker.delete_within("c", Duration::ZERO), Err(RequestError::NotEnded(1)));
    assert_eq!(worker.names(), ["c"], "it is still there");
    assert_eq!(worker.delete_within("c", Duration::ZERO), Err(RequestError::NotEnded(1)));
    assert_eq!(worker.restart_task("c", 0), Err(RequestError::Conflict));
    let refused = worker.create(&connector("c")).unwrap_err();
    assert_eq!(refused.to_string(), CONFLICT);
    end.send(()).unwrap();
    assert_eq!(worker.delete("c"), Ok(()));
    assert_eq!(worker.delete("c"), Err(RequestError::UnknownConnector));
    worker.create(&connector("c")).unwrap();
    worker.stop();
}

#[test]
fn a_connector_whose_tasks_end_late_is_gone_without_another_request() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let worker = worker(runtime.handle());
    let end = add_stubborn(&worker, "c");
    assert_eq!(worker.delete_within("c", Duration::ZERO), Err(RequestError::NotEnded(1)));
    end.send(()).unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    while !worker.names().is_empty() {
        assert!(Instant::now() < deadline);
        std::thread::yield_now();
    }
    assert!(worker.info("c").is_none() && worker.status("c").is_none());
}
