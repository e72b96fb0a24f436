//! Recordings: written, read and compared.

use std::fmt::Write as _;
use std::path::PathBuf;

use crate::player::play;
use crate::script::Step;

/// A step as its script has it, and what came back of it.
#[derive(PartialEq, Eq)]
pub struct Entry {
    number: usize,
    step: String,
    came: String,
}

impl Entry {
    pub fn new(step: &Step, came: String) -> Self {
        let mut text = format!("> {}\n", step.line);
        if step.without_host {
            text += ">   - Host\n";
        }
        for header in &step.headers {
            let _ = writeln!(text, ">   + {header}");
        }
        if !step.body.is_empty() {
            let _ = writeln!(text, ">   {}", step.body);
        }
        Self {
            number: step.number,
            step: text,
            came,
        }
    }

    fn text(&self) -> String {
        let before = if self.step.starts_with("> ==") { "\n" } else { "" };
        format!("{before}{}{}", self.step, self.came)
    }
}

/// Whether recordings are written rather than compared.
pub fn is_recording() -> bool {
    std::env::var_os("REPLAY_RECORD").is_some()
}

/// The file of a recording.
pub fn path(name: &str) -> PathBuf {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/replay/recorded");
    PathBuf::from(folder).join(format!("{name}.txt"))
}

/// Plays a session, and compares what came back with its recording.
pub fn check(name: &str, session: &str) {
    let played = play(name, session);
    let path = path(name);
    if is_recording() {
        std::fs::write(path, played.iter().map(Entry::text).collect::<String>()).unwrap();
        return;
    }
    let recorded = std::fs::read_to_string(path).unwrap_or_default();
    let recorded = entries(&recorded);
    let texts: Vec<String> = played
        .iter()
        .map(|entry| entry.text().trim_start().to_owned())
        .collect();
    let count = texts.len().max(recorded.len());
    let none = "(nothing)\n".to_owned();
    for at in 0..count {
        let (was, is) = (recorded.get(at).unwrap_or(&none), texts.get(at).unwrap_or(&none));
        assert!(
            was == is,
            "sessions/{name}.txt:{} differs from its recording.\n--- recorded\n{was}--- now\n{is}\
             If the change is meant: REPLAY_RECORD=1 cargo test -p hoga-gateway --test replay",
            played.get(at).map_or(0, |entry| entry.number),
        );
    }
}

/// The entries of a recording's text, each from its step on.
fn entries(text: &str) -> Vec<String> {
    let mut entries: Vec<String> = Vec::new();
    for line in text.split_inclusive('\n') {
        let begins = line
            .strip_prefix("> ")
            .is_some_and(|step| !step.starts_with("  "));
        match entries.last_mut() {
            Some(entry) if !begins => entry.push_str(line),
            _ => entries.push(line.trim_start_matches('\n').to_owned()),
        }
    }
    for at in 1..entries.len() {
        // The empty line before a block is no part of the entry above it.
        if entries[at].starts_with("> ==")
            && let Some(shorter) = entries[at - 1].strip_suffix("\n\n")
        {
            entries[at - 1] = format!("{shorter}\n");
        }
    }
    entries.retain(|entry| !entry.is_empty());
    entries
}
