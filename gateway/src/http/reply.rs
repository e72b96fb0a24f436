//! Replies and errors as the bytes that leave.

use hoga_service::Reply;
use hoga_views::Views;

use crate::codec::{ApiError, RequestId, encode, time};
use crate::http::{Agreed, Manner, write_response};
use crate::ws::framer::Framer;

/// The content type of everything but the page.
pub(crate) const JSON: &str = "application/json";

/// Answers are about this moment and must not be shown at another.
pub(crate) const NO_STORE: (&str, &str) = ("Cache-Control", "no-store");

/// An error quotes what the client sent, and nobody's browser shall take that for a page of another kind.
const NO_SNIFF: (&str, &str) = ("X-Content-Type-Options", "nosniff");

/// Exchange time in ISO 8601, where a client's own is what is wrong.
const EXCHANGE_TIME: &str = "Exchange-Time";

/// Appends a reply as an HTTP response.
pub(crate) fn write_reply(out: &mut Vec<u8>, reply: &Reply<'_>, views: &Views, manner: &Manner) {
    let status = |is_new: &bool| if *is_new { 201 } else { 200 };
    match reply {
        Reply::Order { order, is_new } => {
            respond(out, status(is_new), manner, |body| {
                encode::order(body, order, views);
            });
        }
        Reply::ForgottenOrder { order, is_new } => {
            respond(out, status(is_new), manner, |body| {
                encode::unknown_order(body, *order, views);
            });
        }
        Reply::Canceled(canceled) => {
            respond(out, 200, manner, |body| encode::canceled(body, *canceled));
        }
        Reply::InstrumentCanceled { canceled, more } => {
            respond(out, 200, manner, |body| {
                encode::instrument_canceled(body, *canceled, *more);
            });
        }
        Reply::CancelOnDisconnect(on) => {
            respond(out, 200, manner, |body| encode::cancel_on_disconnect(body, *on));
        }
        Reply::CancelAllAfter(deadline) => {
            respond(out, 200, manner, |body| encode::cancel_all_after(body, *deadline));
        }
        Reply::Administered(sequence) => {
            respond(out, 200, manner, |body| encode::administered(body, *sequence));
        }
        Reply::Refused(reject) => refuse(out, &reject.into(), manner),
    }
}

/// Appends a reply as a WebSocket message.
pub(crate) fn write_frame(
    out: &mut Vec<u8>,
    framer: &mut Framer,
    agreed: Agreed,
    reply: &Reply<'_>,
    views: &Views,
    id: &RequestId,
) {
    let format = agreed.format;
    framer.frame(out, agreed, |out| match reply {
        Reply::Order { order, .. } => encode::order_reply(out, id, order, views, format),
        Reply::ForgottenOrder { order, .. } => encode::unknown_order_reply(out, id, *order, views, format),
        Reply::Canceled(canceled) => encode::cancel_all_reply(out, id, *canceled, format),
        Reply::CancelOnDisconnect(on) => encode::cancel_on_disconnect_reply(out, id, *on, format),
        Reply::CancelAllAfter(deadline) => encode::cancel_all_after_reply(out, id, *deadline, format),
        Reply::Refused(reject) => {
            encode::error_reply(out, Some(id), &reject.into(), format);
        }
        // Operators have no socket.
        Reply::Administered(_) | Reply::InstrumentCanceled { .. } => {}
    });
}

/// Appends a JSON response whose body `write` appends.
pub(crate) fn respond(out: &mut Vec<u8>, status: u16, manner: &Manner, write: impl FnOnce(&mut Vec<u8>)) {
    let mut body = Vec::with_capacity(512);
    write(&mut body);
    write_response(out, status, JSON, &body, manner, &[NO_STORE]);
}

/// Appends an error response.
pub(crate) fn refuse(out: &mut Vec<u8>, error: &ApiError, manner: &Manner) {
    let mut body = Vec::with_capacity(256);
    encode::error(&mut body, error);
    let time = error.time.map(time::text);
    let time = time.as_ref().map(|text| (EXCHANGE_TIME, text.as_str()));
    let header = error.header.as_ref().map(|(name, value)| (*name, &**value));
    let headers: Vec<_> = [Some(NO_STORE), Some(NO_SNIFF), header, time]
        .into_iter()
        .flatten()
        .collect();
    write_response(out, error.status, JSON, &body, manner, &headers);
}

/// Appends the leave that a browser asks for before a page of an allowed origin may send a request that no form could (CORS;
/// Fetch §4.8).
pub(crate) fn allow(out: &mut Vec<u8>, manner: &Manner) {
    let headers = [
        ("Access-Control-Allow-Methods", "GET, HEAD, POST, PATCH, DELETE"),
        (
            "Access-Control-Allow-Headers",
            "Content-Type, Hoga-Key, Hoga-Timestamp, Hoga-Signature",
        ),
        ("Access-Control-Max-Age", "600"),
    ];
    write_response(out, 200, JSON, b"{}", manner, &headers);
}

/// The page at `/`.
pub(crate) const PAGE: &str = include_str!("../../../web/index.html");

/// What a browser lets the page do: run its own script and style, which are inline and named by their SHA-256 (CSP 3 §6.7.3.3), and
/// speak to the exchange that it came from. Nothing is loaded from elsewhere, nobody frames it, and markup that somebody smuggles
/// in does nothing.
const PAGE_POLICY: &str = concat!(
    "default-src 'none'; ",
    "script-src 'sha256-/mCqGV8sRCAfce0S5rU3nsqeecY+tFlws/0+VUVJzTs='; ",
    "style-src 'sha256-1TcOGdsAHWC6pYA21WSEmMSU7VUp0Qlgo6WEbnYmIOk='; ",
    "img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
);

/// The headers of the page at `/`.
pub(crate) const PAGE_HEADERS: &[(&str, &str)] = &[
    ("Cache-Control", "no-cache"),
    ("Content-Security-Policy", PAGE_POLICY),
    NO_SNIFF,
    ("Referrer-Policy", "no-referrer"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use sha2::{Digest as _, Sha256};

    #[test]
    fn the_page_is_not_kept_from_running_its_own_script_by_its_policy() {
        for (tag, directive) in [("script", "script-src"), ("style", "style-src")] {
            let (open, close) = (format!("<{tag}>"), format!("</{tag}>"));
            assert_eq!(
                PAGE.matches(&format!("<{tag}")).count(),
                1,
                "one {tag}, without attributes"
            );
            let inline = PAGE
                .split_once(&open)
                .and_then(|(_, rest)| rest.split_once(&close));
            let (inline, _) = inline.unwrap_or_else(|| panic!("no {open} in the page"));
            let wanted = format!(
                "{directive} 'sha256-{}';",
                STANDARD.encode(Sha256::digest(inline.as_bytes()))
            );
            assert!(
                PAGE_POLICY.contains(&wanted),
                "the page has changed: write {wanted}"
            );
        }
        assert!(
            !PAGE.contains(" style=") && !PAGE.contains(" onclick="),
            "what no hash allows"
        );
    }
}
