//! A full disk: new orders are refused with the reason, cancels still pass, nothing acknowledged is lost, and business
//! goes on when there is room again.

mod support;

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use support::{Http, PATIENCE, Process, order_body};

/// Closed segments stay as they are, so that the disk is as full after a restart as before.
const CONFIG: &str = "[rings]\ninput = 64\n[journal]\nsegment_mib = 1\ncompression_level = 0\n";

/// Places orders until one is refused for want of room; returns the ids of those that were accepted.
fn fill(address: SocketAddr) -> (Vec<String>, String) {
    let mut http = Http::connect(address).unwrap();
    let mut accepted = Vec::new();
    for n in 0.. {
        let (status, answer) = http.json(
            "POST",
            "/api/v1/orders",
            &order_body("Buy", 1000, "1", &format!("fill-{n}")),
        );
        match status {
            201 => accepted.push(answer["order_id"].as_str().unwrap().to_owned()),
            503 => return (accepted, answer.to_string()),
            _ => panic!("{status} {answer}"),
        }
        assert!(n < 100_000, "the disk never filled");
    }
    unreachable!()
}

#[test]
fn a_full_disk_refuses_orders_and_loses_none() {
    let dir = tempfile::tempdir().unwrap();
    let disk = dir.path().join("disk");
    fs::create_dir(&disk).unwrap();
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=3m", "tmpfs"])
        .arg(&disk)
        .output();
    if !mounted.as_ref().is_ok_and(|output| output.status.success()) {
        println!("skipped: a small file system cannot be mounted here (it takes root): {mounted:?}");
        return;
    }
    let result = std::panic::catch_unwind(|| on_a_small_disk(dir.path(), &disk));
    let unmounted = Command::new("umount").arg(&disk).status().unwrap();
    if let Err(panic) = result {
        std::panic::resume_unwind(panic);
    }
    assert!(unmounted.success());
}

fn on_a_small_disk(dir: &Path, disk: &Path) {
    let config = dir.join("hoga.toml");
    fs::write(&config, CONFIG).unwrap();
    let arguments = ["--config", config.to_str().unwrap()];
    let process = Process::start(disk, &arguments);
    let (accepted, refusal) = fill(process.address);
    assert!(
        accepted.len() > 1_000,
        "{} orders before the disk was full",
        accepted.len()
    );
    assert!(
        refusal.contains("journal_full") && refusal.to_lowercase().contains("no space"),
        "{refusal}"
    );

    let mut http = Http::connect(process.address).unwrap();
    let (status, answer) = http.json("DELETE", &format!("/api/v1/orders/{}", accepted[0]), "");
    assert_eq!(
        (status, answer["status"].as_str()),
        (200, Some("Canceled")),
        "cancels still pass: {answer}"
    );
    process.kill();

    let process = Process::start(disk, &arguments);
    let mut http = Http::connect(process.address).unwrap();
    for (n, id) in accepted.iter().enumerate() {
        let (status, order) = http.json("GET", &format!("/api/v1/orders/{id}"), "");
        let want = if n == 0 { "Canceled" } else { "New" };
        assert_eq!(
            (status, order["status"].as_str()),
            (200, Some(want)),
            "order {n} after the full disk: {order}"
        );
    }
    let give_room = Command::new("mount")
        .args(["-o", "remount,size=16m"])
        .arg(disk)
        .status()
        .unwrap();
    assert!(give_room.success());
    let deadline = Instant::now() + PATIENCE;
    loop {
        let (status, answer) = http.json("POST", "/api/v1/orders", &order_body("Buy", 1000, "1", "after"));
        if status == 201 {
            break;
        }
        assert!(
            Instant::now() < deadline,
            "room is back and orders are still refused: {answer}"
        );
        std::thread::sleep(Duration::from_millis(100));
    }
    let said = process.terminate();
    assert!(
        said.contains("cannot make its next segment") && said.contains("has room again"),
        "{said}"
    );
}
