//! `hoga keys new`, `list` and `revoke`.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::SigningKey;
use hoga_gateway::auth::{KeyTable, PublicKey};
use hoga_protocol::Nanos;
use hoga_service::{KeyId, Permissions};
use serde_json::{Value, json};

use super::edit::edit;
use super::file::{self, Account, Base64Key, Entry, MOST_NOTE, Moment, PermissionName, Text};
use crate::clock::system_time;
use crate::output::print;

/// What a new key shall be.
#[derive(Debug)]
pub struct NewKey {
    /// Whose it is.
    pub account: Account,
    /// What it may be used for.
    pub permissions: Permissions,
    /// The public half of a pair that its holder has made; without it a pair is made here.
    pub public: Option<PublicKey>,
    /// From when on it is good for nothing.
    pub expires: Option<Moment>,
    /// What the operator wants to remember of it.
    pub note: Option<String>,
    /// Where the private key goes instead of standard output.
    pub out: Option<PathBuf>,
    /// Print one JSON object.
    pub json: bool,
}

/// Registers a key in the file at `path`, and prints its id and, if it was made here, its private half.
///
/// # Errors
/// In words: the file is damaged or cannot be written, `out` is there already, or the system has no random numbers. Then no
/// key is registered, unless the message says so.
pub fn new(path: &Path, wanted: NewKey) -> Result<(), String> {
    let now = system_time();
    if wanted
        .note
        .as_ref()
        .is_some_and(|note| note.chars().count() > MOST_NOTE)
    {
        return Err(format!(
            "--note is longer than {MOST_NOTE} characters; shorten it"
        ));
    }
    if wanted.expires.is_some_and(|expires| expires.time() <= now) {
        return Err("--expires is in the past; such a key is good for nothing".to_owned());
    }
    let (public, secret) = match wanted.public {
        Some(public) => (public, None),
        None => make_pair().map(|(public, secret)| (public, Some(secret)))?,
    };
    // The private key is safe before the public one counts: a key that is registered and lost would have to be revoked.
    if let (Some(out), Some(secret)) = (&wanted.out, &secret) {
        write_secret(out, secret)?;
    }
    let registered = register(path, &wanted, public, now).inspect_err(|_| {
        if let (Some(out), Some(_)) = (&wanted.out, &secret) {
            let _ = fs::remove_file(out);
        }
    })?;
    let shown = secret.filter(|_| wanted.out.is_none());
    let text = match wanted.json {
        true => {
            let mut object = to_json(&registered, now);
            if let Some(secret) = &shown {
                object["private_key"] = Value::from(secret.as_str());
            }
            object.to_string()
        }
        false => told(&registered, path, shown.as_deref(), wanted.out.as_deref()),
    };
    print(&text).map_err(|error| {
        let id = registered.id.0;
        format!("{error}. Key {id} is registered all the same: `hoga keys revoke {id}` takes it back")
    })
}

fn told(key: &Entry, path: &Path, secret: Option<&str>, out: Option<&Path>) -> String {
    let mut text = format!("key id       {}", key.id.0);
    if let Some(secret) = secret {
        text += &format!(
            "\nprivate key  {secret}\n\nThe private key is shown this once and kept nowhere: copy it to its holder now."
        );
    } else if let Some(out) = out {
        text += &format!("\nprivate key  in {}", out.display());
    }
    text + &format!(
        "\nRegistered in {}; a running exchange with [auth] mode = \"required\" takes it within a second or two.",
        path.display()
    )
}

fn make_pair() -> Result<(PublicKey, String), String> {
    let mut seed = [0; 32];
    random(&mut seed)?;
    let pair = SigningKey::from_bytes(&seed);
    let public =
        PublicKey::from_bytes(pair.verifying_key().as_bytes()).map_err(|why| format!("the new key {why}"))?;
    Ok((public, STANDARD.encode(seed)))
}

fn random(bytes: &mut [u8]) -> Result<(), String> {
    getrandom::fill(bytes).map_err(|error| format!("the system has no random numbers: {error}"))
}

/// Only its owner may read it, from the first moment on, and what is there is never overwritten.
fn write_secret(out: &Path, secret: &str) -> Result<(), String> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let mut file = options.open(out).map_err(|error| {
        format!(
            "the private key cannot be written to {}: {error}. Choose a file that is not there yet",
            out.display()
        )
    })?;
    writeln!(file, "{secret}")
        .and_then(|()| file.sync_all())
        .map_err(|error| {
            let _ = fs::remove_file(out);
            format!("the private key cannot be written to {}: {error}", out.display())
        })
}

fn register(path: &Path, wanted: &NewKey, public: PublicKey, now: Nanos) -> Result<Entry, String> {
    edit(path, |keys| {
        if keys.len() >= KeyTable::MOST {
            return Err(format!(
                "{} has {} keys already, which is the most; remove some that are revoked",
                path.display(),
                KeyTable::MOST
            ));
        }
        if let Some(other) = keys.iter().find(|key| key.public_key.0.0 == public) {
            return Err(format!(
                "this public key is registered already, as {} of {}: make another pair, so that each can be revoked alone",
                other.id.0, other.account.0
            ));
        }
        let entry = Entry {
            id: Text(new_id(keys)?),
            account: Text(wanted.account),
            permissions: wanted
                .permissions
                .iter()
                .map(|permission| Text(PermissionName(permission)))
                .collect(),
            public_key: Text(Base64Key(public)),
            created: Text(Moment::of(now)),
            expires: wanted.expires.map(Text),
            revoked: None,
            note: wanted.note.clone(),
        };
        keys.push(entry.clone());
        Ok(entry)
    })
}

fn new_id(keys: &[Entry]) -> Result<KeyId, String> {
    loop {
        let mut bytes = [0; 10];
        random(&mut bytes)?;
        let id = KeyId::from_random(bytes);
        if keys.iter().all(|key| key.id.0 != id) {
            return Ok(id);
        }
    }
}

/// Prints the keys in the file at `path`, in the order in which they were registered.
///
/// # Errors
/// In words: there is no file, or it is damaged.
pub fn list(path: &Path, json: bool) -> Result<(), String> {
    let now = system_time();
    let text = file::read(path)?.ok_or_else(|| no_file(path))?;
    let keys = file::parse(path, &text)?;
    if json {
        let all: Vec<Value> = keys.iter().map(|key| to_json(key, now)).collect();
        return print(&Value::from(all).to_string());
    }
    if keys.is_empty() {
        return print(&format!("there are no keys in {}", path.display()));
    }
    let permissions = |key: &Entry| key.to_key().permissions.to_string();
    let account = keys
        .iter()
        .map(|key| key.account.0.to_string().len())
        .fold(7, usize::max);
    let granted = keys.iter().map(|key| permissions(key).len()).fold(11, usize::max);
    let mut lines = vec![format!(
        "{:<16}  {:<account$}  {:<granted$}  {:<24}  state",
        "id", "account", "permissions", "created"
    )];
    for key in &keys {
        let note = key
            .note
            .as_ref()
            .map_or(String::new(), |note| format!("  ({})", note.escape_debug()));
        lines.push(format!(
            "{:<16}  {:<account$}  {:<granted$}  {:<24}  {}{note}",
            key.id.0.as_str(),
            key.account.0.to_string(),
            permissions(key),
            key.created.0.to_string(),
            state(key, now).1
        ));
    }
    print(&lines.join("\n"))
}

/// Revokes a key, for good.
///
/// # Errors
/// In words: there is no file, or no such key in it, or the file is damaged or cannot be written.
pub fn revoke(path: &Path, id: KeyId) -> Result<(), String> {
    if !path.exists() {
        return Err(no_file(path));
    }
    let now = system_time();
    let said = edit(path, |keys| {
        let key = keys.iter_mut().find(|key| key.id.0 == id).ok_or_else(|| {
            format!(
                "there is no key {id} in {}; `hoga keys list` names those there are",
                path.display()
            )
        })?;
        let account = key.account.0;
        if let Some(revoked) = key.revoked {
            return Ok(format!(
                "key {id} of {account} was revoked at {} already",
                revoked.0
            ));
        }
        key.revoked = Some(Text(Moment::of(now)));
        Ok(format!(
            "key {id} of {account} is revoked; a running exchange refuses it within a second or two"
        ))
    })?;
    print(&said)
}

fn no_file(path: &Path) -> String {
    format!(
        "there is no key file {}: `hoga keys new` makes one; --data-dir, --config or --keys say where it is",
        path.display()
    )
}

/// What has become of a key: in a word, and for a person.
fn state(key: &Entry, now: Nanos) -> (&'static str, String) {
    match (&key.revoked, &key.expires) {
        (Some(revoked), _) => ("revoked", format!("revoked {}", revoked.0)),
        (None, Some(expires)) if expires.0.time() <= now => ("expired", format!("expired {}", expires.0)),
        (None, Some(expires)) => ("live", format!("live until {}", expires.0)),
        (None, None) => ("live", "live".to_owned()),
    }
}

fn to_json(key: &Entry, now: Nanos) -> Value {
    let moment = |moment: &Option<Text<Moment>>| moment.as_ref().map(|moment| moment.0.to_string());
    let permissions: Vec<&str> = key
        .permissions
        .iter()
        .map(|permission| permission.0.0.name())
        .collect();
    json!({
        "id": key.id.0.as_str(),
        "account": key.account.0.to_string(),
        "permissions": permissions,
        "public_key": key.public_key.0.to_string(),
        "created": key.created.0.to_string(),
        "expires": moment(&key.expires),
        "revoked": moment(&key.revoked),
        "note": key.note,
        "state": state(key, now).0,
    })
}
