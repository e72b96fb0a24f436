//! Requests, whole, cut short, hostile and random.

use proptest::prelude::*;

use super::{HttpLimits, Parse, Request, parse};
use crate::codec::{ApiError, ErrorCode, codes};

const LIMITS: HttpLimits = HttpLimits {
    max_head: 512,
    max_headers: 8,
    max_body: 64,
};

fn request(bytes: impl AsRef<[u8]>) -> Result<(Request, usize), ApiError> {
    match parse(bytes.as_ref(), &LIMITS)? {
        Parse::Request { request, consumed } => Ok((request, consumed)),
        more => panic!("{more:?} of {:?}", String::from_utf8_lossy(bytes.as_ref())),
    }
}

#[track_caller]
fn refused(bytes: impl AsRef<[u8]>, code: ErrorCode, says: &str) {
    let shown = String::from_utf8_lossy(bytes.as_ref()).into_owned();
    match parse(bytes.as_ref(), &LIMITS) {
        Err(error) if error.is(code) && error.message.contains(says) => {}
        other => panic!("{shown:?}: {other:?}, not {} saying {says:?}", code.code),
    }
}

#[test]
fn a_request_takes_its_bytes_and_no_others() {
    let bytes = "POST /api/v1/orders?a=b HTTP/1.1\r\nHost: 127.0.0.1:3030\r\nContent-Length: 3\r\n\
                 Origin: http://x\r\n\r\nabcGET / HTTP/1.1\r\n";
    let (got, consumed) = request(bytes).unwrap();
    assert_eq!(
        (got.method.as_str(), got.target.as_str()),
        ("POST", "/api/v1/orders?a=b")
    );
    assert_eq!(
        (got.body.as_slice(), &bytes[consumed..]),
        (&b"abc"[..], "GET / HTTP/1.1\r\n")
    );
    assert_eq!(got.host.as_deref(), Some("127.0.0.1:3030"));
    assert_eq!(
        (got.header("origin"), got.header("ORIGIN")),
        (Some("http://x"), Some("http://x"))
    );
    assert_eq!(got.header("x-none"), None);
    assert!(!got.is_head());
}

#[test]
fn the_connection_goes_on_only_where_both_sides_know_it() {
    let cases = [
        ("1.1", "", true),
        ("1.1", "Connection: close\r\n", false),
        ("1.1", "connection: foo, CLOSE\r\n", false),
        ("1.1", "Connection: keep-alive\r\n", true),
        ("1.1", "Connection: keep-alive\r\nConnection: close\r\n", false),
        ("1.0", "", false),
        ("1.0", "Connection: Keep-Alive\r\n", true),
        ("1.0", "Connection: close\r\n", false),
    ];
    for (version, header, keep_alive) in cases {
        let (got, _) = request(format!("GET / HTTP/{version}\r\nHost: a\r\n{header}\r\n")).unwrap();
        assert_eq!(got.keep_alive, keep_alive, "{version} {header}");
    }
}

#[test]
fn a_body_whose_length_is_told_in_two_ways_is_refused() {
    let cases = [
        (
            "Content-Length: 1\r\nContent-Length: 2\r\n",
            codes::BAD_HTTP,
            "more than once",
        ),
        (
            "Content-Length: 1\r\nContent-Length: 1\r\n",
            codes::BAD_HTTP,
            "more than once",
        ),
        ("Content-Length: 1, 1\r\n", codes::BAD_HTTP, "plain digits"),
        ("Content-Length: +1\r\n", codes::BAD_HTTP, "plain digits"),
        ("Content-Length: -1\r\n", codes::BAD_HTTP, "plain digits"),
        ("Content-Length: 0x1\r\n", codes::BAD_HTTP, "plain digits"),
        ("Content-Length: \r\n", codes::BAD_HTTP, "plain digits"),
        (
            "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
            codes::BAD_HTTP,
            "contradict",
        ),
        (
            "Transfer-Encoding: chunked\r\ncontent-length: 1\r\n",
            codes::BAD_HTTP,
            "contradict",
        ),
        (
            "Transfer-Encoding: chunked\r\n",
            codes::LENGTH_REQUIRED,
            "Content-Length",
        ),
        (
            "Transfer-Encoding: Chunked\r\n",
            codes::LENGTH_REQUIRED,
            "Content-Length",
        ),
        (
            "Transfer-Encoding: gzip, chunked\r\n",
            codes::UNSUPPORTED_TRANSFER_ENCODING,
            "Content-Length",
        ),
        (
            "Transfer-Encoding:\r\n",
            codes::UNSUPPORTED_TRANSFER_ENCODING,
            "Content-Length",
        ),
        ("Content-Length: 65\r\n", codes::BODY_TOO_LARGE, "64 bytes"),
        (
            "Content-Length: 99999999999999999999999\r\n",
            codes::BODY_TOO_LARGE,
            "64 bytes",
        ),
    ];
    for (headers, code, says) in cases {
        refused(
            format!("POST / HTTP/1.1\r\nHost: a\r\n{headers}\r\nab"),
            code,
            says,
        );
    }
    let (got, _) = request("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 02\r\n\r\nab").unwrap();
    assert_eq!(got.body, b"ab");
}

#[test]
fn a_head_that_is_not_http_is_refused_with_the_reason() {
    let cases = [
        ("GET / HTTP/1.1\r\n\r\n", codes::MISSING_HOST, "Host"),
        (
            "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
            codes::BAD_HTTP,
            "Host",
        ),
        (
            "GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n",
            codes::BAD_HTTP,
            "header",
        ),
        (
            "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
            codes::BAD_HTTP,
            "header name",
        ),
        ("GET / HTTP/1.1\r\n Host: a\r\n\r\n", codes::BAD_HTTP, "header"),
        (
            "GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n",
            codes::BAD_HTTP,
            "header value",
        ),
        ("GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n", codes::BAD_HTTP, ""),
        ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", codes::BAD_HTTP, ""),
        ("G{T / HTTP/1.1\r\n\r\n", codes::BAD_HTTP, "request line"),
        (
            "GET / HTTP/2.0\r\n\r\n",
            codes::UNSUPPORTED_HTTP_VERSION,
            "HTTP/1.1",
        ),
        (
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            codes::UNSUPPORTED_HTTP_VERSION,
            "HTTP/1.1",
        ),
        ("GET /\r\n", codes::BAD_HTTP, ""),
        ("GET orders HTTP/1.1\r\nHost: a\r\n\r\n", codes::BAD_HTTP, "path"),
        (
            "CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n",
            codes::BAD_HTTP,
            "path",
        ),
        ("GET * HTTP/1.1\r\nHost: a\r\n\r\n", codes::BAD_HTTP, "path"),
        (
            "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n",
            codes::BAD_HTTP,
            "fragment",
        ),
        (
            "GET https://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
            codes::BAD_HTTP,
            "http://",
        ),
        (
            "GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n",
            codes::BAD_HTTP,
            "name a host",
        ),
        (
            "GET http://a:x/ HTTP/1.1\r\nHost: a\r\n\r\n",
            codes::BAD_HTTP,
            "a host and a port",
        ),
        (
            "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n",
            codes::BAD_HTTP,
            "Host is not a host",
        ),
        (
            "GET http://a/ HTTP/1.1\r\nHost: a:x\r\n\r\n",
            codes::BAD_HTTP,
            "Host is not a host",
        ),
        (
            "GET http://me@a/ HTTP/1.1\r\nHost: a\r\n\r\n",
            codes::BAD_HTTP,
            "without a user",
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\n\r\n",
            codes::EXPECTATION_FAILED,
            "100-continue",
        ),
    ];
    for (text, code, says) in cases {
        refused(text, code, says);
    }
    refused(b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n", codes::BAD_HTTP, "");
    refused(
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        codes::BAD_HTTP,
        "request line",
    );
}

#[test]
fn a_line_that_ends_in_one_of_cr_and_lf_does_not_pass_for_a_line() {
    let whole = "\r\nPOST / HTTP/1.1\r\nHost: a\r\nX: b c\r\nContent-Length: 4\r\n\r\nx\n\r\r";
    assert_eq!(
        request(whole).unwrap().0.body,
        b"x\n\r\r",
        "a body may hold any bytes"
    );
    let head = whole.find("\r\n\r\n").unwrap() + 4;
    for at in (0..head).filter(|&at| whole.as_bytes()[at] == b'\r') {
        for end in ["\n", "\r", "\r\r\n", "\n\r", "\r \n"] {
            let damaged = format!("{}{end}{}", &whole[..at], &whole[at + 2..]);
            refused(&damaged, codes::BAD_HTTP, "");
        }
        // It is refused as soon as it is seen, not once the head is complete.
        refused(format!("{}\n", &whole[..at]), codes::BAD_HTTP, "CR LF");
    }
    let within = [
        "Host: a\nX-Y: 1",
        "Host: a\n",
        "X: \nb",
        "X: b\rc",
        "X: b\n c",
        "X\n: b",
    ];
    for line in within {
        let damaged = format!("GET / HTTP/1.1\r\nHost: a\r\n{line}\r\n\r\n");
        refused(&damaged, codes::BAD_HTTP, "");
    }
    for line in [
        "GET\n/ HTTP/1.1",
        "GET /\nx HTTP/1.1",
        "GET / HTTP/1.1\n",
        "\nGET / HTTP/1.1",
    ] {
        refused(format!("{line}\r\nHost: a\r\n\r\n"), codes::BAD_HTTP, "");
    }
}

#[test]
fn an_absolute_target_names_the_host_and_the_header_is_ignored() {
    let cases = [
        ("http://other:3030/a?b", "other:3030", "/a?b"),
        ("HTTP://other", "other", "/"),
        ("http://other?b=c", "other", "/?b=c"),
        ("http://[::1]:3030/", "[::1]:3030", "/"),
    ];
    for (target, host, path) in cases {
        let (got, _) = request(format!("GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")).unwrap();
        assert_eq!((got.host.as_deref(), got.target.as_str()), (Some(host), path));
    }
    let (got, _) = request("GET / HTTP/1.0\r\n\r\n").unwrap();
    assert_eq!(got.host, None);
    assert!(request("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").is_ok());
}

#[test]
fn an_origin_that_cannot_be_judged_does_not_pass_for_none() {
    refused(
        b"GET / HTTP/1.1\r\nHost: a\r\nOrigin: \xff\r\n\r\n",
        codes::BAD_HTTP,
        "Origin",
    );
    refused(
        "GET / HTTP/1.1\r\nHost: a\r\nOrigin: http://a\r\norigin: http://b\r\n\r\n",
        codes::BAD_HTTP,
        "Origin",
    );
}

#[test]
fn a_head_beyond_its_bounds_is_refused_before_it_is_complete() {
    let line = format!("GET /{} ", "a".repeat(600));
    refused(&line, codes::TARGET_TOO_LONG, "512");
    refused(format!("\r\n\r\n{line}"), codes::TARGET_TOO_LONG, "512");
    refused(
        format!("GET / HTTP/1.1\r\nX: {}", "a".repeat(600)),
        codes::HEADERS_TOO_LARGE,
        "512",
    );
    refused(
        format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "a".repeat(600)),
        codes::HEADERS_TOO_LARGE,
        "512",
    );
    refused("\r\n".repeat(300), codes::TARGET_TOO_LONG, "512");
    let many = "X: y\r\n".repeat(8);
    refused(
        format!("GET / HTTP/1.1\r\nHost: a\r\n{many}\r\n"),
        codes::HEADERS_TOO_LARGE,
        "8 headers",
    );
    // Exactly at the bounds it passes.
    let head = "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 64\r\nX: \r\n\r\n";
    let exact = head.replace("X: ", &format!("X: {}", "a".repeat(512 - head.len()))) + &"b".repeat(64);
    assert_eq!(request(&exact).unwrap().1, 512 + 64);
}

#[test]
fn a_client_that_waits_with_its_body_is_told_to_go_on_only_where_the_body_would_be_taken() {
    let head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-Continue\r\n\r\n";
    let waits = |text: &str| match parse(text.as_bytes(), &LIMITS) {
        Ok(Parse::NeedMore { expect_continue }) => expect_continue,
        other => panic!("{other:?}"),
    };
    assert!(waits(head));
    assert!(!waits(&head[..head.len() - 1]));
    assert!(!waits(&format!("{head}a")));
    assert!(!waits(&head.replace("1.1", "1.0")));
    assert!(request(format!("{head}ab")).is_ok());
    refused(head.replace(": 2", ": 65"), codes::BODY_TOO_LARGE, "64");
}

fn whole() -> impl Strategy<Value = String> {
    let method = prop_oneof![Just("GET"), Just("POST"), Just("DELETE"), Just("X-Y")];
    let header = ("[A-Za-z][A-Za-z0-9-]{0,10}", "[ -~]{0,20}")
        .prop_map(|(name, value)| format!("X-{name}: {value}\r\n"));
    let headers = proptest::collection::vec(header, 0..6);
    (
        method,
        "[a-z0-9/._~%?=&-]{0,40}",
        headers,
        proptest::option::of("[ -~]{0,60}"),
        any::<bool>(),
    )
        .prop_map(|(method, path, headers, body, newer)| {
            let headers = headers.concat();
            let length = body.as_ref().map_or(String::new(), |body| {
                format!("Content-Length: {}\r\n", body.len())
            });
            let (version, body) = (u8::from(newer), body.unwrap_or_default());
            format!("{method} /{path} HTTP/1.{version}\r\nHost: a\r\n{headers}{length}\r\n{body}")
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn every_beginning_of_a_request_asks_for_more(text in whole(), next in whole()) {
        for cut in 0..text.len() {
            let got = parse(&text.as_bytes()[..cut], &LIMITS);
            prop_assert_eq!(got, Ok(Parse::NeedMore { expect_continue: false }), "{} bytes of {:?}", cut, text);
        }
        let (alone, consumed) = request(&text).unwrap();
        prop_assert_eq!(consumed, text.len());
        let (followed, consumed) = request(format!("{text}{next}")).unwrap();
        prop_assert_eq!((followed, consumed), (alone, text.len()));
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let _ = parse(&bytes, &LIMITS);
    }

    #[test]
    fn no_damaged_request_panics_or_takes_more_than_there_is(
        text in whole(),
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = text.into_bytes();
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(Parse::Request { consumed, .. }) = parse(&bytes, &LIMITS) {
            prop_assert!(consumed <= bytes.len() && consumed > 0);
        }
    }
}
