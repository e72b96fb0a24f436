//! Restarts from snapshots, through the program's own commands: what was there before is there after, a snapshot that is
//! damaged or ahead of its journal is not believed, and covered segments may go.

mod support;

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::Value;
use support::{Http, PATIENCE, Process, hoga, next_text, order_body, websocket};

/// Small segments, and snapshots only when a test asks for one.
const CONFIG: &str = "\
[rings]
input = 256
output = 2048
[journal]
segment_mib = 1
[follower]
snapshot_commands = 0
snapshot_seconds = 0
";

fn config(dir: &Path, more: &str) -> String {
    let path = dir.join("hoga.toml");
    fs::write(&path, format!("{CONFIG}{more}")).unwrap();
    path.to_str().unwrap().to_owned()
}

/// Orders of every fate: resting, filled in part, filled, canceled, with and without an id of the client's.
fn trade(http: &mut Http, round: usize) {
    let place = |http: &mut Http, side: &str, price: u64, quantity: &str, name: &str| {
        let body = order_body(side, price, quantity, &format!("{name}-{round}"));
        let (status, order) = http.json("POST", "/api/v1/orders", &body);
        assert_eq!(status, 201, "{order}");
        order["order_id"].as_str().unwrap().to_owned()
    };
    place(http, "Sell", 50_000_000, "0.5", "filled");
    place(http, "Buy", 50_000_000, "0.3", "taker");
    place(http, "Sell", 60_000_000, "0.1", "resting");
    let gone = place(http, "Buy", 40_000_000, "0.1", "canceled");
    let (status, canceled) = http.json("DELETE", &format!("/api/v1/orders/{gone}?account=anonymous"), "");
    assert_eq!(status, 200, "{canceled}");
}

/// Everything that a client can ask for, as it was answered.
fn answers(process: &Process) -> Vec<String> {
    let mut http = Http::connect(process.address).unwrap();
    let mut answers: Vec<String> = [
        "/api/v1/instruments",
        "/api/v1/orderbook/BTC-KRW?depth=1000",
        "/api/v1/executions/BTC-KRW?limit=1000",
        "/api/v1/orders?account=anonymous&limit=1000",
        "/api/v1/orders?account=anonymous&status=Open&limit=1000",
    ]
    .iter()
    .map(|target| {
        let (status, body) = http.request("GET", target, "").unwrap();
        assert_eq!(status, 200, "{target}: {body}");
        body
    })
    .collect();
    let first = serde_json::from_str::<Value>(&answers[2]).unwrap()[0]["exec_id"].clone();
    let path = format!("/ws/executions?after={}", first.as_str().unwrap());
    let mut stream = websocket(process.address, &path).unwrap();
    let count = serde_json::from_str::<Vec<Value>>(&answers[2]).unwrap().len();
    answers.extend((1..count).map(|_| next_text(&mut stream).unwrap()));
    let mut session = websocket(process.address, "/ws/orders?account=anonymous&after=0").unwrap();
    // Each order has changed once at least.
    let listed: Value = serde_json::from_str(&answers[3]).unwrap();
    let orders = listed["orders"].as_array().unwrap().len();
    answers.extend((0..orders).map(|_| next_text(&mut session).unwrap()));
    answers
}

fn snapshots(data: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(data.join("snapshots")) else {
        return Vec::new();
    };
    let mut found: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "snapshot"))
        .collect();
    found.sort();
    found
}

fn replay(data: &Path, flags: &[&str]) -> Result<Value, String> {
    let arguments = ["replay", "--json", "--data-dir", data.to_str().unwrap()];
    let (ok, out, err) = hoga(&[&arguments, flags].concat());
    if ok {
        Ok(serde_json::from_str(&out).unwrap())
    } else {
        Err(err)
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
    }
}

#[test]
fn nothing_that_could_be_asked_for_is_gone_after_a_restart_from_a_snapshot() {
    let dir = tempfile::tempdir().unwrap();
    let (data, config) = (dir.path().join("data"), config(dir.path(), ""));
    let arguments = ["--config", &config];
    let process = Process::start(&data, &arguments);
    let mut http = Http::connect(process.address).unwrap();
    (0..20).for_each(|round| trade(&mut http, round));
    let before = answers(&process);
    process.terminate();
    assert_eq!(snapshots(&data).len(), 1, "the stop makes one");

    let process = Process::start(&data, &arguments);
    assert!(
        process.banner.contains("recovered the snapshot of sequence"),
        "{}",
        process.banner
    );
    assert!(
        process.banner.contains("and 0 commands after it"),
        "{}",
        process.banner
    );
    assert_eq!(answers(&process), before);
    // And with a tail behind the snapshot.
    let mut http = Http::connect(process.address).unwrap();
    (20..30).for_each(|round| trade(&mut http, round));
    let before = answers(&process);
    process.kill();
    let process = Process::start(&data, &arguments);
    assert!(
        !process.banner.contains("and 0 commands after it"),
        "{}",
        process.banner
    );
    assert_eq!(answers(&process), before);
    // An order that the snapshot knows is not taken twice.
    let mut http = Http::connect(process.address).unwrap();
    let body = order_body("Sell", 60_000_000, "0.1", "resting-3");
    let (status, order) = http.json("POST", "/api/v1/orders", &body);
    assert_eq!(status, 200, "a repeat is answered with the first order: {order}");
    process.terminate();
    let (whole, short) = (
        replay(&data, &[]).unwrap(),
        replay(&data, &["--from-snapshot"]).unwrap(),
    );
    for digest in ["state_digest", "views_digest", "last_sequence"] {
        assert_eq!(whole[digest], short[digest], "{digest}");
    }
    assert!(whole["snapshot"] == 0 && short["snapshot"] != 0 && short["records"] == 0);
}

#[test]
fn a_damaged_snapshot_is_passed_over_and_told() {
    let dir = tempfile::tempdir().unwrap();
    let (data, config) = (dir.path().join("data"), config(dir.path(), ""));
    let arguments = ["--config", &config];
    for rounds in [0..5, 5..10] {
        let process = Process::start(&data, &arguments);
        let mut http = Http::connect(process.address).unwrap();
        rounds.for_each(|round| trade(&mut http, round));
        process.terminate();
    }
    let found = snapshots(&data);
    let [older, newer] = &found[..] else {
        panic!("two snapshots: {found:?}")
    };
    for (damaged, after) in [(newer, "recovered the snapshot of"), (older, "recovered ")] {
        let file = fs::OpenOptions::new()
            .read(true)
            .write(true)
            .open(damaged)
            .unwrap();
        let mut byte = [0];
        file.read_exact_at(&mut byte, 700).unwrap();
        file.write_all_at(&[byte[0] ^ 1], 700).unwrap();
        let name = damaged.file_name().unwrap().to_str().unwrap();
        let (ok, _, said) = hoga(&["snapshot", "verify", data.to_str().unwrap()]);
        assert!(!ok && said.contains(name), "{said}");
        let process = Process::start(&data, &arguments);
        assert!(process.banner.contains(after), "{}", process.banner);
        let before = answers(&process);
        assert!(before.len() > 20);
        process.kill();
    }
    let process = Process::start(&data, &arguments);
    assert!(
        process.banner.contains("segment"),
        "from the first record: {}",
        process.banner
    );
    let said = process.terminate();
    for damaged in [older, newer] {
        assert!(
            said.contains(damaged.file_name().unwrap().to_str().unwrap()),
            "{said}"
        );
    }
}

#[test]
fn a_journal_that_lost_what_a_snapshot_holds_is_not_gone_on_with() {
    let dir = tempfile::tempdir().unwrap();
    let (data, config) = (dir.path().join("data"), config(dir.path(), ""));
    let arguments = ["--config", &config];
    let process = Process::start(&data, &arguments);
    trade(&mut Http::connect(process.address).unwrap(), 0);
    process.terminate();
    let old = dir.path().join("old");
    copy(&data.join("journal"), &old);
    let process = Process::start(&data, &arguments);
    trade(&mut Http::connect(process.address).unwrap(), 1);
    process.terminate();
    fs::remove_dir_all(data.join("journal")).unwrap();
    copy(&old, &data.join("journal"));

    let said = Process::try_start(&data, &arguments).map(|_| ()).unwrap_err();
    assert!(
        said.contains("acknowledged commands are lost") && said.contains("snapshots"),
        "{said}"
    );
    // Where the journal may lose its end in a crash of the machine, the older snapshot is taken, and it is told.
    let process = Process::start(&data, &["--config", &config, "--durability", "page-cache"]);
    assert!(
        process.banner.contains("recovered the snapshot of"),
        "{}",
        process.banner
    );
    let said = process.terminate();
    assert!(
        said.contains("an earlier state is taken") && said.contains(".snapshot.unfit"),
        "{said}"
    );
    // What is gone on with is not held up by what was lost.
    let process = Process::start(&data, &arguments);
    assert!(
        process.banner.contains("and 0 commands after it"),
        "{}",
        process.banner
    );
    process.terminate();
}

#[test]
fn a_journal_that_is_not_there_does_not_begin_a_new_exchange_over_its_snapshots() {
    let dir = tempfile::tempdir().unwrap();
    let (data, config) = (dir.path().join("data"), config(dir.path(), ""));
    let process = Process::start(&data, &["--config", &config]);
    trade(&mut Http::connect(process.address).unwrap(), 0);
    process.terminate();
    fs::rename(data.join("journal"), dir.path().join("elsewhere")).unwrap();
    let before = snapshots(&data);
    for durability in ["page-cache", "fsync"] {
        let said = Process::try_start(&data, &["--config", &config, "--durability", durability]);
        let said = said.map(|_| ()).unwrap_err();
        assert!(
            said.contains("is empty") && said.contains("Restore the journal"),
            "{durability}: {said}"
        );
        assert_eq!(snapshots(&data), before, "{durability}");
    }
    fs::remove_dir_all(data.join("journal")).unwrap();
    fs::rename(dir.path().join("elsewhere"), data.join("journal")).unwrap();
    let process = Process::start(&data, &["--config", &config]);
    assert!(
        process.banner.contains("recovered the snapshot of"),
        "{}",
        process.banner
    );
    process.terminate();
}

/// Fills three segments of 1 MiB: an order alone in its frame takes 512 bytes.
fn fill_segments(process: &Process) {
    let mut session = websocket(process.address, "/ws/orders?account=desk").unwrap();
    for n in 0..7_000u64 {
        let side = if n % 2 == 0 { "Sell" } else { "Buy" };
        let body = order_body(side, 50_000_000, "0.5", &n.to_string());
        let request = format!(r#"{{"id":{n},"op":"place",{}"#, &body[1..]);
        session.send(tungstenite::Message::text(request)).unwrap();
        while !next_text(&mut session).unwrap().starts_with(r#"{"id":"#) {}
    }
}

fn files(folder: &Path, end: &str) -> usize {
    let entries = fs::read_dir(folder).unwrap();
    entries
        .filter(|entry| {
            entry
                .as_ref()
                .unwrap()
                .file_name()
                .to_str()
                .unwrap()
                .ends_with(end)
        })
        .count()
}

#[test]
fn segments_that_snapshots_cover_may_be_compressed_and_moved_away() {
    let dir = tempfile::tempdir().unwrap();
    let (data, config) = (dir.path().join("data"), config(dir.path(), ""));
    let (journal, archive) = (data.join("journal"), dir.path().join("archive"));
    let (data_text, archive_text) = (data.to_str().unwrap(), archive.to_str().unwrap());
    let arguments = ["--config", &config];
    // Neither compressing nor moving depends on how an acknowledgement was made durable, and this fills faster.
    let process = Process::start(&data, &["--config", &config, "--durability", "page-cache"]);
    fill_segments(&process);
    let deadline = Instant::now() + PATIENCE;
    while files(&journal, ".hoga.zst") < 2 {
        assert!(Instant::now() < deadline, "no segment was compressed");
        std::thread::sleep(Duration::from_millis(20));
    }
    process.terminate();
    let (ok, out, err) = hoga(&["journal", "verify", data_text]);
    assert!(ok && out.contains("whole"), "{out}{err}");
    let whole = replay(&data, &[]).unwrap();
    let (ok, _, said) = hoga(&["journal", "archive", data_text, "--to", archive_text]);
    assert!(
        !ok && said.contains("nothing was moved"),
        "one snapshot is not enough: {said}"
    );

    let process = Process::start(&data, &arguments);
    trade(&mut Http::connect(process.address).unwrap(), 0);
    let before = answers(&process);
    process.terminate();
    let (ok, out, _) = hoga(&["journal", "archive", data_text, "--to", archive_text, "--dry-run"]);
    assert!(
        ok && out.contains("would move 00000000000000000001.hoga.zst"),
        "{out}"
    );
    assert!(!archive.exists());
    let own = journal.to_str().unwrap();
    let link = dir.path().join("link");
    std::os::unix::fs::symlink(&journal, &link).unwrap();
    for to in [own, link.to_str().unwrap()] {
        let (ok, _, said) = hoga(&["journal", "archive", data_text, "--to", to]);
        assert!(!ok && said.contains("the journal's own folder"), "{said}");
    }
    let linked = dir.path().join("linked");
    fs::create_dir(&linked).unwrap();
    let first = "00000000000000000001.hoga.zst";
    fs::hard_link(journal.join(first), linked.join(first)).unwrap();
    let (ok, _, said) = hoga(&["journal", "archive", data_text, "--to", linked.to_str().unwrap()]);
    assert!(!ok && said.contains("the same file"), "{said}");
    assert!(journal.join(first).exists(), "nothing is gone");
    let (ok, out, err) = hoga(&["journal", "archive", data_text, "--to", archive_text]);
    assert!(
        ok && out.contains("moved 00000000000000000001.hoga.zst"),
        "{out}{err}"
    );
    assert!(files(&archive, ".hoga.zst") >= 2 && files(&archive, ".tmp") == 0);

    let (ok, out, err) = hoga(&["journal", "verify", data_text]);
    assert!(ok && out.contains("whole"), "what is left is whole: {out}{err}");
    let said = replay(&data, &[]).unwrap_err();
    assert!(said.contains("moved away"), "{said}");
    let short = replay(&data, &["--from-snapshot"]).unwrap();
    assert!(short["last_sequence"].as_u64() > whole["last_sequence"].as_u64());
    let process = Process::start(&data, &arguments);
    assert_eq!(answers(&process), before);
    process.terminate();

    copy(&archive, &journal);
    let again = replay(&data, &[]).unwrap();
    assert_eq!(
        again["last_sequence"],
        replay(&data, &["--from-snapshot"]).unwrap()["last_sequence"]
    );
}

#[test]
fn a_follower_of_its_own_makes_snapshots_and_two_do_not_fight() {
    let dir = tempfile::tempdir().unwrap();
    let (data, off) = (dir.path().join("data"), config(dir.path(), "enabled = false\n"));
    let process = Process::start(&data, &["--config", &off]);
    let mut http = Http::connect(process.address).unwrap();
    trade(&mut http, 0);
    let own = dir.path().join("follow.toml");
    fs::write(&own, "[follower]\nsnapshot_commands = 1\nsnapshot_seconds = 0\n").unwrap();
    let follow = [
        "follow",
        "--data-dir",
        data.to_str().unwrap(),
        "--config",
        own.to_str().unwrap(),
    ];
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_hoga"))
        .args(follow)
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let wait_for = |most: &dyn Fn(u64) -> bool| {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let newest = snapshots(&data)
                .pop()
                .and_then(|path| path.file_stem()?.to_str()?.parse().ok());
            if newest.is_some_and(|newest: u64| most(newest)) {
                return newest.unwrap();
            }
            assert!(Instant::now() < deadline, "no snapshot: {newest:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    let first = wait_for(&|_| true);
    trade(&mut http, 1);
    wait_for(&|newest| newest > first);
    let (ok, _, said) = hoga(&follow);
    assert!(!ok && said.contains(&child.id().to_string()), "{said}");
    let (ok, _, said) = hoga(&["snapshot", "make", "--data-dir", data.to_str().unwrap()]);
    assert!(!ok && said.contains(&child.id().to_string()), "{said}");
    let status = std::process::Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(status.success() && child.wait().unwrap().success());
    process.terminate();
    assert!(snapshots(&data).len() <= 2, "only so many are kept");

    let (ok, out, said) = hoga(&["snapshot", "make", "--data-dir", data.to_str().unwrap()]);
    assert!(ok, "{out}{said}");
    let (ok, out, _) = hoga(&["snapshot", "list", "--json", data.to_str().unwrap()]);
    let listed: Value = serde_json::from_str(&out).unwrap();
    let last = replay(&data, &[]).unwrap()["last_sequence"].clone();
    assert!(ok && listed[0]["sequence"] == last, "{out}");
    let (whole, short) = (
        replay(&data, &[]).unwrap(),
        replay(&data, &["--from-snapshot"]).unwrap(),
    );
    assert_eq!(
        (&whole["state_digest"], &whole["views_digest"]),
        (&short["state_digest"], &short["views_digest"])
    );
}
