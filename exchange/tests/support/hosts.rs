//! Machines as text (`tests/hosts/*.txt`), laid out as folders and files.
//!
//! `path = content` on one line, `path {` and lines up to `}`, `path -> target` for a link. `{1,4-6}` in a path stands for
//! each of the numbers. `#` begins a remark.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

/// Lays out the machine `name` below `root`.
pub fn lay_out(name: &str, root: &Path) {
    let path = format!("{}/tests/hosts/{name}.txt", env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    lay_over(&text, root);
}

/// Lays out what `text` describes, over what is there.
pub fn lay_over(text: &str, root: &Path) {
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(path) = line.strip_suffix(" {") {
            let content: Vec<&str> = lines.by_ref().take_while(|line| *line != "}").collect();
            write(root, path, &content.join("\n"));
        } else if let Some((path, target)) = line.split_once(" -> ") {
            let at = root.join(path);
            fs::create_dir_all(at.parent().unwrap()).unwrap();
            symlink(target, at).unwrap();
        } else {
            let (path, content) = line
                .split_once(" = ")
                .unwrap_or_else(|| panic!("what is {line:?}?"));
            write(root, path, content);
        }
    }
}

fn write(root: &Path, path: &str, content: &str) {
    for path in expand(path) {
        let at = root.join(path);
        fs::create_dir_all(at.parent().unwrap()).unwrap();
        fs::write(at, format!("{content}\n")).unwrap();
    }
}

fn expand(path: &str) -> Vec<String> {
    let Some((before, rest)) = path.split_once('{') else {
        return vec![path.to_owned()];
    };
    let (list, after) = rest.split_once('}').unwrap();
    let numbers = hoga::doctor::CoreSet::parse(list).unwrap();
    numbers
        .iter()
        .map(|number| format!("{before}{number}{after}"))
        .collect()
}
