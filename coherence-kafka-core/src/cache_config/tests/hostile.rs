//! Files that are no cache configuration, and files made to hurt.

use std::fmt::Write as _;

use super::*;

fn refusal(bytes: &[u8]) -> String {
    CacheConfig::parse("cache.xml", bytes, unset).unwrap_err().iter().next().unwrap().to_string()
}

#[test]
fn broken_xml_is_refused_with_its_line() {
    for (text, message) in [
        ("", "cache.xml: is not XML: it ends before its root element does"),
        ("<cache-config>", "cache.xml: is not XML: its root element is never closed"),
        ("<cache-config>\n</cache>", "cache.xml:2: is not XML: expected 'cache-config' tag, not 'cache'"),
        ("<cache-config>\n<a b='<'/></cache-config>", "cache.xml:2: is not XML: expected ''' not '<'"),
        (
            "<cache-config>\n\n<k:a/></cache-config>",
            "cache.xml:3: the prefix k is bound to nothing: write xmlns:k=\"…\" into <cache-config>",
        ),
        ("<cache-config>\na&word;</cache-config>", "cache.xml:2: is not XML: write &amp; for an ampersand"),
        ("<cache-config>\na & b</cache-config>", "cache.xml:2: is not XML: write &amp; for an ampersand"),
    ] {
        assert_eq!(refusal(text.as_bytes()), message, "{text}");
    }
    assert_eq!(refusal(b"<a>\xff</a>"), "cache.xml: is not UTF-8 at byte 3");
}

#[test]
fn an_entity_bomb_is_refused_before_it_grows() {
    let mut text = "<?xml version='1.0'?>\n<!DOCTYPE cache-config [\n<!ENTITY e0 'boom'>\n".to_owned();
    for n in 1..30 {
        let _ = writeln!(text, "<!ENTITY e{n} '{}'>", format!("&e{};", n - 1).repeat(10));
    }
    text.push_str("]>\n<cache-config>&e29;</cache-config>");
    assert_eq!(
        refusal(text.as_bytes()),
        "cache.xml:2: a document type declaration is not read, and its entities are not: remove <!DOCTYPE …>"
    );
    let outside = "<!DOCTYPE a [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><a>&e;</a>";
    assert!(refusal(outside.as_bytes()).contains("document type declaration"));
}

#[test]
fn a_huge_file_is_refused() {
    let text = format!("<cache-config><!--{}--></cache-config>", "x".repeat(256 << 10));
    assert_eq!(refusal(text.as_bytes()), "cache.xml: has more than 262144 bytes, which is the limit");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache.xml");
    std::fs::write(&path, text).unwrap();
    let refused = CacheConfig::from_file(&path, unset).unwrap_err();
    assert!(refused.to_string().contains("has more than 262144 bytes"), "{refused}");
}

#[test]
fn deep_and_wide_files_are_refused_or_read() {
    let deep = |depth: usize| {
        format!("<cache-config>\n{}{}</cache-config>", "<a>".repeat(depth), "</a>".repeat(depth))
    };
    let no_mapping = "cache.xml:1: <cache-config>: has no <caching-scheme-mapping>, which lists the caches";
    assert_eq!(refusal(deep(63).as_bytes()), no_mapping);
    let too_deep = "cache.xml:2: elements are nested deeper than 64, which is the limit";
    assert_eq!(refusal(deep(64).as_bytes()), too_deep);
    assert_eq!(refusal(deep(24_000).as_bytes()), too_deep);
    let wide = format!("<cache-config>{}</cache-config>", "<a/>".repeat(60_000));
    assert_eq!(
        refusal(wide.as_bytes()),
        "cache.xml: has more than 50000 elements and texts, which is the limit"
    );
    let spaces: String = (0..70).map(|n| format!("<a xmlns:p{n}='x{n}'>")).collect();
    assert_eq!(refusal(spaces.as_bytes()), "cache.xml: names xmlns more than 64 times, which is the limit");
}

/// The time is not measured: what grows beyond its input would not end.
#[test]
fn files_made_to_take_long_end() {
    let attributes: String = (0..20_000).map(|n| format!(" a{n}=''")).collect();
    assert!(refusal(format!("<cache-config{attributes}/>").as_bytes()).contains("<caching-scheme-mapping>"));
    // Schemes that refer to each other twice over.
    let mut schemes = String::new();
    for n in 0..500 {
        let _ = write!(
            schemes,
            "<distributed-scheme><scheme-name>s{n}</scheme-name><scheme-ref>s{}</scheme-ref>\
             <backing-map-scheme><local-scheme><scheme-ref>s{}</scheme-ref></local-scheme></backing-map-scheme>\
             </distributed-scheme>",
            n + 1,
            n + 1
        );
    }
    let mappings: String = (0..500).map(|n| mapping(&format!("c{n}"), &format!("s{n}"))).collect();
    let config = CacheConfig::parse("cache.xml", file(&mappings, &schemes).as_bytes(), unset).unwrap();
    assert!(config.cache("c0").unwrap_err().to_string().contains("s500"));
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = CacheConfig::parse("cache.xml", &bytes, unset);
    }

    /// Files that are nearly right: pieces of a good one cut out, doubled and mixed.
    #[test]
    fn any_mixture_of_pieces_is_read_or_refused(
        cuts in proptest::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..6),
    ) {
        let lines: Vec<_> = EXAMPLE.lines().collect();
        let mut text = lines.clone();
        for (from, to) in cuts {
            let moved = lines[to.index(lines.len())];
            let at = from.index(text.len());
            if moved.len().is_multiple_of(2) { text.insert(at, moved) } else { text[at] = moved }
        }
        if let Ok(config) = CacheConfig::parse("cache.xml", text.join("\n").as_bytes(), unset) {
            for cache in ["invoices", "stock-a", "other"] {
                let _ = config.cache(cache);
            }
        }
    }
}
