//! The rows of a list, looked for in bounded steps.

use hoga_views::Views;

use super::progress::Progress;
use super::{BookSnapshot, Executions, Orders, Trades, Walk, instruments};

/// Most rows that one query looks at, whether they are shown or not. What lies behind them is the next query's.
pub const ROWS_PER_QUERY: usize = 4_096;

/// What is listed.
#[derive(Debug)]
pub enum Rows {
    /// Orders of an account, the newest first.
    Orders(Orders),
    /// Executions of an instrument, the oldest first.
    Executions(Executions),
    /// Trades of an instrument, the oldest first.
    Trades(Trades),
    /// Instruments in the order of their definition.
    Instruments,
    /// The best levels of a book as they stood together.
    Book(BookSnapshot),
}

/// What is done of one list. Plain data: it holds no part of the views, and a row that has vanished when it is to be shown
/// is left out.
#[derive(Debug)]
pub struct Search {
    rows: Rows,
    progress: Progress,
}

impl Search {
    /// Looks for at most `limit` rows from `place` on, which is where an earlier search ended, or an end of the list: 0 or
    /// [`u64::MAX`].
    pub fn new(rows: Rows, limit: usize, place: u64) -> Self {
        Self {
            rows,
            progress: Progress {
                limit,
                place,
                found: Vec::new(),
                looked_at: 0,
                is_end: false,
            },
        }
    }

    /// What is listed.
    pub fn rows(&self) -> &Rows {
        &self.rows
    }

    /// The rows that were found, by id or number, in the order in which they are shown once all are found.
    pub fn found(&self) -> &[u64] {
        &self.progress.found
    }

    /// Rows looked at so far.
    pub fn looked_at(&self) -> usize {
        self.progress.looked_at
    }

    /// Where another search goes on that looks for what follows; none at the end of the list.
    pub fn place(&self) -> Option<u64> {
        (!self.progress.is_end).then_some(self.progress.place)
    }

    /// Bytes of memory that it holds.
    pub fn held(&self) -> usize {
        let own = match &self.rows {
            Rows::Book(book) => book.held(),
            _ => 0,
        };
        own + self.progress.found.capacity() * size_of::<u64>()
    }

    /// Looks at `most` rows at most, whichever they are. Whether there is nothing more to look for.
    pub fn look(&mut self, views: &Views, most: usize) -> bool {
        let progress = &mut self.progress;
        let most = most.min(ROWS_PER_QUERY - progress.looked_at);
        progress.is_end = match &self.rows {
            Rows::Orders(orders) => orders.look(progress, views, most),
            Rows::Executions(executions) => executions.look(progress, views, most),
            Rows::Trades(trades) => trades.look(progress, views, most),
            Rows::Instruments => instruments::look(progress, views, most),
            Rows::Book(book) => book.look(progress),
        };
        let is_over =
            progress.is_end || progress.found.len() >= progress.limit || progress.looked_at >= ROWS_PER_QUERY;
        let is_upwards = match &self.rows {
            Rows::Executions(executions) => executions.walk == Walk::After,
            Rows::Trades(trades) => trades.walk == Walk::After,
            _ => true,
        };
        if is_over && !is_upwards {
            progress.found.reverse();
        }
        is_over
    }
}
