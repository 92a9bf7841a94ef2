//! JAAS: its tokens, and `sasl.jaas.config`, the one line that Kafka clients read for user name and password.

mod tokens;

pub use tokens::{Token, tokens};

/// Credentials of PLAIN and SCRAM.
#[derive(PartialEq, Eq)]
pub(super) struct Credentials {
    pub(super) username: String,
    pub(super) password: String,
}

const FORM: &str = "write org.apache.kafka.common.security.plain.PlainLoginModule (or …scram.ScramLoginModule) \
                    required username=\"…\" password=\"…\";";

/// Reads `<module> required username="…" password="…";` by the rules of Kafka's `JaasConfig`.
///
/// # Errors
/// What is wrong; never a part of the text, which holds a password.
pub(super) fn parse(text: &str) -> Result<Credentials, String> {
    const MODULES: [&str; 2] = [
        "org.apache.kafka.common.security.plain.PlainLoginModule",
        "org.apache.kafka.common.security.scram.ScramLoginModule",
    ];
    let tokens = tokens(text);
    let mut tokens = tokens.iter();
    let module = tokens.next().and_then(Token::text).unwrap_or_default();
    if !MODULES.contains(&module) {
        return Err(format!("does not begin with a login module that is supported: {FORM}"));
    }
    let flag = tokens.next().and_then(Token::text).unwrap_or_default();
    if !["required", "requisite", "sufficient", "optional"]
        .iter()
        .any(|known| flag.eq_ignore_ascii_case(known))
    {
        return Err(format!("lacks the word required behind the login module: {FORM}"));
    }
    let (mut username, mut password) = (None, None);
    loop {
        let Some(name) = tokens.next() else {
            return Err(format!("lacks the semicolon at the end: {FORM}"));
        };
        if *name == Token::Mark(';') {
            break;
        }
        let is = tokens.next();
        let (Some(Token::Mark('=')), Some(Token::Text(value))) = (is, tokens.next()) else {
            return Err(format!("is not a list of name=\"value\" with a semicolon at the end: {FORM}"));
        };
        match name.text() {
            Some("username") => username = Some(value.clone()),
            Some("password") => password = Some(value.clone()),
            _ => {}
        }
    }
    if tokens.next().is_some() {
        return Err(format!(
            "goes on behind its semicolon, and Kafka's clients take one login module: {FORM}"
        ));
    }
    match (username, password) {
        (None, _) => Err(format!("lacks the username: {FORM}")),
        (_, None) => Err(format!("lacks the password: {FORM}")),
        (Some(username), _) if username.is_empty() => Err("has an empty username".to_owned()),
        (_, Some(password)) if password.is_empty() => Err("has an empty password".to_owned()),
        (Some(username), Some(password)) => Ok(Credentials { username, password }),
    }
}

#[cfg(test)]
mod tests;
