//! Signatures: verified off the gateway's thread, and made as the document says.

mod support;

use std::fs;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use hoga::cores::CorePlan;
use hoga::verifier::{self, Asker, MOST_BYTES, MOST_CHECKS, VerifierFigures};
use hoga_gateway::auth::{ApiKey, Check, Credentials, PublicKey, Signature, Subject, signed_message};
use hoga_protocol::AccountName;
use hoga_service::{KeyId, Permission, Permissions};
use support::PATIENCE;

const ANYWHERE: CorePlan = CorePlan::Shared {
    core: None,
    gateway: None,
};

fn check(body: &[u8]) -> Check {
    let credentials = Credentials {
        key: "aaaaaaaaaaaaaaaa".parse().unwrap(),
        timestamp: 1,
        signature: Signature::from_bytes([0; 64]),
    };
    Check::new(&credentials, None, &Subject::new("GET", "/", body).unwrap())
}

#[test]
fn a_verdict_is_neither_lost_nor_told_to_another() {
    use ed25519_dalek::{Signer as _, SigningKey};
    let secret = SigningKey::from_bytes(&[7; 32]);
    let id: KeyId = "aaaaaaaaaaaaaaaa".parse().unwrap();
    let key = Some(Arc::new(ApiKey {
        id,
        account: AccountName::new("desk").unwrap(),
        permissions: Permissions::NONE.with(Permission::Trade),
        public: PublicKey::from_bytes(secret.verifying_key().as_bytes()).unwrap(),
        revoked: None,
        expires: None,
    }));
    let (wakes, figures) = (Arc::new(AtomicU64::new(0)), Arc::new(VerifierFigures::default()));
    let counted = Arc::clone(&wakes);
    let wake = move || {
        counted.fetch_add(1, Ordering::SeqCst);
    };
    let (mut asker, thread) = verifier::start::<u64>(Arc::clone(&figures), ANYWHERE, wake).unwrap();
    assert!(asker.done().is_none());
    // Every third one is signed over another body.
    let ask = |n: u64| {
        let body = n.to_string();
        let subject = Subject::new("POST", "/api/v1/orders", body.as_bytes()).unwrap();
        let signed = if n.is_multiple_of(3) {
            Subject::new("POST", "/api/v1/orders", b"x").unwrap()
        } else {
            subject
        };
        let signature = secret.sign(&signed_message(n, &signed)).to_bytes();
        let signature = Signature::from_bytes(signature);
        let credentials = Credentials {
            key: id,
            timestamp: n,
            signature,
        };
        Check::new(&credentials, key.clone(), &subject)
    };
    let (mut asked, mut told) = (0, 0);
    while told < 3_000 {
        while asked < 3_000 && asker.ask(asked, ask(asked)) {
            asked += 1;
        }
        while let Some((whose, verdict)) = asker.done() {
            assert_eq!((whose, verdict.is_good()), (told, told % 3 != 0));
            told += 1;
        }
        std::thread::yield_now();
    }
    assert!(asker.done().is_none());
    drop(asker);
    thread.join().unwrap();
    assert_eq!(wakes.load(Ordering::SeqCst), 3_000);
    assert_eq!(
        (
            figures.good.load(Ordering::SeqCst),
            figures.bad.load(Ordering::SeqCst)
        ),
        (2_000, 1_000)
    );
}

fn wait_for(asker: &mut Asker<usize>) {
    let deadline = Instant::now() + PATIENCE;
    while asker.done().is_none() {
        assert!(Instant::now() < deadline, "no verdict came");
        std::thread::yield_now();
    }
}

#[test]
fn a_crowd_of_checks_is_not_taken_without_bound() {
    let start = || verifier::start::<usize>(Arc::default(), ANYWHERE, || {}).unwrap();
    let fill = |body: &[u8]| {
        let (mut asker, thread) = start();
        let taken = (0..=MOST_CHECKS)
            .take_while(|n| asker.ask(*n, check(body)))
            .count();
        assert!(!asker.ask(0, check(body)), "nothing is done before it is fetched");
        wait_for(&mut asker);
        assert!(asker.ask(0, check(body)), "there is room again");
        drop(asker);
        thread.join().unwrap();
        taken
    };
    assert_eq!(fill(b""), MOST_CHECKS);
    let body = vec![0; 64 << 10];
    let taken = fill(&body);
    assert!(
        taken * body.len() <= MOST_BYTES && (taken + 1) * (body.len() + 64) > MOST_BYTES,
        "{taken}"
    );
    // One message alone is taken whatever its length.
    let (mut asker, thread) = start();
    assert!(asker.ask(0, check(&vec![0; MOST_BYTES + 1])));
    drop(asker);
    thread.join().unwrap();
}

/// The scripts of the document, each run on its example.
#[test]
fn the_documents_scripts_do_not_sign_otherwise_than_it_says() {
    let document =
        fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/wire-protocol.md")).unwrap();
    let part = |name: &str| {
        let row = document
            .lines()
            .find(|line| line.starts_with(&format!("| {name} | `")))
            .unwrap();
        row.split('`').nth(1).unwrap().to_owned()
    };
    let (mut ran, folder) = (0, tempfile::tempdir().unwrap());
    for (marker, program, needs) in [
        ("openssl", "bash", vec!["openssl", "version"]),
        ("python", "python3", vec!["python3", "-c", "import cryptography"]),
        ("node", "node", vec!["node", "--version"]),
    ] {
        let (_, rest) = document
            .split_once(&format!("<!-- signing:{marker} -->\n"))
            .unwrap();
        let script = rest.split("```").nth(1).unwrap().split_once('\n').unwrap().1;
        let there = Command::new(needs[0])
            .args(&needs[1..])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        if !there.is_ok_and(|status| status.success()) {
            eprintln!("skipped: {needs:?} does not run here");
            continue;
        }
        // What sends is not wanted here: nobody listens.
        let script = script.split("curl ").next().unwrap();
        let path = folder.path().join(marker);
        fs::write(&path, script).unwrap();
        let output = Command::new(program)
            .arg(&path)
            .env("HOGA_KEY", part("key id"))
            .env("HOGA_PRIVATE_KEY", part("private key"))
            .env("HOGA_TIMESTAMP", part("timestamp"))
            .env("METHOD", "POST")
            .env("TARGET", "/api/v1/orders")
            .env("BODY", part("body"))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!(
            said.trim(),
            part("signature"),
            "{marker}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        ran += 1;
    }
    eprintln!("{ran} of 3 scripts ran");
}
