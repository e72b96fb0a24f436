//! The rooms' import table, as `docs/architecture.md` shows it. A room that reaches for more fails here.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, MetadataCommand};

/// What each room may import, and nothing else. Development dependencies (tests) are free.
const TABLE: [(&str, &[&str]); 11] = [
    ("hoga-protocol", &[]),
    ("hoga-tables", &[]),
    (
        "hoga-engine",
        &["hoga-protocol", "hoga-tables", "hashbrown", "siphasher"],
    ),
    (
        "hoga-journal",
        &["blake3", "crc32c", "rustix", "zerocopy", "zstd"],
    ),
    ("hoga-views", &["hoga-protocol", "hoga-tables", "siphasher"]),
    ("hoga-service", &["hoga-protocol", "hoga-views"]),
    (
        "hoga-gateway",
        &[
            "hoga-protocol",
            "hoga-service",
            "hoga-views",
            "base64",
            "ed25519-dalek",
            "flate2",
            "httparse",
            "mio",
            "prost",
            "rmp",
            "serde",
            "serde_json",
            "slab",
            "socket2",
            "tungstenite",
            "uuid",
        ],
    ),
    (
        "hoga-follower",
        &[
            "hoga-protocol",
            "hoga-engine",
            "hoga-journal",
            "hoga-views",
            "siphasher",
        ],
    ),
    (
        "hoga",
        &[
            "hoga-protocol",
            "hoga-engine",
            "hoga-journal",
            "hoga-service",
            "hoga-views",
            "hoga-gateway",
            "hoga-follower",
            "base64",
            "clap",
            "core_affinity",
            "disruptor",
            "ed25519-dalek",
            "getrandom",
            "hdrhistogram",
            "indicatif",
            "prometheus-client",
            "rust_decimal",
            "rustix",
            "sd-notify",
            "serde",
            "serde_json",
            "signal-hook",
            "toml",
            "tracing",
            "tracing-subscriber",
        ],
    ),
    (
        "hoga-perf",
        &[
            "hoga-protocol",
            "hoga-engine",
            "hoga-views",
            "hoga-benches",
            "hoga-follower",
            "hoga-gateway",
            "hoga-journal",
            "hoga-service",
            "hoga",
            "allocation-counter",
            "base64",
            "clap",
            "core_affinity",
            "disruptor",
            "ed25519-dalek",
            "flate2",
            "hdrhistogram",
            "indicatif",
            "mio",
            "rustix",
            "serde",
            "serde_json",
            "shlex",
            "signal-hook",
            "simd-json",
            "tempfile",
            "tungstenite",
        ],
    ),
    ("hoga-benches", &["hoga-engine", "hoga-protocol"]),
];

#[test]
fn no_room_reaches_for_what_is_not_its_business() {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
    let metadata = MetadataCommand::new()
        .manifest_path(manifest)
        .no_deps()
        .exec()
        .unwrap();
    let table: BTreeMap<&str, &[&str]> = TABLE.into_iter().collect();
    let mut seen = BTreeSet::new();
    for package in &metadata.packages {
        let allowed = table
            .get(package.name.as_str())
            .unwrap_or_else(|| panic!("{} has no row", package.name));
        for dependency in package
            .dependencies
            .iter()
            .filter(|dependency| dependency.kind != DependencyKind::Development)
        {
            assert!(
                allowed.contains(&dependency.name.as_str()),
                "{} may not import {}: docs/architecture.md says what each room may",
                package.name,
                dependency.name
            );
        }
        seen.insert(package.name.to_string());
    }
    assert_eq!(seen.len(), TABLE.len(), "a row without a room: {seen:?}");
}

#[test]
fn the_core_does_not_touch_the_standard_library_or_floats() {
    for room in ["protocol", "tables", "engine", "views"] {
        let dir = format!("{}/../{room}/src", env!("CARGO_MANIFEST_DIR"));
        for (path, text) in sources(dir.as_ref()) {
            if path.ends_with("lib.rs") && path.parent().is_some_and(|parent| parent.ends_with("src")) {
                assert!(text.contains("#![no_std]"), "{} must be no_std", path.display());
            }
            for (number, line) in text
                .lines()
                .enumerate()
                .take_while(|(_, line)| !line.contains("#[cfg(test)]"))
            {
                let code = line.split("//").next().unwrap_or_default();
                for word in ["f32", "f64", "std::time", "std::thread", "std::fs", "std::net"] {
                    let found = code
                        .split(|c: char| !c.is_alphanumeric() && c != '_' && c != ':')
                        .any(|part| part == word);
                    assert!(
                        !found,
                        "{}:{}: {word} has no business in {room}",
                        path.display(),
                        number + 1
                    );
                }
            }
        }
    }
}

#[test]
fn neither_the_matcher_nor_the_journaler_writes_a_log() {
    let src = concat!(env!("CARGO_MANIFEST_DIR"), "/src");
    let mut files = Vec::new();
    for room in ["protocol", "tables", "engine", "journal", "views", "gateway"] {
        files.extend(sources(format!("{src}/../../{room}/src").as_ref()));
    }
    files.extend(sources(format!("{src}/pipeline").as_ref()));
    for name in ["agent", "journaler", "matcher", "pipeline", "recorder"] {
        let path = std::path::PathBuf::from(format!("{src}/{name}.rs"));
        let text = std::fs::read_to_string(&path).unwrap();
        files.push((path, text));
    }
    assert!(files.len() > 50, "{}", files.len());
    for (path, text) in files {
        if path.ends_with("tests.rs") {
            continue;
        }
        for word in [
            "tracing::",
            "crate::log",
            "notices::warn",
            "notices::tell",
            "println!",
            "print!",
        ] {
            assert!(!text.contains(word), "{}: {word}", path.display());
        }
    }
}

fn sources(dir: &std::path::Path) -> Vec<(std::path::PathBuf, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push((path.clone(), std::fs::read_to_string(&path).unwrap()));
        }
    }
    found
}
