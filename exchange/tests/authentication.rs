//! A running exchange that asks for keys, and one that does not.

mod support;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use serde_json::Value;
use support::exposition::Exposition;
use support::keys::{keys, new_key, sign, until};
use support::{Http, Process, hoga, websocket};
use tungstenite::Message;

#[test]
fn an_exchange_without_authentication_does_not_start_open_to_other_machines() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().to_str().unwrap();
    let (ok, _, said) = hoga(&["serve", "--listen", "0.0.0.0:0", "--data-dir", data]);
    assert!(
        !ok && said.contains("hoga keys new") && said.contains("--insecure"),
        "{said}"
    );
    assert!(
        !dir.path().join("journal").exists(),
        "it was refused before anything was written"
    );
    let mut child = Command::new(env!("CARGO_BIN_EXE_hoga"))
        .args(["serve", "--listen", "0.0.0.0:0", "--insecure", "--data-dir", data])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map(Result::unwrap);
    let banner: Vec<String> = lines.take_while(|line| !line.contains("ready")).collect();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(
        banner
            .iter()
            .any(|line| line.contains("off: ") && line.contains("ANYBODY")),
        "{banner:?}"
    );
    let process = Process::start(dir.path(), &[]);
    assert!(
        process
            .banner
            .contains("any program on this machine may trade as any account"),
        "{}",
        process.banner
    );
    process.terminate();
}

#[test]
fn an_exchange_with_authentication_says_how_many_keys_there_are() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("hoga.toml");
    fs::write(&config, "[auth]\nmode = \"required\"\n").unwrap();
    let arguments = ["--config", config.to_str().unwrap()];
    let process = Process::start(dir.path(), &arguments);
    assert!(
        process.banner.contains("no key is registered") && process.banner.contains("hoga keys new"),
        "{}",
        process.banner
    );
    let figure = |name: &str| {
        let page = Http::connect(process.address)
            .unwrap()
            .request("GET", "/metrics", "")
            .unwrap()
            .1;
        Exposition::parse(&page, false).value(name)
    };
    assert_eq!(figure("hoga_auth_keys"), 0.0);
    let made = [new_key(dir.path(), &[]), new_key(dir.path(), &[])];
    keys(dir.path(), &["revoke", made[0]["id"].as_str().unwrap()]).unwrap();
    until("the keys", || {
        figure("hoga_auth_keys") == 2.0 && figure("hoga_auth_keys_live") == 1.0
    });
    let path = dir.path().join("keys.toml");
    let good = fs::read_to_string(&path).unwrap();
    fs::write(&path, "[[keys]]\nid = 5\n").unwrap();
    until("the failure", || {
        figure("hoga_auth_key_reload_failures_total") == 1.0
    });
    assert_eq!(figure("hoga_auth_keys"), 2.0);
    let said = process.terminate();
    assert!(
        said.contains("keys.toml") && said.contains("line 2") && said.contains("go on to count"),
        "{said}"
    );

    let said = Process::try_start(dir.path(), &arguments)
        .map(|_| ())
        .unwrap_err();
    assert!(said.contains("keys.toml") && said.contains("line 2"), "{said}");
    fs::write(&path, good).unwrap();
    let process = Process::start(dir.path(), &arguments);
    assert!(
        process.banner.contains("required: 2 keys in") && process.banner.contains("of which 1 are live"),
        "{}",
        process.banner
    );
}

#[test]
fn a_key_that_was_made_trades_and_one_that_was_revoked_is_put_out_without_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("hoga.toml");
    fs::write(&config, "[auth]\nmode = \"required\"\n").unwrap();
    let process = Process::start(dir.path(), &["--config", config.to_str().unwrap()]);
    let key = new_key(dir.path(), &[]);
    let id = key["id"].as_str().unwrap();
    let body = r#"{"symbol":"BTC-KRW","side":"Sell","type":"Limit","price":50000000,"quantity":0.5}"#;
    let target = "/api/v1/orders";
    let place = || {
        let (timestamp, signature) = sign(&key, "POST", target, body);
        let headers =
            format!("Hoga-Key: {id}\r\nHoga-Timestamp: {timestamp}\r\nHoga-Signature: {signature}\r\n");
        let mut client = Http::connect(process.address).unwrap();
        client.request_with("POST", target, &headers, body).unwrap()
    };
    let unsigned = Http::connect(process.address)
        .unwrap()
        .request("POST", target, body)
        .unwrap();
    assert_eq!(unsigned.0, 401, "{}", unsigned.1);
    // The key file is looked at once a second, and nothing counts that was signed in the first second.
    until("the key", || place().0 == 201);
    let (_, order) = place();
    assert!(order.contains(r#""account":"desk""#), "{order}");
    let mut session = websocket(process.address, "/ws/orders").unwrap();
    let (timestamp, signature) = sign(&key, "GET", "/ws/orders", "");
    let auth_message =
        format!(r#"{{"op":"auth","key":"{id}","timestamp":{timestamp},"signature":"{signature}"}}"#);
    session.send(Message::text(auth_message)).unwrap();
    session
        .send(Message::text(r#"{"id":1,"op":"cancel_all"}"#))
        .unwrap();
    let reply = session.read().unwrap().into_text().unwrap();
    assert!(reply.contains(r#""canceled":"#), "{reply}");
    keys(dir.path(), &["revoke", id]).unwrap();
    loop {
        match session.read().unwrap() {
            Message::Close(Some(frame)) => {
                assert_eq!(u16::from(frame.code), 4002, "{frame:?}");
                break;
            }
            Message::Close(None) => panic!("closed without a code"),
            _ => {}
        }
    }
    let (status, said) = place();
    assert_eq!(status, 401, "{said}");
    assert!(said.contains("revoked"), "{said}");
    let said = process.terminate();
    assert!(
        !said.contains(key["private_key"].as_str().unwrap()),
        "a secret was told"
    );
}

#[test]
fn an_operator_whose_key_signs_is_not_kept_out_nor_let_in_without_it() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("hoga.toml");
    fs::write(&config, "[auth]\nmode = \"required\"\n").unwrap();
    let process = Process::start(dir.path(), &["--config", config.to_str().unwrap()]);
    let address = process.address.to_string();
    let file = dir.path().join("operator.key");
    let file = file.to_str().unwrap();
    let made = keys(
        dir.path(),
        &[
            "new",
            "--account",
            "ops",
            "--permissions",
            "admin",
            "--json",
            "--out",
            file,
        ],
    )
    .unwrap();
    let id = serde_json::from_str::<Value>(&made).unwrap()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let suspend = ["account-status", "desk", "Suspended"];
    let (done, _, said) = hoga(&[&["admin", "--address", &address][..], &suspend].concat());
    assert!(!done && said.contains("unauthenticated"), "{said}");
    let signed = [
        "admin",
        "--address",
        &address,
        "--key",
        &id,
        "--private-key",
        file,
    ];
    until("the key", || hoga(&[&signed[..], &suspend].concat()).0);
    let config = config.to_str().unwrap();
    let (done, _, said) = hoga(&[
        "admin",
        "--address",
        &address,
        "--key",
        &id,
        "--private-key",
        config,
        "cancel-all",
        "desk",
    ]);
    assert!(!done && said.contains("must hold a private key"), "{said}");
    process.terminate();
    let data = dir.path().to_str().unwrap();
    let (done, audit, said) = hoga(&["audit", "--data-dir", data]);
    assert!(
        done && audit.contains(&id) && audit.contains("desk"),
        "{audit}{said}"
    );
}
