use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use coherence_kafka_connect::config::Properties;

use super::super::{CONFLICT, Worker};
use super::*;
use crate::plugin::{Context, Task, Turn};
use crate::testing::{connector, eventually, worker};

/// Ends when something is sent, whatever is asked of it.
struct Stubborn(Receiver<()>);

impl Task for Stubborn {
    fn turn(self: Box<Self>) -> Turn {
        self.0.recv().unwrap();
        Turn::Ended(Ok(()))
    }
}

/// Adds a connector with a task that ends when something is sent.
fn add_stubborn(worker: &Worker, name: &str) -> Sender<()> {
    let (end, ends) = channel();
    let config = ConnectorConfig::parse(worker.plugin(), &worker.config, &connector(name)).unwrap();
    let context = Context { worker: &worker.config, bootstrap: None, runtime: &worker.runtime };
    let set = config.connector.start(&context).unwrap();
    let make = || unreachable!("it ends");
    let task = Box::new(Stubborn(ends));
    let task = TaskHandle::spawn(
        &worker.pool,
        name.to_owned(),
        task,
        make,
        config.connector.restart(),
        set.state(0),
        Arc::default(),
    )
    .unwrap();
    let tasks = Arc::new(Tasks { handles: BTreeMap::from([(0, Arc::new(task))]), set });
    let entry = Entry {
        config,
        target: TargetState::Running,
        phase: Phase::Started(tasks),
        failure: None,
        topics: BTreeSet::new(),
    };
    worker.connectors.lock().by_name.insert(name.to_owned(), entry);
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

fn states(worker: &Worker) -> (ConnectorState, Vec<&'static str>) {
    let status = worker.status("c").unwrap();
    (status.state, status.tasks.iter().map(|task| task.state()).collect())
}

#[test]
fn a_connector_pauses_resumes_and_stops_and_keeps_its_configuration() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let worker = worker(runtime.handle());
    worker.create(&connector("c")).unwrap();
    assert_eq!(states(&worker), (ConnectorState::Running, vec!["RUNNING"]));
    worker.pause("c").unwrap();
    eventually("it pauses", || states(&worker) == (ConnectorState::Paused, vec!["PAUSED"]));
    worker.restart_task("c", 0).unwrap();
    eventually("it pauses again after a restart", || {
        states(&worker) == (ConnectorState::Paused, vec!["PAUSED"])
    });
    worker.resume("c").unwrap();
    eventually("it runs", || states(&worker) == (ConnectorState::Running, vec!["RUNNING"]));
    worker.stop_connector("c").unwrap();
    assert_eq!(states(&worker), (ConnectorState::Stopped, vec![]));
    assert_eq!(worker.restart_task("c", 0), Err(RequestError::UnknownTask));
    assert!(worker.restart_tasks("c", false).unwrap().is_empty());
    worker.pause("c").unwrap();
    assert_eq!(states(&worker), (ConnectorState::Paused, vec![]), "it has no tasks that could pause");
    assert_eq!(worker.info("c").unwrap().config["connector.class"], "Fake");
    worker.resume("c").unwrap();
    assert_eq!(states(&worker), (ConnectorState::Running, vec!["RUNNING"]));
    worker.delete("c").unwrap();
    for unknown in [worker.pause("c"), worker.stop_connector("c"), worker.delete("c")] {
        assert_eq!(unknown, Err(RequestError::UnknownConnector));
    }
    worker.stop();
}

#[test]
fn a_connector_that_begins_paused_or_stopped_has_no_tasks_until_it_is_resumed() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let worker = worker(runtime.handle());
    for (target, state) in
        [(TargetState::Paused, ConnectorState::Paused), (TargetState::Stopped, ConnectorState::Stopped)]
    {
        assert_eq!(worker.create_as(&connector("c"), target).unwrap().tasks, 0);
        assert_eq!(states(&worker), (state, vec![]));
        worker.resume("c").unwrap();
        assert_eq!(states(&worker), (ConnectorState::Running, vec!["RUNNING"]));
        worker.delete("c").unwrap();
    }
    worker.stop();
}

fn with(name: &str, more: (&str, &str)) -> Properties {
    Properties::from_pairs("test", [("name", name), ("connector.class", "Fake"), more])
}

#[test]
fn a_new_configuration_restarts_what_runs_and_an_equal_one_does_not() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let worker = worker(runtime.handle());
    assert!(worker.configure(&connector("c")).unwrap().0, "it is created");
    let task = |worker: &Worker| worker.status("c").unwrap().tasks[0].state.clone();
    let first = task(&worker);
    assert!(!worker.configure(&connector("c")).unwrap().0);
    assert!(Arc::ptr_eq(&first, &task(&worker)), "as it was");
    let (created, info) = worker.configure(&with("c", ("x", "1"))).unwrap();
    assert_eq!((created, info.config["x"].as_str(), info.tasks), (false, "1", 1));
    assert!(!Arc::ptr_eq(&first, &task(&worker)), "started again");

    worker.pause("c").unwrap();
    worker.configure(&with("c", ("x", "2"))).unwrap();
    eventually("the new tasks pause", || states(&worker) == (ConnectorState::Paused, vec!["PAUSED"]));
    worker.stop_connector("c").unwrap();
    worker.configure(&with("c", ("x", "3"))).unwrap();
    assert_eq!(states(&worker), (ConnectorState::Stopped, vec![]));
    assert_eq!(worker.info("c").unwrap().config["x"], "3");
    worker.stop();
}

#[test]
fn a_configuration_whose_tasks_cannot_start_is_kept_and_can_be_started_again() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let worker = worker(runtime.handle());
    worker.create(&connector("c")).unwrap();
    let refused = worker.configure(&with("c", ("fails", "true"))).unwrap_err();
    assert!(matches!(refused, CreateError::NotStarted { .. }), "{refused}");
    let status = worker.status("c").unwrap();
    assert_eq!((status.state, status.tasks.len()), (ConnectorState::Failed, 0));
    assert_eq!(status.failure, Some(refused.to_string()));
    worker.restart("c").unwrap_err();
    assert_eq!(states(&worker).0, ConnectorState::Failed);
    worker.configure(&connector("c")).unwrap();
    assert_eq!(states(&worker), (ConnectorState::Running, vec!["RUNNING"]));
    assert!(worker.create(&with("d", ("fails", "true"))).is_err());
    assert_eq!(worker.names(), ["c"], "one that is created and cannot start is not there");
    worker.stop();
}

#[test]
fn while_the_tasks_of_a_connector_are_ending_it_accepts_no_change() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let worker = worker(runtime.handle());
    let end = add_stubborn(&worker, "c");
    worker.lock().stop("c").unwrap().unwrap().end();
    assert_eq!(states(&worker).0, ConnectorState::Stopped);
    assert!(matches!(worker.resume("c"), Err(CreateError::Conflict)));
    assert!(matches!(worker.configure(&with("c", ("x", "1"))), Err(CreateError::Conflict)));
    end.send(()).unwrap();
    eventually("its tasks have ended", || worker.status("c").unwrap().tasks.is_empty());
    worker.resume("c").unwrap();
    assert_eq!(states(&worker), (ConnectorState::Running, vec!["RUNNING"]));
    worker.stop();
}

#[test]
fn the_topics_of_a_connector_are_known_until_they_are_forgotten_also_when_its_tasks_have_ended() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let worker = worker(runtime.handle());
    worker.create(&connector("c")).unwrap();
    assert_eq!(worker.topics("c").into_iter().collect::<Vec<_>>(), ["t"]);
    worker.stop_connector("c").unwrap();
    assert_eq!(worker.topics("c").into_iter().collect::<Vec<_>>(), ["t"]);
    worker.forget_topics("c");
    assert!(worker.topics("c").is_empty());
    assert!(worker.topics("unknown").is_empty());
    worker.stop();
}

#[test]
fn a_task_is_restarting_from_the_request_until_it_has_begun_again() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let worker = worker(runtime.handle());
    let end = add_stubborn(&worker, "c");
    worker.restart_task("c", 0).unwrap();
    assert_eq!(states(&worker).1, ["RESTARTING"], "it has not ended yet");
    drop(end);
    // Its thread panics, restarts and cannot make another task.
    eventually("it fails", || states(&worker).1 == ["FAILED"]);
    worker.stop();
}
