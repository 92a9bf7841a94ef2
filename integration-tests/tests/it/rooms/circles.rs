//! Circles among the modules of a crate: files that can only be understood together.
//!
//! A module and its children may name each other, because the children belong to it. Two siblings may not, directly or
//! by way of others: what both need belongs into a third one.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

type Path = Vec<String>;

/// The circles among the modules in these sources of one crate, each with the paths that close it.
pub fn circles(sources: &BTreeMap<String, String>) -> Vec<String> {
    let files: Vec<(Path, &String)> =
        sources.iter().filter_map(|(file, text)| Some((module_of(file)?, text))).collect();
    let names: BTreeMap<Path, Names> =
        files.into_iter().map(|(module, text)| (module.clone(), names(module, text))).collect();
    let tests: Vec<&Path> = names.values().flat_map(|names| &names.tests).collect();
    let mut edges: BTreeMap<Path, BTreeMap<Path, String>> = BTreeMap::new();
    for (module, Names { paths, .. }) in &names {
        if tests.iter().any(|test| module.starts_with(test)) {
            continue;
        }
        for path in paths {
            let target = resolve(path, &names);
            let common = module.iter().zip(&target).take_while(|(a, b)| a == b).count();
            if common < module.len() && common < target.len() {
                let why = format!("{} names {}", module.join("::"), path.join("::"));
                let from = edges.entry(module[..=common].to_vec()).or_default();
                from.entry(target[..=common].to_vec()).or_insert(why);
            }
        }
    }
    let closed = |from: &Path, to: &Path| reachable(to, &edges).contains(from);
    let arrows = edges.iter().flat_map(|(from, all)| all.iter().map(move |(to, why)| (from, to, why)));
    arrows.filter(|(from, to, _)| closed(from, to)).map(|(_, _, why)| why.clone()).collect()
}

/// The path of the module in a file of the product; the root's is empty.
fn module_of(file: &str) -> Option<Path> {
    let name = file.strip_prefix("src/")?.strip_suffix(".rs")?;
    let path: Path = name.split('/').map(str::to_owned).collect();
    match name {
        "main" => None,
        "lib" => Some(Vec::new()),
        _ if path.iter().any(|part| part == "tests") => None,
        _ => Some(path),
    }
}

/// The module in whose file the last name of a path is declared, also where others pass it on.
fn resolve(path: &Path, names: &BTreeMap<Path, Names>) -> Path {
    let mut path = path.clone();
    for _ in 0..8 {
        let len = (0..=path.len()).rev().find(|len| names.contains_key(&path[..*len])).unwrap_or_default();
        let module = path[..len].to_vec();
        let (Some(name), Some(Names { imports, .. })) = (path.get(len), names.get(&module)) else {
            return module;
        };
        match imports.iter().find(|import| import.last() == Some(name)) {
            Some(import) if *import != path => path = import.clone(),
            _ => return module,
        }
    }
    path
}

fn reachable(from: &Path, edges: &BTreeMap<Path, BTreeMap<Path, String>>) -> BTreeSet<Path> {
    let (mut found, mut open) = (BTreeSet::new(), vec![from.clone()]);
    while let Some(module) = open.pop() {
        if found.insert(module.clone()) {
            open.extend(edges.get(&module).into_iter().flat_map(|all| all.keys().cloned()));
        }
    }
    found
}

/// What the code of a module names, all in full.
#[derive(Default)]
struct Names {
    /// Paths that begin with `crate`, `super` or `self`.
    paths: Vec<Path>,
    /// What `use` brings into the module, also from its children.
    imports: Vec<Path>,
    /// Modules that are compiled for tests only.
    tests: Vec<Path>,
}

fn names(module: Path, text: &str) -> Names {
    let mut names = Names::default();
    let tokens: TokenStream = text.parse().unwrap_or_else(|e| panic!("{module:?}: {e}"));
    read(tokens, &module, &mut names);
    names
}

fn read(tokens: TokenStream, module: &Path, names: &mut Names) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut at = 0;
    while at < tokens.len() {
        match &tokens[at] {
            TokenTree::Punct(mark) if mark.as_char() == '#' && is_test(tokens.get(at + 1)) => {
                if let (Some(TokenTree::Ident(word)), Some(TokenTree::Ident(name))) =
                    (tokens.get(at + 2), tokens.get(at + 3))
                    && *word == "mod"
                {
                    names.tests.push([&module[..], &[name.to_string()]].concat());
                }
                at = end_of_item(&tokens, at + 2);
                continue;
            }
            TokenTree::Ident(word) if *word == "use" => {
                let mut found = Vec::new();
                at = tree(&tokens, at + 1, &[], &mut found);
                for path in found {
                    match full(&path, module) {
                        Some(path) => {
                            names.paths.push(path.clone());
                            names.imports.push(path);
                        }
                        // Of a child; a foreign one resolves to this module itself.
                        None => names.imports.push([module.clone(), path].concat()),
                    }
                }
                continue;
            }
            TokenTree::Ident(word) if ["crate", "super", "self"].iter().any(|start| word == start) => {
                let mut found = Vec::new();
                at = tree(&tokens, at, &[], &mut found);
                names.paths.extend(found.iter().filter_map(|path| full(path, module)));
                continue;
            }
            TokenTree::Group(group) => read(group.stream(), module, names),
            _ => {}
        }
        at += 1;
    }
}

/// Whether a group after `#` is the attribute `cfg(test)`.
fn is_test(group: Option<&TokenTree>) -> bool {
    matches!(group, Some(TokenTree::Group(group)) if group.to_string().replace(' ', "") == "[cfg(test)]")
}

/// The place behind an item, which ends with a block or a semicolon.
fn end_of_item(tokens: &[TokenTree], from: usize) -> usize {
    let ends = |token: &TokenTree| match token {
        TokenTree::Punct(mark) => mark.as_char() == ';',
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        _ => false,
    };
    from + tokens[from..].iter().position(ends).map_or(tokens.len() - from, |end| end + 1)
}

/// Reads one path or one tree of `use`, and adds all its paths. Returns the place behind it.
fn tree(tokens: &[TokenTree], mut at: usize, before: &[String], found: &mut Vec<Path>) -> usize {
    let mut path = before.to_vec();
    loop {
        match tokens.get(at) {
            Some(TokenTree::Ident(word)) => path.push(word.to_string()),
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                let inside: Vec<TokenTree> = group.stream().into_iter().collect();
                let mut next = 0;
                while next < inside.len() {
                    next = tree(&inside, next, &path, found).max(next + 1);
                }
                return at + 1;
            }
            _ => {}
        }
        let colons =
            |at: usize| matches!(tokens.get(at), Some(TokenTree::Punct(mark)) if mark.as_char() == ':');
        if !(colons(at + 1) && colons(at + 2)) {
            break;
        }
        at += 3;
    }
    if path.len() > before.len() {
        path.retain(|part| part != "self" || before.is_empty());
        found.push(path);
    }
    // Behind the new name of a renamed import, and the comma.
    let end = |token: &TokenTree| matches!(token, TokenTree::Punct(mark) if mark.as_char() == ',');
    match (before.is_empty(), tokens.get(at..).and_then(|rest| rest.iter().position(end))) {
        (false, Some(comma)) => at + comma + 1,
        (false, None) => tokens.len(),
        (true, _) => at + 1,
    }
}

/// The path from the root of the crate; `None` for a path of another crate.
fn full(path: &[String], module: &Path) -> Option<Path> {
    let start = path.iter().take_while(|part| *part == "super").count();
    match path.first().map(String::as_str) {
        Some("crate") => Some(path[1..].to_vec()),
        Some("self") => Some([module, &path[1..]].concat()),
        Some("super") => Some([&module[..module.len().saturating_sub(start)], &path[start..]].concat()),
        _ => None,
    }
}

#[test]
fn siblings_that_name_each_other_are_a_circle_and_a_parent_with_its_child_is_none() {
    let found = |files: &[(&str, &str)]| {
        let sources = files.iter().map(|(file, text)| (format!("src/{file}.rs"), (*text).to_owned()));
        circles(&sources.collect()).len()
    };
    assert_eq!(found(&[("lib", "mod a; mod b;"), ("a", "use crate::b::B;"), ("b", "use crate::a::A;")]), 2);
    assert_eq!(found(&[("a", "use crate::b::B;"), ("b", "fn f() { crate::a::f() }")]), 2);
    assert_eq!(found(&[("a", "use crate::{b::B, c};"), ("b", ""), ("c", "use super::{x::X, a::A};")]), 2);
    assert_eq!(found(&[("a", "use crate::b::B;"), ("b", "use crate::c::C;"), ("c", "use crate::a::A;")]), 3);
    assert_eq!(found(&[("a", "use crate::b::B;"), ("b", "/// See [`crate::a::A`].\nstruct B;")]), 0);
    let tests = "#[cfg(test)]\nmod tests { use crate::a::A; }\n#[cfg(test)]\nmod model;";
    assert_eq!(found(&[("a", "use crate::b::B;"), ("b", tests), ("b/model", "use crate::a::A;")]), 0);
    assert_eq!(found(&[("a", "mod c; use c::C;"), ("a/c", "use super::A;")]), 0);
    assert_eq!(found(&[("a", "mod c; mod d;"), ("a/c", "use super::d::D;"), ("a/d", "use super::c::C;")]), 2);
    // An import that a parent or the root passes on hides nothing.
    let root = ("lib", "mod a; mod b; pub use a::A;");
    assert_eq!(found(&[root, ("a", "use crate::b::B;"), ("b", "use crate::A;")]), 2);
}
