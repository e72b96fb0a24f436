//! Sockets to commands and events to sockets: one mio loop, HTTP and WebSocket on one port.
//!
//! The gateway is the sequencer's hand: it turns bytes into [`Command`](hoga_protocol::Command)s for a
//! [`CommandSink`](hoga_service::CommandSink) and folds the [`Event`](hoga_protocol::Event)s of an
//! [`EventSource`](hoga_service::EventSource) into
//! [`Views`](hoga_views::Views), from which every answer and every stream is written. One thread drives it by
//! calling [`Gateway::turn`]; no call in it ever blocks but the poll itself, and that only when there is nothing
//! left to do.

pub mod codec;

pub mod http;

pub mod auth;

mod ws;

mod sessions;

mod broadcast;

mod server;

mod ports;

mod config;

mod stats;

pub use config::GatewayConfig;
pub use ports::{Core, LogEvent, Page, Printed, Telemetry, Ticket, TurnTimes};
pub use server::backpressure::LEAST_HELD;
pub use server::{Gateway, GatewayWaker, LONGEST_ABSENCE_MICROS};
pub use stats::{GatewayStats, Metric};
#[cfg(fuzzing)]
#[doc(hidden)]
pub use ws::stream::fuzzing;
