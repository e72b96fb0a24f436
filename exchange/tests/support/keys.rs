//! `hoga keys`, as an operator runs it.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use ed25519_dalek::{Signer as _, SigningKey};
use hoga_gateway::auth::{Subject, signed_message};
use serde_json::Value;

use super::{PATIENCE, hoga};

/// Runs `hoga keys` on the key file of `dir`; a refusal gives what was said.
pub fn keys(dir: &Path, arguments: &[&str]) -> Result<String, String> {
    let place = ["--data-dir", dir.to_str().unwrap()];
    let (ok, out, said) = hoga(&[&["keys"], arguments, &place].concat());
    if ok { Ok(out) } else { Err(said) }
}

pub fn new_key(dir: &Path, arguments: &[&str]) -> Value {
    let plain = [
        "new",
        "--account",
        "desk",
        "--permissions",
        "read,trade",
        "--json",
    ];
    serde_json::from_str(&keys(dir, &[&plain, arguments].concat()).unwrap()).unwrap()
}

pub fn listed(dir: &Path) -> Vec<Value> {
    serde_json::from_str(&keys(dir, &["list", "--json"]).unwrap()).unwrap()
}

pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "{what} did not come");
        std::thread::sleep(Duration::from_millis(20));
    }
}

pub fn base64_of(text: &str) -> [u8; 32] {
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::STANDARD.decode(text).unwrap();
    bytes.try_into().unwrap()
}

/// The signature of a request made now, and its time in milliseconds, which no other signature has:
/// two requests that are alike in every byte would be one that is replayed.
pub fn sign(key: &Value, method: &str, target: &str, body: &str) -> (u64, String) {
    sign_from_now(key, method, target, body, 0)
}

/// As [`sign`], by a clock that is so many milliseconds ahead.
pub fn sign_from_now(key: &Value, method: &str, target: &str, body: &str, ahead: u64) -> (u64, String) {
    static LATEST: AtomicU64 = AtomicU64::new(0);
    let secret = SigningKey::from_bytes(&base64_of(key["private_key"].as_str().unwrap()));
    let clock = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64;
    let now = clock.max(LATEST.load(Relaxed) + 1);
    LATEST.store(now, Relaxed);
    let now = now + ahead;
    let subject = Subject::new(method, target, body.as_bytes()).unwrap();
    let signature = secret.sign(&signed_message(now, &subject)).to_bytes();
    (
        now,
        base64::Engine::encode(&base64::engine::general_purpose::STANDARD, signature),
    )
}
