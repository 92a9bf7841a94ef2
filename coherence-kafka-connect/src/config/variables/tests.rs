use super::*;

fn environment() -> Environment {
    [("SET", "fromenv"), ("PW", "sesame"), ("NESTED", "${env:SET}"), ("PATTERN", "a$b\\c")]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// The variables of a worker with these settings.
fn variables(worker: &[(&str, &str)], findings: &mut ConfigErrors) -> Variables {
    let worker = Properties::from_pairs("w.properties", worker.iter().copied());
    Variables::declared(&worker, environment(), findings)
}

/// Resolves the setting `k` of a file on a worker with these settings.
fn resolve(worker: &[(&str, &str)], value: &str) -> (Property, ConfigErrors) {
    let mut findings = ConfigErrors::default();
    let variables = variables(worker, &mut findings);
    resolve_by(&variables, value, findings)
}

/// The same for a setting that came over the network.
fn resolve_request(worker: &[(&str, &str)], value: &str) -> (Property, ConfigErrors) {
    let mut findings = ConfigErrors::default();
    let variables = variables(worker, &mut findings).of_requests();
    resolve_by(&variables, value, findings)
}

fn resolve_by(variables: &Variables, value: &str, mut findings: ConfigErrors) -> (Property, ConfigErrors) {
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
        "c.properties:1: k: ${vault:path:key} is not replaced: no provider has the alias vault"
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

#[test]
fn a_request_has_no_provider_that_is_not_declared() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("p"), "a=b\n").unwrap();
    let path = directory.path().display().to_string();
    let (file, dir) = (format!("${{file:{path}/p:a}}"), format!("${{dir:{path}:p}}"));
    let environment = "${env:PW}".to_owned();
    for text in [&file, &dir, &environment] {
        let (property, findings) = resolve_request(&[], text);
        assert_eq!(&property.value, text);
        assert!(findings.errors.is_empty(), "{findings}");
        let warning = findings.warnings[0].to_string();
        assert!(warning.contains("is not replaced: no provider has the alias "), "{warning}");
        assert!(warning.ends_with("config.providers of the worker declares"), "{warning}");
    }

    // One that is declared leaves the others as they were: absent from requests, present in files.
    let worker = [
        ("config.providers", "file"),
        ("config.providers.file.class", "FileConfigProvider"),
        ("config.providers.file.param.allowed.paths", path.as_str()),
    ];
    assert_eq!(resolve_request(&worker, &file).0.value, "b");
    for text in [&dir, &environment] {
        assert_eq!(&resolve_request(&worker, text).0.value, text);
        assert_ne!(&resolve(&worker, text).0.value, text);
    }
    let (_, findings) = resolve_request(&worker, "${file:/proc/self/environ:PW}");
    assert!(findings.errors[0].to_string().contains("allowed.paths of the provider does not hold"));
}

#[test]
fn a_link_leads_nowhere_that_is_not_allowed() {
    let directory = tempfile::tempdir().unwrap();
    let (inside, outside) = (directory.path().join("in"), directory.path().join("out"));
    for each in [&inside, &outside] {
        std::fs::create_dir(each).unwrap();
        std::fs::write(each.join("p"), "a=b\n").unwrap();
    }
    std::os::unix::fs::symlink(outside.join("p"), inside.join("leads-out")).unwrap();
    std::os::unix::fs::symlink(&outside, inside.join("folder")).unwrap();
    std::os::unix::fs::symlink("p", inside.join("stays")).unwrap();
    let allowed = inside.display().to_string();
    let worker = [
        ("config.providers", "file,dir"),
        ("config.providers.file.class", "FileConfigProvider"),
        ("config.providers.file.param.allowed.paths", allowed.as_str()),
        ("config.providers.dir.class", "DirectoryConfigProvider"),
        ("config.providers.dir.param.allowed.paths", allowed.as_str()),
    ];
    assert_eq!(resolve_request(&worker, &format!("${{dir:{allowed}:stays}}")).0.value, "a=b");
    for text in [
        format!("${{file:{allowed}/leads-out:a}}"),
        format!("${{file:{allowed}/folder/p:a}}"),
        format!("${{dir:{allowed}:leads-out}}"),
        format!("${{dir:{allowed}/folder:p}}"),
        format!("${{dir:{allowed}/../out:p}}"),
    ] {
        let (_, findings) = resolve_request(&worker, &text);
        let error = findings.errors[0].to_string();
        assert!(error.contains("allowed.paths of the provider does not hold"), "{text}: {error}");
    }
}

#[test]
fn a_file_of_any_size_is_not_read_into_memory() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().display();
    let file = File::create(directory.path().join("large")).unwrap();
    file.set_len(MAX_FILE).unwrap();
    assert_eq!(value(&format!("${{dir:{path}:large}}")).len() as u64, MAX_FILE);
    // Sparse: it takes no room on the disk.
    file.set_len(1 << 40).unwrap();
    for text in [format!("${{dir:{path}:large}}"), format!("${{file:{path}/large:k}}")] {
        assert!(error(&[], &text).ends_with("/large is larger than 1048576 bytes"));
    }
}

#[test]
fn debug_shows_no_value_of_the_environment() {
    let variables = variables(&[], &mut ConfigErrors::default());
    for shown in [format!("{variables:?}"), format!("{:?}", environment())] {
        assert!(!shown.contains("sesame") && !shown.contains("fromenv"), "{shown}");
    }
}
