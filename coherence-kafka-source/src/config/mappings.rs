//! Which caches are published, and to which topics.

use std::collections::BTreeMap;

use coherence_kafka_connect::config::check_topic_name;

use super::table::{CACHES, MAPPINGS};

/// The placeholder in a topic for the name of the cache.
const CACHE_NAME: &str = "{cache-name}";

/// A setting, and what is wrong with it.
type Refused = (&'static str, String);

/// Returns the caches, each with its topic, of which no two are the same.
///
/// # Errors
/// Everything that is wrong, with the setting that it is wrong in.
pub(crate) fn resolve(caches: &[String], mappings: &[String]) -> Result<Vec<(String, String)>, Vec<Refused>> {
    let mut refused = Vec::new();
    let mut exact: Vec<(&str, &str)> = Vec::new();
    let mut patterns: Vec<(&str, &str)> = Vec::new();
    for item in mappings.iter().filter(|item| !item.is_empty()) {
        match parse(item) {
            Ok((cache, _)) if exact.iter().chain(&patterns).any(|(known, _)| *known == cache) => {
                refused.push((MAPPINGS, format!("cache {cache} occurs twice")));
            }
            Ok((cache, topic)) if cache.contains('*') => patterns.push((cache, topic)),
            Ok(pair) => exact.push(pair),
            Err(why) => refused.push((MAPPINGS, why)),
        }
    }
    // The longest pattern is the closest.
    patterns.sort_by_key(|(cache, _)| std::cmp::Reverse(cache.len()));
    let mut maps = Vec::new();
    if caches.is_empty() {
        for (cache, _) in &patterns {
            let why = format!("{cache} is a pattern: list the caches that it stands for in {CACHES}");
            refused.push((MAPPINGS, why));
        }
        maps.extend(
            exact.iter().map(|(cache, topic)| ((*cache).to_owned(), topic.replace(CACHE_NAME, cache))),
        );
        if maps.is_empty() && refused.is_empty() {
            refused.push((MAPPINGS, "must be set, to items cache->topic separated by commas".to_owned()));
        }
    } else {
        for (cache, _) in exact.iter().filter(|(cache, _)| !caches.iter().any(|listed| listed == cache)) {
            refused.push((MAPPINGS, format!("cache {cache} is not listed in {CACHES}")));
        }
        maps.extend(caches.iter().map(|cache| (cache.clone(), topic_of(cache, &exact, &patterns))));
    }
    refused.extend(bad_names(caches).map(|why| (CACHES, why)));
    let mut topics = BTreeMap::new();
    for (cache, topic) in &maps {
        if let Some(why) = no_topic(topic) {
            refused.push((MAPPINGS, why));
        } else if let Some(other) = topics.insert(topic.as_str(), cache).filter(|other| *other != cache) {
            refused.push((MAPPINGS, one_topic(other, cache, topic)));
        }
    }
    if refused.is_empty() { Ok(maps) } else { Err(refused) }
}

/// Returns what is wrong with the names of caches that are listed.
pub(super) fn bad_names(caches: &[String]) -> impl Iterator<Item = String> {
    caches.iter().enumerate().filter_map(|(at, cache)| {
        if cache.is_empty() {
            Some("an item is empty".to_owned())
        } else if cache.contains(['*', '?']) {
            Some(format!("{cache}: * and ? are not possible in the name of a cache"))
        } else {
            caches[..at].contains(cache).then(|| format!("cache {cache} occurs twice"))
        }
    })
}

/// Returns why a topic cannot hold the entries of two maps.
pub(super) fn one_topic(one: &str, other: &str, topic: &str) -> String {
    format!("caches {one} and {other} go to one topic, {topic}: each needs its own")
}

fn topic_of(cache: &str, exact: &[(&str, &str)], patterns: &[(&str, &str)]) -> String {
    if let Some((_, topic)) = exact.iter().find(|(name, _)| *name == cache) {
        return topic.replace(CACHE_NAME, cache);
    }
    let matched = patterns.iter().find_map(|(pattern, topic)| {
        let rest = cache.strip_prefix(pattern.strip_suffix('*')?)?;
        Some(topic.replace(CACHE_NAME, cache).replace('*', rest))
    });
    matched.unwrap_or_else(|| cache.to_owned())
}

fn parse(item: &str) -> Result<(&str, &str), String> {
    let Some((cache, topic)) = item.split_once("->") else {
        return Err(format!("item {item} has no arrow: write cache->topic"));
    };
    let (cache, topic) = (cache.trim(), topic.trim());
    if cache.is_empty() || topic.is_empty() || topic.contains("->") {
        return Err(format!("item {item} is not of the form cache->topic"));
    }
    let stars = |text: &str| text.matches('*').count();
    match stars(cache) {
        0 if topic.contains('*') => Err(format!("item {item}: the topic has a *, the cache has none")),
        0 => Ok((cache, topic)),
        1 if cache.ends_with('*') => {
            if topic.contains(CACHE_NAME) || stars(topic) == 1 {
                Ok((cache, topic))
            } else {
                Err(format!(
                    "item {item} sends many caches to one topic: write {{cache-name}} or * into the topic"
                ))
            }
        }
        _ => Err(format!("item {item}: a pattern ends with its only *")),
    }
}

/// Returns what is wrong with the name of a topic.
pub(super) fn no_topic(name: &str) -> Option<String> {
    check_topic_name(name).err().map(|why| format!("{name:?} is not a topic name: {why}"))
}
