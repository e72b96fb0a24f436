//! Checkpoints and rules: a journal whose writer had another state than it gives is not believed, old rules stay in force
//! until they are raised, and a newer journal is refused.

mod support;

use std::fs;
use std::path::Path;
use std::process::Command as Program;
use std::time::{Duration, Instant};

use hoga::clock::ExchangeClock;
use hoga::config::Config;
use hoga::following::Following;
use hoga::recovery::{self, Stores};
use hoga_engine::ENGINE_VERSION;
use hoga_follower::{Replica, take};
use hoga_journal::{Journal, Options, Reader, Snapshots, Writer};
use hoga_protocol::codec::{MAX_RECORD, decode_command, encode_command};
use hoga_protocol::{
    AccountId, CancelOrder, Checkpoint, Command, EngineVersion, Nanos, OrderId, Sequence, StateCheck,
};
use serde_json::Value;
use support::append::{append, append_to};
use support::{Http, PATIENCE, Process, hoga, order_body};

/// A ring that a segment of 1 MiB is large enough for.
const SMALL: &str = "[rings]\ninput = 64\n[journal]\nsegment_mib = 1\n";

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn lie() -> Command {
    Command::Checkpoint(Checkpoint {
        previous: Some(StateCheck {
            sequence: Sequence(1),
            digest: [7; 16],
        }),
    })
}

fn commands(data: &Path) -> Vec<Command> {
    let mut reader = Reader::open(data.join("journal")).unwrap();
    let mut commands = Vec::new();
    while let Some(record) = reader.next_record().unwrap() {
        commands.push(decode_command(record.bytes).unwrap().1);
    }
    commands
}

/// An exchange that traded and stopped; without snapshots, so that all of its journal is read again.
fn traded(data: &Path, orders: u64) {
    let process = Process::start(data, &["--config", &no_snapshots(data.parent().unwrap())]);
    place(&process, orders);
    process.terminate();
}

fn place(process: &Process, orders: u64) {
    let mut http = Http::connect(process.address).unwrap();
    for n in 0..orders {
        let body = order_body(if n % 3 == 0 { "Buy" } else { "Sell" }, 50_000_000, "0.5", "");
        let body = body.replace(r#","client_order_id":"""#, "");
        let (status, order) = http.json("POST", "/api/v1/orders", &body);
        assert_eq!(status, 201, "{order}");
    }
}

fn no_snapshots(dir: &Path) -> String {
    let path = dir.join("no-snapshots.toml");
    let text = "[checkpoints]\ncommands = 10\n[follower]\nsnapshot_at_stop = false\nsnapshot_commands = 0\nsnapshot_seconds = 0\n";
    fs::write(&path, format!("{SMALL}{text}")).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn checkpoints_stand_in_the_journal_and_carry_what_the_matcher_answered() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    traded(&data, 100);
    traded(&data, 100);
    let mut last = None;
    let mut count = 0;
    for (index, command) in commands(&data).iter().enumerate() {
        if let Command::Checkpoint(Checkpoint { previous }) = command {
            assert_eq!(
                previous.map(|check| check.sequence),
                last,
                "each names the one before"
            );
            last = Some(Sequence(index as u64 + 1));
            count += 1;
        }
    }
    assert!(
        count >= 10,
        "{count} checkpoints among 200 orders, one for every ten"
    );
    let (ok, out, err) = hoga(&["replay", "--json", "--data-dir", text(&data)]);
    assert!(ok, "{err}");
    let outcome: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        outcome["last_checkpoint"].as_u64(),
        last.map(|sequence| sequence.0)
    );
}

#[test]
fn a_journal_whose_writer_had_another_state_is_not_believed() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    traded(&data, 30);
    let config = dir.path().join("hoga.toml");
    fs::write(&config, SMALL).unwrap();
    let config = text(&config).to_owned();
    // Once an exchange has gone wrong, all the checkpoints that it still writes disagree.
    let sequence = append_to(&data, &[lie(), lie(), lie()]) - 2;
    let place = format!("checkpoint {sequence}");
    let said = Process::try_start(&data, &[]).map(|_| ()).unwrap_err();
    assert!(
        said.contains(&place) && said.contains(&format!("--accept-divergence {sequence}")),
        "{said}"
    );
    for arguments in [
        &["replay", "--data-dir", text(&data)][..],
        &["follow", "--data-dir", text(&data)][..],
        &["snapshot", "make", "--data-dir", text(&data)][..],
    ] {
        let (ok, _, said) = hoga(arguments);
        assert!(!ok && said.contains(&place), "{arguments:?}: {said}");
    }
    let elsewhere = (sequence - 1).to_string();
    let refused = Process::try_start(&data, &["--config", &config, "--accept-divergence", &elsewhere]);
    assert!(refused.is_err(), "only the one that was named is accepted");
    let flag = ["--accept-divergence", &sequence.to_string()];
    let replay = ["replay", "--data-dir", text(&data)];
    assert!(
        hoga(&[&replay, &flag[..]].concat()).0,
        "a replay may pass over it too"
    );
    let process = Process::start(&data, &[&["--config", &config], &flag[..]].concat());
    self::place(&process, 3);
    // The snapshot that is made at once lies behind it, so that even after a crash nobody is asked again.
    let deadline = Instant::now() + PATIENCE;
    while !hoga(&["snapshot", "verify", text(&data)]).0 {
        assert!(Instant::now() < deadline, "no snapshot was made");
        std::thread::sleep(Duration::from_millis(20));
    }
    process.kill();
    let process = Process::start(&data, &["--config", &config]);
    self::place(&process, 3);
    process.terminate();
}

/// The process of the test below: an exchange's follower beside a journal that goes wrong.
#[test]
fn follower_of_a_journal_that_goes_wrong() {
    let Ok(data) = std::env::var("HOGA_TEST_DIVERGES") else {
        return; // It runs as a process of its own, started below.
    };
    let (config, stores) = (Config::default(), Stores::new(Path::new(&data)));
    let mut recovered = recovery::recover(&config, &stores, &mut |_| {}).unwrap();
    let replica = recovered.replica.clone();
    let lock = hoga::following::lock(&*stores.snapshots).unwrap();
    let time = ExchangeClock::new().time();
    let following = Following::start(&config, &stores, replica, &recovered.writer, 0, lock, time).unwrap();
    append(&mut recovered.writer, &lie());
    std::thread::sleep(PATIENCE);
    following.stop();
}

#[test]
fn an_exchange_does_not_go_on_beside_a_follower_that_came_to_another_state() {
    use std::os::unix::process::ExitStatusExt;
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    traded(&data, 10);
    let output = Program::new(std::env::current_exe().unwrap())
        .args(["--exact", "follower_of_a_journal_that_goes_wrong", "--nocapture"])
        .env("HOGA_TEST_DIVERGES", &data)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    const SIGABRT: i32 = 6;
    assert_eq!(output.status.signal(), Some(SIGABRT), "{said}");
    assert!(said.contains("the follower stops the exchange"), "{said}");
}

#[test]
fn a_journal_newer_than_this_program_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    traded(&data, 5);
    let version = ENGINE_VERSION + 1;
    append_to(&data, &[Command::EngineVersion(EngineVersion { version })]);
    let said = Process::try_start(&data, &[]).map(|_| ()).unwrap_err();
    assert!(
        said.contains(&format!("engine version {version}")) && said.contains("start a newer hoga"),
        "{said}"
    );
    for command in ["replay", "follow", "upgrade"] {
        let (ok, _, said) = hoga(&[command, "--data-dir", text(&data)]);
        assert!(!ok && said.contains("start a newer hoga"), "{command}: {said}");
    }
}

#[test]
fn an_upgrade_to_the_rules_in_force_writes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let process = Process::start(&data, &["--config", &no_snapshots(dir.path())]);
    assert!(!process.banner.contains("hoga upgrade"), "{}", process.banner);
    place(&process, 50);
    process.terminate();
    let written = commands(&data);
    let (ok, out, _) = hoga(&["upgrade", "--data-dir", text(&data)]);
    assert!(ok && out.contains("already"), "{out}");
    assert_eq!(commands(&data), written);
}

#[test]
fn an_idle_exchange_writes_no_checkpoints() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let config = dir.path().join("hoga.toml");
    fs::write(&config, "[checkpoints]\ninterval_ms = 20\n").unwrap();
    let process = Process::start(&data, &["--config", text(&config)]);
    place(&process, 1);
    let stat = || {
        let (ok, out, err) = hoga(&["journal", "stat", "--json", text(&data)]);
        assert!(ok, "{err}");
        serde_json::from_str::<Value>(&out).unwrap()["records"]
            .as_u64()
            .unwrap()
    };
    let deadline = Instant::now() + PATIENCE;
    while !commands(&data)
        .iter()
        .any(|command| matches!(command, Command::Checkpoint(_)))
    {
        assert!(Instant::now() < deadline, "no checkpoint behind the order");
        std::thread::sleep(Duration::from_millis(20));
    }
    let records = stat();
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(stat(), records);
    process.terminate();
}

/// Appends to the journal of an exchange that is stopped, as `live` answers, and applies it to `live`.
fn go_on(writer: &mut Writer, live: &mut Replica, command: &Command) {
    let mut record = [0; MAX_RECORD];
    let len = encode_command(Nanos(u64::MAX / 4), command, &mut record);
    writer.append(&record[..len]).unwrap();
    writer.commit().unwrap();
    live.apply(live.last_sequence() + 1, &record[..len], |_| {})
        .unwrap();
}

#[test]
fn a_whole_snapshot_of_a_wrong_state_is_found_out_by_the_checkpoints_behind_it() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    traded(&data, 30);
    let limits = Config::default().views();
    let (mut live, mut wrong) = (Replica::new(limits), Replica::new(limits));
    let (mut writer, _) = Journal::open(data.join("journal"), &Options::default(), |sequence, record| {
        live.apply(sequence, record, |_| {}).unwrap();
        // The wrong state has one cancel of nothing where an order was.
        let is_order = sequence == 20;
        let mut other = [0; MAX_RECORD];
        let nothing = Command::CancelOrder(CancelOrder {
            account: AccountId(0),
            order: OrderId(1),
        });
        let len = encode_command(Nanos(0), &nothing, &mut other);
        let applied = wrong.apply(sequence, if is_order { &other[..len] } else { record }, |_| {});
        // It is wrong, so the checkpoints so far disagree with it.
        let _ = applied;
        Ok::<(), std::io::Error>(())
    })
    .unwrap();
    let snapshots = Snapshots::in_folder(data.join("snapshots")).unwrap();
    take(
        &wrong,
        &snapshots,
        writer.journal_id(),
        writer.position(),
        Nanos(1),
        true,
    )
    .unwrap();
    for _ in 0..3 {
        let previous = live.engine.last_check();
        go_on(
            &mut writer,
            &mut live,
            &Command::Checkpoint(Checkpoint { previous }),
        );
    }
    drop(writer);
    let (stores, mut config) = (Stores::new(&data), Config::default());
    config.data_dir = data;
    let recovered = recovery::recover(&config, &stores, &mut |_| {}).unwrap();
    assert!(
        snapshots.list().unwrap().is_empty(),
        "it is kept under another name"
    );
    assert_eq!(
        recovered.snapshot, 0,
        "from the first record: {}",
        recovered.summary
    );
    assert_eq!(
        recovered.replica.engine.state_digest(),
        live.engine.state_digest()
    );
    assert!(
        recovered
            .warnings
            .iter()
            .any(|warning| warning.contains("from the snapshot of sequence")),
        "{:?}",
        recovered.warnings
    );
}
