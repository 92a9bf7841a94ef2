//! `response.http.headers.config`: headers that every answer has.

use std::time::{Duration, SystemTime};

use axum::http::{HeaderMap, HeaderName, HeaderValue};

pub(super) const KEY: &str = "response.http.headers.config";
const FORM: &str = "write [action] [name]:[value], with the action set, add, setDate or addDate";

/// A header, and how it gets into an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponseHeader {
    name: HeaderName,
    value: Content,
    /// Whether it replaces headers of this name.
    replaces: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Content {
    Text(HeaderValue),
    /// The time of the answer, later by this much.
    Date(Duration),
}

impl ResponseHeader {
    /// Adds itself to the headers of an answer that is given at `now`.
    pub(crate) fn apply(&self, headers: &mut HeaderMap, now: SystemTime) {
        let value = match &self.value {
            Content::Text(value) => Some(value.clone()),
            Content::Date(later) => HeaderValue::try_from(httpdate::fmt_http_date(now + *later)).ok(),
        };
        match value {
            Some(value) if self.replaces => _ = headers.insert(self.name.clone(), value),
            Some(value) => _ = headers.append(self.name.clone(), value),
            None => {}
        }
    }
}

/// Reads items that are separated by commas; an item may be in double quotes.
pub(super) fn parse(text: &str) -> Result<Vec<ResponseHeader>, String> {
    items(text)?.iter().map(|item| header(item.trim())).collect()
}

fn items(text: &str) -> Result<Vec<String>, String> {
    let mut items = vec![String::new()];
    let mut quoted = false;
    let mut chars = text.trim().chars();
    while let Some(c) = chars.next() {
        match (c, items.last_mut()) {
            ('"', _) => quoted = !quoted,
            (',', _) if !quoted => items.push(String::new()),
            ('\\', Some(item)) if quoted => item.extend(chars.next()),
            (c, Some(item)) => item.push(c),
            (_, None) => {}
        }
    }
    if quoted {
        return Err("lacks a quotation mark at its end".to_owned());
    }
    Ok(if text.trim().is_empty() { Vec::new() } else { items })
}

fn header(item: &str) -> Result<ResponseHeader, String> {
    let form = || format!("{item:?} is not a header: {FORM}");
    let (action, header) = item.split_once(char::is_whitespace).ok_or_else(form)?;
    let (name, value) = header.split_once(':').ok_or_else(form)?;
    let name = HeaderName::try_from(name.trim()).map_err(|_| form())?;
    let value = value.trim();
    let (replaces, is_date) = match action.to_ascii_lowercase().as_str() {
        "set" => (true, false),
        "add" => (false, false),
        "setdate" => (true, true),
        "adddate" => (false, true),
        _ => return Err(form()),
    };
    let value = if is_date {
        // Later dates have five digits in their years, which the form of a date in HTTP does not have.
        const MAX: u64 = 1000 * 365 * 24 * 60 * 60 * 1000;
        let later = value.parse().ok().filter(|later| *later <= MAX);
        let later =
            later.ok_or_else(|| format!("{item:?} needs a number of milliseconds from now: {FORM}"))?;
        Content::Date(Duration::from_millis(later))
    } else {
        Content::Text(HeaderValue::try_from(value).map_err(|_| form())?)
    };
    Ok(ResponseHeader { name, value, replaces })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_set_and_added_with_texts_and_dates() {
        let text = "add Cache-Control: no-cache, set X-Frame:DENY,\"set X-List: a, \\\"b\\\"\",\
                    setDate Expires: 1000,addDate Expires:0";
        let mut headers = HeaderMap::from_iter([
            ("x-frame".parse().unwrap(), "SAME".parse().unwrap()),
            ("cache-control".parse().unwrap(), "private".parse().unwrap()),
        ]);
        for header in parse(text).unwrap() {
            header.apply(&mut headers, SystemTime::UNIX_EPOCH);
        }
        let all = |name: &str| headers.get_all(name).iter().map(|v| v.to_str().unwrap()).collect::<Vec<_>>();
        assert_eq!(all("cache-control"), ["private", "no-cache"]);
        assert_eq!(all("x-frame"), ["DENY"]);
        assert_eq!(all("x-list"), ["a, \"b\""]);
        assert_eq!(all("expires"), ["Thu, 01 Jan 1970 00:00:01 GMT", "Thu, 01 Jan 1970 00:00:00 GMT"]);
        assert_eq!(parse(" ").unwrap(), []);
    }

    #[test]
    fn what_is_no_header_is_refused() {
        for text in [
            "X-Frame: DENY",
            "set",
            "set X-Frame",
            "put X: y",
            "set : y",
            "set X Y: z",
            "set X: a\u{7}",
            "set X: a,",
            "setDate X: soon",
            "addDate X: -1",
            "addDate X: 99999999999999999",
            "\"set X: a",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
