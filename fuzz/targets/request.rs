//! Any bytes as an order entry message in each format: read or refused, and either answered in the same format.
#![no_main]

use hoga_gateway::codec::{Format, encode, parse};
use hoga_protocol::ExchangeId;
use hoga_service::Request;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((&first, payload)) = bytes.split_first() else {
        return;
    };
    let format = Format::ALL[usize::from(first) % Format::ALL.len()];
    let mut out = Vec::new();
    match parse(payload, format, ExchangeId(7)) {
        Ok(request) => {
            match &request.request {
                Request::NewOrder(order) => assert_eq!(order.check(), Ok(())),
                Request::CancelAllAfter { timeout_ms } => assert!(*timeout_ms == 0 || *timeout_ms >= 1_000),
                Request::CancelClientOrder { client_order_id } => assert!(!client_order_id.is_empty()),
                Request::CancelOnDisconnect { armed, .. } => assert!(armed.is_none(), "only the session knows"),
                Request::ReplaceOrder { .. } | Request::CancelOrder { .. } | Request::CancelAll { .. } => {}
            }
            encode::cancel_all_reply(&mut out, &request.id, 7, format);
            for cut in 0..payload.len() {
                // A message that was cut is never another message, unless only white space is gone, or whole fields.
                if let (Ok(part), Format::MessagePack) = (parse(&payload[..cut], format, ExchangeId(7)), format) {
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
