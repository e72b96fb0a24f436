//! `hoga journal dump`: what an operator finds by account, order and time, and what other programs read of it.

mod support;

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use hoga_journal::Reader;
use hoga_protocol::{
    AccountId, AccountStatus, AdminAction, Administer, Arm, ArmCause, CancelAll, Disarm, FeeRate,
    InstrumentId, Nanos, OperatorName, Sequence, SetAccountStatus, SetFees,
};
use serde_json::Value;
use support::append::append_to;
use support::{Http, Process};
use tempfile::TempDir;

/// An exchange's data after a few commands of two accounts, and the order_id that they are mostly about.
struct Data {
    dir: TempDir,
    order: String,
}

impl Data {
    fn make() -> Data {
        let dir = tempfile::tempdir().unwrap();
        let config = dir.path().join("hoga.toml");
        // The sequences below are those of the clients' commands alone.
        std::fs::write(&config, "[checkpoints]\ncommands = 0\ninterval_ms = 0\n").unwrap();
        let process = Process::start(dir.path(), &["--config", config.to_str().unwrap()]);
        let mut http = Http::connect(process.address).unwrap();
        let mut send = |method: &str, target: &str, body: &str, wanted: u16| -> Value {
            let (status, answer) = http.json(method, target, body);
            assert_eq!(status, wanted, "{answer}");
            answer
        };
        let order = |account: &str, symbol: &str, side: &str, price: &str, more: &str| {
            format!(
                r#"{{"account":"{account}","symbol":"{symbol}","side":"{side}","type":"Limit","price":{price},"quantity":0.50000001{more}}}"#
            )
        };
        let orders = "/api/v1/orders";
        // 4, 5: the account is opened by its first order.
        let named = order(
            "desk",
            "BTC-KRW",
            "Sell",
            "50000000",
            r#","client_order_id":"a, \"b\" = c""#,
        );
        let id = send("POST", orders, &named, 201)["order_id"]
            .as_str()
            .unwrap()
            .to_owned();
        // 6: the same again; 7, 8: another account.
        send("POST", orders, &named, 200);
        send(
            "POST",
            orders,
            &order("other", "ETH-KRW", "Buy", "3000500", ""),
            201,
        );
        let one = format!("{orders}/{id}");
        thread::sleep(Duration::from_millis(5));
        // 9, 10: replaces. 11: a mass cancel of another instrument, 12: one that covers the order.
        send("PATCH", &one, r#"{"account":"desk","price":51000000}"#, 200);
        send("PATCH", &one, r#"{"account":"desk","quantity":0.25}"#, 200);
        send("DELETE", "/api/v1/orders?account=desk&symbol=ETH-KRW", "", 200);
        send("DELETE", "/api/v1/orders?account=desk", "", 200);
        // 13: refused by the engine, since it would trade with 8.
        let refused = order("desk", "ETH-KRW", "Sell", "3000000", r#","post_only":true"#);
        send("POST", orders, &refused, 422);
        process.terminate();
        Data { dir, order: id }
    }

    /// Runs the dump: (exit code, standard output, standard error).
    fn dump(&self, arguments: &[&str]) -> (i32, String, String) {
        dump(self.dir.path(), arguments)
    }

    fn json(&self, arguments: &[&str]) -> Vec<Value> {
        let (code, out, said) = self.dump(&[arguments, &["--json"]].concat());
        assert_eq!(code, 0, "{said}");
        let lines = out.lines().map(|line| serde_json::from_str(line).unwrap());
        lines.collect()
    }

    fn sequences(&self, arguments: &[&str]) -> Vec<u64> {
        let lines = self.json(arguments);
        lines
            .iter()
            .map(|line| line["sequence"].as_u64().unwrap())
            .collect()
    }
}

fn dump(dir: &Path, arguments: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_hoga"))
        .args(["journal", "dump", dir.to_str().unwrap()])
        .args(arguments)
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

/// Reads RFC 4180.
fn parse_csv(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut field) = (Vec::new(), Vec::new(), String::new());
    let mut quoted = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => field.extend(chars.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut field)),
            '\r' if !quoted && chars.peek() == Some(&'\n') => {
                chars.next();
                row.push(std::mem::take(&mut field));
                rows.push(std::mem::take(&mut row));
            }
            c => field.push(c),
        }
    }
    assert!(
        row.is_empty() && field.is_empty() && !quoted,
        "the last line has no end"
    );
    rows
}

#[test]
fn the_commands_of_an_account_are_its_own_alone() {
    let data = Data::make();
    let cases: [(&[&str], &[u64]); 4] = [
        (&["--account", "desk"], &[4, 5, 6, 9, 10, 11, 12, 13]),
        (&["--account", "other"], &[7, 8]),
        (&["--account", "other", "--from", "8"], &[8]),
        (&["--account", "desk", "--until", "5"], &[4, 5]),
    ];
    for (arguments, wanted) in cases {
        assert_eq!(data.sequences(arguments), wanted, "{arguments:?}");
    }
    let (code, out, said) = data.dump(&["--account", "nobody"]);
    assert_eq!(
        (code, out.as_str(), said.contains("no command")),
        (0, "", true),
        "{said}"
    );
}

#[test]
fn the_life_of_an_order_is_told_from_its_placing_to_its_end() {
    let data = Data::make();
    let all = ["--order", &data.order];
    assert_eq!(data.sequences(&all), [5, 9, 10, 12]);
    assert_eq!(data.sequences(&[&all[..], &["--from", "10"]].concat()), [10, 12]);
    let upper = data.order.to_uppercase();
    assert_eq!(data.sequences(&["--order", &upper]), [5, 9, 10, 12]);
    // A cancel of its own, refused or not, belongs to it as well.
    let lines = data.json(&all);
    let commands: Vec<_> = lines
        .iter()
        .map(|line| line["command"].as_str().unwrap())
        .collect();
    assert_eq!(
        commands,
        ["NewOrder", "ReplaceOrder", "ReplaceOrder", "CancelAll"]
    );
    for other in [
        "5",
        "00000000-0005-8000-8000-000000000000",
        &data.order.replacen("-8000-0000", "-8000-0001", 1),
    ] {
        let (code, out, said) = data.dump(&["--order", other]);
        assert_eq!((code, out.as_str()), (1, ""), "{other}");
        assert!(said.contains("no order_id of this exchange"), "{said}");
    }
}

/// Appends what a gateway of operators would have sequenced.
fn administered(data: &Data) {
    let by = |name| OperatorName::new(name).unwrap();
    let action = |name, action| hoga_protocol::Command::Administer(Administer::new(by(name), action));
    let account = AccountId(0);
    let commands = [
        hoga_protocol::Command::Arm(Arm {
            account,
            cause: ArmCause::Deadline(Nanos(1_682_858_110_123_000_000)),
        }),
        hoga_protocol::Command::Disarm(Disarm {
            account,
            arming: Sequence(14),
        }),
        action(
            "alice@ops",
            AdminAction::SetFees(SetFees {
                instrument: InstrumentId(0),
                maker: FeeRate(-10),
                taker: FeeRate(300),
            }),
        ),
        action(
            "bob@ops",
            AdminAction::SetAccountStatus(SetAccountStatus {
                account,
                status: AccountStatus::Suspended,
            }),
        ),
        action(
            "bob@ops",
            AdminAction::CancelAll(CancelAll {
                account,
                instrument: None,
                before: None,
            }),
        ),
    ];
    append_to(data.dir.path(), &commands);
}

#[test]
fn what_an_operator_did_is_found_by_its_kind_and_by_his_name() {
    let data = Data::make();
    administered(&data);
    let cases: [(&[&str], &[u64]); 6] = [
        (&["--kind", "administer"], &[16, 17, 18]),
        (&["--kind", "Arm", "--kind", "disarm"], &[14, 15]),
        (&["--by", "bob@ops"], &[17, 18]),
        (&["--by", "bob@ops", "--kind", "CancelOrder"], &[]),
        (&["--account", "desk", "--from", "14"], &[14, 15, 17, 18]),
        (&["--order", &data.order, "--from", "13"], &[18]),
    ];
    for (arguments, wanted) in cases {
        assert_eq!(data.sequences(arguments), wanted, "{arguments:?}");
    }
    let lines = data.json(&["--from", "14"]);
    let told = |at: usize, names: &[&str]| -> Vec<String> {
        names
            .iter()
            .map(|name| lines[at][name].to_string().replace('"', ""))
            .collect()
    };
    assert_eq!(
        told(0, &["arming", "cause", "deadline"]),
        ["14", "Deadline", "2023-04-30T12:35:10.123Z"]
    );
    assert_eq!(
        told(
            2,
            &[
                "by",
                "action",
                "symbol",
                "maker_fee_ppm",
                "taker_fee_ppm",
                "outcome"
            ]
        ),
        ["alice@ops", "SetFees", "BTC-KRW", "-10", "300", "accepted"]
    );
    assert_eq!(
        told(3, &["by", "action", "account", "status"]),
        ["bob@ops", "SetAccountStatus", "desk", "Suspended"]
    );
    let (code, _, said) = data.dump(&["--kind", "order"]);
    assert!(code == 2 && said.contains("CancelOrder"), "{said}");
}

#[test]
fn two_spans_of_time_that_touch_share_no_command_and_miss_none() {
    let data = Data::make();
    let lines = data.json(&[]);
    // The first replace came at least 5 ms after what was before it.
    let iso = lines[8]["time"].as_str().unwrap();
    let millis = (lines[8]["timestamp_ns"].as_u64().unwrap() / 1_000_000).to_string();
    for at in [iso, &millis] {
        assert_eq!(
            data.sequences(&["--before", at]),
            [1, 2, 3, 4, 5, 6, 7, 8],
            "{at}"
        );
        assert_eq!(data.sequences(&["--since", at]), [9, 10, 11, 12, 13], "{at}");
        assert_eq!(data.sequences(&["--since", at, "--before", at]), [0; 0]);
    }
    assert_eq!(data.sequences(&["--since", "1970-01-01"]).len(), 13);
    assert_eq!(data.sequences(&["--before", "2023-04-30T12:35:10.123Z"]).len(), 0);
}

#[test]
fn prices_and_quantities_are_those_of_the_wire() {
    let data = Data::make();
    let lines = data.json(&[]);
    let text = data.dump(&["--json"]).1;
    assert!(
        text.contains(
            r#""price":50000000,"quantity":0.50000001,"price_ticks":50000,"quantity_lots":50000001"#
        ),
        "{text}"
    );
    assert!(
        text.contains(r#""price":51000000,"quantity":null,"price_ticks":51000,"quantity_lots":null"#),
        "{text}"
    );
    let order = &lines[4];
    let told = [
        "account",
        "symbol",
        "side",
        "type",
        "time_in_force",
        "order_id",
        "client_order_id",
    ]
    .map(|name| order[name].as_str().unwrap());
    assert_eq!(
        told,
        [
            "desk",
            "BTC-KRW",
            "Sell",
            "Limit",
            "GTC",
            &data.order,
            "a, \"b\" = c"
        ]
    );
    let outcomes: Vec<_> = [4, 5, 12]
        .iter()
        .map(|at| (&lines[*at]["outcome"], &lines[*at]["reason"]))
        .collect();
    assert_eq!(
        outcomes,
        [
            (&Value::from("accepted"), &Value::Null),
            (&Value::from("duplicate"), &Value::Null),
            (&Value::from("rejected"), &Value::from("PostOnlyWouldTrade")),
        ]
    );
}

#[test]
fn csv_says_what_json_says_in_the_columns_that_are_documented() {
    let data = Data::make();
    let lines = data.json(&[]);
    let (code, out, said) = data.dump(&["--csv"]);
    assert_eq!((code, said.as_str()), (0, ""));
    let rows = parse_csv(&out);
    let documented =
        fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/operations.md")).unwrap();
    let header = out.split("\r\n").next().unwrap();
    assert!(
        documented.lines().any(|line| line == header),
        "docs/operations.md does not show the header {header}"
    );
    assert_eq!(rows.len(), lines.len() + 1);
    for (row, line) in rows[1..].iter().zip(&lines) {
        assert_eq!(row.len(), rows[0].len());
        for (name, field) in rows[0].iter().zip(row) {
            let wanted = match &line[name] {
                Value::Null => String::new(),
                Value::String(text) => text.clone(),
                // Exact digits are held against the wire's elsewhere; here a number is as serde_json shows it.
                other => other.to_string().trim_end_matches(".0").to_owned(),
            };
            assert_eq!(field, &wanted, "{name} of {line}");
        }
    }
}

#[test]
fn exit_codes_tell_a_wrong_question_from_a_bad_journal() {
    let data = Data::make();
    let wrong: [&[&str]; 6] = [
        &["--since", "yesterday"],
        &["--before", "2023-02-29"],
        &["--account", "a name"],
        &["--csv", "--json"],
        &["--from", "first"],
        &["--nothing"],
    ];
    for arguments in wrong {
        let (code, out, said) = data.dump(arguments);
        assert_eq!(
            (code, out.as_str(), said.is_empty()),
            (2, "", false),
            "{arguments:?}"
        );
    }
    let nowhere = tempfile::tempdir().unwrap();
    let (code, _, said) = dump(nowhere.path(), &[]);
    assert!(code == 1 && said.contains("no journal"), "{said}");

    // What stands before the damage is printed, and the damage is told.
    let journal = data.dir.path().join("journal");
    let mut reader = Reader::open(&journal).unwrap();
    let mut frames = Vec::new();
    while let Some(frame) = reader.next_frame().unwrap() {
        frames.push((frame.offset, frame.first_sequence));
    }
    let (offset, sequence) = frames[3];
    let segment = journal.join(hoga_journal::segment_name(1));
    let file = fs::OpenOptions::new().write(true).open(segment).unwrap();
    file.write_all_at(&[0; 512], offset).unwrap();
    let (code, out, said) = data.dump(&["--json"]);
    assert_eq!((code, out.lines().count() as u64), (1, sequence - 1), "{said}");
    assert!(said.contains(&format!("offset {offset}")), "{said}");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../journal/tests/corpus/format-1");
    let mut child = Command::new(env!("CARGO_BIN_EXE_hoga"))
        .args(["journal", "dump", corpus, "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    let mut out = BufReader::with_capacity(64, child.stdout.take().unwrap());
    out.read_line(&mut first).unwrap();
    assert!(first.contains("Genesis"), "{first}");
    drop(out);
    let ended = child.wait_with_output().unwrap();
    assert_eq!((ended.status.code(), ended.stderr.as_slice()), (Some(0), &[][..]));
}
