//! Any bytes as an order entry message in each format: read or refused, and either answered in the same format.
#![no_main]

use hoga_gateway::wire::{Format, WsOp, encode, parse};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((&first, payload)) = bytes.split_first() else {
        return;
    };
    let format = Format::ALL[usize::from(first) % Format::ALL.len()];
    let mut out = Vec::new();
    match parse(payload, format) {
        Ok(request) => {
            // The account is the socket's own, whoever names one.
            match &request.op {
                WsOp::Place(place) => {
                    assert!(place.account.is_none());
                    assert!(place.valid_until.is_none_or(|until| until.0 > 0 && !place.client_order_id.is_empty()));
                }
                WsOp::Replace { request, .. } => assert!(request.account.is_none()),
                WsOp::CancelAllAfter { timeout_ms } => assert!(*timeout_ms == 0 || *timeout_ms >= 1_000),
                WsOp::CancelByClientId { client_order_id } => assert!(!client_order_id.is_empty()),
                WsOp::Cancel { .. } | WsOp::CancelAll { .. } | WsOp::CancelOnDisconnect { .. } => {}
            }
            encode::cancel_all_reply(&mut out, &request.id, 7, format);
            for cut in 0..payload.len() {
                // A message that was cut is never another message, unless only white space is gone, or whole fields.
                if let (Ok(part), Format::MessagePack) = (parse(&payload[..cut], format), format) {
                    panic!("{part:?} of {cut} bytes, {request:?} of all");
                }
            }
        }
        Err((id, error)) => {
            assert!((400..500).contains(&error.status), "{error:?}");
            assert!(error.message.len() < 1_024, "{error:?}");
            encode::error_reply(&mut out, id.as_ref(), &error, format);
        }
    }
    assert!(!out.is_empty());
});
