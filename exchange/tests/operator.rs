//! What an operator meets: a second start, a torn or damaged journal, a changed configuration, a stop.

mod support;

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use hoga_journal::{Journal, Options, Reader};
use hoga_protocol::{
    AdminAction, Administer, Command, FeeRate, InstrumentId, InstrumentSpec, Lots, Notional, OperatorName,
    Scaled, SetFees, SetLimits, Symbol,
};
use serde_json::Value;
use support::append::append_to;
use support::{Http, Process, hoga, order_body, websocket};
use tungstenite::Message;

/// Runs an exchange that trades `trades` times and stops well.
fn exchange_with_trades(dir: &Path, trades: usize) {
    let process = Process::start(dir, &[]);
    let mut http = Http::connect(process.address).unwrap();
    for n in 0..trades {
        for side in ["Sell", "Buy"] {
            let (status, order) = http.json(
                "POST",
                "/api/v1/orders",
                &order_body(side, 50_000_000, "0.5", &format!("{side}{n}")),
            );
            assert_eq!(status, 201, "{order}");
        }
    }
    process.terminate();
}

fn first_segment(dir: &Path) -> PathBuf {
    let entries = fs::read_dir(dir.join("journal"))
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .filter(|path| path.extension().is_some_and(|end| end == "hoga"))
        .min()
        .unwrap()
}

/// Where the journal's last frame ends.
fn end_of(dir: &Path) -> u64 {
    let mut reader = Reader::open(dir.join("journal")).unwrap();
    while reader.next_frame().unwrap().is_some() {}
    reader.tail().unwrap().offset
}

#[test]
fn a_second_exchange_on_the_same_data_does_not_start() {
    let dir = tempfile::tempdir().unwrap();
    let first = Process::start(dir.path(), &[]);
    let said = Process::try_start(dir.path(), &[]).map(|_| ()).unwrap_err();
    assert!(
        said.contains(&first.child.id().to_string()) && said.contains("another folder"),
        "{said}"
    );
}

#[test]
fn a_taken_address_is_not_a_riddle() {
    let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let first = Process::start(dirs[0].path(), &[]);
    let listen = first.address.to_string();
    let (ok, _, said) = hoga(&[
        "serve",
        "--listen",
        &listen,
        "--data-dir",
        dirs[1].path().to_str().unwrap(),
    ]);
    assert!(
        !ok && said.contains(&listen) && said.contains("--listen chooses another"),
        "{said}"
    );
}

#[test]
fn a_torn_tail_is_cut_and_told() {
    let dir = tempfile::tempdir().unwrap();
    exchange_with_trades(dir.path(), 3);
    // Of its two sectors the first never came to the disk.
    let end = frame_of_two_sectors(dir.path());
    overwrite(&first_segment(dir.path()), end, &[0; 512]);
    let data = dir.path().to_str().unwrap();
    let (ok, out, _) = hoga(&["journal", "verify", data]);
    assert!(ok && out.contains("torn tail of"), "{out}");
    let process = Process::start(dir.path(), &[]);
    let (_, executions) =
        Http::connect(process.address)
            .unwrap()
            .json("GET", "/api/v1/executions/BTC-KRW", "");
    assert_eq!(executions.as_array().unwrap().len(), 6);
    process.terminate();
    let (_, out, _) = hoga(&["journal", "verify", data]);
    assert!(!out.contains("torn"), "the start cut it: {out}");
}

#[test]
fn a_damaged_last_frame_is_not_cut_until_the_operator_does() {
    let dir = tempfile::tempdir().unwrap();
    exchange_with_trades(dir.path(), 1);
    let end = frame_of_two_sectors(dir.path());
    let path = first_segment(dir.path());
    let mut whole = [0; 1024];
    let file = fs::OpenOptions::new().read(true).open(&path).unwrap();
    file.read_exact_at(&mut whole, end).unwrap();
    let data = dir.path().to_str().unwrap();
    for at in [30, 700] {
        overwrite(&path, end + at, &[whole[at as usize] ^ 1]);
        let mut refusals = vec![Process::try_start(dir.path(), &[]).map(|_| ()).unwrap_err()];
        for command in ["verify", "stat", "dump"] {
            let (ok, _, said) = hoga(&["journal", command, data]);
            assert!(!ok, "{command}");
            refusals.push(said);
        }
        let offset = format!("offset {end}");
        for said in refusals {
            for part in [
                offset.as_str(),
                "may have been acknowledged",
                "docs/operations.md",
            ] {
                assert!(said.contains(part), "{said}");
            }
        }
        overwrite(&path, end, &whole);
    }
    // As docs/operations.md says.
    let zeros = vec![0; (fs::metadata(&path).unwrap().len() - end) as usize];
    overwrite(&path, end, &zeros);
    Process::start(dir.path(), &[]).terminate();
}

/// Appends a frame to the journal of an exchange that is stopped, and returns its offset in the first segment.
fn frame_of_two_sectors(dir: &Path) -> u64 {
    let end = end_of(dir);
    let opened = Journal::open(dir.join("journal"), &Options::default(), |_, _| {
        Ok::<(), std::io::Error>(())
    });
    let (mut writer, _) = opened.unwrap();
    writer.append(&[7; 500]).unwrap();
    writer.commit().unwrap();
    end
}

fn overwrite(path: &Path, offset: u64, bytes: &[u8]) {
    let file = fs::OpenOptions::new().write(true).open(path).unwrap();
    file.write_all_at(bytes, offset).unwrap();
}

#[test]
fn a_segment_that_is_removed_is_told() {
    let dir = tempfile::tempdir().unwrap();
    exchange_with_trades(dir.path(), 1);
    let spare = dir.path().join("journal").join(hoga_journal::segment_name(2));
    fs::write(&spare, []).unwrap();
    let process = Process::start(dir.path(), &[]);
    let said = process.banner.clone();
    assert!(said.contains("removed 00000000000000000002.hoga"), "{said}");
    process.terminate();
}

#[test]
fn a_damaged_journal_does_not_start_and_says_where() {
    let dir = tempfile::tempdir().unwrap();
    exchange_with_trades(dir.path(), 3);
    let path = first_segment(dir.path());
    let file = fs::OpenOptions::new().read(true).write(true).open(&path).unwrap();
    let mut frames = Vec::new();
    let mut reader = Reader::open(dir.path().join("journal")).unwrap();
    while let Some(frame) = reader.next_frame().unwrap() {
        frames.push(frame.offset);
    }
    let at = frames[2] + 140;
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[byte[0] ^ 1], at).unwrap();
    let said = Process::try_start(dir.path(), &[]).map(|_| ()).unwrap_err();
    let name = path.file_name().unwrap().to_str().unwrap();
    assert!(
        said.contains(name) && said.contains(&frames[2].to_string()),
        "{said}"
    );
    let (ok, _, said) = hoga(&["journal", "verify", dir.path().to_str().unwrap()]);
    assert!(!ok && said.contains(name), "{said}");
    let (ok, _, said) = hoga(&["replay", "--data-dir", dir.path().to_str().unwrap()]);
    assert!(!ok && said.contains(name), "{said}");
}

#[test]
fn a_configuration_that_contradicts_the_journal_does_not_start() {
    let dir = tempfile::tempdir().unwrap();
    exchange_with_trades(dir.path(), 1);
    let example = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../hoga.example.toml")).unwrap();
    let config = dir.path().join("changed.toml");
    let cases = [
        (
            r#"tick_size = "1000""#,
            r#"tick_size = "500""#,
            ["tick_size 500", "tick_size 1000"],
        ),
        (
            "max_accounts = 100000",
            "max_accounts = 7",
            ["max_accounts: 7", "max_accounts: 100000"],
        ),
        (
            r#"symbol = "ETH-KRW""#,
            r#"symbol = "XRP-KRW""#,
            ["XRP-KRW", "nothing"],
        ),
        (
            "idle = \"ladder\"",
            "idel = \"ladder\"",
            ["idel", "unknown field"],
        ),
    ];
    for (was, is, wanted) in cases {
        assert!(example.contains(was), "{was}");
        fs::write(&config, example.replace(was, is)).unwrap();
        let said = Process::try_start(dir.path(), &["--config", config.to_str().unwrap()])
            .map(|_| ())
            .unwrap_err();
        for want in wanted {
            assert!(said.contains(want), "{said:?} lacks {want:?}");
        }
    }
    fs::write(&config, example).unwrap();
    Process::start(dir.path(), &["--config", config.to_str().unwrap()]).terminate();
}

#[test]
fn what_an_operator_set_is_not_held_against_the_configuration() {
    let dir = tempfile::tempdir().unwrap();
    exchange_with_trades(dir.path(), 1);
    let example = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../hoga.example.toml")).unwrap();
    let config = dir.path().join("hoga.toml");
    let start = |text: &str| {
        fs::write(&config, text).unwrap();
        Process::try_start(dir.path(), &["--config", config.to_str().unwrap()])
    };
    let one = Scaled {
        mantissa: 1,
        scale: 0,
    };
    let (symbol, rate) = (Symbol::new("XRP-KRW").unwrap(), FeeRate(7));
    let spec = InstrumentSpec::new(symbol, one, one, 0, Lots(1), Lots(9), Notional(0), rate, rate).unwrap();
    let fees = SetFees {
        instrument: InstrumentId(0),
        maker: FeeRate(-5),
        taker: FeeRate(5),
    };
    let by = OperatorName::new("ops").unwrap();
    let raised = SetLimits {
        max_accounts: 200_000,
        max_open_orders_per_account: 5_000,
        client_ids_total: 2_000_000,
    };
    let actions = [
        AdminAction::DefineInstrument(spec),
        AdminAction::SetFees(fees),
        AdminAction::SetLimits(raised),
    ];
    let commands = actions.map(|action| Command::Administer(Administer::new(by, action)));
    append_to(dir.path(), &commands);
    start(&example).unwrap().terminate();
    // What an operator cannot have set still is.
    for (was, is) in [
        (r#"tick_size = "1000""#, r#"tick_size = "500""#),
        (r#"symbol = "ETH-KRW""#, r#"symbol = "DOGE-KRW""#),
        ("max_open_orders = 200000", "max_open_orders = 200001"),
    ] {
        assert!(example.contains(was), "{was}");
        let said = start(&example.replace(was, is)).map(|_| ()).unwrap_err();
        assert!(said.contains("differs"), "{said}");
    }
}

#[test]
fn a_stop_does_not_cut_clients_off_without_a_word() {
    let dir = tempfile::tempdir().unwrap();
    let process = Process::start(dir.path(), &[]);
    let mut sockets = [
        websocket(process.address, "/ws/executions").unwrap(),
        websocket(process.address, "/ws/orders").unwrap(),
    ];
    let said = process.terminate();
    match sockets[1].read() {
        Ok(Message::Text(text)) => assert!(text.contains(r#""type":"server_shutdown""#), "{text}"),
        other => panic!("expected a word of the stop, got {other:?}"),
    }
    for socket in &mut sockets {
        match socket.read() {
            Ok(Message::Close(Some(frame))) => assert_eq!(u16::from(frame.code), 1001),
            other => panic!("expected a close frame, got {other:?}"),
        }
    }
    assert!(said.contains("output_full_stalls 0"), "{said}");
}

#[test]
fn a_log_that_nobody_reads_does_not_decide_how_the_exchange_ends() {
    let dir = tempfile::tempdir().unwrap();
    let mut process = Process::start(dir.path(), &[]);
    process.close_stdout();
    let pid = process.child.id().to_string();
    assert!(
        std::process::Command::new("kill")
            .args(["-TERM", &pid])
            .status()
            .unwrap()
            .success()
    );
    assert_eq!(process.child.wait().unwrap().code(), Some(0));

    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let replay = std::process::Command::new(env!("CARGO_BIN_EXE_hoga"))
        .args(["replay", "--data-dir", dir.path().to_str().unwrap()])
        .stdout(full)
        .output()
        .unwrap();
    assert_eq!(replay.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&replay.stderr).contains("standard output cannot be written"));
}

#[test]
fn a_replay_up_to_a_sequence_is_not_the_whole() {
    let dir = tempfile::tempdir().unwrap();
    exchange_with_trades(dir.path(), 5);
    let data = dir.path().to_str().unwrap();
    let replay = |until: &[&str]| -> Value {
        let arguments = [&["replay", "--data-dir", data, "--json"], until].concat();
        let (ok, out, said) = hoga(&arguments);
        assert!(ok, "{said}");
        serde_json::from_str(&out).unwrap()
    };
    let (whole, part) = (replay(&[]), replay(&["--until", "6"]));
    assert_eq!(part["last_sequence"], 6);
    assert_ne!(whole["state_digest"], part["state_digest"]);
    let last = whole["last_sequence"].as_u64().unwrap();
    let (ok, out, _) = hoga(&["journal", "dump", data, "--json"]);
    assert!(ok);
    let commands: Vec<Value> = out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(commands.len() as u64, last);
    assert_eq!(commands[0]["command"], "Genesis");
    let (ok, out, _) = hoga(&["journal", "stat", data, "--json"]);
    assert!(
        ok && serde_json::from_str::<Value>(&out).unwrap()["records"] == last,
        "{out}"
    );
    let (ok, _, said) = hoga(&[
        "replay",
        "--data-dir",
        dir.path().join("nowhere").to_str().unwrap(),
    ]);
    assert!(!ok && said.contains("no journal"), "{said}");
}

#[test]
fn a_restart_forgets_nothing_that_could_be_asked_before() {
    let dir = tempfile::tempdir().unwrap();
    let questions = [
        "/api/v1/executions/BTC-KRW?limit=1000",
        "/api/v1/orders?account=anonymous",
        "/api/v1/orderbook/BTC-KRW",
        "/api/v1/instruments",
    ];
    let ask = |process: &Process| -> Vec<String> {
        let mut http = Http::connect(process.address).unwrap();
        questions
            .iter()
            .map(|question| http.request("GET", question, "").unwrap().1)
            .collect()
    };
    exchange_with_trades(dir.path(), 4);
    let process = Process::start(dir.path(), &[]);
    let mut http = Http::connect(process.address).unwrap();
    assert_eq!(
        http.json(
            "POST",
            "/api/v1/orders",
            &order_body("Buy", 49_999_000, "1.25", "rests")
        )
        .0,
        201
    );
    let before = ask(&process);
    process.kill();
    let process = Process::start(dir.path(), &[]);
    assert_eq!(ask(&process), before);
    // A client that never saw its answer repeats itself, and still has one order.
    let (status, order) = Http::connect(process.address).unwrap().json(
        "POST",
        "/api/v1/orders",
        &order_body("Buy", 49_999_000, "1.25", "rests"),
    );
    assert_eq!((status, &order["client_order_id"]), (200, &Value::from("rests")));
}
