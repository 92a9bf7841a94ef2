//! Options from the environment variables of the official clients, so that one deployment serves them and this one.
//!
//! | variable | option | value |
//! |---|---|---|
//! | `COHERENCE_SERVER_ADDRESS` | [`addresses`](SessionOptions::addresses) | `host:port`, several with commas, or one `coherence:///…` |
//! | `COHERENCE_CLIENT_REQUEST_TIMEOUT` | [`request_timeout`](SessionOptions::request_timeout) | a time |
//! | `COHERENCE_READY_TIMEOUT` | [`ready_timeout`](SessionOptions::ready_timeout) | a time, or 0 |
//! | `COHERENCE_SESSION_DISCONNECT_TIMEOUT` | none: a session never ends by itself | a time, checked only |
//! | `COHERENCE_TLS_CERTS_PATH` | [`ca`](TlsOptions::ca) | PEM file |
//! | `COHERENCE_TLS_CLIENT_CERT` | [`certificate`](TlsOptions::certificate) | PEM file |
//! | `COHERENCE_TLS_CLIENT_KEY` | [`key`](TlsOptions::key) | PEM file |
//! | `COHERENCE_IGNORE_INVALID_CERTS` | none: certificates are always verified | `false`; `true` is refused |
//! | `COHERENCE_RESOLVER_RETRIES` | [`resolver_retries`](SessionOptions::resolver_retries) | a number |
//! | `COHERENCE_RESOLVER_RANDOMIZE` | [`resolver_randomize`](SessionOptions::resolver_randomize) | `true`, `false` |
//! | `COHERENCE_CLUSTER`, `COHERENCE_RACK`, `COHERENCE_SITE` | [`identity`](SessionOptions::identity) | texts |
//!
//! A variable that is empty counts as absent. TLS is used when one of its files is named, as the Python client has it;
//! the Go client uses it by default. A time is a whole number of milliseconds, as in the Go client, or has its unit:
//! `30000`, `30000ms`, `30s`. The Python client reads the same variables as seconds: values that only it accepts, such
//! as `0.5`, are refused.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use coherence_kafka_common::grid_address::GridAddress;

use crate::options::{ClientIdentity, OptionsError, SessionOptions, SettingNames, TlsOptions, check_address};

const ADDRESS: &str = "COHERENCE_SERVER_ADDRESS";
const REQUEST_TIMEOUT: &str = "COHERENCE_CLIENT_REQUEST_TIMEOUT";
const READY_TIMEOUT: &str = "COHERENCE_READY_TIMEOUT";
const DISCONNECT_TIMEOUT: &str = "COHERENCE_SESSION_DISCONNECT_TIMEOUT";
const CA: &str = "COHERENCE_TLS_CERTS_PATH";
const CERTIFICATE: &str = "COHERENCE_TLS_CLIENT_CERT";
const KEY: &str = "COHERENCE_TLS_CLIENT_KEY";
const IGNORE_INVALID: &str = "COHERENCE_IGNORE_INVALID_CERTS";
const RESOLVER_RETRIES: &str = "COHERENCE_RESOLVER_RETRIES";
const RESOLVER_RANDOMIZE: &str = "COHERENCE_RESOLVER_RANDOMIZE";
const CLUSTER: &str = "COHERENCE_CLUSTER";
const RACK: &str = "COHERENCE_RACK";
const SITE: &str = "COHERENCE_SITE";

/// Messages about TLS name the variables.
const NAMES: SettingNames = SettingNames {
    use_tls: "set COHERENCE_TLS_CERTS_PATH",
    use_plaintext: "unset the COHERENCE_TLS_ variables",
    ca: CA,
    certificate: CERTIFICATE,
    key: KEY,
    // No official client has a variable for it.
    server_name: "tls.server_name",
};

impl SessionOptions {
    /// The defaults, changed by the environment variables of the official Coherence clients where they are set:
    /// `COHERENCE_SERVER_ADDRESS`, `COHERENCE_CLIENT_REQUEST_TIMEOUT`, `COHERENCE_READY_TIMEOUT` (times are
    /// milliseconds, as in the Go client, or bear `ms` or `s`; the Python client reads seconds from the same
    /// variables), `COHERENCE_TLS_CERTS_PATH`, `COHERENCE_TLS_CLIENT_CERT`, `COHERENCE_TLS_CLIENT_KEY` (any of them
    /// turns TLS on), `COHERENCE_RESOLVER_RETRIES`, `COHERENCE_RESOLVER_RANDOMIZE`, `COHERENCE_CLUSTER`,
    /// `COHERENCE_RACK` and `COHERENCE_SITE`. `COHERENCE_SESSION_DISCONNECT_TIMEOUT` is checked and has no effect: a
    /// session never ends by itself. `COHERENCE_IGNORE_INVALID_CERTS=true` is refused.
    ///
    /// # Errors
    /// [`OptionsError::Variable`] with the first variable whose value cannot be used.
    pub fn from_env() -> Result<Self, OptionsError> {
        Self::from_variables(|name| std::env::var_os(name))
    }

    /// As [`SessionOptions::from_env`], from any source of variables.
    ///
    /// # Errors
    /// As [`SessionOptions::from_env`].
    pub fn from_variables(variable: impl Fn(&str) -> Option<OsString>) -> Result<Self, OptionsError> {
        let set = |name: &'static str| variable(name).filter(|value| !value.is_empty());
        let text = |name: &'static str| {
            set(name)
                .map(|value| value.into_string().map_err(|_| wrong(name, "not a text".to_owned())))
                .transpose()
        };
        let mut options = Self { setting_names: NAMES, ..Self::default() };
        if let Some(value) = text(ADDRESS)? {
            options.addresses = addresses(&value)?;
        }
        if let Some(value) = text(REQUEST_TIMEOUT)? {
            options.request_timeout = time(REQUEST_TIMEOUT, &value)?;
            if options.request_timeout.is_zero() {
                return Err(wrong(REQUEST_TIMEOUT, "must be longer than 0".to_owned()));
            }
        }
        if let Some(value) = text(READY_TIMEOUT)? {
            options.ready_timeout = time(READY_TIMEOUT, &value)?;
        }
        if let Some(value) = text(DISCONNECT_TIMEOUT)? {
            time(DISCONNECT_TIMEOUT, &value)?;
        }
        if let Some(value) = text(RESOLVER_RETRIES)? {
            options.resolver_retries = value.trim().parse().map_err(|_| {
                wrong(RESOLVER_RETRIES, format!("{value:?} is not a number from 0 to {}", u32::MAX))
            })?;
        }
        if let Some(value) = text(RESOLVER_RANDOMIZE)? {
            options.resolver_randomize = boolean(RESOLVER_RANDOMIZE, &value)?;
        }
        if let Some(value) = text(IGNORE_INVALID)?
            && boolean(IGNORE_INVALID, &value)?
        {
            let reason = format!("certificates are always verified here: name the authority in {CA} instead");
            return Err(wrong(IGNORE_INVALID, reason));
        }
        options.identity = ClientIdentity {
            cluster: text(CLUSTER)?.unwrap_or_default(),
            rack: text(RACK)?.unwrap_or_default(),
            site: text(SITE)?.unwrap_or_default(),
        };
        let file = |name| set(name).map(PathBuf::from);
        let tls =
            TlsOptions { ca: file(CA), certificate: file(CERTIFICATE), key: file(KEY), server_name: None };
        for (one, other, there) in [
            (CERTIFICATE, KEY, (tls.certificate.is_some(), tls.key.is_some())),
            (KEY, CERTIFICATE, (tls.key.is_some(), tls.certificate.is_some())),
        ] {
            if there == (true, false) {
                return Err(wrong(one, format!("needs {other} as well")));
            }
        }
        options.tls = (tls.ca.is_some() || tls.certificate.is_some()).then_some(tls);
        Ok(options)
    }
}

fn wrong(variable: &'static str, reason: String) -> OptionsError {
    OptionsError::Variable { variable, reason }
}

fn addresses(value: &str) -> Result<Vec<String>, OptionsError> {
    let addresses = GridAddress::split(value);
    addresses
        .iter()
        .try_for_each(|address| check_address(address))
        .map_err(|e| wrong(ADDRESS, e.to_string()))?;
    Ok(addresses)
}

fn time(variable: &'static str, value: &str) -> Result<Duration, OptionsError> {
    let value = value.trim();
    let (digits, unit): (&str, fn(u64) -> Duration) = match value.strip_suffix("ms") {
        Some(digits) => (digits, Duration::from_millis),
        None => match value.strip_suffix('s') {
            Some(digits) => (digits, Duration::from_secs),
            None => (value, Duration::from_millis),
        },
    };
    // A year: a longer time is a mistake, and overflows clocks.
    const LONGEST: Duration = Duration::from_secs(365 * 24 * 3_600);
    match digits.parse().map(unit) {
        Ok(time) if time <= LONGEST && digits.bytes().all(|b| b.is_ascii_digit()) => Ok(time),
        _ => Err(wrong(
            variable,
            format!(
                "{value:?} is not a time: expected whole milliseconds as 30000, or a unit as in 30s or 500ms"
            ),
        )),
    }
}

fn boolean(variable: &'static str, value: &str) -> Result<bool, OptionsError> {
    if value.eq_ignore_ascii_case("true") {
        Ok(true)
    } else if value.eq_ignore_ascii_case("false") {
        Ok(false)
    } else {
        Err(wrong(variable, format!("{value:?} is neither true nor false")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(variables: &[(&str, &str)]) -> Result<SessionOptions, OptionsError> {
        SessionOptions::from_variables(|name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into())
        })
    }

    #[test]
    fn without_variables_the_defaults_hold() {
        let options = from(&[("COHERENCE_SERVER_ADDRESS", ""), ("COHERENCE_TLS_CERTS_PATH", "")]).unwrap();
        assert_eq!(options.addresses, ["localhost:1408"]);
        assert_eq!(options.request_timeout, Duration::from_secs(30));
        assert!(options.tls.is_none());
    }

    #[test]
    fn every_variable_reaches_its_option() {
        let options = from(&[
            (ADDRESS, "a:1, [::1]:2"),
            (REQUEST_TIMEOUT, "1500"),
            (READY_TIMEOUT, "5s"),
            (DISCONNECT_TIMEOUT, "30000ms"),
            (CA, "/ca.pem"),
            (CERTIFICATE, "/client.pem"),
            (KEY, "/client.key"),
            (IGNORE_INVALID, "false"),
            (RESOLVER_RETRIES, "3"),
            (RESOLVER_RANDOMIZE, "False"),
            (CLUSTER, "c"),
            (RACK, "r"),
            (SITE, "s"),
        ])
        .unwrap();
        assert_eq!(options.addresses, ["a:1", "[::1]:2"]);
        assert_eq!(options.request_timeout, Duration::from_millis(1_500));
        assert_eq!(options.ready_timeout, Duration::from_secs(5));
        let tls = options.tls.as_ref().unwrap();
        assert_eq!(tls.ca, Some(PathBuf::from("/ca.pem")));
        assert_eq!(tls.certificate, Some(PathBuf::from("/client.pem")));
        assert_eq!(tls.key, Some(PathBuf::from("/client.key")));
        assert_eq!((options.resolver_retries, options.resolver_randomize), (3, false));
        let identity = ClientIdentity { cluster: "c".into(), rack: "r".into(), site: "s".into() };
        assert_eq!(options.identity, identity);
        assert_eq!(options.setting_names.ca, CA);
        assert_eq!(options.check(), Ok(()));
    }

    #[test]
    fn a_name_service_address_keeps_its_list_of_members() {
        let options = from(&[(ADDRESS, "coherence:///a,b:1/c")]).unwrap();
        assert_eq!(options.addresses, ["coherence:///a,b:1/c"]);
    }

    #[test]
    fn a_bad_value_is_refused_with_the_name_of_its_variable() {
        for (name, value) in [
            (ADDRESS, "grid"),
            (ADDRESS, "a:1,"),
            (ADDRESS, "coherence:///"),
            (REQUEST_TIMEOUT, "0"),
            (REQUEST_TIMEOUT, "0.5"),
            (REQUEST_TIMEOUT, "30 minutes"),
            (REQUEST_TIMEOUT, "+5"),
            (READY_TIMEOUT, "-1"),
            (READY_TIMEOUT, "99999999999999999999"),
            (READY_TIMEOUT, "s"),
            (DISCONNECT_TIMEOUT, "soon"),
            (RESOLVER_RETRIES, "-1"),
            (RESOLVER_RANDOMIZE, "yes"),
            (IGNORE_INVALID, "true"),
            (CERTIFICATE, "/client.pem"),
            (KEY, "/client.key"),
        ] {
            let error = from(&[(name, value)]).unwrap_err();
            assert!(matches!(error, OptionsError::Variable { variable, .. } if variable == name), "{error}");
            assert!(error.to_string().starts_with(name), "{error}");
        }
    }
}
