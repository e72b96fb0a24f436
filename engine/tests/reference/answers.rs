//! Every answer that a random flow must come to.

use std::collections::BTreeMap;

use hoga_protocol::*;

const EVERY: &str = "
    OrderAccepted; Trade; OrderReplaced, kept; OrderReplaced, lost; OrderReplaced, traded; DuplicateOrder;
    MassCancelDone; MassCancelDone, more; InstrumentCanceled; InstrumentCanceled, more; Checkpointed, agrees;
    Checkpointed, differs; Armed; Disarmed; FeesSet; InstrumentStatusSet; AccountStatusSet; AccountLimitsSet;
    LimitsSet; ClockAccepted; AccountOpened; canceled Requested; canceled MassCancel; canceled ImmediateOrCancel;
    canceled FillOrKill; canceled NoLiquidity; canceled Capacity; canceled TouchLimit;
    canceled FillOrKillTouchLimit; rejected UnknownInstrument; rejected UnknownAccount; rejected UnknownOrder;
    rejected AlreadyExists; rejected Capacity; rejected InvalidPrice; rejected QuantityTooSmall;
    rejected QuantityTooLarge; rejected NotionalTooSmall; rejected InvalidCombination;
    rejected PostOnlyWouldTrade; rejected ClientOrderIdReused; rejected TooLate; rejected InvalidSettings;
    rejected InstrumentClosed; rejected AccountSuspended; rejected AccountLimit; rejected UnknownArming;
    rejected ExpiredRequest; rejected InvalidValidUntil
";

/// A flow that never reached some answer would judge nothing there.
pub fn must_have_come(counts: &BTreeMap<String, usize>, times: usize) {
    for word in EVERY.split(';').map(str::trim) {
        let count = counts.get(word).copied().unwrap_or(0);
        assert!(count >= times, "{word} came {count} times: {counts:?}");
    }
}

/// What an event says, without its numbers.
pub fn word(body: &EventBody) -> String {
    match body {
        EventBody::Rejected(rejected) => format!("rejected {:?}", rejected.reason),
        EventBody::OrderCanceled(canceled) => format!("canceled {:?}", canceled.reason),
        EventBody::MassCancelDone(done) if done.more => "MassCancelDone, more".to_owned(),
        EventBody::InstrumentCanceled(done) if done.more => "InstrumentCanceled, more".to_owned(),
        EventBody::Checkpointed(checkpointed) => match checkpointed.agrees {
            true => "Checkpointed, agrees".to_owned(),
            false => "Checkpointed, differs".to_owned(),
        },
        EventBody::OrderReplaced(replaced) if replaced.priority_kept => "OrderReplaced, kept".to_owned(),
        EventBody::OrderReplaced(_) => "OrderReplaced, lost".to_owned(),
        EventBody::Trade(trade) if trade.aggressor.order < trade.resting.order => {
            "OrderReplaced, traded".to_owned()
        }
        body => format!("{body:?}")
            .split(['(', ' '])
            .next()
            .unwrap_or_default()
            .to_owned(),
    }
}
