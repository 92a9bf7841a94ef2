//! Documents, log messages and error texts are in plain English: the rules of CONTRIBUTING.md that a program can check.

use std::fs;
use std::path::Path;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use super::docs::root;

/// Refused words, each with the words to use.
const REFUSED: &[(&str, &str)] = &[
    ("tell", "notify, report or show"),
    ("tells", "notifies, reports or shows"),
    ("told", "notified or reported"),
    ("say", "report or show"),
    ("says", "reports or shows"),
    ("said", "reported"),
    ("anew", "again"),
    ("any more", "no longer"),
    ("who", "the name of the component"),
    ("whom", "the name of the component"),
    ("whoever", "the name of the component"),
    ("nobody", "no and the name of the component"),
    ("everybody", "every and the name of the component"),
    ("is there", "exists"),
    ("is not there", "does not exist"),
    ("beside", "next to or in addition to"),
    ("besides", "also"),
    ("thrice", "three times"),
    ("let go", "release"),
    ("so many", "up to and the number"),
    ("is away", "is unavailable"),
];

/// The refused words in a text, with their replacements.
fn refused_words(text: &str) -> Vec<String> {
    let words = text.to_lowercase();
    let words: Vec<&str> = words.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).collect();
    let words = format!(" {} ", words.join(" "));
    let found = REFUSED.iter().filter(|(word, _)| words.contains(&format!(" {word} ")));
    found.map(|(word, instead)| format!("\"{word}\": write {instead}")).collect()
}

/// A line without its inline code.
fn without_code(line: &str) -> String {
    let parts = line.split('`').enumerate();
    parts.map(|(number, part)| if number % 2 == 0 { part } else { "Code" }).collect()
}

/// Whether a sentence ends in a line and another one begins.
fn has_two_sentences(line: &str) -> bool {
    let text = without_code(line);
    text.match_indices(['.', '!', '?']).any(|(at, _)| {
        let word = text[..at].rsplit(char::is_whitespace).next().unwrap_or_default();
        let rest = text[at + 1..].trim_start_matches([')', '*']);
        let next = rest.trim_start().trim_start_matches(['(', '[', '*']);
        let item = word.parse::<u32>().is_ok() && text[..at].trim() == word;
        let abbreviation = ["e.g", "i.e"].contains(&word);
        rest.starts_with(' ') && next.starts_with(char::is_uppercase) && !item && !abbreviation
    })
}

fn faults_of_line(line: &str) -> Vec<String> {
    let mut faults = refused_words(&without_code(line));
    let table = line.starts_with('|');
    let link = line.contains("](");
    if !table && !link && line.chars().count() > 120 {
        faults.push("more than 120 columns".to_owned());
    }
    if !table && has_two_sentences(line) {
        faults.push("two sentences on one line".to_owned());
    }
    faults
}

/// The lines of a document outside of blocks of code and comments, with their numbers.
fn prose(document: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut code = false;
    document.lines().enumerate().filter_map(move |(number, line)| {
        let fence = line.trim_start().starts_with("```");
        code ^= fence;
        (!code && !fence && !line.starts_with("<!--")).then_some((number + 1, line))
    })
}

#[test]
fn documents_are_in_plain_english_with_one_sentence_a_line() {
    let (mut faults, mut read) = (Vec::new(), 0);
    files(root(), ".md", &mut |name, text| {
        read += 1;
        for (number, line) in prose(text) {
            faults.extend(faults_of_line(line).into_iter().map(|fault| format!("{name}:{number}: {fault}")));
        }
    });
    assert!(read > 10, "the documents were read");
    assert!(faults.is_empty(), "{} faults:\n  {}", faults.len(), faults.join("\n  "));
}

/// Names with which an error may begin.
const NAMES: &[&str] = &["Kafka", "Coherence", "Connect", "Java", "Binary", "Avro"];

/// Texts in the words of Kafka and Connect, which their users know.
const OF_KAFKA: &[&str] = &[
    "Connector {0} already exists",
    "Invalid value {value} for configuration",
    "Missing required configuration",
    "Size of data received by",
];

/// A string in a source.
#[derive(Debug, PartialEq, Eq)]
enum Text {
    /// In an attribute `error`: the text of an error.
    Error(String),
    /// Everywhere else: log messages, and errors that code composes.
    Other(String),
}

/// Collects the strings of a source, without those of attributes and of modules for tests.
fn texts(tokens: TokenStream, text: fn(String) -> Text, found: &mut Vec<Text>) {
    let (mut last, mut for_tests) = ([' ', ' '], false);
    for tree in tokens {
        let attribute = last[1] == '#' || last == ['#', '!'];
        last = [last[1], if let TokenTree::Punct(punct) = &tree { punct.as_char() } else { ' ' }];
        match tree {
            TokenTree::Group(group) if attribute => {
                let mut inside = group.stream().into_iter();
                match (inside.next().map(|name| name.to_string()).as_deref(), inside.next()) {
                    (Some("error"), Some(TokenTree::Group(group))) => {
                        texts(group.stream(), Text::Error, found);
                    }
                    (Some("cfg"), Some(TokenTree::Group(group))) => {
                        for_tests |= group.stream().to_string() == "test";
                    }
                    _ => {}
                }
            }
            TokenTree::Group(group) if for_tests => for_tests = group.delimiter() != Delimiter::Brace,
            TokenTree::Group(group) => texts(group.stream(), text, found),
            TokenTree::Punct(punct) => for_tests &= punct.as_char() != ';',
            TokenTree::Literal(literal) => {
                // A backslash at the end of a line joins it to the next one.
                let literal = literal.to_string().replace("\\\n", "").replace("\\n", " ");
                let inside = literal.trim_start_matches(['r', '#']).trim_end_matches('#');
                let inside = inside.strip_prefix('"').and_then(|inside| inside.strip_suffix('"'));
                let words = inside.map(|inside| inside.split_whitespace().collect::<Vec<_>>().join(" "));
                found.extend(words.filter(|_| !for_tests).map(text));
            }
            TokenTree::Ident(_) => {}
        }
    }
}

fn faults_of_text(text: &Text) -> Vec<String> {
    let (Text::Error(words) | Text::Other(words)) = text;
    let mut faults = refused_words(words);
    if words.starts_with("what ") {
        faults.push("begins with \"what\": begin with the component".to_owned());
    }
    if let Text::Error(words) = text
        && !OF_KAFKA.iter().any(|begin| words.starts_with(begin))
    {
        // Two capital letters are an abbreviation, as in JSON.
        let mut letters = words.chars();
        let (first, second) = (letters.next(), letters.next());
        let name = NAMES.iter().any(|name| words.starts_with(name));
        if !name && first.is_some_and(char::is_uppercase) && second.is_some_and(char::is_lowercase) {
            faults.push("begins with a capital letter".to_owned());
        }
        if words.ends_with('.') {
            faults.push("ends with a full stop".to_owned());
        }
    }
    faults.iter().map(|fault| format!("{fault}, in \"{words}\"")).collect()
}

fn faults_of_source(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    texts(source.parse().unwrap(), Text::Other, &mut found);
    found.iter().flat_map(faults_of_text).collect()
}

/// Reads the files of a folder and those below by the end of their names, with their paths from the root.
fn files(folder: &Path, end: &str, read: &mut impl FnMut(&str, &str)) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        let name = path.strip_prefix(root()).unwrap().display().to_string();
        if path.is_dir() {
            let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
            if !hidden && name != "target" && name != "fuzz/target" {
                files(&path, end, read);
            }
        } else if name.ends_with(end) {
            read(&name, &fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn log_messages_and_error_texts_are_in_plain_english() {
    let of_tests = |name: &str| ["/tests", "/model"].iter().any(|part| name.contains(part));
    let (mut faults, mut read) = (Vec::new(), 0);
    files(root(), ".rs", &mut |name, source| {
        if name.starts_with("coherence-") && name.contains("/src/") && !of_tests(name) {
            read += 1;
            faults.extend(faults_of_source(source).iter().map(|fault| format!("{name}: {fault}")));
        }
    });
    assert!(read > 100, "the sources were read");
    assert!(faults.is_empty(), "{} faults:\n  {}", faults.len(), faults.join("\n  "));
}

#[test]
fn each_fault_of_a_document_is_noticed() {
    let faults = |line: &str| faults_of_line(line).len();
    assert_eq!(faults("The task waits and retries; it does not fail."), 0);
    assert_eq!(faults("Who reads the map is told of the gap."), 2);
    assert_eq!(faults("`nobody` and *anybody* are names; whoever-else is not."), 1);
    assert_eq!(faults("Nothing is written any more."), 1);
    assert_eq!(faults("One sentence. Another one."), 1);
    assert_eq!(faults("* **One.** `another` one."), 1);
    assert_eq!(faults("(One, e.g. Kafka, since 4.1. of `a. B`.)"), 0);
    assert_eq!(faults("1. One sentence, which ends here."), 0);
    assert_eq!(faults("| One. | Another. And one more. |"), 0);
    assert_eq!(faults(&"long ".repeat(25)), 1);
    assert_eq!(faults(&format!("| {}|", "long ".repeat(25))), 0);
    assert_eq!(prose("One.\n```text\nnobody\n```\n<!-- told -->\nTwo.").count(), 2);
}

#[test]
fn each_fault_of_a_text_of_the_program_is_noticed() {
    let faults = |source: &str| faults_of_source(source).len();
    assert_eq!(faults(r#"fn f() { tracing::warn!(topic, "topic does not exist, creating it"); }"#), 0);
    assert_eq!(faults(r#"fn f() { tracing::warn!(topic, "topic is not\nthere, {}", told); }"#), 1);
    assert_eq!(faults("fn f() { tracing::info!(\"nothing is written any \\\n    more\"); }"), 1);
    assert_eq!(faults(r#"fn f() { format!("what is written", "nobody"); } // nobody"#), 2);
    assert_eq!(faults("//! Nobody.\n/// Nobody.\n#[doc = \"nobody\"] fn nobody() {}"), 0);
    assert_eq!(faults(r#"enum E { #[error("Topic {0} is told.")] A(String) }"#), 3);
    assert_eq!(
        faults(r#"enum E { #[error("Kafka refused the topic")] A, #[error("JSON is invalid")] B }"#),
        0
    );
    assert_eq!(faults(r#"#[cfg(test)] mod tests { fn f() { tracing::info!("nobody"); } }"#), 0);
    assert_eq!(faults(r#"#[cfg(test)] mod tests; fn f() { tracing::info!("nobody"); }"#), 1);
}
