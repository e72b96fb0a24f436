//! `hoga keys`, as an operator runs it.

use std::path::Path;
use std::time::{Duration, Instant};

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
