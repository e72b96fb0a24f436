//! The trading API without bytes: requests come as plain data, become commands, and are answered by plain data.
//!
//! A [`Service`] has the one end of each ring: it is the only producer of commands, which makes it the sequencer, and it
//! folds every event into [`Views`](hoga_views::Views). Whoever calls it (a gateway with sockets, a test) reads requests out of bytes, names
//! each by a [`Correlation`] number of its own, and writes replies as bytes. There is no socket, no text format and no
//! thread in here.
//!
//! ```text
//! Request ─► TradingApi::execute ─► CommandSink        EventSource ─► Service::fold ─► (Correlation, Reply)
//!                                                                      │
//!                                            Search, lookups ◄─────── Views
//! ```

pub mod access;

pub mod clock;

pub mod decimal;

pub mod queries;

mod ports;

mod reject;

mod request;

mod reply;

mod pending;

mod owed;

mod account_opening;

mod cancel_timers;

mod service;

mod api;

pub use access::{
    Identity, KeyId, Origin, Permission, Permissions, Quota, Quotas, RequestKind, RequestRates,
};
pub use api::TradingApi;
pub use clock::Clock;
pub use decimal::Decimal;
pub use pending::Correlation;
pub use ports::{CommandSink, EventSource, Refusal};
pub use reject::{ChangedLimit, Forbidden, Holder, InvalidPlace, InvalidTerms, OffGrid, Reject, Term};
pub use reply::{Reply, Submitted};
pub use request::{AdminRequest, Caller, LimitsChange, NewOrderRequest, ReplaceRequest, Request};
pub use service::Service;
