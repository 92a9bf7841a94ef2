//! Where a page begins.

use std::str::FromStr;

use axum::body::Bytes;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

/// A place among the keys of a map. As text it is base64: four bytes for the number of keys, then the cookie.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Place {
    /// The map's own cookie; empty for its first page.
    pub(super) cookie: Bytes,
    /// Keys of that page, in their order, that come before.
    pub(super) skip: usize,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let skip = u32::try_from(self.skip).unwrap_or(u32::MAX).to_be_bytes();
        f.write_str(&BASE64_URL_SAFE_NO_PAD.encode([&skip[..], &self.cookie].concat()))
    }
}

impl FromStr for Place {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "the parameter after is not the member next of a page";
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| WRONG)?;
        let (skip, cookie) = bytes.split_first_chunk().ok_or(WRONG)?;
        let skip = usize::try_from(u32::from_be_bytes(*skip)).map_err(|_| WRONG)?;
        Ok(Self { cookie: Bytes::copy_from_slice(cookie), skip })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_survives_the_way_through_a_client() {
        for place in [
            Place::default(),
            Place { cookie: Bytes::new(), skip: 7 },
            Place { cookie: Bytes::from_static(b"\x00\xFF/+?"), skip: 70_000 },
        ] {
            let text = place.to_string();
            assert!(text.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)), "{text}");
            assert_eq!(text.parse(), Ok(place));
        }
    }

    #[test]
    fn a_text_that_is_no_place_is_refused() {
        for text in ["", "AAA", "*", "AAAAAA==", "é"] {
            assert!(text.parse::<Place>().is_err(), "{text}");
        }
    }
}
