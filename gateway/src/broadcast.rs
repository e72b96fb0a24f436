//! Executions and trades to everybody who subscribed: `/ws/executions` and `/ws/trades`. Each execution is encoded once for all
//! who get it in the same form, in a log; a subscriber is a number into it.

pub(crate) mod log;

pub(crate) mod subscriber;
