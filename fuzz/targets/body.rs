//! Any bytes as the body of a request over HTTP: an order, a replace, a cancel_all_after, or what an operator asks for. Read, within
//! the bounds of what can be carried out, or refused with a message of bounded length; and never read when it is cut.
#![no_main]

use hoga_gateway::codec::ApiError;
use hoga_gateway::codec::request::{
    AdminPath, parse_admin, parse_cancel_all_after, parse_new_order, parse_replace,
};
use hoga_protocol::FeeRate;
use hoga_service::AdminRequest;
use libfuzzer_sys::fuzz_target;

/// The paths below `/api/v1/admin/`.
const PATHS: [&str; 9] = [
    "instruments",
    "fees",
    "instrument_status",
    "account_status",
    "account_limits",
    "cancel_all",
    "cancel_instrument",
    "limits",
    "clock",
];

fuzz_target!(|bytes: &[u8]| {
    let Some((&first, body)) = bytes.split_first() else {
        return;
    };
    match first % 12 {
        0 => check(body, |body| parse_new_order(body).map(drop)),
        1 => check(body, |body| parse_replace(body).map(drop)),
        2 => check(body, |body| {
            let after = parse_cancel_all_after(body)?;
            assert!(matches!(after.timeout_ms, 0 | 1_000..=86_400_000));
            Ok(())
        }),
        path => check(body, |body| operate(PATHS[usize::from(path) - 3], body)),
    }
});

fn operate(path: &str, body: &[u8]) -> Result<(), ApiError> {
    let path = AdminPath::of(path).expect("a path");
    let (_, request) = parse_admin(path, body)?;
    match request {
        AdminRequest::DefineInstrument(spec) => {
            assert!(spec.tick().mantissa > 0 && spec.lot().mantissa > 0);
        }
        AdminRequest::SetFees { maker, taker, .. } => {
            assert!(maker.0.abs() <= FeeRate::MAX.0 && taker.0.abs() <= FeeRate::MAX.0);
        }
        AdminRequest::SetInstrumentStatus { .. }
        | AdminRequest::SetAccountStatus { .. }
        | AdminRequest::SetAccountLimits { .. }
        | AdminRequest::CancelAll { .. }
        | AdminRequest::CancelInstrument { .. }
        | AdminRequest::ShowClock
        | AdminRequest::AcceptClock => {}
        AdminRequest::SetLimits(limits) => {
            let given = [limits.max_accounts, limits.max_open_orders_per_account, limits.client_ids_total];
            assert!(given.iter().any(Option::is_some), "a change of nothing");
        }
    }
    Ok(())
}

fn check(body: &[u8], parse: impl Fn(&[u8]) -> Result<(), ApiError>) {
    match parse(body) {
        Ok(()) => {
            let end = body.iter().rposition(|byte| !b" \t\r\n".contains(byte)).map_or(0, |last| last + 1);
            for cut in 0..end {
                assert!(parse(&body[..cut]).is_err(), "{cut} bytes of {:?}", String::from_utf8_lossy(body));
            }
            assert!(parse(&[b" ", body].concat()).is_ok(), "white space before it");
        }
        Err(error) => {
            assert!(matches!(error.status, 400 | 422), "{error}");
            assert!(error.message.len() <= 1_024, "{error}");
        }
    }
}
