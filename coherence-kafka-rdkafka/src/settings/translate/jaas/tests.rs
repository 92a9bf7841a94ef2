use super::*;

const PLAIN: &str = "org.apache.kafka.common.security.plain.PlainLoginModule";

fn read(text: &str) -> Result<(String, String), String> {
    parse(text).map(|credentials| (credentials.username, credentials.password))
}

/// The password of options that a user name stands before.
fn password(rest: &str) -> Result<String, String> {
    read(&format!("{PLAIN} required username=\"u\" {rest}")).map(|(_, password)| password)
}

#[test]
fn plain_and_scram_give_user_name_and_password() {
    let plain = format!("{PLAIN} required username=\"u\" password=\"p\";");
    assert_eq!(read(&plain), Ok(("u".to_owned(), "p".to_owned())));
    let scram = "org.apache.kafka.common.security.scram.ScramLoginModule  required\n  username='a b'\n  \
                 password=\"x=y;\\\"z\" tokenauth=\"false\" ;";
    assert_eq!(read(scram), Ok(("a b".to_owned(), "x=y;\"z".to_owned())));
    let bare = format!("{PLAIN} REQUIRED username=u_$-1.x password=p;");
    assert_eq!(read(&bare), Ok(("u_$-1.x".to_owned(), "p".to_owned())));
}

/// Each pair is what a `StreamTokenizer` of Java 25 with Kafka's options reads.
#[test]
fn escapes_and_comments_are_those_of_javas_tokenizer() {
    for (rest, expected) in [
        (r#"password="pw-\61";"#, "pw-1"),
        (r#"password="p\100ss:w;d=1";"#, "p@ss:w;d=1"),
        (r#"password="a\0b\18\778\400\3777";"#, "a\0b\u{1}8\u{3F}8\u{20}0\u{FF}7"),
        (r#"password="\a\b\f\n\r\t\v";"#, "\u{7}\u{8}\u{C}\n\r\t\u{B}"),
        (r#"password="\c\\\"\'\9\é";"#, "c\\\"'9é"),
        (r#"password='it\'s "x"';"#, "it's \"x\""),
        (r#"password="日本😀";"#, "日本😀"),
        (r#"/* a * b */ password="x";// done"#, "x"),
        ("password=\"x\"; /* no end", "x"),
        ("password=\"x\"; / done", "x"),
        ("# password=\"x\";", "refused"),
        ("password=\"/* no comment */ //\";", "/* no comment */ //"),
        ("password=a/b\n;", "a"),
        ("password=\"x\n;", "x"),
        ("password=\"x\\\ny\";", "x\ny"),
        ("password=é日-_$.9;", "é日-_$.9"),
        ("password=\"a\" password=\"b\";", "b"),
        ("\"password\"=\"b\" 5=\"c\";", "b"),
    ] {
        match password(rest) {
            Ok(read) => assert_eq!(read, expected, "{rest}"),
            Err(_) => assert_eq!("refused", expected, "{rest}"),
        }
    }
    let user = format!(r#"{PLAIN} required /* app */ username="\160lain" password="pw-1"; // done"#);
    assert_eq!(read(&user), Ok(("plain".to_owned(), "pw-1".to_owned())));
}

#[test]
fn what_is_wrong_is_reported_without_the_password() {
    for (text, expected) in [
        ("", "does not begin with a login module"),
        ("com.acme.Login required password=\"sesame\";", "does not begin with a login module"),
        (&format!("{PLAIN} username=\"u\" password=\"sesame\";"), "lacks the word required"),
        (&format!("{PLAIN} required username=\"u\" password=\"sesame\""), "lacks the semicolon"),
        (&format!("{PLAIN} required username=\"u\" password=\"sesame;"), "lacks the semicolon"),
        (&format!("{PLAIN} required password=\"sesame\";"), "lacks the username"),
        (&format!("{PLAIN} required username=\"u\";"), "lacks the password"),
        (&format!("{PLAIN} required username=\"\" password=\"sesame\";"), "has an empty username"),
        (&format!("{PLAIN} required username=\"u\" password=\"\";"), "has an empty password"),
        (&format!("{PLAIN} required username \"u\" password=\"sesame\";"), "is not a list of name=\"value\""),
        (&format!("{PLAIN} required username=\"u\" password=1234;"), "is not a list of name=\"value\""),
        (&format!("{PLAIN} required username=\"u\" password=-x;"), "is not a list of name=\"value\""),
        (&format!("{PLAIN} required username=\"u\" password=p@sesame;"), "is not a list of name=\"value\""),
        (
            &format!("{PLAIN} required username=\"u\" password=\"sesame\"; {PLAIN} required;"),
            "goes on behind its semicolon",
        ),
    ] {
        let why = read(text).unwrap_err();
        assert!(why.starts_with(expected), "{text}: {why}");
        assert!(!why.contains("sesame"), "{why}");
    }
}
