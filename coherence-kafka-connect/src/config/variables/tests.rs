use super::*;

fn environment() -> Environment {
    [("SET", "fromenv"), ("PW", "sesame"), ("NESTED", "${env:SET}"), ("PATTERN", "a$b\\c")]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// Resolves the setting `k` on a worker with these settings.
fn resolve(worker: &[(&str, &str)], value: &str) -> (Property, ConfigErrors) {
    let mut findings = ConfigErrors::default();
    let worker = Properties::from_pairs("w.properties", worker.iter().copied());
    let variables = Variables::declared(&worker, environment(), &mut findings);
    let properties = Properties::from_pairs("c.properties:1", [("k", value)]);
    let resolved = variables.resolve(&properties, &mut findings);
    (resolved.get("k").unwrap().clone(), findings)
}

fn value(text: &str) -> String {
    let (property, findings) = resolve(&[], text);
    assert!(findings.errors.is_empty(), "{findings}");
    property.value
}

fn error(worker: &[(&str, &str)], text: &str) -> String {
    let (_, findings) = resolve(worker, text);
    assert!(findings.errors.len() == 1, "{text}: {findings}");
    findings.errors[0].to_string()
}

#[test]
fn a_variable_may_stand_anywhere_in_a_value_and_repeatedly() {
    assert_eq!(value("${env:SET}"), "fromenv");
    assert_eq!(value("a-${env:SET}-${env:SET}-b"), "a-fromenv-fromenv-b");
    assert_eq!(value("$${env:SET}}"), "$fromenv}");
    assert_eq!(value("${env:PATTERN}"), "a$b\\c");
    assert_eq!(value("no variable: ${SET} $env:SET"), "no variable: ${SET} $env:SET");
}

#[test]
fn what_a_variable_holds_is_not_read_again() {
    assert_eq!(value("${env:NESTED}"), "${env:SET}");
}

#[test]
fn files_and_directories_give_values() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("secret.properties"), "pw=sesame\nn = 3\nu=\\u00e9\n").unwrap();
    std::fs::write(directory.path().join("n"), " 4\n5\r\n\n").unwrap();
    let path = directory.path().display();
    assert_eq!(value(&format!("${{file:{path}/secret.properties:pw}}")), "sesame");
    assert_eq!(value(&format!("<${{file:{path}/secret.properties:n}}>")), "<3>");
    assert_eq!(value(&format!("${{file:{path}/secret.properties:u}}")), "é");
    assert_eq!(value(&format!("'${{dir:{path}:n}}'")), "' 4\n5'");
}

#[test]
fn what_a_variable_has_touched_is_a_secret() {
    assert!(resolve(&[], "x${env:PW}").0.secret);
    assert!(!resolve(&[], "x").0.secret);
    assert!(!resolve(&[], "${vault:pw}").0.secret);
}

#[test]
fn an_unknown_provider_leaves_the_text_and_is_warned_about() {
    let (property, findings) = resolve(&[], "${vault:path:key}");
    assert_eq!(property.value, "${vault:path:key}");
    assert_eq!(
        findings.warnings[0].to_string(),
        "c.properties:1: k: ${vault:path:key} stays as it is: no provider has the alias vault"
    );
}

#[test]
fn a_known_provider_without_the_key_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("p"), "a=b\n").unwrap();
    let path = directory.path().display();
    assert_eq!(error(&[], "${env:NO}"), "c.properties:1: k: ${env:NO}: the environment variable is not set");
    assert_eq!(
        error(&[], "${env:x:NO}"),
        "c.properties:1: k: ${env:x:NO}: Path is not supported for EnvVarConfigProvider, invalid value 'x'"
    );
    assert!(error(&[], &format!("${{file:{path}/p:no}}")).ends_with("/p has no key no"));
    assert!(error(&[], &format!("${{file:{path}/none:no}}")).contains("could not read "));
    assert!(error(&[], "${file:no}").contains("could not read "));
    assert!(
        error(&[], &format!("${{dir:{path}:../p}}")).contains("is not the name of a file directly inside")
    );
    assert!(error(&[], &format!("${{dir:{path}:.}}")).contains("is not "));
    assert!(error(&[], &format!("${{dir:{path}:none}}")).contains("could not read "));
}

#[test]
fn declared_limits_are_obeyed() {
    let directory = tempfile::tempdir().unwrap();
    let (inside, outside) = (directory.path().join("in"), directory.path().join("out"));
    for each in [&inside, &outside] {
        std::fs::create_dir(each).unwrap();
        std::fs::write(each.join("p"), "a=b\n").unwrap();
    }
    let allowed = inside.display().to_string();
    let worker = [
        ("config.providers", "file, e,dir"),
        ("config.providers.file.class", "org.apache.kafka.common.config.provider.FileConfigProvider"),
        ("config.providers.file.param.allowed.paths", allowed.as_str()),
        ("config.providers.dir.class", "DirectoryConfigProvider"),
        ("config.providers.dir.param.allowed.paths", allowed.as_str()),
        ("config.providers.e.class", "org.apache.kafka.common.config.provider.EnvVarConfigProvider"),
        ("config.providers.e.param.allowlist.pattern", "SE."),
    ];
    assert_eq!(resolve(&worker, &format!("${{file:{allowed}/p:a}}")).0.value, "b");
    assert_eq!(resolve(&worker, "${e:SET}").0.value, "fromenv");
    let roundabout = format!("${{file:{allowed}/../out/p:a}}");
    for text in [
        format!("${{file:{}/p:a}}", outside.display()),
        roundabout,
        format!("${{dir:{}:p}}", outside.display()),
    ] {
        assert!(error(&worker, &text).contains("allowed.paths of the provider does not hold"), "{text}");
    }
    assert!(error(&worker, "${e:PW}").contains("allowlist.pattern of the provider does not allow this name"));
}

#[test]
fn a_wrong_declaration_is_refused() {
    for (worker, expected) in [
        (
            vec![("config.providers", "x")],
            "w.properties: config.providers.x.class: Missing required configuration \"config.providers.x.class\" \
             which has no default value.",
        ),
        (
            vec![("config.providers", "x"), ("config.providers.x.class", "com.acme.Vault")],
            "w.properties: config.providers.x.class: Class com.acme.Vault could not be found: built in are \
             FileConfigProvider, DirectoryConfigProvider and EnvVarConfigProvider of \
             org.apache.kafka.common.config.provider",
        ),
        (
            vec![
                ("config.providers", "x"),
                ("config.providers.x.class", "EnvVarConfigProvider"),
                ("config.providers.x.param.allowlist.pattern", "("),
            ],
            "w.properties: config.providers.x.param.allowlist.pattern: is not a valid regular expression",
        ),
        (
            vec![
                ("config.providers", "x"),
                ("config.providers.x.class", "FileConfigProvider"),
                ("config.providers.x.param.allowed.paths", "."),
            ],
            "w.properties: config.providers.x.param.allowed.paths: Path . is not absolute",
        ),
    ] {
        assert_eq!(error(&worker, ""), expected);
    }
}
