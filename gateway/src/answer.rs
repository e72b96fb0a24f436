//! Outcomes and errors as the bytes that leave.

use hoga_protocol::{Nanos, OrderId, RejectReason, Rejected, Sequence};
use hoga_views::{OrderState, Views};

use crate::desk::order_closed;
use crate::frame::Framer;
use crate::http::{Agreed, Manner, write_response};
use crate::pending::Outcome;
use crate::wire::{ApiError, RequestId, codes, encode, time};

/// The content type of everything but the page.
pub(crate) const JSON: &str = "application/json";

/// Answers are about this moment and must not be shown at another.
pub(crate) const NO_STORE: (&str, &str) = ("Cache-Control", "no-store");

/// An error quotes what the client sent, and nobody's browser shall take that for a page of another kind.
const NO_SNIFF: (&str, &str) = ("X-Content-Type-Options", "nosniff");

/// Exchange time in ISO 8601, where a client's own is what is wrong.
const EXCHANGE_TIME: &str = "Exchange-Time";

/// What a command's requester is told.
pub(crate) enum Answer<'v> {
    /// The order, and the HTTP status to show it with.
    Order(u16, &'v OrderState),
    /// An order of which no more is in memory than its id, and the HTTP status to show it with.
    UnknownOrder(u16, OrderId),
    /// So many orders were canceled.
    Canceled(u64),
    /// So many orders of an instrument were canceled, and whether there are more.
    InstrumentCanceled(u64, bool),
    /// Whether the session is armed.
    CancelOnDisconnect(bool),
    /// The account's deadline.
    CancelAllAfter(Option<Nanos>),
    /// An operator's command was carried out.
    Administered(Sequence),
    /// It was refused.
    Error(ApiError),
}

impl<'v> Answer<'v> {
    /// What `outcome` means to whoever asked. The command's events are in the views, all of them.
    pub fn of(outcome: Outcome, views: &'v Views) -> Self {
        let (status, order) = match outcome {
            Outcome::Placed(order) => (201, order),
            Outcome::Duplicate(order) | Outcome::Changed(order) => (200, order),
            Outcome::Canceled(canceled) => return Answer::Canceled(canceled),
            Outcome::More(cancel) => return Answer::Canceled(cancel.canceled),
            Outcome::InstrumentCanceled { canceled, more } => {
                return Answer::InstrumentCanceled(canceled, more);
            }
            Outcome::CancelOnDisconnect(on) => return Answer::CancelOnDisconnect(on),
            Outcome::CancelAllAfter(deadline) => return Answer::CancelAllAfter(deadline),
            Outcome::Administered(sequence) => return Answer::Administered(sequence),
            Outcome::Rejected(rejected) => return Answer::Error(rejection(&rejected, views)),
            Outcome::Lost | Outcome::Disarmed => {
                let message = "the command left no trace; ask for the order's state before trying again";
                return Answer::Error(ApiError::new(codes::INTERNAL, message));
            }
        };
        match views.orders().get(order) {
            Some(order) => Answer::Order(status, order),
            // The engine may know of a first order for longer than the views keep it. An error would have the client send
            // it again under another id.
            None => Answer::UnknownOrder(status, order),
        }
    }

    /// Appends an HTTP response.
    pub fn write_http(&self, out: &mut Vec<u8>, views: &Views, manner: &Manner) {
        match self {
            Answer::Order(status, order) => {
                respond(out, *status, manner, |body| encode::order(body, order, views));
            }
            Answer::UnknownOrder(status, order) => {
                respond(out, *status, manner, |body| {
                    encode::unknown_order(body, *order, views);
                });
            }
            Answer::Canceled(canceled) => {
                respond(out, 200, manner, |body| encode::canceled(body, *canceled));
            }
            Answer::InstrumentCanceled(canceled, more) => {
                respond(out, 200, manner, |body| {
                    encode::instrument_canceled(body, *canceled, *more);
                });
            }
            Answer::CancelOnDisconnect(on) => {
                respond(out, 200, manner, |body| encode::cancel_on_disconnect(body, *on));
            }
            Answer::CancelAllAfter(deadline) => {
                respond(out, 200, manner, |body| encode::cancel_all_after(body, *deadline));
            }
            Answer::Administered(sequence) => {
                respond(out, 200, manner, |body| encode::administered(body, *sequence));
            }
            Answer::Error(error) => refuse(out, error, manner),
        }
    }

    /// Appends a WebSocket reply.
    pub fn write_frame(
        &self,
        out: &mut Vec<u8>,
        framer: &mut Framer,
        agreed: Agreed,
        views: &Views,
        id: &RequestId,
    ) {
        framer.frame(out, agreed, |out| match self {
            Answer::Order(_, order) => encode::order_reply(out, id, order, views, agreed.format),
            Answer::UnknownOrder(_, order) => {
                encode::unknown_order_reply(out, id, *order, views, agreed.format)
            }
            Answer::Canceled(canceled) => encode::cancel_all_reply(out, id, *canceled, agreed.format),
            Answer::CancelOnDisconnect(on) => encode::cancel_on_disconnect_reply(out, id, *on, agreed.format),
            Answer::CancelAllAfter(deadline) => {
                encode::cancel_all_after_reply(out, id, *deadline, agreed.format)
            }
            Answer::Error(error) => encode::error_reply(out, Some(id), error, agreed.format),
            // Operators have no socket.
            Answer::Administered(_) | Answer::InstrumentCanceled(..) => {}
        });
    }
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
    let headers: Vec<_> = [Some(NO_STORE), Some(NO_SNIFF), error.header, time]
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
pub(crate) const PAGE: &str = include_str!("../../web/index.html");

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

/// An order that was there when the request came may be gone when it is carried out; then it is closed, not unknown.
fn rejection(rejected: &Rejected, views: &Views) -> ApiError {
    if rejected.reason == RejectReason::UnknownOrder
        && let Some(order) = rejected.order.and_then(|order| views.orders().get(order))
        && order.status.closed()
    {
        return order_closed(order);
    }
    ApiError::from_reject(rejected, views)
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use hoga_views::ViewLimits;
    use sha2::{Digest as _, Sha256};

    /// The engine may know of an order for longer than the views. An error would have a client place another one.
    #[test]
    fn a_repeat_of_an_order_that_the_views_have_forgotten_is_no_error() {
        let views = Views::new(ViewLimits::default());
        for (outcome, status) in [
            (Outcome::Duplicate(OrderId(7)), "200"),
            (Outcome::Placed(OrderId(7)), "201"),
            (Outcome::Changed(OrderId(7)), "200"),
        ] {
            let mut out = Vec::new();
            Answer::of(outcome, &views).write_http(&mut out, &views, &Manner::LAST);
            let text = String::from_utf8(out).unwrap();
            assert_eq!(text.split(' ').nth(1), Some(status), "{text}");
            let body = r#"{"order_id":"00000000-0007-8000-8000-000000000000","status":"Unknown"}"#;
            assert!(text.ends_with(body), "{text}");
        }
    }

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
