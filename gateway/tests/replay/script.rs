//! The lines of a session.
//!
//! A line that begins at the margin is a step; an indented one belongs to the step above it: `+ NAME: VALUE` is a header, `- Host`
//! leaves out the `Host` that a request has otherwise, anything else is the body. `#` begins a comment, and `==` a block, at whose
//! end nothing may be left on any connection. `$NAME` is what `save NAME FIELD` took from the answer before it; `$(NAME ARGUMENTS)` is one
//! of the functions below; `\r`, `\n`, `\\` and `\x00` are bytes, in the arguments of `raw`, `frame` and `unmasked`.
//!
//! ```text
//! world [SETTING[=VALUE] …]              a new gateway; settings.rs has the settings
//! http C METHOD TARGET [as=HOLDER] [at=MS] [over=TARGET] [version=1.0]    request and response, on a connection named C; signed by
//!                                        HOLDER, MS from now, over another target; `as=again` repeats the last signature
//! ask C …                                the request alone
//! answer C [head]                        the next response, one without body where it answers HEAD
//! raw C BYTES                            bytes as they are
//! ws C TARGET [as=HOLDER …]              a WebSocket handshake and its response
//! auth C HOLDER TARGET [at=MS]           a first message that shows who the client is
//! send C TEXT | msgpack C JSON | protobuf C JSON | deflated C TEXT        one message in one frame
//! frame C BYTE PAYLOAD                   a masked frame with that first byte
//! unmasked C BYTE PAYLOAD                the same without mask
//! close C [CODE [REASON]]                a close frame
//! expect C COUNT                         the next frames
//! ends C                                 the end of the connection, and nothing before it
//! shut C                                 shuts the sending side alone
//! drop C                                 closes the connection without a close frame
//! save NAME FIELD                        the value of a field of the last answer, or of a header where FIELD ends with a colon
//! ```
//!
//! A connection named `C@2` comes from 127.0.0.2. The steps of the operator and of the clock stand in `stage.rs`.

use std::collections::BTreeMap;

/// One step, before its variables are replaced.
pub struct Step {
    pub line: String,
    pub number: usize,
    pub headers: Vec<String>,
    pub without_host: bool,
    pub body: String,
}

/// The steps of a session.
pub fn parse(text: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for (at, line) in text.lines().enumerate() {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let Some(more) = line.strip_prefix("  ") else {
            steps.push(Step {
                line: line.to_owned(),
                number: at + 1,
                headers: Vec::new(),
                without_host: false,
                body: String::new(),
            });
            continue;
        };
        let step = steps.last_mut().expect("a step above an indented line");
        match more.split_once(' ') {
            Some(("+", header)) => step.headers.push(header.to_owned()),
            Some(("-", "Host")) => step.without_host = true,
            _ => step.body.push_str(more),
        }
    }
    steps
}

/// What `save` took, and what stands for itself.
#[derive(Default)]
pub struct Variables(pub BTreeMap<String, String>);

impl Variables {
    /// The text with every `$…` replaced.
    pub fn fill(&self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('$') {
            out.push_str(before);
            rest = match after.strip_prefix('(') {
                Some(call) => {
                    let (call, rest) = call.split_once(')').expect("a closed $(");
                    out.push_str(&function(call));
                    rest
                }
                None => {
                    let is_name = |letter: char| letter.is_ascii_uppercase() || letter.is_ascii_digit();
                    let end = after.find(|letter| !is_name(letter)).unwrap_or(after.len());
                    let (name, rest) = after.split_at(end);
                    let value = self.0.get(name).unwrap_or_else(|| panic!("${name} is not saved"));
                    out.push_str(value);
                    rest
                }
            };
        }
        out + rest
    }
}

/// `repeat TEXT COUNT`; `limit ACCOUNT SIDE PRICE QUANTITY [FIELDS]`, the body of a limit order for BTC-KRW;
/// `place ID SIDE PRICE QUANTITY [FIELDS]`, the same as a message of an order session.
fn function(call: &str) -> String {
    let words: Vec<&str> = call.split(' ').collect();
    let limit = |side: &str, price: &str, quantity: &str, more: &[&str]| {
        let more: String = more.iter().map(|field| format!(",{field}")).collect();
        format!(
            r#""symbol":"BTC-KRW","side":"{side}","type":"Limit","price":{price},"quantity":{quantity}{more}}}"#
        )
    };
    match words[..] {
        ["repeat", text, count] => text.repeat(count.parse().unwrap()),
        ["limit", account, side, price, quantity, ref more @ ..] => {
            format!(
                r#"{{"account":"{account}",{}"#,
                limit(side, price, quantity, more)
            )
        }
        ["place", id, side, price, quantity, ref more @ ..] => {
            format!(
                r#"{{"id":{id},"op":"place",{}"#,
                limit(side, price, quantity, more)
            )
        }
        _ => panic!("$({call}) is no function"),
    }
}

/// Bytes that a line writes as text.
pub fn unescape(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        rest = tail;
        if first != b'\\' {
            out.push(first);
            continue;
        }
        let (&letter, tail) = rest.split_first().expect("a letter behind \\");
        rest = tail;
        match letter {
            b'r' => out.push(b'\r'),
            b'n' => out.push(b'\n'),
            b'\\' => out.push(b'\\'),
            b'x' => {
                let (digits, tail) = rest.split_at(2);
                out.push(u8::from_str_radix(std::str::from_utf8(digits).unwrap(), 16).unwrap());
                rest = tail;
            }
            other => panic!("\\{} is no byte", char::from(other)),
        }
    }
    out
}
