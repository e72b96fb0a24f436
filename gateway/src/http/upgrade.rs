//! The WebSocket handshake (RFC 6455 §4.2).

use tungstenite::handshake::derive_accept_key;

use super::extensions::{self, Deflate};
use super::request::Request;
use crate::codec::{ApiError, Format, codes};

/// What a handshake agreed on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Agreed {
    /// How messages are written.
    pub format: Format,
    /// Whether they may be compressed (RFC 7692).
    pub deflate: bool,
}

impl Agreed {
    /// How many terms there are.
    pub const KINDS: usize = 2 * Format::ALL.len();

    /// All there are.
    pub fn all() -> impl Iterator<Item = Self> {
        let pair = |format| [false, true].map(|deflate| Self { format, deflate });
        Format::ALL.into_iter().flat_map(pair)
    }

    /// A number below [`KINDS`](Self::KINDS), another one for each.
    pub const fn kind(self) -> usize {
        2 * self.format as usize + self.deflate as usize
    }
}

/// Checks a WebSocket handshake and appends the `101 Switching Protocols` that answers it. From then on the
/// connection speaks WebSocket, beginning with what follows the request in the buffer. Compression is agreed on where the
/// client offers it and `compression` allows it; the format is the first of the client's that is spoken here.
///
/// # Errors
/// 426 `upgrade_required` when the request does not ask for a WebSocket of version 13, 400 `bad_handshake` naming the
/// header that is missing or malformed; nothing is appended.
pub fn write_upgrade(request: &Request, compression: bool, out: &mut Vec<u8>) -> Result<Agreed, ApiError> {
    let required = |why: &str| Err(ApiError::new(codes::UPGRADE_REQUIRED, why));
    let bad = |why: &str| Err(ApiError::new(codes::BAD_HANDSHAKE, why));
    if !request.has_token("upgrade", "websocket") {
        return required("this path speaks WebSocket: connect with a WebSocket client (Upgrade: websocket)");
    }
    if !request.has_token("connection", "upgrade") {
        return bad("Connection: must have Upgrade in a WebSocket handshake; a proxy may have taken it out");
    }
    if request.method != "GET" || request.minor_version == 0 {
        return bad("a WebSocket handshake is a GET request of HTTP/1.1");
    }
    let mut versions = request.values("sec-websocket-version");
    match (versions.next(), versions.next()) {
        (Some("13"), None) => {}
        _ => return required("Sec-WebSocket-Version: must be 13 (RFC 6455), given once"),
    }
    let mut keys = request.values("sec-websocket-key");
    let key = match (keys.next(), keys.next()) {
        (Some(key), None) if is_key(key) => key,
        (None, _) => return bad("Sec-WebSocket-Key: is missing"),
        _ => return bad("Sec-WebSocket-Key: must be 16 bytes in base64, given once"),
    };
    if !request.body.is_empty() {
        return bad("Content-Length: a WebSocket handshake has no body");
    }
    let format = extensions::format(request)
        .map_err(|why| ApiError::new(codes::BAD_HANDSHAKE, format!("Sec-WebSocket-Protocol: {why}")))?;
    let deflate = extensions::deflate(request)
        .map_err(|why| ApiError::new(codes::BAD_HANDSHAKE, format!("Sec-WebSocket-Extensions: {why}")))?
        .filter(|_| compression);
    write_answer(&derive_accept_key(key.as_bytes()), format, deflate, out);
    Ok(Agreed {
        format: format.unwrap_or_default(),
        deflate: deflate.is_some(),
    })
}

fn write_answer(accept: &str, format: Option<Format>, deflate: Option<Deflate>, out: &mut Vec<u8>) {
    let mut put = |text: &str| out.extend_from_slice(text.as_bytes());
    put("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n");
    put("Sec-WebSocket-Accept: ");
    put(accept);
    if let Some(format) = format {
        put("\r\nSec-WebSocket-Protocol: ");
        put(format.subprotocol());
    }
    if let Some(deflate) = deflate {
        put(
            "\r\nSec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover",
        );
        if let Some(bits) = deflate.server_max_window_bits {
            put("; server_max_window_bits=");
            put(&bits.to_string());
        }
    }
    put("\r\n\r\n");
}

/// Whether `key` is base64 of 16 bytes: 22 digits, of which the last carries two bits, and two paddings.
fn is_key(key: &str) -> bool {
    let digit = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/".contains(byte);
    match key.as_bytes().split_at_checked(21) {
        Some((digits, [last, b'=', b'='])) => digits.iter().all(digit) && b"AQgw".contains(last),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{HttpLimits, Parse, parse};

    const GOOD: &str = "GET /ws/executions HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\n\
                        Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
                        Sec-WebSocket-Version: 13\r\n\r\n";

    fn upgrade(text: &str) -> Result<String, ApiError> {
        let Ok(Parse::Request { request, .. }) = parse(text.as_bytes(), &HttpLimits::default()) else {
            panic!("not a request: {text}");
        };
        let mut out = Vec::new();
        let result = write_upgrade(&request, true, &mut out);
        assert!(result.is_ok() || out.is_empty());
        result.map(|_| String::from_utf8(out).unwrap())
    }

    #[test]
    fn what_is_agreed_on_is_what_is_answered() {
        let with = |headers: &str, compression| {
            let text = GOOD.replacen("Host:", &format!("{headers}Host:"), 1);
            let Ok(Parse::Request { request, .. }) = parse(text.as_bytes(), &HttpLimits::default()) else {
                panic!("not a request: {text}");
            };
            let mut out = Vec::new();
            let agreed = write_upgrade(&request, compression, &mut out).unwrap();
            let head = String::from_utf8(out).unwrap();
            let own: Vec<String> = head
                .lines()
                .filter(|line| line.starts_with("Sec-WebSocket-P") || line.starts_with("Sec-WebSocket-E"))
                .map(str::to_owned)
                .collect();
            (agreed, own)
        };
        const DEFLATE: &str = "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; \
                               client_no_context_takeover";
        let offer = "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=10\r\n";
        let format = "Sec-WebSocket-Protocol: mqtt, hoga.protobuf\r\n";
        let json = Format::Json;
        for (headers, compression, agreed, lines) in [
            ("", true, (json, false), vec![]),
            ("Sec-WebSocket-Protocol: mqtt\r\n", true, (json, false), vec![]),
            (
                offer,
                true,
                (json, true),
                vec![format!("{DEFLATE}; server_max_window_bits=10")],
            ),
            (offer, false, (json, false), vec![]),
            (
                "Sec-WebSocket-Extensions: permessage-deflate\r\nSec-WebSocket-Protocol: hoga.json\r\n",
                true,
                (json, true),
                vec!["Sec-WebSocket-Protocol: hoga.json".to_owned(), DEFLATE.to_owned()],
            ),
            (
                format,
                true,
                (Format::Protobuf, false),
                vec!["Sec-WebSocket-Protocol: hoga.protobuf".to_owned()],
            ),
        ] {
            let got = with(headers, compression);
            assert_eq!((got.0.format, got.0.deflate), agreed, "{headers}");
            assert_eq!(got.1, lines, "{headers}");
        }
    }

    #[test]
    fn the_handshake_of_the_standard_is_answered_as_the_standard_says() {
        let response = upgrade(GOOD).unwrap();
        assert!(response.starts_with("HTTP/1.1 101 Switching Protocols\r\n"));
        assert!(response.contains("\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
        // Firefox keeps the connection alive and upgrades it, in one header.
        assert!(upgrade(&GOOD.replace(": Upgrade\r\n", ": keep-alive, upgrade\r\n")).is_ok());
        assert!(upgrade(&GOOD.replace(": websocket", ": WebSocket")).is_ok());
    }

    #[test]
    fn a_handshake_gone_wrong_is_told_which_header_is_wrong() {
        let cases = [
            (
                "Upgrade: websocket\r\n",
                "",
                codes::UPGRADE_REQUIRED,
                "WebSocket client",
            ),
            (
                ": websocket",
                ": h2c",
                codes::UPGRADE_REQUIRED,
                "WebSocket client",
            ),
            ("Connection: Upgrade\r\n", "", codes::BAD_HANDSHAKE, "Connection"),
            ("GET ", "HEAD ", codes::BAD_HANDSHAKE, "GET"),
            ("GET ", "POST ", codes::BAD_HANDSHAKE, "GET"),
            (" HTTP/1.1", " HTTP/1.0", codes::BAD_HANDSHAKE, "HTTP/1.1"),
            ("Version: 13", "Version: 8", codes::UPGRADE_REQUIRED, "13"),
            ("Sec-WebSocket-Version: 13\r\n", "", codes::UPGRADE_REQUIRED, "13"),
            (
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
                "",
                codes::BAD_HANDSHAKE,
                "Key: is missing",
            ),
            (
                "dGhlIHNhbXBsZSBub25jZQ==",
                "dGhlIHNhbXBsZQ==",
                codes::BAD_HANDSHAKE,
                "16 bytes",
            ),
            (
                "dGhlIHNhbXBsZSBub25jZQ==",
                "dGhlIHNhbXBsZSBub25jZQ=!",
                codes::BAD_HANDSHAKE,
                "16 bytes",
            ),
            (
                "dGhlIHNhbXBsZSBub25jZQ==",
                "dGhlIHNhbXBsZSBub25jZR==",
                codes::BAD_HANDSHAKE,
                "16 bytes",
            ),
            (
                "\r\n\r\n",
                "\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
                codes::BAD_HANDSHAKE,
                "once",
            ),
            (
                "\r\n\r\n",
                "\r\nContent-Length: 2\r\n\r\n{}",
                codes::BAD_HANDSHAKE,
                "body",
            ),
            (
                "\r\n\r\n",
                "\r\nSec-WebSocket-Protocol: hoga.json, hoga.json\r\n\r\n",
                codes::BAD_HANDSHAKE,
                "Sec-WebSocket-Protocol: has a name twice",
            ),
            (
                "\r\n\r\n",
                "\r\nSec-WebSocket-Extensions: permessage-deflate;\r\n\r\n",
                codes::BAD_HANDSHAKE,
                "Sec-WebSocket-Extensions: must be",
            ),
        ];
        for (from, to, code, says) in cases {
            let error = upgrade(&GOOD.replacen(from, to, 1)).unwrap_err();
            assert!(
                error.is(code) && error.message.contains(says),
                "{from:?} → {to:?}: {error}"
            );
        }
    }
}
