//! Any bytes as HTTP: the same request however they come, and a handshake that is answered only with what it asked for.
#![no_main]

use hoga_gateway::http::{HttpLimits, Parse, parse, write_upgrade};
use hoga_gateway::http::routes::route;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let limits = HttpLimits::default();
    let whole = parse(bytes, &limits);
    // What was refused when only some of it was there is not accepted with more.
    let end = match &whole {
        Ok(Parse::Request { consumed, .. }) => *consumed,
        _ => bytes.len(),
    };
    for cut in [1, 2, 3, 5, 8].map(|part| end * part / 9) {
        match (parse(&bytes[..cut], &limits), &whole) {
            (Ok(Parse::NeedMore { .. }), _) | (Err(_), Err(_)) => {}
            (some, whole) => panic!("{some:?} of {cut} bytes, {whole:?} of all"),
        }
    }
    let Ok(Parse::Request { request, consumed }) = whole else {
        return;
    };
    match parse(&bytes[..consumed], &limits) {
        Ok(Parse::Request { request: again, .. }) => assert_eq!(again, request),
        other => panic!("{other:?} without what follows"),
    }
    let _ = route(&request.method, &request.target);
    for compression in [false, true] {
        let mut out = b"before".to_vec();
        let agreed = write_upgrade(&request, compression, &mut out);
        let answer = std::str::from_utf8(&out[6..]).expect("an answer is text");
        let Ok(agreed) = agreed else {
            assert!(answer.is_empty());
            continue;
        };
        assert!(answer.starts_with("HTTP/1.1 101 ") && answer.ends_with("\r\n\r\n"));
        let asked = |name, wanted: &str| request.header(name).is_some_and(|_| answer.contains(wanted));
        assert_eq!(agreed.deflate, asked("sec-websocket-extensions", "\r\nSec-WebSocket-Extensions: permessage-deflate; "));
        assert!(compression || !agreed.deflate);
        let named = answer.contains("\r\nSec-WebSocket-Protocol: ");
        assert!(!named || asked("sec-websocket-protocol", agreed.format.subprotocol()));
        assert!(named || agreed.format.is_text());
    }
});
