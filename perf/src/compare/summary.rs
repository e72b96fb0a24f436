//! What a run leaves behind: `summary.json`, of which rows of figures are read.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use crate::failure::{Context, Failure, Outcome};

/// The file's name in the folder that a run is given by `--out`.
pub const FILE: &str = "summary.json";

/// A figure's row and its name in the row.
pub type Key = (String, String);

/// A run's figures.
#[derive(Debug, PartialEq)]
pub struct Summary {
    /// Whether the run was cut short, which makes its figures those of a part.
    pub stopped: bool,
    /// Every figure that is a number.
    pub figures: BTreeMap<Key, f64>,
    /// Where it ran, as it says itself.
    pub environment: Value,
}

#[derive(Deserialize)]
struct File {
    stopped: bool,
    rows: Vec<Row>,
    #[serde(default)]
    environment: Value,
}

#[derive(Deserialize)]
struct Row {
    name: String,
    figures: BTreeMap<String, Option<f64>>,
}

impl Summary {
    /// Reads the summary in `folder`.
    ///
    /// # Errors
    /// When there is none, it is not one, or two of its rows have one name.
    pub fn read(folder: &Path) -> Outcome<Self> {
        let path = folder.join(FILE);
        let what = || format!("cannot read {}", path.display());
        let text = std::fs::read_to_string(&path).context(what)?;
        let file: File = serde_json::from_str(&text).context(what)?;
        let mut figures = BTreeMap::new();
        for row in file.rows {
            for (figure, value) in row.figures {
                // JSON has no word for what is not a number; null stands for a figure that the run could not give.
                let Some(value) = value else { continue };
                if figures
                    .insert((row.name.clone(), figure.clone()), value)
                    .is_some()
                {
                    return Err(Failure::new(format!(
                        "{}: two rows {:?} have a figure {figure:?}",
                        path.display(),
                        row.name
                    )));
                }
            }
        }
        Ok(Self {
            stopped: file.stopped,
            figures,
            environment: file.environment,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Outcome<Summary> {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join(FILE), text).expect("a file");
        Summary::read(folder.path())
    }

    #[test]
    fn a_summary_that_says_too_little_or_too_much_is_refused() {
        let row = |figures: &str| format!(r#"{{"name":"a","figures":{{{figures}}}}}"#);
        let file = |rows: &str| format!(r#"{{"bench":"x","stopped":false,"rows":[{rows}],"more":1}}"#);
        let whole = read(&file(&row(r#""p50_ns":1.5,"p99_ns":null"#))).expect("a summary");
        let key = ("a".to_owned(), "p50_ns".to_owned());
        assert_eq!(whole.figures, BTreeMap::from([(key, 1.5)]));
        assert!(!whole.stopped && whole.environment.is_null());
        let twice = format!("{},{}", row(r#""n":1"#), row(r#""n":1"#));
        for (text, word) in [
            (file(&twice), "two rows"),
            (file(&row(r#""n":"1""#)), "invalid type"),
            (r#"{"rows":[]}"#.to_owned(), "stopped"),
            (String::new(), "summary.json"),
        ] {
            let told = read(&text).expect_err(&text).to_string();
            assert!(told.contains(word), "{told}");
        }
    }
}
