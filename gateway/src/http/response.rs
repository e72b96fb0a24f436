//! Responses.

use std::sync::Arc;

use hoga_service::Quota;

use crate::codec::number::write_u64;

/// How a response is sent, whatever it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Manner {
    /// Whether the connection stays open.
    pub keep_alive: bool,
    /// Whether the body is left out (for HEAD), and only its length is told.
    pub head_only: bool,
    /// What is left to whoever asked.
    pub quota: Option<Quota>,
    /// Whether the client takes a body in chunks (HTTP/1.1). To one that does not, a body whose length is not known
    /// beforehand ends with the connection.
    pub chunks: bool,
    /// The origin of a page that may read the response although it is another one than the exchange's.
    pub reader: Option<Arc<str>>,
}

impl Manner {
    /// The last response of a connection.
    pub const LAST: Self = Self {
        keep_alive: false,
        head_only: false,
        quota: None,
        chunks: false,
        reader: None,
    };
}

/// How a client is told where a body ends (RFC 9112 §6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// After so many bytes.
    Length(usize),
    /// After the last chunk.
    Chunks,
    /// It is not: the body is left out, or ends with the connection.
    Untold,
}

/// Appends a response. `extra` are further headers; names and values are the caller's own and hold no line ends.
pub(crate) fn write_response(
    out: &mut Vec<u8>,
    status: u16,
    content_type: &str,
    body: &[u8],
    manner: &Manner,
    extra: &[(&str, &str)],
) {
    write_head(
        out,
        status,
        content_type,
        Framing::Length(body.len()),
        manner,
        extra,
    );
    if !manner.head_only {
        out.extend_from_slice(body);
    }
}

/// Appends all of a response that stands before its body.
pub(crate) fn write_head(
    out: &mut Vec<u8>,
    status: u16,
    content_type: &str,
    framing: Framing,
    manner: &Manner,
    extra: &[(&str, &str)],
) {
    put(out, "HTTP/1.1 ");
    write_u64(out, u64::from(status));
    put(out, " ");
    put(out, phrase(status));
    put(out, "\r\nContent-Type: ");
    put(out, content_type);
    match framing {
        Framing::Length(bytes) => {
            put(out, "\r\nContent-Length: ");
            write_u64(out, bytes as u64);
        }
        Framing::Chunks => put(out, "\r\nTransfer-Encoding: chunked"),
        Framing::Untold => {}
    }
    put(out, "\r\nConnection: ");
    put(out, if manner.keep_alive { "keep-alive" } else { "close" });
    for (name, value) in extra {
        debug_assert!(!name.contains(['\r', '\n', ':']) && !value.contains(['\r', '\n']));
        for part in ["\r\n", name, ": ", value] {
            put(out, part);
        }
    }
    if let Some(quota) = manner.quota {
        write_quota(out, quota);
    }
    if let Some(reader) = &manner.reader {
        put(out, "\r\nAccess-Control-Allow-Origin: ");
        put(out, reader);
        put(
            out,
            "\r\nVary: Origin\r\nAccess-Control-Expose-Headers: Next-Cursor, Retry-After, RateLimit, \
             RateLimit-Policy, Exchange-Time",
        );
    }
    put(out, "\r\n\r\n");
}

/// Appends one chunk of a body (RFC 9112 §7.1); an empty one would end it and is left out.
pub(crate) fn write_chunk(out: &mut Vec<u8>, bytes: &[u8]) {
    if !bytes.is_empty() {
        put(out, &format!("{:x}\r\n", bytes.len()));
        out.extend_from_slice(bytes);
        put(out, "\r\n");
    }
}

/// Appends the end of a body that came in chunks.
pub(crate) fn write_last_chunk(out: &mut Vec<u8>) {
    put(out, "0\r\n\r\n");
}

/// The two fields of the IETF's draft "RateLimit header fields for HTTP": so many in a window of a second, and so many left.
fn write_quota(out: &mut Vec<u8>, quota: Quota) {
    let kind = quota.kind.name();
    for (name, value) in [
        ("\r\nRateLimit-Policy: \"", (";q=", quota.per_second, ";w=1")),
        ("\r\nRateLimit: \"", (";r=", quota.remaining, ";t=1")),
    ] {
        let (before, number, behind) = value;
        for part in [name, kind, "\"", before] {
            put(out, part);
        }
        write_u64(out, u64::from(number));
        put(out, behind);
    }
}

fn put(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}

/// The reason phrase of every status that is ever answered.
fn phrase(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        409 => "Conflict",
        410 => "Gone",
        411 => "Length Required",
        413 => "Content Too Large",
        414 => "URI Too Long",
        417 => "Expectation Failed",
        422 => "Unprocessable Content",
        426 => "Upgrade Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        503 => "Service Unavailable",
        505 => "HTTP Version Not Supported",
        // A phrase may be empty (RFC 9112 §4).
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::codes;
    use hoga_service::RequestKind;

    fn response(status: u16, manner: &Manner, extra: &[(&str, &str)]) -> String {
        let mut out = Vec::new();
        write_response(&mut out, status, "application/json", b"{}", manner, extra);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_client_can_tell_where_a_response_ends_and_whether_another_may_follow() {
        let quota = Quota {
            kind: RequestKind::Orders,
            per_second: 500,
            remaining: 7,
        };
        let manner = Manner {
            keep_alive: true,
            quota: Some(quota),
            ..Manner::LAST
        };
        let got = response(405, &manner, &[("Allow", "GET, HEAD")]);
        let want = "HTTP/1.1 405 Method Not Allowed\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\
                    Connection: keep-alive\r\n\
                    Allow: GET, HEAD\r\nRateLimit-Policy: \"orders\";q=500;w=1\r\n\
                    RateLimit: \"orders\";r=7;t=1\r\n\r\n{}";
        assert_eq!(got, want);
        let manner = Manner {
            head_only: true,
            ..Manner::LAST
        };
        let got = response(200, &manner, &[]);
        assert!(got.starts_with("HTTP/1.1 200 OK\r\n") && got.contains("\r\nConnection: close\r\n"));
        assert!(got.contains("\r\nContent-Length: 2\r\n") && got.ends_with("\r\n\r\n"));
    }

    #[test]
    fn every_error_has_a_reason_phrase() {
        for code in codes::ALL {
            assert_ne!(phrase(code.status), "", "{}", code.status);
        }
    }
}
