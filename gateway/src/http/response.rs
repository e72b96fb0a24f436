//! Responses.

use crate::wire::number::write_u64;

/// Appends a response. `head_only` (for HEAD) leaves the body out but keeps its length in the head.
///
/// `extra` are further headers; names and values are the caller's own and hold no line ends.
pub fn write_response(
    out: &mut Vec<u8>,
    status: u16,
    content_type: &str,
    body: &[u8],
    keep_alive: bool,
    extra: &[(&str, &str)],
    head_only: bool,
) {
    put(out, "HTTP/1.1 ");
    write_u64(out, u64::from(status));
    put(out, " ");
    put(out, phrase(status));
    put(out, "\r\nContent-Type: ");
    put(out, content_type);
    put(out, "\r\nContent-Length: ");
    write_u64(out, body.len() as u64);
    put(out, "\r\nConnection: ");
    put(out, if keep_alive { "keep-alive" } else { "close" });
    for (name, value) in extra {
        debug_assert!(!name.contains(['\r', '\n', ':']) && !value.contains(['\r', '\n']));
        for part in ["\r\n", name, ": ", value] {
            put(out, part);
        }
    }
    put(out, "\r\n\r\n");
    if !head_only {
        out.extend_from_slice(body);
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
    use crate::wire::codes;

    fn response(status: u16, keep_alive: bool, extra: &[(&str, &str)], head_only: bool) -> String {
        let mut out = Vec::new();
        write_response(
            &mut out,
            status,
            "application/json",
            b"{}",
            keep_alive,
            extra,
            head_only,
        );
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_client_can_tell_where_a_response_ends_and_whether_another_may_follow() {
        let got = response(405, true, &[("Allow", "GET, HEAD")], false);
        let want = "HTTP/1.1 405 Method Not Allowed\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\
                    Connection: keep-alive\r\n\
                    Allow: GET, HEAD\r\n\r\n{}";
        assert_eq!(got, want);
        let got = response(200, false, &[], true);
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
