use tempfile::TempDir;

use super::*;
use crate::config::table::WORKER;

/// A folder with the files of `user=password` and of JAAS.
fn files(users: &str, jaas: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("users"), users).unwrap();
    fs::write(path("jaas"), jaas.replace("USERS", &path("users").display().to_string())).unwrap();
    folder
}

fn entry(options: &str) -> String {
    format!("KafkaConnect {{ {MODULE} required {options}; }};")
}

fn read_settings(settings: &[(&str, &str)], environment: &[(&str, &str)]) -> (Option<Users>, Vec<String>) {
    let properties = Properties::from_pairs("w", settings.iter().copied());
    let (values, _) = WORKER.parse(|key| properties.get(key).map(|property| property.value.as_str()));
    let environment =
        environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let mut findings = ConfigErrors::default();
    let users = super::read(&values, &properties, &environment, &mut findings);
    (users, findings.errors.iter().map(ToString::to_string).collect())
}

/// The users of these files, or what is wrong.
fn read_files(users: &str, jaas: &str) -> Result<Users, String> {
    let folder = files(users, jaas);
    let path = folder.path().join("jaas").display().to_string();
    match read_settings(&[(EXTENSIONS, BASIC), (JAAS, &path)], &[]) {
        (Some(users), errors) if errors.is_empty() => Ok(users),
        (_, errors) => Err(errors.join("\n").replace(&folder.path().display().to_string(), "")),
    }
}

#[test]
fn without_the_extension_no_password_is_required() {
    let (users, errors) = read_settings(&[], &[]);
    assert!(users.is_none());
    assert_eq!(errors, [""; 0]);
}

#[test]
fn each_user_of_the_file_is_admitted_with_the_own_password() {
    let users = read_files("alice=sesame\nbob = a:b \\u00e4\n", &entry("file=\"USERS\"")).unwrap();
    for (credentials, admitted) in [
        ("alice:sesame", true),
        ("bob:a:b ä", true),
        ("alice:a:b ä", false),
        ("alice:sesam", false),
        ("alice:sesame ", false),
        ("alice", false),
        (":", false),
        ("", false),
    ] {
        assert_eq!(users.admit(credentials.as_bytes()), admitted, "{credentials}");
    }
    assert!(!format!("{users:?}").contains("alice"));
}

#[test]
fn the_entry_stands_among_those_of_others_and_among_comments() {
    let jaas = format!(
        "// users\nKafkaClient {{\n  org.apache.kafka.common.security.plain.PlainLoginModule required\n  username=\"a\" \
         password=\"b\";\n}};\n/* here */ {}",
        entry("debug=\"true\" file=\"USERS\"")
    );
    assert!(read_files("alice=sesame", &jaas).is_ok());
}

#[test]
fn the_options_of_the_jvm_name_the_file_where_no_setting_does() {
    let folder = files("alice=sesame", &entry("file=\"USERS\""));
    let path = folder.path().join("jaas").display().to_string();
    for options in [
        format!("-Xmx1g {IN_OPTIONS}{path} -Da=b"),
        format!("\"{IN_OPTIONS}{path}\""),
        format!("{IN_OPTIONS}/nowhere {IN_OPTIONS}'{path}'"),
    ] {
        let (users, errors) = read_settings(&[(EXTENSIONS, BASIC)], &[(OPTIONS, &options)]);
        assert_eq!(errors, [""; 0], "{options}");
        assert!(users.unwrap().admit(b"alice:sesame"));
    }
}

#[test]
fn what_is_wrong_is_reported_with_its_place_and_without_a_password() {
    let jaas = entry("file=\"USERS\"");
    for (users, jaas, part) in [
        ("", jaas.as_str(), "/users has no users"),
        ("# nothing\n", &jaas, "/users has no users"),
        ("alice=\n", &jaas, "/users has a user without a password"),
        ("a\\:b=sesame\n", &jaas, "/users has a user whose name is empty or contains a colon"),
        ("alice=\\u00g", &jaas, "/users"),
        ("a=b", "", "/jaas needs an entry KafkaConnect {"),
        ("a=b", "Other { };", "/jaas needs an entry KafkaConnect {"),
        (
            "a=b",
            "KafkaConnect { com.acme.LdapLoginModule required file=\"USERS\"; };",
            "/jaas needs an entry",
        ),
        ("a=b", &entry(""), "/jaas needs an entry"),
        ("a=b", &entry("file=\"/nowhere/users\""), "/nowhere/users"),
    ] {
        let why = read_files(users, jaas).unwrap_err();
        assert!(why.starts_with("w: coherence.rest.jaas.file: ") && why.contains(part), "{part}: {why}");
        assert!(!why.contains("sesame"), "{why}");
    }
    let class = "com.acme.Extension";
    for (settings, part) in [
        (&[(EXTENSIONS, BASIC)][..], "w: rest.extension.classes: needs a JAAS file"),
        (&[(EXTENSIONS, class)], "com.acme.Extension is a class of the JVM"),
        (&[(JAAS, "/nowhere")], "requires no password without rest.extension.classes="),
        (&[(EXTENSIONS, BASIC), (JAAS, "/nowhere")], "/nowhere cannot be read: "),
    ] {
        let (_, errors) = read_settings(settings, &[]);
        assert!(errors.len() == 1 && errors[0].contains(part), "{errors:?}");
    }
}
