//! `hoga-perf compare` with children whose figures are made up by a shell script.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// Counts its runs, says what its arguments are, and leaves a summary as `$BODY` says.
const CHILD: &str = r#"#!/bin/sh
set -eu
here=$(dirname "$0")
echo run >>"$here/runs"
run=$(wc -l <"$here/runs")
side=$1
shift
while [ "$1" != --out ]; do shift; done
out=$2
stopped=false
status=0
summary() {
  printf '{"bench":"fake","stopped":%s,"rows":[{"name":"r","figures":{"p50_ns":%s,"%s_us":1}}],"environment":{"side":"%s"}}' \
    "$stopped" "$1" "$side" "$side" >"$out/summary.json"
}
if [ "$side" = a ]; then value=$((1000 + run % 3)); else value=$((1200 + run % 4)); fi
echo "this is run $run of side $side"
BODY
exit $status
"#;

struct Fake {
    folder: tempfile::TempDir,
    script: PathBuf,
}

impl Fake {
    fn new(body: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let script = folder.path().join("child.sh");
        std::fs::write(&script, CHILD.replace("BODY", body)).expect("a script");
        Self { folder, script }
    }

    /// Compares the script with itself, told that it is `a` and `b`; `more` are further arguments.
    fn compare(&self, more: &[&str]) -> Output {
        let words = |side: &str| format!("'{}' {side} 'two words'", self.script.display());
        Command::new(env!("CARGO_BIN_EXE_hoga-perf"))
            .args(["compare", "--a-binary", "/bin/sh", "--b-binary", "/bin/sh"])
            .args(["--a", &words("a"), "--b", &words("b"), "--out"])
            .arg(self.out())
            .args(more)
            .output()
            .expect("hoga-perf runs")
    }

    fn out(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    fn runs(&self) -> usize {
        let runs = std::fs::read_to_string(self.folder.path().join("runs"));
        runs.unwrap_or_default().lines().count()
    }

    fn report(&self) -> Value {
        let text = std::fs::read(self.out().join("compare.json")).expect("a report");
        serde_json::from_slice(&text).expect("JSON")
    }
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("text")
}

fn says(output: &Output, status: i32, words: &[&str]) {
    let (said, wrong) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(status), "{said}{wrong}");
    for word in words {
        let found = said.contains(word) || wrong.contains(word);
        assert!(found, "{word:?} is not in\n{said}{wrong}");
    }
}

#[test]
fn a_difference_is_told_and_every_run_is_kept() {
    let fake = Fake::new("summary $value");
    let output = fake.compare(&[]);
    let words = [
        "B is 19.9 % higher: worse",
        "only A has: r a_us",
        "only B has: r b_us",
        "10 of 10",
    ];
    says(&output, 0, &words);
    assert_eq!(fake.runs(), 30);
    let report = fake.report();
    assert_eq!(report["figures"][0]["verdict"], "higher-worse");
    assert_eq!(report["environment_b"]["side"], "b");
    let names = |folder: &Path| {
        let entries = std::fs::read_dir(folder).expect("a folder");
        let mut names: Vec<String> = entries
            .map(|entry| {
                entry
                    .expect("an entry")
                    .file_name()
                    .to_string_lossy()
                    .into_owned()
            })
            .filter(|name| !name.ends_with(".log"))
            .collect();
        names.sort();
        names
    };
    let runs = names(&fake.out().join("runs"));
    assert_eq!(
        runs[..6],
        ["01-1-a", "01-2-b", "01-3-a", "02-1-b", "02-2-a", "02-3-b"]
    );
    let log = std::fs::read_to_string(fake.out().join("runs/02-1-b.log")).expect("a log");
    assert_eq!(log, "this is run 4 of side b\n");

    says(&fake.compare(&[]), 2, &["holds a comparison already"]);
    assert_eq!(fake.runs(), 30);
}

#[test]
fn few_pairs_must_be_allowed_and_give_no_verdict() {
    let fake = Fake::new("summary $value");
    says(&fake.compare(&["--pairs", "9"]), 2, &["--allow-few"]);
    assert_eq!(fake.runs(), 0);
    let output = fake.compare(&["--pairs", "9", "--allow-few"]);
    says(&output, 0, &["none: too few pairs", "9 pairs are too few"]);
    assert_eq!(
        (fake.runs(), &fake.report()["stopped"]),
        (27, &Value::Bool(false))
    );
}

#[test]
fn a_run_that_ctrl_c_cut_short_is_thrown_away() {
    // As on a terminal, the signal reaches both; in the fifth run, which is of the second pair.
    let cut = r#"if [ "$run" = 5 ]; then kill -INT $PPID; stopped=true; status=1; fi; summary $value"#;
    let fake = Fake::new(cut);
    let output = fake.compare(&[]);
    says(&output, 1, &["1 of 10, ended early", "1 pairs are too few"]);
    assert_eq!((fake.runs(), &fake.report()["pairs"]), (5, &Value::from(1)));
}

#[test]
fn ctrl_c_ends_after_a_run_that_did_not_hear_of_it() {
    let late = r#"if [ "$run" = 33 ]; then kill -INT $PPID; fi; summary $value"#;
    let fake = Fake::new(late);
    let output = fake.compare(&["--pairs", "20"]);
    says(
        &output,
        1,
        &["11 of 20, ended early", "B is 19.9 % higher: worse"],
    );
    assert_eq!(fake.runs(), 33);
}

#[test]
fn a_run_that_fails_is_told_with_its_last_words_and_what_was_before_it_is_kept() {
    for (body, word) in [
        (
            r#"if [ "$run" = 4 ]; then echo the disk is full; exit 3; fi; summary $value"#,
            "the disk is full",
        ),
        (
            r#"if [ "$run" = 4 ]; then stopped=true; status=1; fi; summary $value"#,
            "was stopped by somebody",
        ),
        (
            r#"if [ "$run" = 4 ]; then exit 0; fi; summary $value"#,
            "left no summary",
        ),
    ] {
        let fake = Fake::new(body);
        let output = fake.compare(&[]);
        says(&output, 2, &[word, "1 of 10, ended early"]);
        assert_eq!((fake.runs(), &fake.report()["pairs"]), (4, &Value::from(1)));
    }
}

#[test]
fn a_program_that_is_not_there_is_named() {
    let output = Command::new(env!("CARGO_BIN_EXE_hoga-perf"))
        .args(["compare", "--a", "x", "--b", "x", "--a-binary", "no/such/program"])
        .output()
        .expect("hoga-perf runs");
    says(&output, 2, &["cannot run no/such/program"]);
}
