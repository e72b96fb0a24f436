//! State folded from events: instruments, accounts, armings, books, orders, executions and order updates.
//!
//! A view is what the exchange shows. It is a function of the events alone, so a gateway, a follower and a recovery
//! that fold the same events hold the same views. Events are folded one at a time; what a view says is whole only
//! between commands, when [`Views::is_complete`] holds.
//!
//! [`Views::write_image`] and [`Views::read_image`] carry them over a restart.
//!
//! Every view is bounded: by [`ViewLimits`], and by the limits of the exchange's [`Genesis`](hoga_protocol::Genesis).
#![no_std]

extern crate alloc;

mod views;

mod image;

mod registry;

mod known;

mod armings;

mod book;

mod order;

mod orders;

mod slab;

mod keyed;

mod executions;

mod updates;

mod ring;

mod queue;

pub use armings::Armings;
pub use book::{Book, Level};
pub use executions::{Execution, Executions, Found, Role};
pub use order::{OrderState, OrderStatus};
pub use orders::Orders;
pub use registry::{AccountTerms, Accounts, Instruments};
pub use updates::{Fill, OrderUpdate, OrderUpdates};
pub use views::{ViewLimits, Views};
