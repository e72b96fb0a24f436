//! Answers out of the views: at once what takes one look-up, and by a [`Search`] what lists.

mod progress;

mod search;

mod order;

mod orders;

mod executions;

mod trades;

mod instruments;

mod book;

mod updates;

pub use book::BookSnapshot;
pub use executions::{ExecutionRef, Executions, find_execution};
pub use instruments::find_instrument;
pub use order::{find_client_order, find_order, visible_order};
pub use orders::{Orders, StatusFilter};
pub use search::{ROWS_PER_QUERY, Rows, Search};
pub use trades::{Trades, behind_trade};
pub use updates::first_update;

/// Which way a list of executions is looked through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Walk {
    /// From a number down: the newest that lie before it.
    Before,
    /// From a number up: the first that lie behind it.
    After,
}

impl Walk {
    /// The way of a list that goes on behind something, or of one that begins at the newest.
    pub const fn of(is_after: bool) -> Self {
        if is_after { Self::After } else { Self::Before }
    }
}
