//! Whose instructions they are: names that a person can look up, and that stay the same where the code does.
//!
//! Link-time optimisation inlines most of the walk into one function, so for code of this workspace the source is asked
//! which function a line is in. What a function of a library takes is told of the functions of this workspace that call it,
//! straight or through others: they are what somebody has changed.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::{Path, PathBuf};

use super::callgrind::{Profile, Spot};

/// How often costs are handed on to the callers. Functions that call each other pass a part round and round.
const ROUNDS: usize = 100;

/// Finds names. The sources must be those that were compiled.
pub struct Places {
    workspace: PathBuf,
    /// By source file of the workspace: for each line, from the first on, the function that it is in.
    functions: BTreeMap<String, Vec<String>>,
}

impl Places {
    /// For code of `workspace`.
    pub fn of(workspace: &Path) -> Self {
        Self {
            workspace: workspace.to_owned(),
            functions: BTreeMap::new(),
        }
    }

    /// Instructions by name.
    pub fn costs(&mut self, profile: &Profile) -> BTreeMap<String, f64> {
        let mut costs = BTreeMap::new();
        // What functions of libraries have to hand on.
        let mut left: BTreeMap<&str, f64> = BTreeMap::new();
        for (spot, cost) in profile.costs.iter().filter(|(_, cost)| **cost > 0) {
            match self.is_ours(spot) {
                true => *costs.entry(self.name(spot)).or_default() += *cost as f64,
                false => *left.entry(&spot.function).or_default() += *cost as f64,
            }
        }
        for _ in 0..ROUNDS {
            for (function, cost) in std::mem::take(&mut left) {
                let callers = callers(function, profile);
                if callers.is_empty() {
                    *costs.entry(format!("in {}", symbol(function))).or_default() += cost;
                }
                for (spot, share) in callers {
                    match self.is_ours(spot) {
                        true => *costs.entry(self.name(spot)).or_default() += cost * share,
                        false => *left.entry(&spot.function).or_default() += cost * share,
                    }
                }
            }
        }
        for (function, cost) in left {
            *costs.entry(format!("in {}", symbol(function))).or_default() += cost;
        }
        costs
    }

    /// Whether it is code of this workspace, or was inlined into a function of it.
    fn is_ours(&self, spot: &Spot) -> bool {
        let path = spot.function.trim_start_matches('<');
        let of_crate = path.split("::").next().unwrap_or_default();
        of_crate == "hoga"
            || of_crate == "gate"
            || of_crate.starts_with("hoga_")
            || self.is_inside(&spot.file)
    }

    fn is_inside(&self, file: &str) -> bool {
        Path::new(file).starts_with(&self.workspace)
    }

    fn name(&mut self, spot: &Spot) -> String {
        let function = symbol(&spot.function);
        let inside = Path::new(&spot.file).strip_prefix(&self.workspace).ok();
        let Some(inside) = inside.and_then(Path::to_str).map(str::to_owned) else {
            return format!("{} in {function}", short(&spot.file));
        };
        // What the compiler adds by itself has line 0.
        match self.function(&spot.file, spot.line) {
            Some(function) => format!("{inside} fn {function}"),
            None => format!("{inside} in {function}"),
        }
    }

    fn function(&mut self, file: &str, line: u64) -> Option<String> {
        let functions = match self.functions.entry(file.to_owned()) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(functions(&std::fs::read_to_string(file).unwrap_or_default())),
        };
        let index = usize::try_from(line).ok()?.checked_sub(1)?;
        functions.get(index).filter(|name| !name.is_empty()).cloned()
    }
}

/// Where `function` is called from, but by itself, and the share that each place has of the costs of these calls.
fn callers<'a>(function: &str, profile: &'a Profile) -> Vec<(&'a Spot, f64)> {
    let calls = profile.calls.get(function).into_iter().flatten();
    let others: Vec<(&Spot, u64)> = calls
        .filter(|(spot, cost)| spot.function != function && **cost > 0)
        .map(|(spot, cost)| (spot, *cost))
        .collect();
    let all: u64 = others.iter().map(|(_, cost)| cost).sum();
    others
        .into_iter()
        .map(|(spot, cost)| (spot, cost as f64 / all as f64))
        .collect()
}

/// For each line the name of the last function that begins on it or before it; empty where none does.
fn functions(source: &str) -> Vec<String> {
    let mut latest = String::new();
    let mut all = Vec::new();
    for line in source.lines() {
        if let Some(name) = begun(line) {
            latest = name.to_owned();
        }
        all.push(latest.clone());
    }
    all
}

/// The name of the function that begins on this line.
fn begun(line: &str) -> Option<&str> {
    let mut words = line.trim_start();
    loop {
        if let Some(rest) = words.strip_prefix("fn ") {
            let end = rest.find(|one: char| !one.is_alphanumeric() && one != '_');
            return Some(&rest[..end.unwrap_or(rest.len())]);
        }
        let (word, rest) = words.split_once(' ')?;
        let may_precede = word == "const" || word == "async" || word.starts_with("pub");
        words = may_precede.then_some(rest)?;
    }
}

/// A file's path without what is of one machine: where the standard library, a crate or the C library were unpacked.
fn short(file: &str) -> &str {
    if let Some((_, rest)) = file.split_once("/rustc/") {
        return rest.split_once('/').map_or(rest, |(_, inside)| inside);
    }
    for unpacked in ["/registry/src/", "/git/checkouts/"] {
        if let Some((_, rest)) = file.split_once(unpacked) {
            return rest.split_once('/').map_or(rest, |(_, inside)| inside);
        }
    }
    match file.rmatch_indices('/').nth(2) {
        Some((at, _)) => &file[at + 1..],
        None => file,
    }
}

/// A function's name without the hash that old symbols end in. Where there is only an address, which is another one in
/// every build, no name is given.
fn symbol(function: &str) -> &str {
    match function.rsplit_once("::h") {
        _ if function.starts_with("0x") => "code without a name",
        Some((name, hash)) if hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()) => name,
        _ => function,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "\
use x;
impl Book {
    /// fn not_this
    pub(crate) fn push(&mut self) {
        let f = |x| x;
    }

    pub const fn len(&self) -> u64 {
        self.fn_count
    }
}
";

    #[test]
    fn inlined_code_is_told_by_the_function_that_it_was_written_in() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("engine/book.rs");
        std::fs::create_dir_all(folder.path().join("engine")).expect("a folder");
        std::fs::write(&path, SOURCE).expect("a source");
        let path = path.display().to_string();
        let cases = [
            (path.as_str(), 4, "engine/book.rs fn push"),
            (path.as_str(), 5, "engine/book.rs fn push"),
            (path.as_str(), 9, "engine/book.rs fn len"),
            (path.as_str(), 0, "engine/book.rs in outer"),
            (path.as_str(), 1, "engine/book.rs in outer"),
            (
                "/rustc/5980/library/core/src/cmp.rs",
                7,
                "library/core/src/cmp.rs in outer",
            ),
            (
                "/u/.cargo/registry/src/index-1/blake3-1.8/src/lib.rs",
                7,
                "blake3-1.8/src/lib.rs in outer",
            ),
            (
                "./string/../sysdeps/x86_64/multiarch/memmove.S",
                7,
                "x86_64/multiarch/memmove.S in outer",
            ),
            ("???", 0, "??? in outer"),
        ];
        let mut places = Places::of(folder.path());
        for (file, line, want) in cases {
            let spot = Spot {
                file: file.to_owned(),
                function: "outer::h0123456789abcdef".to_owned(),
                line,
            };
            assert_eq!(places.name(&spot), want, "{file}:{line}");
        }
        assert_eq!(
            (symbol("0x1ef680"), symbol("outer::home")),
            ("code without a name", "outer::home")
        );
    }

    #[test]
    fn what_a_library_takes_is_told_of_who_calls_it() {
        let spot = |file: &str, function: &str, line| Spot {
            file: file.to_owned(),
            function: function.to_owned(),
            line,
        };
        let ours = spot("/w/gateway/encode.rs", "hoga::encode", 0);
        let inlined = spot("/lib/vec.rs", "<hoga::encode as X>", 7);
        let other = spot("/w/gateway/parse.rs", "inlined_into::library", 0);
        let (format, grow, main) = (
            spot("/lib/fmt.rs", "format", 1),
            spot("/lib/vec.rs", "grow", 1),
            spot("???", "main", 0),
        );
        let profile = Profile {
            costs: [
                (&ours, 10),
                (&inlined, 5),
                (&other, 20),
                (&format, 40),
                (&grow, 100),
                (&main, 1),
            ]
            .map(|(spot, cost)| (spot.clone(), cost))
            .into(),
            // `format` and `grow` call each other; a quarter of what comes out goes to `parse`.
            calls: [
                ("format", vec![(&ours, 60), (&grow, 20), (&format, 9)]),
                ("grow", vec![(&format, 40), (&other, 20), (&inlined, 20)]),
                ("hoga::encode", vec![(&main, 999)]),
            ]
            .map(|(called, from)| {
                let from = from.into_iter().map(|(spot, cost)| (spot.clone(), cost));
                (called.to_owned(), from.collect())
            })
            .into(),
        };
        let mut costs = Places::of(Path::new("/w")).costs(&profile);
        costs.retain(|_, cost| *cost > 1e-6);
        // With F and G for what passes through the two: F = 40 + G/2 and G = 100 + F/4.
        let (format, grow) = (90.0 * 8.0 / 7.0, 110.0 * 8.0 / 7.0);
        let want = [
            ("gateway/encode.rs in hoga::encode", 10.0 + format * 0.75),
            ("gateway/parse.rs in inlined_into::library", 20.0 + grow * 0.25),
            ("in main", 1.0),
            ("lib/vec.rs in <hoga::encode as X>", 5.0 + grow * 0.25),
        ];
        assert_eq!(costs.len(), want.len(), "{costs:?}");
        for (place, cost) in want {
            let got = costs
                .iter()
                .find(|(name, _)| name.trim_start_matches('/') == place);
            let got = got.map(|(_, cost)| *cost);
            assert!(
                got.is_some_and(|got| (got - cost).abs() < 1e-6),
                "{place}: {got:?} and not {cost}"
            );
        }
        assert!((costs.values().sum::<f64>() - 176.0).abs() < 1e-6);
    }
}
