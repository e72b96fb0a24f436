//! Any bytes as the headers of a signed request, or as the first message of a WebSocket: refused with 400 or 401 and a message of
//! bounded length, or credentials that have these very bytes as their only form.
#![no_main]

use hoga_gateway::auth::{AuthMessage, Check, Credentials, Subject, parse_auth, signed_message};
use hoga_gateway::http::{HttpLimits, Parse, parse};
use hoga_gateway::codec::ApiError;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    match bytes {
        [b'{', ..] => first_message(bytes),
        [b'\n', rest @ ..] => message(rest),
        _ => request(bytes),
    }
});

fn first_message(bytes: &[u8]) {
    match parse_auth(bytes) {
        Ok(AuthMessage { credentials, id }) => {
            let text = String::from_utf8(bytes.to_vec()).expect("JSON is UTF-8");
            // Escapes aside, what was understood is what was sent.
            if !text.contains('\\') {
                written(&credentials).iter().for_each(|part| assert!(text.contains(part.as_str()), "{part} in {text}"));
            }
            assert!(id.is_none_or(|id| id.len() <= 66));
        }
        Err(error) => refused(&error),
    }
}

/// The bytes stand behind the first header, so that most of them are about credentials.
fn request(bytes: &[u8]) {
    let mut whole = b"POST /api/v1/orders HTTP/1.1\r\nHost: localhost\r\n".to_vec();
    whole.extend_from_slice(bytes);
    whole.extend_from_slice(b"\r\n\r\n");
    let Ok(Parse::Request { request, .. }) = parse(&whole, &HttpLimits::default()) else {
        return;
    };
    match Credentials::from_request(&request) {
        Ok(None) => {}
        Ok(Some(credentials)) => {
            let names = ["hoga-key", "hoga-timestamp", "hoga-signature"];
            for (name, part) in names.into_iter().zip(written(&credentials)) {
                assert_eq!(request.header(name), Some(part.as_str()));
            }
            let subject = Subject::new(&request.method, &request.target, &request.body).expect("a request line");
            assert!(!Check::new(&credentials, None, &subject).verify().is_good());
        }
        Err(error) => refused(&error),
    }
}

/// Two requests in one input, split at any byte: they sign alike only if they are alike.
fn message(bytes: &[u8]) {
    let parts: Vec<&[u8]> = bytes.splitn(6, |byte| *byte == 0).collect();
    let [method, target, body, other_method, other_target, other_body] = parts[..] else {
        return;
    };
    let subject = |method, target, body| {
        Subject::new(std::str::from_utf8(method).ok()?, std::str::from_utf8(target).ok()?, body)
    };
    if let (Some(one), Some(other)) = (subject(method, target, body), subject(other_method, other_target, other_body)) {
        assert_eq!(signed_message(7, &one) == signed_message(7, &other), one == other);
    }
}

fn written(credentials: &Credentials) -> [String; 3] {
    let Credentials { key, timestamp, signature } = credentials;
    [key.to_string(), timestamp.to_string(), signature.to_base64()]
}

fn refused(error: &ApiError) {
    assert!(matches!(error.status, 400 | 401), "{error}");
    assert!(error.message.len() <= 600, "{error}");
}
