//! Addresses of a grid, as every program and the client accept them.
//!
//! Owns: their syntax. Never does: resolve or connect.

use core::net::Ipv6Addr;

const SCHEME: &str = "coherence:///";
/// The cluster port of Coherence, on which a name service answers.
const NAME_SERVICE_PORT: u16 = 7574;

/// Where a gRPC proxy is, or which name service knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GridAddress {
    /// One proxy: `host:port`, or `[v6]:port`.
    Proxy(String),
    /// `coherence:///host[:port][,host[:port]…][/cluster]`: the name service of a cluster.
    NameService {
        /// The members to ask, as `host:port`; at least one.
        members: Vec<String>,
        /// The cluster whose proxies are wanted, where it is not the members' own.
        cluster: Option<String>,
    },
}

/// What is wrong with the text of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct AddressError(pub &'static str);

impl GridAddress {
    /// Reads one address.
    ///
    /// # Errors
    /// What is wrong with it and what is expected.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let Some(rest) = text.strip_prefix(SCHEME) else {
            return check_host_and_port(text).map(|()| Self::Proxy(text.to_owned()));
        };
        let (hosts, cluster) = match rest.split_once('/') {
            None => (rest, None),
            Some((_, name)) if name.is_empty() || name.contains('/') => {
                return Err(AddressError(
                    "not a cluster name after the hosts, expected coherence:///host:port/cluster",
                ));
            }
            Some((hosts, name)) => (hosts, Some(name.to_owned())),
        };
        let member = |host: &str| {
            let has_port = if host.starts_with('[') { !host.ends_with(']') } else { host.contains(':') };
            let member = if has_port { host.to_owned() } else { format!("{host}:{NAME_SERVICE_PORT}") };
            check_host_and_port(&member).map(|()| member).map_err(|_| {
                AddressError("not a host with or without a port, expected coherence:///host:port")
            })
        };
        Ok(Self::NameService { members: hosts.split(',').map(member).collect::<Result<_, _>>()?, cluster })
    }

    /// Splits the value of a setting at its commas. The commas of a name service separate its members, so a value that
    /// starts with `coherence:///` is one address.
    pub fn split(value: &str) -> Vec<String> {
        let value = value.trim();
        if value.starts_with(SCHEME) {
            return vec![value.to_owned()];
        }
        if value.is_empty() {
            return Vec::new();
        }
        value.split(',').map(|item| item.trim().to_owned()).collect()
    }
}

/// Checks `host:port`, or `[v6]:port` for an IPv6 address.
///
/// # Errors
/// What is wrong with it and what is expected.
pub fn check_host_and_port(address: &str) -> Result<(), AddressError> {
    let Some((host, port)) = address.rsplit_once(':') else {
        return Err(AddressError("a port is missing, expected host:port"));
    };
    if port.is_empty() || !port.bytes().all(|b| b.is_ascii_digit()) || !matches!(port.parse(), Ok(1u16..)) {
        return Err(AddressError("the port must be a number from 1 to 65535, expected host:port"));
    }
    if let Some(v6) = host.strip_prefix('[') {
        return match v6.strip_suffix(']').map(str::parse::<Ipv6Addr>) {
            Some(Ok(_)) => Ok(()),
            _ => Err(AddressError("not an IPv6 address in brackets, expected [address]:port")),
        };
    }
    if host.contains("//") {
        return Err(AddressError("an address has no scheme, expected host:port"));
    }
    if host.contains(':') {
        return Err(AddressError("an IPv6 address must be in brackets, expected [address]:port"));
    }
    let label = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
    if host.is_empty() || !host.bytes().all(label) {
        return Err(AddressError("not a host name or IPv4 address, expected host:port"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn named(text: &str) -> (Vec<String>, Option<String>) {
        match GridAddress::parse(text) {
            Ok(GridAddress::NameService { members, cluster }) => (members, cluster),
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn a_name_service_has_one_or_more_members_and_maybe_a_cluster() {
        let expected = |members: &[&str], cluster: Option<&str>| {
            (members.iter().map(|&m| m.to_owned()).collect(), cluster.map(str::to_owned))
        };
        assert_eq!(named("coherence:///a"), expected(&["a:7574"], None));
        assert_eq!(
            named("coherence:///a:1,[::1],[::2]:3"),
            expected(&["a:1", "[::1]:7574", "[::2]:3"], None)
        );
        assert_eq!(named("coherence:///a,b:1/c"), expected(&["a:7574", "b:1"], Some("c")));
        for wrong in ["", "/", "a,,b", "a b", "a:0", "a:x", "a/", "a/b/c", "http://a"] {
            assert!(GridAddress::parse(&format!("coherence:///{wrong}")).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_value_is_a_list_of_proxies_or_one_name_service() {
        assert_eq!(GridAddress::split(" a:1, [::1]:2 "), ["a:1", "[::1]:2"]);
        assert_eq!(GridAddress::split(" coherence:///a,b:1/c "), ["coherence:///a,b:1/c"]);
        assert_eq!(GridAddress::split(" "), [""; 0]);
        assert_eq!(GridAddress::split("a:1,"), ["a:1", ""]);
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "(coherence:///)?[\\PC]{0,40}") {
            let _ = GridAddress::parse(&text);
        }
    }
}
