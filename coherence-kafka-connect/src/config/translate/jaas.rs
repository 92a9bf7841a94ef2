//! `sasl.jaas.config`: the one line of JAAS that Kafka clients read, for user name and password.

/// Credentials of PLAIN and SCRAM.
#[derive(PartialEq, Eq)]
pub(super) struct Credentials {
    pub(super) username: String,
    pub(super) password: String,
}

/// Reads `<module> required username="…" password="…";`.
///
/// # Errors
/// What is wrong; never a part of the text, which holds a password.
pub(super) fn parse(text: &str) -> Result<Credentials, String> {
    const MODULES: [&str; 2] = [
        "org.apache.kafka.common.security.plain.PlainLoginModule",
        "org.apache.kafka.common.security.scram.ScramLoginModule",
    ];
    const FORM: &str = "write org.apache.kafka.common.security.plain.PlainLoginModule (or …scram.ScramLoginModule) \
                        required username=\"…\" password=\"…\";";
    let tokens = tokens(text).ok_or_else(|| format!("has a quote without end: {FORM}"))?;
    let mut tokens = tokens.iter().map(String::as_str);
    let module = tokens.next().unwrap_or_default();
    if !MODULES.contains(&module) {
        return Err(format!("does not begin with a login module that is supported: {FORM}"));
    }
    let flag = tokens.next().unwrap_or_default();
    if !["required", "requisite", "sufficient", "optional"]
        .iter()
        .any(|known| flag.eq_ignore_ascii_case(known))
    {
        return Err(format!("lacks the word required behind the login module: {FORM}"));
    }
    let (mut username, mut password) = (None, None);
    loop {
        match (tokens.next(), tokens.next(), tokens.next()) {
            (Some(";"), None, _) => break,
            (Some(name), Some("="), Some(value)) => match name {
                "username" => username = Some(value.to_owned()),
                "password" => password = Some(value.to_owned()),
                _ => {}
            },
            (None, ..) => return Err(format!("lacks the semicolon at the end: {FORM}")),
            _ => return Err(format!("is not a list of name=\"value\" with a semicolon at the end: {FORM}")),
        }
    }
    match (username, password) {
        (Some(username), Some(password)) => Ok(Credentials { username, password }),
        (None, _) => Err(format!("lacks the username: {FORM}")),
        (_, None) => Err(format!("lacks the password: {FORM}")),
    }
}

/// Words, quoted texts, `=` and `;`, as Java's `StreamTokenizer` parts them; `None` for a quote without end.
fn tokens(text: &str) -> Option<Vec<String>> {
    let mut tokens = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(&c) = chars.peek() {
        let mut token = String::new();
        match c {
            '=' | ';' => token.extend(chars.next()),
            '"' | '\'' => {
                chars.next();
                loop {
                    match chars.next()? {
                        end if end == c => break,
                        '\\' => token.push(match chars.next()? {
                            'n' => '\n',
                            't' => '\t',
                            'r' => '\r',
                            other => other,
                        }),
                        other => token.push(other),
                    }
                }
            }
            c if c.is_whitespace() => {
                chars.next();
                continue;
            }
            _ => {
                while let Some(c) = chars.next_if(|c| !c.is_whitespace() && !"=;\"'".contains(*c)) {
                    token.push(c);
                }
            }
        }
        tokens.push(token);
    }
    Some(tokens)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(String, String), String> {
        parse(text).map(|credentials| (credentials.username, credentials.password))
    }

    #[test]
    fn plain_and_scram_give_user_name_and_password() {
        let plain =
            "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"u\" password=\"p\";";
        assert_eq!(read(plain), Ok(("u".to_owned(), "p".to_owned())));
        let scram = "org.apache.kafka.common.security.scram.ScramLoginModule  required\n  username='a b'\n  \
                     password=\"x=y;\\\"z\" tokenauth=\"false\" ;";
        assert_eq!(read(scram), Ok(("a b".to_owned(), "x=y;\"z".to_owned())));
        let bare = "org.apache.kafka.common.security.plain.PlainLoginModule required username=u password=p;";
        assert_eq!(read(bare), Ok(("u".to_owned(), "p".to_owned())));
    }

    #[test]
    fn what_is_wrong_is_said_without_the_password() {
        const PLAIN: &str = "org.apache.kafka.common.security.plain.PlainLoginModule";
        for (text, expected) in [
            ("", "does not begin with a login module"),
            ("com.acme.Login required password=\"sesame\";", "does not begin with a login module"),
            (&format!("{PLAIN} username=\"u\" password=\"sesame\";"), "lacks the word required"),
            (&format!("{PLAIN} required username=\"u\" password=\"sesame\""), "lacks the semicolon"),
            (&format!("{PLAIN} required username=\"u\" password=\"sesame;"), "has a quote without end"),
            (&format!("{PLAIN} required password=\"sesame\";"), "lacks the username"),
            (&format!("{PLAIN} required username=\"u\";"), "lacks the password"),
            (
                &format!("{PLAIN} required username \"u\" password=\"sesame\";"),
                "is not a list of name=\"value\"",
            ),
        ] {
            let why = read(text).unwrap_err();
            assert!(why.starts_with(expected), "{text}: {why}");
            assert!(!why.contains("sesame"), "{why}");
        }
    }
}
