//! What a WebSocket handshake offers beyond the protocol itself: subprotocols (RFC 6455 §11.3.4) and compression
//! (RFC 7692 §7).

use super::request::Request;
use crate::codec::Format;
use crate::ws::deflate::WINDOW_BITS;

/// What is answered to an offer of compression. Neither side keeps a window from one message to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Deflate {
    /// The window that the client asks the exchange not to exceed, which is confirmed to it.
    pub server_max_window_bits: Option<u8>,
}

/// The first of the client's subprotocols that is spoken here; none when it names no such one, or none at all.
///
/// # Errors
/// What is wrong with the header: every name is a token, and given once (RFC 6455 §4.1).
pub(super) fn format(request: &Request) -> Result<Option<Format>, &'static str> {
    let mut names = Vec::new();
    for line in request.lines("sec-websocket-protocol") {
        let mut rest = Rest(line);
        while rest.next_element() {
            names.push(rest.token().ok_or("must be a list of names")?);
            rest.end_of_element().ok_or("must be a list of names")?;
        }
    }
    if names.is_empty() && request.lines("sec-websocket-protocol").next().is_some() {
        return Err("has no name");
    }
    let spoken = names.iter().find_map(|name| Format::of(name));
    names.sort_unstable();
    match names.windows(2).any(|pair| pair[0] == pair[1]) {
        true => Err("has a name twice"),
        false => Ok(spoken),
    }
}

/// The answer to the first offer of `permessage-deflate` that can be kept; none when there is no such offer.
///
/// # Errors
/// What is wrong with the header (RFC 6455 §9.1). An offer that is well-formed and makes no sense is only passed over
/// (RFC 7692 §7.1).
pub(super) fn deflate(request: &Request) -> Result<Option<Deflate>, &'static str> {
    let (mut accepted, mut offers, mut lines) = (None, 0, 0);
    for line in request.lines("sec-websocket-extensions") {
        lines += 1;
        let mut rest = Rest(line);
        while rest.next_element() {
            offers += 1;
            let offer = offer(&mut rest).ok_or("must be a list of extensions and their parameters")?;
            accepted = accepted.or(offer);
        }
    }
    match lines > 0 && offers == 0 {
        true => Err("has no extension"),
        false => Ok(accepted),
    }
}

/// One offer: none where it is malformed, and an inner none where it cannot be kept.
fn offer(rest: &mut Rest<'_>) -> Option<Option<Deflate>> {
    let mut keeps = rest.token()?.eq_ignore_ascii_case("permessage-deflate");
    let mut answer = Deflate {
        server_max_window_bits: None,
    };
    let mut seen = [false; 4];
    while rest.take(b';') {
        let name = rest.token()?;
        let value = match rest.take(b'=') {
            true => Some(rest.value()?),
            false => None,
        };
        let bits = value.as_deref().and_then(window_bits);
        let number = match name.to_ascii_lowercase().as_str() {
            "server_no_context_takeover" if value.is_none() => 0,
            "client_no_context_takeover" if value.is_none() => 1,
            "server_max_window_bits" if bits.is_some_and(|bits| bits >= WINDOW_BITS) => {
                answer.server_max_window_bits = bits;
                2
            }
            // Messages of any window are read, so this is no more than a hint, and needs no answer.
            "client_max_window_bits" if value.is_none() || bits.is_some() => 3,
            _ => {
                keeps = false;
                continue;
            }
        };
        keeps &= !std::mem::replace(&mut seen[number], true);
    }
    rest.end_of_element()?;
    Some(keeps.then_some(answer))
}

/// 8 to 15, without leading zeros (RFC 7692 §7.1.2.1).
fn window_bits(value: &str) -> Option<u8> {
    (8..=15).find(|bits: &u8| bits.to_string() == value)
}

/// What is left of a header line.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    /// Steps over commas. Whether an element follows.
    fn next_element(&mut self) -> bool {
        while self.take(b',') {}
        !self.0.is_empty()
    }

    /// Nothing of the element may be left.
    fn end_of_element(&mut self) -> Option<()> {
        self.skip_space();
        (self.0.is_empty() || self.0[0] == b',').then_some(())
    }

    fn skip_space(&mut self) {
        self.0 = self.0.trim_ascii_start();
    }

    fn take(&mut self, byte: u8) -> bool {
        self.skip_space();
        let there = self.0.first() == Some(&byte);
        self.0 = &self.0[usize::from(there)..];
        there
    }

    /// RFC 9110 §5.6.2.
    fn token(&mut self) -> Option<&'a str> {
        self.skip_space();
        let is_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
        let len = self.0.iter().take_while(|byte| is_token(byte)).count();
        let (token, rest) = self.0.split_at(len);
        self.0 = rest;
        std::str::from_utf8(token).ok().filter(|token| !token.is_empty())
    }

    /// A token, or one within quotes.
    fn value(&mut self) -> Option<String> {
        if !self.take(b'"') {
            return self.token().map(str::to_owned);
        }
        let (mut value, mut at) = (Vec::new(), 0);
        loop {
            match self.0.get(at)? {
                b'"' => break,
                b'\\' => {
                    value.push(*self.0.get(at + 1)?);
                    at += 2;
                }
                byte => {
                    value.push(*byte);
                    at += 1;
                }
            }
        }
        self.0 = &self.0[at + 1..];
        let mut whole = Rest(&value);
        let token = whole.token()?;
        (token.len() == value.len()).then(|| token.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{HttpLimits, Parse, parse};

    fn request(headers: &str) -> Request {
        let text = format!("GET /ws/executions HTTP/1.1\r\nHost: a\r\n{headers}\r\n");
        match parse(text.as_bytes(), &HttpLimits::default()) {
            Ok(Parse::Request { request, .. }) => request,
            other => panic!("{headers:?}: {other:?}"),
        }
    }

    #[test]
    fn a_client_gets_the_first_of_its_formats_that_is_spoken_or_is_told_what_is_wrong() {
        let cases: [(&[&str], Result<Option<Format>, &str>); 17] = [
            (&[], Ok(None)),
            (&["hoga.json"], Ok(Some(Format::Json))),
            (&["hoga.msgpack, hoga.json"], Ok(Some(Format::MessagePack))),
            (&["mqtt,hoga.protobuf ,hoga.json"], Ok(Some(Format::Protobuf))),
            (&["mqtt", "hoga.msgpack"], Ok(Some(Format::MessagePack))),
            (&["mqtt", "wamp"], Ok(None)),
            (&["Hoga.json"], Ok(None)),
            (&[", hoga.json,,"], Ok(Some(Format::Json))),
            (&[""], Err("has no name")),
            (&[" , "], Err("has no name")),
            (&["hoga.json, hoga.json"], Err("twice")),
            (&["hoga.json", "mqtt", "hoga.json"], Err("twice")),
            (&["hoga json"], Err("list")),
            (&["hoga.json;q=1"], Err("list")),
            (&["\"hoga.json\""], Err("list")),
            (&["hoga/json"], Err("list")),
            (&["호가"], Err("list")),
        ];
        for (lines, expected) in cases {
            let lines: String = lines
                .iter()
                .map(|line| format!("Sec-WebSocket-Protocol: {line}\r\n"))
                .collect();
            match (format(&request(&lines)), expected) {
                (Err(why), Err(says)) if why.contains(says) => {}
                (got, expected) => assert_eq!(got, expected, "{lines}"),
            }
        }
    }

    #[test]
    fn an_offer_that_cannot_be_kept_is_passed_over_and_the_next_one_taken() {
        const NONE: Option<Option<u8>> = None;
        const PLAIN: Option<Option<u8>> = Some(None);
        let window = |bits| Some(Some(bits));
        let cases: [(&[&str], Option<Option<u8>>); 33] = [
            (&[], NONE),
            (&["permessage-deflate"], PLAIN),
            (&["Permessage-Deflate"], PLAIN),
            (&["permessage-bzip2, permessage-deflate"], PLAIN),
            (&["x-webkit-deflate-frame"], NONE),
            // As Chrome, Firefox and Safari offer it.
            (&["permessage-deflate; client_max_window_bits"], PLAIN),
            (
                &["permessage-deflate;client_no_context_takeover ; server_no_context_takeover"],
                PLAIN,
            ),
            (&["permessage-deflate; server_max_window_bits=15"], window(15)),
            (&["permessage-deflate; server_max_window_bits=\"10\""], window(10)),
            (
                &["permessage-deflate; server_max_window_bits=\"1\\0\""],
                window(10),
            ),
            (&["permessage-deflate; server_max_window_bits=9"], window(9)),
            (&["permessage-deflate; server_max_window_bits=8"], NONE),
            (&["permessage-deflate; server_max_window_bits=7"], NONE),
            (&["permessage-deflate; server_max_window_bits=16"], NONE),
            (&["permessage-deflate; server_max_window_bits=010"], NONE),
            (&["permessage-deflate; server_max_window_bits=+9"], NONE),
            (&["permessage-deflate; server_max_window_bits=x"], NONE),
            (&["permessage-deflate; server_max_window_bits"], NONE),
            (
                &["permessage-deflate; server_max_window_bits=10; server_max_window_bits=10"],
                NONE,
            ),
            (&["permessage-deflate; client_max_window_bits=8"], PLAIN),
            (&["permessage-deflate; client_max_window_bits=15"], PLAIN),
            (&["permessage-deflate; client_max_window_bits=16"], NONE),
            (&["permessage-deflate; client_max_window_bits=\"08\""], NONE),
            (
                &["permessage-deflate; client_max_window_bits; client_max_window_bits=9"],
                NONE,
            ),
            (&["permessage-deflate; server_no_context_takeover=1"], NONE),
            (
                &["permessage-deflate; client_no_context_takeover; client_no_context_takeover"],
                NONE,
            ),
            (&["permessage-deflate; unheard_of"], NONE),
            (&["permessage-deflate; unheard_of=\"a\""], NONE),
            (
                &["permessage-deflate; server_max_window_bits=8, permessage-deflate"],
                PLAIN,
            ),
            (
                &[
                    "permessage-deflate; server_max_window_bits=8",
                    "permessage-deflate; server_max_window_bits=12",
                ],
                window(12),
            ),
            (
                &["permessage-deflate, permessage-deflate; server_max_window_bits=12"],
                PLAIN,
            ),
            (&["a; b=\"c\"; d, ,permessage-deflate ,"], PLAIN),
            (
                &["\tpermessage-deflate\t;\tserver_max_window_bits\t=\t11\t"],
                window(11),
            ),
        ];
        for (lines, expected) in cases {
            let lines: String = lines
                .iter()
                .map(|line| format!("Sec-WebSocket-Extensions: {line}\r\n"))
                .collect();
            let got = deflate(&request(&lines)).map(|offer| offer.map(|offer| offer.server_max_window_bits));
            assert_eq!(got, Ok(expected), "{lines}");
        }
    }

    #[test]
    fn a_malformed_offer_is_told_and_not_guessed_at() {
        for line in [
            "",
            " , ",
            ";",
            "permessage-deflate;",
            "permessage-deflate;;",
            "permessage-deflate; =9",
            "permessage-deflate; server_max_window_bits=",
            "permessage-deflate; server_max_window_bits=\"",
            "permessage-deflate; server_max_window_bits=\"9",
            "permessage-deflate; server_max_window_bits=\"9\\",
            "permessage-deflate; server_max_window_bits=\"9 \"",
            "permessage-deflate; server_max_window_bits=\"\"",
            "permessage-deflate; server_max_window_bits=9 9",
            "permessage-deflate permessage-deflate",
            "permessage deflate",
            "permessage-deflate=1",
            "\"permessage-deflate\"",
            "permessage-deflate, (",
            "호가",
        ] {
            let lines = format!("Sec-WebSocket-Extensions: {line}\r\n");
            assert!(deflate(&request(&lines)).is_err(), "{line:?}");
        }
    }
}
