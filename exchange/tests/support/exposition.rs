//! A strict reader of the text that a scraper gets: whatever is not as the formats ask for is a panic.
//!
//! It knows Prometheus' text format 0.0.4 and what OpenMetrics 1.0 does otherwise: counters are declared without
//! `_total` and infos without `_info`, units are told, and the text ends with `# EOF`.

use std::collections::{BTreeMap, BTreeSet};

/// What was read: families by their declared name.
pub struct Exposition {
    pub families: BTreeMap<String, Family>,
}

#[derive(Default)]
pub struct Family {
    pub kind: String,
    pub help: String,
    /// Sample name and labels, as they stand, to the value.
    pub samples: BTreeMap<String, f64>,
}

impl Exposition {
    /// Reads `text`.
    pub fn parse(text: &str, openmetrics: bool) -> Exposition {
        assert!(text.ends_with('\n'), "the last line has no end");
        let mut lines: Vec<&str> = text.lines().collect();
        if openmetrics {
            assert_eq!(lines.pop(), Some("# EOF"), "OpenMetrics ends with EOF");
        }
        let mut families: BTreeMap<String, Family> = BTreeMap::new();
        let mut current = String::new();
        for line in lines {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                let (name, help) = rest.split_once(' ').unwrap_or_else(|| panic!("no help: {line}"));
                assert!(is_name(name), "{line}");
                assert!(help.ends_with('.') && !help.contains('\\'), "{line}");
                let family = Family {
                    help: help.to_owned(),
                    ..Family::default()
                };
                assert!(
                    families.insert(name.to_owned(), family).is_none(),
                    "twice: {name}"
                );
                current = name.to_owned();
                continue;
            }
            let family = families
                .get_mut(&current)
                .unwrap_or_else(|| panic!("before any family: {line}"));
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                let kind = rest
                    .strip_prefix(&current)
                    .and_then(|rest| rest.strip_prefix(' '));
                let kind = kind.unwrap_or_else(|| panic!("the type of another family: {line}"));
                assert!(family.kind.is_empty() && family.samples.is_empty(), "{line}");
                family.kind = kind.to_owned();
            } else if let Some(rest) = line.strip_prefix("# UNIT ") {
                assert!(openmetrics, "{line}");
                let unit = rest
                    .strip_prefix(&current)
                    .unwrap_or_else(|| panic!("{line}"))
                    .trim();
                assert!(current.ends_with(&format!("_{unit}")), "{line}");
            } else {
                let (series, value) = sample(line);
                let name = series.split('{').next().unwrap();
                check_name(name, &current, &family.kind, openmetrics);
                assert!(family.samples.insert(series, value).is_none(), "twice: {line}");
            }
        }
        for (name, family) in &families {
            assert!(!family.samples.is_empty(), "{name} has no samples");
            if family.kind == "histogram" {
                check_histogram(name, family);
            }
        }
        Exposition { families }
    }

    /// The value of one series, such as `hoga_commands_total` or `x{reason="busy"}`.
    pub fn value(&self, series: &str) -> f64 {
        let samples = self.families.values().flat_map(|family| &family.samples);
        let mut found = samples
            .filter(|(name, _)| *name == series)
            .map(|(_, value)| *value);
        found.next().unwrap_or_else(|| panic!("{series} is not exposed"))
    }

    /// The names of all samples, without labels.
    pub fn sample_names(&self) -> BTreeSet<&str> {
        let samples = self.families.values().flat_map(|family| family.samples.keys());
        samples.map(|series| series.split('{').next().unwrap()).collect()
    }
}

fn is_name(name: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
    name.bytes().next().is_some_and(letter) && name.bytes().all(|byte| letter(byte) || byte.is_ascii_digit())
}

/// A line of `name{label="value",…} number`.
fn sample(line: &str) -> (String, f64) {
    let (series, value) = line
        .rsplit_once(' ')
        .unwrap_or_else(|| panic!("no value: {line}"));
    let name = series.split('{').next().unwrap();
    assert!(is_name(name), "{line}");
    if let Some(labels) = series.strip_prefix(name).filter(|labels| !labels.is_empty()) {
        let inside = labels
            .strip_prefix('{')
            .and_then(|labels| labels.strip_suffix('}'));
        let mut seen = BTreeSet::new();
        // No value of ours holds a comma within quotes but the list of cores.
        for label in inside.unwrap_or_else(|| panic!("{line}")).split("\",") {
            let (label, value) = label.split_once("=\"").unwrap_or_else(|| panic!("{line}"));
            let value = value.trim_end_matches('"');
            assert!(is_name(label) && !value.contains(['"', '\\', '\n']), "{line}");
            assert!(seen.insert(label), "a label twice: {line}");
        }
    }
    let number = value.parse().unwrap_or_else(|_| panic!("not a number: {line}"));
    (series.to_owned(), number)
}

/// Which names the samples of a family may have.
fn check_name(sample: &str, family: &str, kind: &str, openmetrics: bool) {
    let suffix = sample
        .strip_prefix(family)
        .unwrap_or_else(|| panic!("{sample} in {family}"));
    let fits = match (kind, openmetrics) {
        ("counter", true) => suffix == "_total",
        ("counter", false) => suffix.is_empty() && family.ends_with("_total"),
        ("info", true) => suffix == "_info",
        ("gauge", _) => suffix.is_empty(),
        ("histogram", _) => ["_bucket", "_sum", "_count"].contains(&suffix),
        _ => panic!("{family} is of no known kind: {kind:?}"),
    };
    assert!(fits, "{sample} in the {kind} {family}");
}

/// Buckets rise, and the last one is all.
fn check_histogram(name: &str, family: &Family) {
    let mut buckets = Vec::new();
    for (series, value) in &family.samples {
        if let Some(bound) = series.strip_prefix(&format!("{name}_bucket{{le=\"")) {
            let bound = bound.trim_end_matches("\"}");
            let bound = if bound == "+Inf" {
                f64::INFINITY
            } else {
                bound.parse().unwrap()
            };
            buckets.push((bound, *value));
        }
    }
    buckets.sort_by(|one, other| one.0.total_cmp(&other.0));
    assert!(
        buckets.len() > 2 && buckets.windows(2).all(|pair| pair[0].1 <= pair[1].1),
        "{name}: {buckets:?}"
    );
    let last = buckets.last().unwrap();
    assert_eq!(
        (last.0, last.1),
        (f64::INFINITY, family.samples[&format!("{name}_count")]),
        "{name}"
    );
    assert!(family.samples[&format!("{name}_sum")] >= 0.0, "{name}");
}
