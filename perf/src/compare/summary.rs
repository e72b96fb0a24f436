//! What a run leaves behind: `summary.json`, of which rows of figures are read.

use std::collections::BTreeMap;
use std::path::Path;

use simd_json::prelude::*;
use simd_json::{BorrowedValue, OwnedValue};

use crate::failure::{Context, Outcome};

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
    pub environment: OwnedValue,
}

impl Summary {
    /// Reads the summary in `folder`.
    ///
    /// # Errors
    /// When there is none, it is not one, or two of its rows have one name.
    pub fn read(folder: &Path) -> Outcome<Self> {
        let path = folder.join(FILE);
        let what = || format!("cannot read {}", path.display());
        let mut bytes = std::fs::read(&path).context(what)?;
        // Each bench names its rows and figures as it likes, so the file is a value before it is a summary.
        let value = simd_json::to_borrowed_value(&mut bytes).context(what)?;
        Self::of(&value).context(what)
    }

    fn of(value: &BorrowedValue<'_>) -> Result<Self, String> {
        let mut figures = BTreeMap::new();
        let rows = value.get_array("rows").ok_or("\"rows\" is not a list")?;
        for row in rows {
            let name = row.get_str("name").ok_or("a row has no \"name\"")?;
            let in_row = row
                .get_object("figures")
                .ok_or_else(|| format!("row {name:?} has no \"figures\""))?;
            for (figure, value) in in_row {
                // JSON has no word for what is not a number; null stands for a figure that the run could not give.
                if value.is_null() {
                    continue;
                }
                let number = value
                    .cast_f64()
                    .ok_or_else(|| format!("figure {figure:?} of row {name:?} is not a number"))?;
                if figures
                    .insert((name.to_owned(), figure.to_string()), number)
                    .is_some()
                {
                    return Err(format!("two rows {name:?} have a figure {figure:?}"));
                }
            }
        }
        Ok(Self {
            stopped: value
                .get_bool("stopped")
                .ok_or("\"stopped\" is neither true nor false")?,
            figures,
            environment: value
                .get("environment")
                .map_or_else(OwnedValue::default, |value| value.clone().into()),
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
            (file(&row(r#""n":"1""#)), "is not a number"),
            (file(r#"{"name":"a"}"#), "\"figures\""),
            (file(r#"{"figures":{}}"#), "\"name\""),
            (r#"{"stopped":false}"#.to_owned(), "\"rows\""),
            (r#"{"rows":[]}"#.to_owned(), "stopped"),
            (String::new(), "summary.json"),
        ] {
            let told = read(&text).expect_err(&text).to_string();
            assert!(told.contains(word), "{told}");
        }
    }
}
