//! Answers that are made in portions: rows are looked for, and written, between other work.

mod look;

mod write;

use std::borrow::Cow;
use std::time::Duration;

use hoga_protocol::{AccountId, InstrumentId, Nanos, Sequence, Side};
use hoga_views::{Level, Views};

use crate::clock::Clock;
use crate::cursor::Binding;
use crate::http::{Framing, Manner};
use crate::route::StatusFilter;

/// Most rows that one query looks at, whether they are shown or not. What lies behind them is the next query's.
pub(crate) const ROWS_PER_QUERY: usize = 4_096;

/// Most rows that are looked at in one visit.
pub(crate) const ROWS_PER_VISIT: usize = 1_024;

/// Rows that are looked at at once, in the visit that reads the request: most queries need no second one.
pub(crate) const ROWS_AT_ONCE: usize = 64;

/// The longest that one visit looks for rows and writes them; the clock is looked at after every [`SLICE`] rows.
pub(crate) const VISIT_TIME: Duration = Duration::from_micros(100);

/// A portion of a body is full once it has so many bytes; the row that fills it is written whole.
pub(crate) const PORTION: usize = 16 * 1024;

/// Rows of a query that one unit of the quota of queries pays for.
pub(crate) const ROWS_PER_UNIT: usize = 100;

/// Bytes of a body that one unit of the quota of queries pays for.
pub(crate) const BYTES_PER_UNIT: usize = PORTION;

/// Rows between two looks at the clock.
const SLICE: usize = 64;

/// Bytes that a row may take, as a rule.
const ROW_GUESS: usize = 512;

/// What is listed.
#[derive(Debug)]
pub(crate) enum Rows {
    /// Orders of an account, the newest first.
    Orders {
        account: Option<AccountId>,
        instrument: Option<InstrumentId>,
        status: Option<StatusFilter>,
    },
    /// Executions of an instrument, the oldest first; with `own` those of one account, which may not be open yet.
    Executions {
        instrument: InstrumentId,
        own: Option<Option<AccountId>>,
        walk: Walk,
    },
    /// Trades of an instrument, the oldest first.
    Trades { instrument: InstrumentId, walk: Walk },
    /// Instruments in the order of their definition.
    Instruments,
    /// The best levels of a book as they stood together, bids before asks.
    Book {
        instrument: InstrumentId,
        sequence: Sequence,
        timestamp: Nanos,
        levels: Vec<Level>,
        bids: usize,
    },
    /// A text that is there already.
    Text {
        content_type: &'static str,
        headers: &'static [(&'static str, &'static str)],
        body: Cow<'static, [u8]>,
    },
}

/// Which way a list of executions is looked through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Walk {
    /// From a number down: the newest that lie before it.
    Before,
    /// From a number up: the first that lie behind it.
    After,
}

/// What is done and what is to be done of one answer. Plain data: it holds no part of the views, and a row that has
/// vanished when its turn comes is left out.
#[derive(Debug)]
pub(crate) struct Listing {
    rows: Rows,
    /// What its cursor is bound to; none once the end of the list was seen, and there is nothing to go on with.
    binding: Option<Binding>,
    limit: usize,
    /// Where looking goes on: the id or number of the last row that was looked at.
    place: u64,
    /// The rows to be shown, by id or number, in the order in which they are shown once all are found.
    found: Vec<u64>,
    looked_at: usize,
    stage: Stage,
    /// Whether a row was written, so that a comma stands before the next.
    shown: bool,
    /// Bytes of the body so far.
    written: usize,
    /// Units of the quota that are charged.
    charged: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Looking,
    /// The row that is written next, and whether the head is out and in chunks.
    Writing {
        next: usize,
        head: Option<Framing>,
    },
    Over,
}

/// What one step may do.
pub(crate) struct Budget<'c> {
    /// Rows to look at.
    pub rows: usize,
    /// Until when.
    pub until: Duration,
    /// Whose time that is.
    pub clock: &'c dyn Clock,
}

impl Budget<'_> {
    fn is_over(&self) -> bool {
        self.rows == 0 || self.clock.monotonic() >= self.until
    }
}

impl Listing {
    /// A list of at most `limit` rows that begins at `place`, which is that of a cursor, or an end of the list.
    pub fn new(rows: Rows, binding: Option<Binding>, limit: usize, place: u64) -> Self {
        Self {
            rows,
            binding,
            limit,
            place,
            found: Vec::new(),
            looked_at: 0,
            stage: Stage::Looking,
            shown: false,
            written: 0,
            charged: 0,
        }
    }

    /// A text that is there already.
    pub fn text(
        content_type: &'static str,
        headers: &'static [(&'static str, &'static str)],
        body: impl Into<Cow<'static, [u8]>>,
    ) -> Self {
        let rows = Rows::Text {
            content_type,
            headers,
            body: body.into(),
        };
        Self::new(rows, None, 0, 0)
    }

    /// Whether all of the answer is written.
    pub fn is_over(&self) -> bool {
        self.stage == Stage::Over
    }

    /// Bytes of memory that it holds.
    pub fn held(&self) -> usize {
        let own = match &self.rows {
            Rows::Book { levels, .. } => levels.capacity() * size_of::<Level>(),
            Rows::Text {
                body: Cow::Owned(body),
                ..
            } => body.capacity(),
            _ => 0,
        };
        own + self.found.capacity() * size_of::<u64>()
    }

    /// Rows looked at so far.
    pub fn looked_at(&self) -> usize {
        self.looked_at
    }

    /// Units of the quota to be charged since the last time: the request itself has paid for the first rows and bytes.
    pub fn owed_units(&mut self) -> usize {
        let further = |used: usize, each: usize| used.div_ceil(each).saturating_sub(1);
        let units = further(self.looked_at, ROWS_PER_UNIT) + further(self.written, BYTES_PER_UNIT);
        units - std::mem::replace(&mut self.charged, units)
    }

    /// Looks for rows and then writes a portion of them, within the budget. `manner` may learn that the connection ends with
    /// the body.
    pub fn go_on(
        &mut self,
        out: &mut Vec<u8>,
        views: Option<&Views>,
        manner: &mut Manner,
        mut budget: Budget<'_>,
    ) {
        while self.stage == Stage::Looking {
            if self.look(views, budget.rows.min(SLICE), &mut budget.rows) {
                self.stage = Stage::Writing { next: 0, head: None };
            } else if budget.is_over() {
                return;
            }
        }
        if let Stage::Writing { next, head } = self.stage {
            self.portion(out, views, manner, next, head, &budget);
        }
    }
}

/// The levels of a book, at most `depth` a side, as they stand.
pub(crate) fn book(instrument: InstrumentId, depth: usize, views: &Views) -> Rows {
    let book = views.book(instrument);
    let side = |side| {
        book.into_iter()
            .flat_map(move |book| book.levels(side).take(depth))
    };
    let mut levels: Vec<Level> = side(Side::Buy).collect();
    let bids = levels.len();
    levels.extend(side(Side::Sell));
    Rows::Book {
        instrument,
        sequence: book.map(hoga_views::Book::sequence).unwrap_or_default(),
        timestamp: book.map(hoga_views::Book::timestamp).unwrap_or_default(),
        levels,
        bids,
    }
}
