//! What a client sends to show who it is: three headers, or the first message on a WebSocket.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use hoga_service::KeyId;

use super::key::Signature;
use crate::codec::{ApiError, ErrorCode, codes, excerpt};
use crate::http::Request;

/// The header with the key's id.
pub const KEY_HEADER: &str = "Hoga-Key";
/// The header with the timestamp.
pub const TIMESTAMP_HEADER: &str = "Hoga-Timestamp";
/// The header with the signature.
pub const SIGNATURE_HEADER: &str = "Hoga-Signature";

/// The most digits of a timestamp: enough for the year 33658.
const TIMESTAMP_DIGITS: usize = 15;

/// The most bytes of a first message. What belongs in it has some two hundred.
pub const MAX_AUTH_MESSAGE: usize = 1_024;

/// Who a client says it is, and its proof, which nobody has looked at yet. Each part is in its only form, so the same
/// credentials are always the same text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// The key's id.
    pub key: KeyId,
    /// When it was signed, in milliseconds since 1970, by the client's clock.
    pub timestamp: u64,
    /// The signature.
    pub signature: Signature,
}

impl Credentials {
    /// From the headers of a request; none when it has none of the three.
    ///
    /// # Errors
    /// 401 `unauthenticated`, naming the header that is missing, given twice or malformed.
    pub fn from_request(request: &Request) -> Result<Option<Self>, ApiError> {
        let header = |name: &'static str| {
            let mut values = request.values(name);
            match (values.next(), values.next()) {
                (value, None) => Ok(value),
                _ => Err(refused(name, "given more than once; send it once")),
            }
        };
        let parts = [
            header(KEY_HEADER)?,
            header(TIMESTAMP_HEADER)?,
            header(SIGNATURE_HEADER)?,
        ];
        let names = [KEY_HEADER, TIMESTAMP_HEADER, SIGNATURE_HEADER];
        match parts {
            [None, None, None] => Ok(None),
            [Some(key), Some(timestamp), Some(signature)] => {
                let parsed = Self::parse([key, timestamp, signature]);
                parsed.map(Some).map_err(|(at, why)| refused(names[at], why))
            }
            _ => {
                let missing = names.iter().zip(parts).find(|(_, part)| part.is_none());
                let name = missing.map_or("", |(name, _)| name);
                Err(refused(
                    name,
                    "is missing; a signed request has all three headers",
                ))
            }
        }
    }

    /// Key, timestamp and signature; else which of them is wrong, and how.
    fn parse([key, timestamp, signature]: [&str; 3]) -> Result<Self, (usize, &'static str)> {
        Ok(Self {
            key: key.parse().map_err(|why| (0, why))?,
            timestamp: parse_timestamp(timestamp).map_err(|why| (1, why))?,
            signature: signature.parse().map_err(|why| (2, why))?,
        })
    }
}

fn parse_timestamp(text: &str) -> Result<u64, &'static str> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let canonical = text == "0" || !text.starts_with('0');
    match (1..=TIMESTAMP_DIGITS).contains(&text.len()) && digits && canonical {
        true => text.parse().map_err(|_| "is no number"),
        false => Err("must be milliseconds since 1970: 1 to 15 digits, the first of them not 0"),
    }
}

fn refused(name: &str, why: &str) -> ApiError {
    ApiError::new(codes::UNAUTHENTICATED, format!("{name}: {why}"))
}

/// The first message of a WebSocket whose handshake carried no credentials. Its signature is one over the method GET, the
/// handshake's target and an empty body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthMessage {
    /// Who the client says it is.
    pub credentials: Credentials,
    /// The id to echo, as JSON, where the message had one: a string of at most 64 bytes, or an integer of at most 20 digits.
    pub id: Option<Box<str>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    op: Option<Cow<'a, str>>,
    #[serde(borrow)]
    key: Option<Cow<'a, str>>,
    #[serde(borrow)]
    timestamp: Option<&'a RawValue>,
    #[serde(borrow)]
    signature: Option<Cow<'a, str>>,
}

/// Reads `{"op":"auth","key":"…","timestamp":1682858110123,"signature":"…"}`; the timestamp may stand in quotes, and an `id`
/// may be there.
///
/// # Errors
/// 401 `unauthenticated` when it is another request, or a part is not what it must be; `invalid_json`, `unknown_field`,
/// `duplicate_field`, `missing_field` and `invalid_field` as for any other message.
pub fn parse_auth(text: &[u8]) -> Result<AuthMessage, ApiError> {
    if text.len() > MAX_AUTH_MESSAGE {
        let why = format!("the first message must be an auth of at most {MAX_AUTH_MESSAGE} bytes");
        return Err(ApiError::new(codes::UNAUTHENTICATED, why));
    }
    let fields: Fields<'_> = serde_json::from_slice(text).map_err(|error| not_read(text, &error))?;
    if fields.op.as_deref() != Some("auth") {
        return Err(not_an_auth());
    }
    let missing = |name: &str| ApiError::new(codes::MISSING_FIELD, format!("{name}: is missing"));
    let (key, signature) = (
        fields.key.as_deref().ok_or_else(|| missing("key"))?,
        fields.signature.as_deref().ok_or_else(|| missing("signature"))?,
    );
    let timestamp = fields.timestamp.ok_or_else(|| missing("timestamp"))?.get();
    let quoted = timestamp
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    let names = ["key", "timestamp", "signature"];
    let credentials = Credentials::parse([key, quoted.unwrap_or(timestamp), signature])
        .map_err(|(at, why)| refused(names[at], why))?;
    let id = fields.id.map(|id| echo(id.get())).transpose()?;
    Ok(AuthMessage { credentials, id })
}

fn not_an_auth() -> ApiError {
    let why = "sign in first: the first message must be {\"op\":\"auth\",\"key\":…,\"timestamp\":…,\"signature\":…}";
    ApiError::new(codes::UNAUTHENTICATED, why)
}

fn echo(raw: &str) -> Result<Box<str>, ApiError> {
    const MAX_TEXT: usize = 64;
    const MAX_INTEGER: usize = 20;
    let integer = raw.strip_prefix('-').unwrap_or(raw);
    let fits = match raw.strip_prefix('"') {
        Some(_) => raw.len() <= MAX_TEXT + 2 && serde_json::from_str::<Cow<'_, str>>(raw).is_ok(),
        None => integer.len() <= MAX_INTEGER && integer.bytes().all(|byte| byte.is_ascii_digit()),
    };
    let why = "id: must be a string of at most 64 bytes or an integer of at most 20 digits";
    fits.then(|| raw.into())
        .ok_or_else(|| ApiError::new(codes::INVALID_FIELD, why))
}

/// What is wrong with a message that serde does not take. A request of another kind has fields that an auth has not, so
/// its `op` is looked at before they are blamed.
fn not_read(text: &[u8], error: &serde_json::Error) -> ApiError {
    #[derive(Deserialize)]
    struct Op<'a> {
        #[serde(borrow)]
        op: Option<Cow<'a, str>>,
    }
    let why = error.to_string();
    let code: ErrorCode = match error.classify() {
        serde_json::error::Category::Data if why.starts_with("unknown field") => {
            let op = serde_json::from_slice::<Op<'_>>(text)
                .ok()
                .and_then(|message| message.op);
            if op.as_deref() != Some("auth") {
                return not_an_auth();
            }
            codes::UNKNOWN_FIELD
        }
        serde_json::error::Category::Data if why.starts_with("duplicate field") => codes::DUPLICATE_FIELD,
        serde_json::error::Category::Data => codes::INVALID_FIELD,
        _ => codes::INVALID_JSON,
    };
    ApiError::new(code, format!("the message is not an auth: {}", shortened(&why)))
}

/// Names of fields come from the client, and are quoted only so far.
fn shortened(why: &str) -> Cow<'_, str> {
    match why.len() > 200 {
        true => excerpt(why).into(),
        false => why.into(),
    }
}
