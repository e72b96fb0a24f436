use super::fixture::*;
use crate::auth::*;
use crate::codec::{ApiError, ErrorCode, codes};
use crate::http::{HttpLimits, Parse, Request, parse};

fn request(headers: &str) -> Request {
    let text = format!("GET /ws/orders HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n");
    match parse(text.as_bytes(), &HttpLimits::default()) {
        Ok(Parse::Request { request, .. }) => request,
        other => panic!("{other:?} for {text:?}"),
    }
}

fn refused(error: &ApiError, code: ErrorCode, says: &str) {
    assert!(
        error.is(code) && error.message.contains(says),
        "{error} is not {} {says:?}",
        code.code
    );
}

fn signed() -> Credentials {
    Client::new(1).sign(NOW_MS, &Subject::new("GET", "/ws/orders", b"").unwrap())
}

fn headers(key: &str, timestamp: &str, signature: &str) -> String {
    format!("Hoga-Key: {key}\r\nHoga-Timestamp: {timestamp}\r\nHoga-Signature: {signature}\r\n")
}

#[test]
fn headers_as_they_should_be_are_not_refused() {
    let want = signed();
    let text = headers(
        want.key.as_str(),
        &NOW_MS.to_string(),
        &want.signature.to_base64(),
    );
    assert_eq!(Credentials::from_request(&request(&text)), Ok(Some(want)));
    assert_eq!(
        Credentials::from_request(&request(&text.to_lowercase().replace(
            &want.signature.to_base64().to_lowercase(),
            &want.signature.to_base64()
        ))),
        Ok(Some(want))
    );
    assert_eq!(Credentials::from_request(&request("")), Ok(None));
}

#[test]
fn a_header_gone_wrong_is_not_taken_for_another_value() {
    let want = signed();
    let (key, now, signature) = (want.key.as_str(), NOW_MS.to_string(), want.signature.to_base64());
    // 64 bytes leave four bits of the last digit unused; a decoder that lets them be has sixteen texts for one signature.
    let loose = format!(
        "{}{}==",
        &signature[..85],
        match &signature[85..86] {
            "A" => "B",
            "Q" => "R",
            "g" => "h",
            _ => "x",
        }
    );
    let url = signature.replace(['+', '/'], "_");
    let url = if url == signature {
        signature.replacen(&signature[..1], "-", 1)
    } else {
        url
    };
    let cases: Vec<(String, String, String, &str)> = [
        ("", &*now, &*signature, "Hoga-Key: must be the id of a key"),
        ("short", &now, &signature, "Hoga-Key: must be"),
        (&key.to_uppercase(), &now, &signature, "Hoga-Key: must be"),
        (&format!("{key}a"), &now, &signature, "Hoga-Key: must be"),
        (
            &key.replacen(&key[..1], "1", 1),
            &now,
            &signature,
            "Hoga-Key: must be",
        ),
        (key, "", &signature, "Hoga-Timestamp: must be milliseconds"),
        (key, "01", &signature, "Hoga-Timestamp: must be"),
        (key, "+1", &signature, "Hoga-Timestamp: must be"),
        (key, "-1", &signature, "Hoga-Timestamp: must be"),
        (key, "1.5", &signature, "Hoga-Timestamp: must be"),
        (key, "1e3", &signature, "Hoga-Timestamp: must be"),
        (key, "0x10", &signature, "Hoga-Timestamp: must be"),
        (key, "٣", &signature, "Hoga-Timestamp: must be"),
        (key, "1000000000000000", &signature, "Hoga-Timestamp: must be"),
        (key, &"9".repeat(4_000), &signature, "Hoga-Timestamp: must be"),
        (key, &now, "", "Hoga-Signature: must be"),
        (key, &now, &signature[..86], "Hoga-Signature: must be"),
        (key, &now, &signature[..84], "Hoga-Signature: must be"),
        (
            key,
            &now,
            &format!("{}===", &signature[..85]),
            "Hoga-Signature: must be",
        ),
        (key, &now, &format!("{signature}="), "Hoga-Signature: must be"),
        (
            key,
            &now,
            &format!("{} {}", &signature[..40], &signature[41..]),
            "Hoga-Signature: must be",
        ),
        (key, &now, &loose, "Hoga-Signature: must be"),
        (key, &now, &url, "Hoga-Signature: must be"),
        (key, &now, &"A".repeat(6_000), "Hoga-Signature: must be"),
    ]
    .map(|(key, now, signature, says)| (key.to_owned(), now.to_owned(), signature.to_owned(), says))
    .into();
    for (key, now, signature, says) in cases {
        let error = Credentials::from_request(&request(&headers(&key, &now, &signature))).unwrap_err();
        refused(&error, codes::UNAUTHENTICATED, says);
        assert!(error.message.len() < 200, "{error}");
    }
}

#[test]
fn a_header_left_out_or_given_twice_is_not_overlooked() {
    let want = signed();
    let all = headers(
        want.key.as_str(),
        &NOW_MS.to_string(),
        &want.signature.to_base64(),
    );
    for (at, name) in ["Hoga-Key", "Hoga-Timestamp", "Hoga-Signature"]
        .into_iter()
        .enumerate()
    {
        let lines: Vec<&str> = all.split_inclusive("\r\n").collect();
        let without: String = lines
            .iter()
            .enumerate()
            .filter(|(line, _)| *line != at)
            .map(|(_, line)| *line)
            .collect();
        let error = Credentials::from_request(&request(&without)).unwrap_err();
        refused(&error, codes::UNAUTHENTICATED, &format!("{name}: is missing"));
        let twice = format!("{all}{}", lines[at].to_lowercase());
        let error = Credentials::from_request(&request(&twice)).unwrap_err();
        refused(
            &error,
            codes::UNAUTHENTICATED,
            &format!("{name}: given more than once"),
        );
    }
}

#[test]
fn a_first_message_as_it_should_be_is_not_refused() {
    let want = signed();
    let (key, signature) = (want.key.as_str(), want.signature.to_base64());
    for (id, timestamp, echoed) in [
        ("", NOW_MS.to_string(), None),
        ("\"id\":7,", format!("\"{NOW_MS}\""), Some("7")),
        ("\"id\":\"a\\u0062\",", NOW_MS.to_string(), Some("\"a\\u0062\"")),
        ("\"id\":null,", NOW_MS.to_string(), None),
    ] {
        let text = format!(
            r#"{{{id}"op":"auth","timestamp":{timestamp}, "signature":"{signature}","key":"{key}"}}"#
        );
        let got = parse_auth(text.as_bytes()).unwrap();
        assert_eq!((got.credentials, got.id.as_deref()), (want, echoed), "{text}");
    }
}

#[test]
fn a_first_message_gone_wrong_is_told_what_is_wrong() {
    let want = signed();
    let good = format!(
        r#"{{"op":"auth","key":"{}","timestamp":{NOW_MS},"signature":"{}"}}"#,
        want.key,
        want.signature.to_base64()
    );
    let now = NOW_MS.to_string();
    let cases: [(&str, &str, ErrorCode, &str); 17] = [
        (
            "\"auth\"",
            "\"login\"",
            codes::UNAUTHENTICATED,
            "first message must be",
        ),
        (
            "\"op\":\"auth\",",
            "",
            codes::UNAUTHENTICATED,
            "first message must be",
        ),
        (
            "\"op\":\"auth\"",
            "\"op\":\"place\",\"symbol\":\"X\"",
            codes::UNAUTHENTICATED,
            "first message must be",
        ),
        (
            "\"key\":",
            "\"kay\":",
            codes::UNKNOWN_FIELD,
            "unknown field `kay`",
        ),
        (
            "\"op\":\"auth\"",
            "\"op\":\"auth\",\"op\":\"auth\"",
            codes::DUPLICATE_FIELD,
            "`op`",
        ),
        (
            "\"timestamp\":",
            "\"timestamp\":1,\"timestamp\":",
            codes::DUPLICATE_FIELD,
            "`timestamp`",
        ),
        ("\"op\":\"auth\"", "\"op\":5", codes::INVALID_FIELD, "string"),
        (
            &format!(",\"timestamp\":{now}"),
            "",
            codes::MISSING_FIELD,
            "timestamp: is missing",
        ),
        (&now, "null", codes::MISSING_FIELD, "timestamp: is missing"),
        (&now, "-5", codes::UNAUTHENTICATED, "timestamp: must be"),
        (&now, "1e12", codes::UNAUTHENTICATED, "timestamp: must be"),
        (&now, "{}", codes::UNAUTHENTICATED, "timestamp: must be"),
        (
            want.key.as_str(),
            "nobody",
            codes::UNAUTHENTICATED,
            "key: must be",
        ),
        ("==\"", "\"", codes::UNAUTHENTICATED, "signature: must be"),
        ("{", "{\"id\":[1],", codes::INVALID_FIELD, "id: must be"),
        ("}", "", codes::INVALID_JSON, "EOF"),
        ("}", "}{}", codes::INVALID_JSON, "trailing"),
    ];
    assert!(parse_auth(good.as_bytes()).is_ok());
    for (from, to, code, says) in cases {
        assert!(good.contains(from), "{from}");
        refused(
            &parse_auth(good.replacen(from, to, 1).as_bytes()).unwrap_err(),
            code,
            says,
        );
    }
    refused(&parse_auth(b"\xff").unwrap_err(), codes::INVALID_JSON, "");
    let long = format!("{good}{}", " ".repeat(2_000));
    refused(
        &parse_auth(long.as_bytes()).unwrap_err(),
        codes::UNAUTHENTICATED,
        "at most 1024 bytes",
    );
    let long = good.replacen("\"key\"", &format!("\"{}\"", "k".repeat(600)), 1);
    let error = parse_auth(long.as_bytes()).unwrap_err();
    assert!(error.message.len() < 300, "{error}");
}
