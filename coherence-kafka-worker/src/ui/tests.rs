use std::net::TcpListener;
use std::sync::Arc;

use coherence_kafka_connect::config::Properties;
use tokio::runtime::Runtime;
use ureq::http::Response;
use ureq::{Agent, Body};

use super::FILES;
use crate::config::RestLimits;
use crate::rest::{self, Endpoint, Server};
use crate::testing;

/// Asks a worker with these settings for each path.
fn answers(settings: &[(&str, &str)], requests: &[(&str, &str)]) -> Vec<Response<Body>> {
    let runtime = Runtime::new().unwrap();
    let properties = Properties::from_pairs("worker", settings.iter().copied());
    let worker = testing::worker_with(&properties, runtime.handle());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let endpoint = Endpoint::new(listener, rest::router(Arc::new(worker), "here:1"));
    let _server = Server::start(RestLimits::default(), vec![endpoint]).unwrap();
    let agent: Agent = Agent::config_builder().http_status_as_error(false).max_redirects(0).build().into();
    let answer = |(path, accept): &(&str, &str)| {
        agent.get(format!("http://{address}{path}")).header("Accept", *accept).call().unwrap()
    };
    requests.iter().map(answer).collect()
}

fn header<'a>(answer: &'a Response<Body>, name: &str) -> &'a str {
    answer.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

#[test]
fn the_page_and_its_files_are_served_to_a_browser_with_a_strict_policy() {
    let requests = FILES.map(|(path, ..)| (path, "text/html"));
    for ((path, media_type, text), mut answer) in FILES.into_iter().zip(answers(&[], &requests)) {
        assert_eq!(answer.status(), 200, "{path}");
        assert_eq!(header(&answer, "content-type"), media_type, "{path}");
        assert_eq!(header(&answer, "x-content-type-options"), "nosniff");
        let policy = header(&answer, "content-security-policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(answer.body_mut().read_to_string().unwrap(), text);
    }
}

#[test]
fn a_slash_at_the_end_leads_to_the_page() {
    let answer = &answers(&[], &[("/ui/", "text/html")])[0];
    assert_eq!((answer.status().as_u16(), header(answer, "location")), (308, "../ui"));
}

#[test]
fn a_worker_whose_page_is_switched_off_has_none() {
    for answer in
        answers(&[("ui.enable", "false")], &[("/ui", "*/*"), ("/ui/", "*/*"), ("/ui/app.js", "*/*")])
    {
        assert_eq!(answer.status(), 404);
    }
}

#[test]
fn the_page_names_only_files_that_exist_and_no_other_host() {
    for (path, _, text) in FILES {
        for part in [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "style=\"",
            "onclick=",
        ] {
            assert!(!text.contains(part), "{path} contains {part}");
        }
        let hosts = text.replace("http://www.w3.org/", "");
        assert!(!hosts.contains("://"), "{path} names another host");
        for name in text
            .split(['"', '\''])
            .filter(|name| (name.starts_with("./") && name.len() > 2) || name.starts_with("ui/"))
        {
            let file = format!("/ui/{}", name.trim_start_matches("./").trim_start_matches("ui/"));
            assert!(FILES.iter().any(|(path, ..)| *path == file), "{path} names {name}");
        }
    }
}

#[test]
fn the_page_is_small() {
    let size: usize = FILES.iter().map(|(.., text)| text.len()).sum();
    assert!(size < 70 * 1024, "{size} bytes");
}
