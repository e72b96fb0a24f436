//! The matching core: one journaled command in, at least one event out, and nothing else.
//!
//! [`Engine::apply`] is the whole of it. Its output depends on the commands alone: there is no clock, no thread, no
//! float, no input or output here, and no walk in the order of a hash table, so one journal gives the same events
//! and the same [`Engine::state_digest`] on every machine. An engine that was read from an
//! [image](Engine::write_image) goes on like the one that wrote it.
//!
//! | file | noun |
//! |---|---|
//! | `engine` | the way in: sequence, time, one command, its events |
//! | `market` | everything that trades once the exchange has begun; its children are one file per kind of command |
//! | `order_book`, `level` | one instrument's levels, and the queue of orders at each |
//! | `price_index` | the level at a price, and the next one behind it |
//! | `order`, `orders` | a live order, and all of them by id |
//! | `queue`, `slab`, `arena` | how things are chained, where they live, and what memory they share |
//! | `accounts`, `instruments`, `keyed` | the tables beside the books |
//! | `client_ids` | which ids of its own an account may not use again, and how long they are known |
//! | `armings` | which accounts' orders are to be canceled when nobody is heard |
//! | `emitter`, `digest` | events on their way out; what two replays compare |
//! | `rules` | the versions of the rules, and what each changed |
//! | `image` | the state as bytes, and back |
//!
//! # The rules
//!
//! - Best price first, then oldest first; a trade is at the resting order's price.
//! - A new order is answered `OrderAccepted`, then its trades, then `OrderCanceled` for what may not rest.
//! - Orders of one account may trade with each other.
//! - A replace that changes nothing, or only takes quantity off, keeps its place. Any other goes behind its level,
//!   and a new price that crosses trades as aggressor. Its new terms must be ones a new order could have.
//! - One command trades with, or cancels, at most [`max_touched_orders`](hoga_protocol::Limits::max_touched_orders). What
//!   is left of an order that has traded with as many is canceled, whatever it is. A fill or kill that would need more is
//!   canceled before it trades, after a dry run over no more orders than that.
//! - An order trades first and needs room afterwards: what is left of it rests where the books and its account's share
//!   of them have room, counted when it has traded, and is canceled otherwise. An order that would only rest is refused
//!   instead. A replaced order keeps the room that it has. An account's share is its own limit, which an operator set, or
//!   that of every account; lowering it cancels nothing.
//! - An order's fees round as one sum over its life ([`FeeAccrual`](hoga_protocol::FeeAccrual)), also across replaces
//!   and changes of the rates: each fill adds its exact part at the rate of its own time, and is charged what the sum,
//!   rounded up, grows by. So the venue never receives less than the exact fees.
//! - A repeat of an accepted order, by its client order id and its terms, is told of the first, also while the account is
//!   suspended. Ids of closed orders are kept as long as an account's share and the room of all allow. A request with a
//!   `valid_until` is carried out at most once before then: where its id may have been forgotten, it is refused.
//! - An instrument that takes cancels only, and an account that is suspended, refuse new orders, and replaces that would
//!   lose their place.
//! - Time is the latest timestamp, or what an operator has put it forward to. Such a leap moves all deadlines of armings by
//!   as much.
//! - Nothing is canceled because time passes: an arming is kept until it is disarmed.
//!
//! # Bounds
//!
//! Every command costs bounded work: the orders that it may touch, a lookup in tables that grow by a chunk at a time and
//! move at most some thirty entries, and for a checkpoint sixteen items. Memory is bounded by the
//! [`Limits`](hoga_protocol::Limits): that of orders is set aside at genesis, that of accounts, client order ids and armings
//! as they come.
#![no_std]

extern crate alloc;

mod engine;

mod market;

mod level;

mod order_book;

mod price_index;

mod order;

mod orders;

mod queue;

mod slab;

mod arena;

mod instruments;

mod accounts;

mod client_ids;

mod armings;

mod keyed;

mod emitter;

mod digest;

mod rules;

mod image;

pub use digest::EventsDigest;
pub use engine::Engine;
pub use level::LevelTotals;
pub use order::RestingOrder;
pub use rules::ENGINE_VERSION;
