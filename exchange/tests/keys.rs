//! API keys as an operator handles them: made, listed, revoked, by several hands at once, and damaged.

mod support;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::{Command, Stdio};

use hoga::cores::CorePlan;
use hoga::keys::ring::{Keyring, Watching};
use hoga::keys::{edit, file};
use hoga_gateway::auth::Keys as _;
use support::keys::{base64_of, keys, listed, new_key, until};

const ANYWHERE: CorePlan = CorePlan::Shared {
    core: None,
    gateway: None,
};

#[test]
fn a_key_is_registered_without_its_secret() {
    let dir = tempfile::tempdir().unwrap();
    let said = keys(
        dir.path(),
        &[
            "new",
            "--account",
            "desk",
            "--permissions",
            "trade,read,trade",
            "--note",
            "first \"one\"",
        ],
    )
    .unwrap();
    let field = |name: &str| {
        let line = said.lines().find(|line| line.starts_with(name));
        line.unwrap_or_else(|| panic!("{said}"))
            .split_whitespace()
            .last()
            .unwrap()
            .to_owned()
    };
    let (id, secret) = (field("key id"), field("private key  "));
    let path = dir.path().join("keys.toml");
    let text = fs::read_to_string(&path).unwrap();
    assert!(
        text.contains(&id) && !text.contains(&secret) && !text.contains("private"),
        "{text}"
    );
    let all = listed(dir.path());
    assert_eq!(all.len(), 1);
    assert_eq!(
        (&all[0]["id"], &all[0]["account"], &all[0]["state"]),
        (&id.clone().into(), &"desk".into(), &"live".into())
    );
    assert_eq!(all[0]["permissions"], serde_json::json!(["read", "trade"]));
    assert_eq!(all[0]["note"], "first \"one\"");
    assert_eq!(all[0].get("private_key"), None);
    // The registered half is the half of what was printed.
    let seed = base64_of(&secret);
    let public = ed25519_dalek::SigningKey::from_bytes(&seed).verifying_key();
    let registered = file::parse(&path, &text).unwrap()[0].to_key().public;
    assert_eq!(registered.to_base64(), all[0]["public_key"]);
    assert_eq!(base64_of(&registered.to_base64()), public.to_bytes());
}

#[test]
fn a_private_key_is_not_readable_by_others_and_does_not_overwrite_anything() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("desk.key");
    let made = new_key(dir.path(), &["--out", out.to_str().unwrap()]);
    assert_eq!(made.get("private_key"), None);
    assert_eq!(fs::metadata(&out).unwrap().mode() & 0o777, 0o600);
    let secret = fs::read_to_string(&out).unwrap();
    assert_eq!(base64_of(secret.trim_end()).len(), 32);
    let refused = keys(
        dir.path(),
        &[
            "new",
            "--account",
            "desk",
            "--permissions",
            "read",
            "--out",
            out.to_str().unwrap(),
        ],
    )
    .unwrap_err();
    assert!(refused.contains("not there yet"), "{refused}");
    assert_eq!(fs::read_to_string(&out).unwrap(), secret);
    assert_eq!(listed(dir.path()).len(), 1);
    // Where the key cannot be registered its private half is taken away again.
    let (other, damaged) = (dir.path().join("other.key"), dir.path().join("keys.toml"));
    fs::write(damaged, "[[keys]]\nid = 5\n").unwrap();
    let refused = keys(
        dir.path(),
        &[
            "new",
            "--account",
            "desk",
            "--permissions",
            "read",
            "--out",
            other.to_str().unwrap(),
        ],
    );
    assert!(refused.is_err() && !other.exists());
}

#[test]
fn a_public_key_of_a_holder_is_registered_once() {
    let dir = tempfile::tempdir().unwrap();
    let public = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
    let made = new_key(dir.path(), &["--public-key", public]);
    assert_eq!(
        (&made["public_key"], made.get("private_key")),
        (&public.into(), None)
    );
    let again = [
        "new",
        "--account",
        "other",
        "--permissions",
        "read",
        "--public-key",
        public,
    ];
    let said = keys(dir.path(), &again).unwrap_err();
    assert!(
        said.contains("registered already") && said.contains(made["id"].as_str().unwrap()),
        "{said}"
    );
    assert_eq!(listed(dir.path()).len(), 1);
}

#[test]
fn a_command_line_that_makes_no_sense_registers_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let long = "x".repeat(201);
    let cases: [(&[&str], &str); 8] = [
        (&["--account", "a b", "--permissions", "read"], "is no account"),
        (
            &["--account", "desk", "--permissions", "write"],
            "read, trade, drop_copy and admin",
        ),
        (&["--account", "desk", "--permissions", ""], "must be one of"),
        (&["--account", "desk"], "--permissions"),
        (
            &[
                "--account",
                "desk",
                "--permissions",
                "read",
                "--public-key",
                "short",
            ],
            "32 bytes in base64",
        ),
        (
            &[
                "--account",
                "desk",
                "--permissions",
                "read",
                "--public-key",
                "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
            ],
            "small order",
        ),
        (
            &[
                "--account",
                "desk",
                "--permissions",
                "read",
                "--expires",
                "2020-01-01",
            ],
            "in the past",
        ),
        (
            &["--account", "desk", "--permissions", "read", "--note", &long],
            "longer than 200",
        ),
    ];
    for (arguments, says) in cases {
        let said = keys(dir.path(), &[&["new"], arguments].concat()).unwrap_err();
        assert!(said.contains(says), "{arguments:?}: {said}");
    }
    assert!(!dir.path().join("keys.toml").exists());
    let said = keys(dir.path(), &["list"]).unwrap_err();
    assert!(said.contains("hoga keys new"), "{said}");
    let said = keys(dir.path(), &["revoke", "aaaaaaaaaaaaaaaa"]).unwrap_err();
    assert!(said.contains("there is no key file"), "{said}");
    assert!(
        keys(dir.path(), &["revoke", "nonsense"])
            .unwrap_err()
            .contains("16 of the characters")
    );
}

#[test]
fn a_revoked_key_does_not_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let ids: Vec<String> = (0..2)
        .map(|_| new_key(dir.path(), &[])["id"].as_str().unwrap().to_owned())
        .collect();
    assert!(
        keys(dir.path(), &["revoke", &ids[0]])
            .unwrap()
            .contains("is revoked")
    );
    let revoked = listed(dir.path())[0]["revoked"].clone();
    assert!(
        keys(dir.path(), &["revoke", &ids[0]])
            .unwrap()
            .contains(revoked.as_str().unwrap())
    );
    let all = listed(dir.path());
    assert_eq!(
        all.iter()
            .map(|key| key["state"].as_str().unwrap())
            .collect::<Vec<_>>(),
        ["revoked", "live"]
    );
    assert_eq!(all[0]["revoked"], revoked);
    assert!(
        keys(dir.path(), &["list"])
            .unwrap()
            .contains(&format!("revoked {}", revoked.as_str().unwrap()))
    );
    let said = keys(dir.path(), &["revoke", "aaaaaaaaaaaaaaaa"]).unwrap_err();
    assert!(said.contains("there is no key aaaaaaaaaaaaaaaa"), "{said}");
}

#[test]
fn writers_at_the_same_time_do_not_lose_each_others_keys() {
    let dir = tempfile::tempdir().unwrap();
    let spawn = |n: usize| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hoga"));
        command.args([
            "keys",
            "new",
            "--permissions",
            "read",
            "--account",
            &format!("a{n}"),
            "--data-dir",
        ]);
        command.arg(dir.path()).stdout(Stdio::null()).spawn().unwrap()
    };
    let children: Vec<_> = (0..12).map(spawn).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let mut accounts: Vec<String> = listed(dir.path())
        .iter()
        .map(|key| key["account"].to_string())
        .collect();
    accounts.sort();
    let mut wanted: Vec<String> = (0..12).map(|n| format!("\"a{n}\"")).collect();
    wanted.sort();
    assert_eq!(accounts, wanted);
    let left: Vec<_> = fs::read_dir(dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left, ["keys.toml"]);
}

#[test]
fn a_link_and_a_mode_survive_a_change() {
    let dir = tempfile::tempdir().unwrap();
    let (real, link) = (dir.path().join("real"), dir.path().join("keys.toml"));
    fs::create_dir(&real).unwrap();
    let real = real.join("shared.toml");
    fs::write(&real, "").unwrap();
    fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
    std::os::unix::fs::symlink(&real, &link).unwrap();
    new_key(dir.path(), &[]);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::metadata(&real).unwrap().mode() & 0o777, 0o640);
    assert_eq!(listed(dir.path()).len(), 1);
}

/// A key file as the program writes it.
fn whole(dir: &Path) -> String {
    new_key(dir, &["--note", "a"]);
    new_key(dir, &["--expires", "2500-01-01"]);
    let last = new_key(dir, &[]);
    keys(dir, &["revoke", last["id"].as_str().unwrap()]).unwrap();
    fs::read_to_string(dir.join("keys.toml")).unwrap()
}

#[test]
fn a_private_key_in_the_wrong_place_is_not_repeated() {
    let dir = tempfile::tempdir().unwrap();
    let good = whole(dir.path());
    let secret = "c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0ISEhISE=";
    let entries = file::parse(&dir.path().join("keys.toml"), &good).unwrap();
    let key = entries[0].public_key.0.to_string();
    let permissions = good.lines().find(|line| line.starts_with("permissions")).unwrap();
    for (from, to) in [
        ("account = \"desk\"", format!("account = \"{secret}{secret}\"")),
        (
            "account = \"desk\"",
            format!("account = \"desk\"\nprivate_key = \"{secret}\""),
        ),
        ("account = \"desk\"", format!("account = {secret}")),
        ("account = \"desk\"", format!("account = [\"{secret}\\\"\"]")),
        (&key, format!("{secret}{secret}")),
        (permissions, format!("permissions = \"{secret}\\\" {secret}\"")),
        (permissions, format!("permissions = [\"{secret}\"]")),
        ("created = \"2", format!("created = \"{secret}2")),
    ] {
        let bad = good.replacen(from, &to, 1);
        fs::write(dir.path().join("keys.toml"), &bad).unwrap();
        let said = keys(dir.path(), &["list"]).unwrap_err();
        assert!(!said.contains(secret) && said.contains(", line "), "{to}: {said}");
    }
}

#[test]
fn a_damaged_key_file_is_not_overwritten_and_its_line_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let good = whole(dir.path());
    let path = dir.path().join("keys.toml");
    let entries = file::parse(&path, &good).unwrap();
    assert_eq!(file::print(&entries).unwrap(), good, "a round trip");
    let line_of = |needle: &str| 1 + good[..good.find(needle).unwrap()].matches('\n').count();
    let (id, key) = (entries[0].id.0.to_string(), entries[0].public_key.0.to_string());
    let permissions = good.lines().find(|line| line.starts_with("permissions")).unwrap();
    let cases = [
        ("account = \"desk\"", "account = \"d sk\"", "is no account"),
        ("account = \"desk\"", "acount = \"desk\"", "acount"),
        ("account = \"desk\"", "account = desk", ""),
        (&id, "xyz", "must be the id of a key"),
        (&key, &key[1..], "32 bytes in base64"),
        (
            permissions,
            "permissions = [\"reed\"]",
            "read, trade, drop_copy and admin",
        ),
        ("created = \"2", "created = \"x2", "a time is written"),
    ];
    for (from, to, says) in cases {
        let bad = good.replacen(from, to, 1);
        fs::write(&path, &bad).unwrap();
        let line = format!("line {}", line_of(from));
        for said in [
            keys(dir.path(), &["list"]),
            keys(dir.path(), &["revoke", "aaaaaaaaaaaaaaaa"]),
        ] {
            let said = said.unwrap_err();
            assert!(
                said.contains(says)
                    && said.contains(&line)
                    && said.contains("keys.toml")
                    && said.contains("Correct that line"),
                "{from} → {to}: {said} lacks {line}"
            );
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), bad);
    }
    let second = entries[1].id.0.to_string();
    for (bad, says) in [
        (good.replacen(&second, &id, 1), "is there twice"),
        (
            good.replacen(permissions, "permissions = []", 1),
            "has no permission",
        ),
        (
            good.replacen("note = \"a\"", &format!("note = \"{}\"", "가".repeat(201)), 1),
            "has a note of more than 200",
        ),
    ] {
        let said = file::parse(&path, &bad).unwrap_err();
        assert!(said.contains(says) && said.contains(", line "), "{said}");
    }
    // A file that breaks off anywhere is one of fewer keys or none, never one of other keys.
    for end in (0..good.len()).filter(|end| good.is_char_boundary(*end)) {
        if let Ok(some) = file::parse(&path, &good[..end]) {
            let known = |key: &file::Entry| {
                entries
                    .iter()
                    .any(|entry| entry.id == key.id && entry.public_key == key.public_key)
            };
            assert!(some.iter().all(known), "cut at {end}");
        }
    }
}

#[test]
fn a_change_that_is_refused_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let good = whole(dir.path());
    let path = dir.path().join("keys.toml");
    let refused: Result<(), String> = edit::edit(&path, |keys| {
        keys.clear();
        Err("no".to_owned())
    });
    assert_eq!(refused, Err("no".to_owned()));
    // What would not be read again is not written either.
    let twice = edit::edit(&path, |keys| {
        keys.push(keys[0].clone());
        Ok(())
    });
    assert!(twice.unwrap_err().contains("twice"));
    assert_eq!(fs::read_to_string(&path).unwrap(), good);
}

#[test]
fn a_damaged_key_file_does_not_take_the_keys_away_from_a_running_exchange() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("keys.toml");
    let (ring, mut seen) = Keyring::open(&path).unwrap();
    assert_eq!((ring.table().len(), ring.generation()), (0, 1));
    assert!(ring.refresh(&mut seen).unwrap().is_none());
    let good = whole(dir.path());
    assert_eq!(ring.refresh(&mut seen).unwrap().unwrap().len(), 3);
    assert_eq!(
        (ring.table().len(), ring.generation(), ring.failures()),
        (3, 2, 0)
    );

    fs::write(&path, &good[..good.len() - 20]).unwrap();
    assert!(ring.refresh(&mut seen).unwrap_err().contains("keys.toml"));
    // Told once, and not once a second.
    assert!(ring.refresh(&mut seen).unwrap().is_none());
    assert_eq!(
        (ring.table().len(), ring.generation(), ring.failures()),
        (3, 2, 1)
    );
    fs::remove_file(&path).unwrap();
    assert!(ring.refresh(&mut seen).unwrap_err().contains("is gone"));
    assert!(ring.refresh(&mut seen).unwrap().is_none());
    assert_eq!((ring.table().len(), ring.failures()), (3, 2));
    fs::create_dir(&path).unwrap();
    assert!(ring.refresh(&mut seen).is_err());
    fs::remove_dir(&path).unwrap();
    fs::write(&path, "").unwrap();
    assert_eq!(ring.refresh(&mut seen).unwrap().unwrap().len(), 0);
    assert_eq!(ring.generation(), 3);
    assert!(Keyring::open(dir.path()).is_err(), "a folder is no key file");
}

#[test]
fn a_key_file_is_looked_at_while_the_exchange_runs() {
    let dir = tempfile::tempdir().unwrap();
    let (ring, seen) = Keyring::open(&dir.path().join("keys.toml")).unwrap();
    let watching = Watching::start(ring.clone(), seen, ANYWHERE).unwrap();
    let made = new_key(dir.path(), &[]);
    let id = made["id"].as_str().unwrap().parse().unwrap();
    until("the new key", || ring.table().get(id).is_some());
    keys(dir.path(), &["revoke", made["id"].as_str().unwrap()]).unwrap();
    until("its end", || {
        ring.table().get(id).is_some_and(|key| key.revoked.is_some())
    });
    watching.stop();
}
