//! Whether the recordings have everything that can come back: each error code, each reason of a refusal by the engine, each reason
//! of a cancel.
//!
//! One close is not: that of a slow consumer (4001), whose reason names what was sent last, which depends on how much the kernel takes
//! for a client that does not read.

use hoga_gateway::codec::{ApiError, codes};
use hoga_protocol::{ExchangeId, RejectReason, Rejected};
use hoga_service::Reject;

use crate::recording;

/// Codes that nobody can provoke from outside, and why.
const CODES_OUT_OF_REACH: &[(&str, &str)] = &[
    (
        "price_out_of_range",
        "the gateway refuses every price that the engine cannot take, as invalid_price",
    ),
    (
        "unknown_arming",
        "an arming that is gone when it is to be ended is answered as ended",
    ),
];

/// Refusals of the engine that nobody can provoke from outside, and why.
const REJECTIONS_OUT_OF_REACH: &[(RejectReason, &str)] = &[
    (
        RejectReason::UnknownInstrument,
        "a command has the number of an instrument that the gateway has looked up",
    ),
    (
        RejectReason::InvalidPrice,
        "the gateway refuses every price that the engine cannot take",
    ),
    (
        RejectReason::InvalidCombination,
        "the gateway refuses terms that do not go together, in other words",
    ),
    (
        RejectReason::UnknownArming,
        "it is answered as if the arming had been ended",
    ),
    (RejectReason::OutOfPlace, "commands come in sequence"),
    (
        RejectReason::UnknownAccount,
        "a command comes behind the opening of its account",
    ),
    (
        RejectReason::InvalidSettings,
        "the gateway refuses settings that the engine would not take",
    ),
];

const CANCEL_REASONS: [&str; 8] = [
    "requested",
    "mass_cancel",
    "immediate_or_cancel",
    "fill_or_kill",
    "no_liquidity",
    "capacity",
    "touch_limit",
    "fill_or_kill_touch_limit",
];

/// Judges the recordings of these sessions, unless they are being written.
pub fn check(sessions: &[&str]) {
    if recording::is_recording() {
        return;
    }
    let recorded: String = sessions
        .iter()
        .map(|name| std::fs::read_to_string(recording::path(name)).unwrap_or_default())
        .collect();
    // Only what came back counts, not what was sent.
    let came: String = recorded
        .split_inclusive('\n')
        .filter(|line| !line.starts_with('>'))
        .collect();
    let mut wrong = Vec::new();
    for code in codes::ALL {
        let json = came.contains(&format!(r#""code":"{}""#, code.code));
        let binary: String = code.code.bytes().map(|byte| format!("{byte:02x}")).collect();
        let seen = json || came.contains(&binary);
        let out = CODES_OUT_OF_REACH.iter().find(|(name, _)| *name == code.code);
        if seen == out.is_some() {
            wrong.push(format!("code {}: recorded {seen}, listed as {out:?}", code.code));
        }
    }
    for &reason in RejectReason::ALL {
        let seen = came.contains(&words_of(reason));
        let out = REJECTIONS_OUT_OF_REACH
            .iter()
            .find(|(listed, _)| *listed == reason);
        if seen == out.is_some() {
            wrong.push(format!("refusal {reason:?}: recorded {seen}, listed as {out:?}"));
        }
    }
    for reason in CANCEL_REASONS {
        if !came.contains(&format!(r#""reason":"{reason}""#)) {
            wrong.push(format!("cancel reason {reason}: not recorded"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What a client is told of a refusal, without the order's id.
fn words_of(reason: RejectReason) -> String {
    let rejected = Rejected { reason, order: None };
    let exchange = ExchangeId::default();
    let message = ApiError::from(Reject::Engine { rejected, exchange }).message;
    let behind_id = message.rsplit("unknown").next().unwrap_or_default();
    behind_id.trim_start_matches('"').to_owned()
}
