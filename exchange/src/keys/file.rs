//! The key file: TOML, one `[[keys]]` for each.

use std::collections::HashMap;
use std::fmt;
use std::io::{self, Read};
use std::path::Path;
use std::str::FromStr;

use hoga_gateway::auth::{ApiKey, KeyTable, PublicKey};
use hoga_gateway::codec::time::write_iso;
use hoga_protocol::{AccountName, Nanos};
use hoga_service::{KeyId, Permission};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use toml::Spanned;

use crate::journal_dump::parse_time;

/// The most bytes of a key file: more than the most keys take.
const MOST_BYTES: u64 = 64 << 20;

/// The most characters of a note.
pub const MOST_NOTE: usize = 200;

/// What stands at the head of the file.
const HEAD: &str = "# The API keys of a Hoga exchange. Public keys only: nothing here is secret. `hoga keys` writes this file anew, so\n\
                    # a comment does not last; a key's note does. A running exchange reads it again when it changes.\n";

/// A value that the file has as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text<T>(pub T);

impl<T: fmt::Display> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de, T: FromStr<Err: fmt::Display>> Deserialize<'de> for Text<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse()
            .map(Self)
            .map_err(|why| D::Error::custom(format!("the value {why}")))
    }
}

/// A moment as the file has it: a whole millisecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment(Nanos);

impl Moment {
    /// The millisecond that `time` lies in.
    pub const fn of(time: Nanos) -> Self {
        Self(Nanos(time.0 - time.0 % 1_000_000))
    }

    /// When it begins.
    pub const fn time(self) -> Nanos {
        self.0
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = Vec::new();
        write_iso(&mut text, self.0);
        f.write_str(&String::from_utf8_lossy(&text))
    }
}

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_time(text).map(Self::of)
    }
}

/// An account's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account(pub AccountName);

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Account {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let name = AccountName::new(text);
        name.map(Self)
            .map_err(|_| "is no account: 1 to 32 of the letters and digits of English and . _ - @ :")
    }
}

/// A public key in base64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Base64Key(pub PublicKey);

impl fmt::Display for Base64Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_base64())
    }
}

impl FromStr for Base64Key {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// The name of a permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PermissionName(pub Permission);

impl fmt::Display for PermissionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name())
    }
}

impl FromStr for PermissionName {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// One key as it stands in the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Names it.
    pub id: Text<KeyId>,
    /// Whose it is.
    pub account: Text<Account>,
    /// What it may be used for.
    pub permissions: Vec<Text<PermissionName>>,
    /// Verifies what its holder signs.
    pub public_key: Text<Base64Key>,
    /// When it was registered.
    pub created: Text<Moment>,
    /// From when on it is good for nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Text<Moment>>,
    /// When it was revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Text<Moment>>,
    /// What the operator wants to remember of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Entry {
    /// The same as the gateway takes it.
    pub fn to_key(&self) -> ApiKey {
        ApiKey {
            id: self.id.0,
            account: self.account.0.0,
            permissions: self.permissions.iter().map(|permission| permission.0.0).collect(),
            public: self.public_key.0.0,
            revoked: self.revoked.map(|moment| moment.0.time()),
            expires: self.expires.map(|moment| moment.0.time()),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parsed {
    #[serde(default)]
    keys: Vec<Spanned<Entry>>,
}

#[derive(Serialize)]
struct Written<'a> {
    keys: &'a [Entry],
}

/// Reads a key file.
///
/// # Errors
/// In words, with the file, the line and what to do. Nothing that stands in the file is repeated: the words go into logs, and
/// somebody may have written a private key where none belongs.
pub fn parse(path: &Path, text: &str) -> Result<Vec<Entry>, String> {
    let line_of = |at: usize| 1 + text[..at].matches('\n').count();
    let file: Parsed = toml::from_str(text).map_err(|error| {
        format!(
            "the key file {}, line {}: {}. Correct that line, or take the file from a copy; `hoga keys list` says when it is \
             right",
            path.display(),
            line_of(error.span().map_or(0, |span| span.start)),
            without_values(error.message())
        )
    })?;
    let wrong = |entry: &Spanned<Entry>, why: &str| {
        let line = line_of(entry.span().start);
        Err(format!(
            "the key file {}, line {line}: key {} {why}",
            path.display(),
            entry.get_ref().id.0
        ))
    };
    let mut ids = HashMap::new();
    for entry in &file.keys {
        let key = entry.get_ref();
        if ids.insert(key.id.0, ()).is_some() {
            return wrong(entry, "is there twice; remove one of the two");
        }
        if key.permissions.is_empty() {
            return wrong(
                entry,
                "has no permission; give it one of read, trade, drop_copy and admin, or revoke it",
            );
        }
        if key
            .note
            .as_ref()
            .is_some_and(|note| note.chars().count() > MOST_NOTE)
        {
            return wrong(
                entry,
                &format!("has a note of more than {MOST_NOTE} characters; shorten it"),
            );
        }
    }
    if file.keys.len() > KeyTable::MOST {
        return Err(format!(
            "the key file {} has {} keys, and {} is the most; remove some that are revoked",
            path.display(),
            file.keys.len(),
            KeyTable::MOST
        ));
    }
    Ok(file.keys.into_iter().map(Spanned::into_inner).collect())
}

/// The text of a key file.
///
/// # Errors
/// In words; not for what [`parse`] gave.
pub fn print(keys: &[Entry]) -> Result<String, String> {
    let body =
        toml::to_string(&Written { keys }).map_err(|error| format!("the keys cannot be written: {error}"))?;
    Ok(format!("{HEAD}\n{body}"))
}

/// What is read of a key file.
///
/// # Errors
/// In words: it cannot be read, or is too long or no UTF-8. `None` when there is no such file.
pub fn read(path: &Path) -> Result<Option<String>, String> {
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(path, &error)),
    };
    read_from(path, file).map(Some)
}

/// The same of a file that is open.
///
/// # Errors
/// As [`read`].
pub fn read_from(path: &Path, file: std::fs::File) -> Result<String, String> {
    let mut text = String::new();
    file.take(MOST_BYTES + 1)
        .read_to_string(&mut text)
        .map_err(|error| unreadable(path, &error))?;
    if text.len() as u64 > MOST_BYTES {
        return Err(format!(
            "the key file {} is longer than {MOST_BYTES} bytes; is it one?",
            path.display()
        ));
    }
    Ok(text)
}

fn unreadable(path: &Path, error: &io::Error) -> String {
    format!("the key file {} cannot be read: {error}", path.display())
}

/// A message of the parser without the values that it quotes.
fn without_values(message: &str) -> String {
    match (message.find('"'), message.rfind('"')) {
        (Some(from), Some(to)) if from < to => format!("{}…{}", &message[..from], &message[to + 1..]),
        _ => message.to_owned(),
    }
}
