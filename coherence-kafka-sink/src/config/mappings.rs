//! `coherence.cache.mappings`: which map a topic of this name goes to.

use std::collections::BTreeMap;

/// Topic to map.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mappings(BTreeMap<String, String>);

impl Mappings {
    /// Reads items `topic->map`.
    ///
    /// Java checks nothing: an item without arrow or a repeated topic crashes its task, and blanks around the
    /// arrow become part of the names, so that the item is dead. Here each of these is refused.
    ///
    /// # Errors
    /// One message for each item that is refused, saying what to write.
    pub fn parse(items: &[String]) -> Result<Self, Vec<String>> {
        let mut maps = BTreeMap::new();
        let mut refused = Vec::new();
        for item in items.iter().filter(|item| !item.is_empty()) {
            match parse_item(item) {
                Ok((topic, map)) if maps.contains_key(topic) => {
                    refused.push(format!(
                        "topic {topic} occurs twice, in {topic}->{} and in {topic}->{map}",
                        maps[topic]
                    ));
                }
                Ok((topic, map)) => {
                    maps.insert(topic.to_owned(), map.to_owned());
                }
                Err(why) => refused.push(why),
            }
        }
        if refused.is_empty() { Ok(Mappings(maps)) } else { Err(refused) }
    }

    /// Returns the map of the item of `topic`.
    pub fn get(&self, topic: &str) -> Option<&str> {
        self.0.get(topic).map(String::as_str)
    }

    /// Returns the items, sorted by topic.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(topic, map)| (topic.as_str(), map.as_str()))
    }
}

/// Returns whether the name of a map has a wildcard, which stands for several maps in a cache configuration.
pub(crate) fn has_wildcard(map: &str) -> bool {
    map.contains(['*', '?'])
}

fn parse_item(item: &str) -> Result<(&str, &str), String> {
    let Some((topic, map)) = item.split_once("->") else {
        return Err(format!("item {item} has no arrow: write topic->map"));
    };
    let (bare_topic, bare_map) = (topic.trim(), map.trim());
    if bare_topic.is_empty() || bare_map.is_empty() {
        return Err(format!("item {item} lacks a name: write topic->map"));
    }
    if bare_map.contains("->") {
        return Err(format!("item {item} has two arrows: write topic->map, items separated by commas"));
    }
    if (topic, map) != (bare_topic, bare_map) {
        return Err(format!("item {item} has blanks around the arrow: write {bare_topic}->{bare_map}"));
    }
    if has_wildcard(map) {
        return Err(format!("item {item} names a map with a wildcard: name one map"));
    }
    Ok((topic, map))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(items: &[&str]) -> Result<Mappings, Vec<String>> {
        Mappings::parse(&items.iter().map(|item| (*item).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn an_item_names_the_map_of_its_topic() {
        let mappings = parse(&["MyTopic->MyCache", "b->c", ""]).unwrap();
        assert_eq!(mappings.get("MyTopic"), Some("MyCache"));
        assert_eq!(mappings.get("c"), None);
        assert_eq!(mappings.iter().collect::<Vec<_>>(), [("MyTopic", "MyCache"), ("b", "c")]);
    }

    #[test]
    fn two_topics_may_share_a_map() {
        let mappings = parse(&["a->m", "b->m"]).unwrap();
        assert_eq!((mappings.get("a"), mappings.get("b")), (Some("m"), Some("m")));
    }

    #[test]
    fn every_bad_item_is_reported_with_what_to_write() {
        assert_eq!(
            parse(&["a", "->m", "a->", "b -> m", "c->m*", "d->x->y", "e->1", "e->2"]).unwrap_err(),
            [
                "item a has no arrow: write topic->map",
                "item ->m lacks a name: write topic->map",
                "item a-> lacks a name: write topic->map",
                "item b -> m has blanks around the arrow: write b->m",
                "item c->m* names a map with a wildcard: name one map",
                "item d->x->y has two arrows: write topic->map, items separated by commas",
                "topic e occurs twice, in e->1 and in e->2",
            ]
        );
    }
}
