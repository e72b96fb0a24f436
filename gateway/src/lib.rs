//! Sockets to commands and events to sockets: one mio loop, HTTP and WebSocket on one port.
//!
//! The gateway is the sequencer's hand: it turns bytes into [`Command`](hoga_protocol::Command)s for a
//! [`CommandSink`](hoga_service::CommandSink) and folds the [`Event`](hoga_protocol::Event)s of an
//! [`EventSource`](hoga_service::EventSource) into
//! [`Views`](hoga_views::Views), from which every answer and every stream is written. One thread drives it by
//! calling [`Gateway::turn`]; no call in it ever blocks but the poll itself, and that only when there is nothing
//! left to do.

pub mod wire;

pub mod http;

pub mod route;

pub mod auth;

mod ports;

mod config;

mod stats;

mod gateway;

mod listener;

mod connections;

mod line;

mod egress;

mod step;

mod turn;

mod phase;

mod requests;

mod hosts;

mod handled;

mod api;

mod cursor;

mod admin;

mod peer;

mod answer;

mod listing;

mod backpressure;

mod channel;

mod deflate;

mod frame;

mod frames;

mod subscriber;

mod session;

mod echo;

mod linger;

mod pages;

mod door;

mod greeting;

pub use backpressure::LEAST_HELD;
#[cfg(fuzzing)]
#[doc(hidden)]
pub use channel::fuzzing;
pub use config::GatewayConfig;
pub use gateway::{Gateway, GatewayWaker, LONGEST_ABSENCE_MICROS};
pub use ports::{Core, Notice, Page, Printed, Telemetry, Ticket, TurnTimes};
pub use stats::GatewayStats;
