//! Modules of a crate do not import each other in circles, save a parent and its child: whoever reads one of them can read
//! what it needs first.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The modules that each module of a crate imports, by path (`market/matching`).
type Imports = BTreeMap<String, BTreeSet<String>>;

/// Crates without a circle of any length.
const WITHOUT: [&str; 9] = [
    "protocol", "tables", "engine", "views", "service", "journal", "gateway", "follower", "benches",
];

#[test]
fn modules_do_not_import_each_other_in_circles() {
    for name in WITHOUT {
        let imports = imports(name);
        assert!(imports.len() > 1, "{name} has modules");
        for module in imports.keys() {
            let way = way(&imports, module, module, &mut BTreeSet::new());
            assert_eq!(way, None, "a circle in {name}");
        }
    }
}

/// In `exchange` three or more still do, which is no rule but what is left.
#[test]
fn no_two_modules_of_the_program_import_each_other() {
    let imports = imports("exchange");
    for (one, of_one) in &imports {
        let back = of_one.iter().find(|&other| imports[other].contains(one));
        assert_eq!(back, None, "{one} and this import each other");
    }
}

/// A way of imports from one module to another.
fn way(imports: &Imports, from: &str, to: &str, seen: &mut BTreeSet<String>) -> Option<String> {
    for next in &imports[from] {
        if next == to {
            return Some(format!("{from} > {to}"));
        }
        if seen.insert(next.clone())
            && let Some(rest) = way(imports, next, to, seen)
        {
            return Some(format!("{from} > {rest}"));
        }
    }
    None
}

fn imports(name: &str) -> Imports {
    let source = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .join(name)
        .join("src");
    let mut texts = BTreeMap::new();
    read(&source, "", &mut texts);
    let modules: BTreeSet<&String> = texts.keys().collect();
    let imported = |(module, text): (&String, &String)| {
        let mut found = BTreeSet::new();
        for path in text.split(';').filter_map(|statement| used(module, statement)) {
            expand("", &path, &mut |path| {
                // The longest part of it that is a module: the rest names an item.
                let parts: Vec<&str> = path.split("::").collect();
                let names = (1..=parts.len()).rev().map(|count| parts[..count].join("/"));
                found.extend(names.into_iter().find(|name| modules.contains(name)));
            });
        }
        found.retain(|other| !is_within(other, module) && !is_within(module, other));
        (module.clone(), found)
    };
    texts.iter().map(imported).collect()
}

/// Whether a module is the other one or stands below it.
fn is_within(module: &str, other: &str) -> bool {
    module
        .strip_prefix(other)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The files of a folder, without tests.
fn read(folder: &Path, prefix: &str, texts: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = format!("{prefix}{}", path.file_stem().unwrap().to_string_lossy());
        match path.is_dir() {
            true if name.ends_with("tests") => {}
            true => read(&path, &format!("{name}/"), texts),
            false if path.extension().is_none_or(|extension| extension != "rs") => {}
            false if name.ends_with("tests") || name == "lib" || name == "main" => {}
            false => {
                let text = fs::read_to_string(&path).unwrap();
                let (code, _) = text.split_once("#[cfg(test)]").unwrap_or((&text, ""));
                texts.insert(name, code.to_owned());
            }
        }
    }
}

/// What a statement that ends here imports of its crate, without spaces, as seen from the crate's root.
fn used(module: &str, statement: &str) -> Option<String> {
    let (_, path) = statement.rsplit_once("use ")?;
    let path: String = path.split_whitespace().collect();
    if let Some(path) = path.strip_prefix("crate::") {
        return Some(path.to_owned());
    }
    let mut parts: Vec<&str> = module.split('/').collect();
    let mut rest = path.strip_prefix("self::").or_else(|| {
        parts.pop();
        path.strip_prefix("super::")
    })?;
    while let Some(above) = rest.strip_prefix("super::") {
        parts.pop();
        rest = above;
    }
    parts.push(rest);
    Some(parts.join("::"))
}

/// Every path of `a::{b, c::{d, e}}`.
fn expand(prefix: &str, path: &str, each: &mut dyn FnMut(&str)) {
    let Some((before, group)) = path.split_once('{') else {
        return each(&format!("{prefix}{path}"));
    };
    let prefix = format!("{prefix}{before}");
    let group = group.strip_suffix('}').unwrap_or(group);
    let (mut depth, mut from) = (0, 0);
    for (at, letter) in group.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                expand(&prefix, &group[from..at], each);
                from = at + 1;
            }
            _ => {}
        }
    }
    if from < group.len() {
        expand(&prefix, &group[from..], each);
    }
}
