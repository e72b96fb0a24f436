//! Answers that are made in portions: rows are looked for, and written, between other work.

use std::borrow::Cow;
use std::time::Duration;

use hoga_protocol::{AccountId, InstrumentId, Nanos, OrderId, Sequence, Side};
use hoga_views::{Execution, Level, OrderState, Views};

use crate::answer::{JSON, NO_STORE};
use crate::api::Binding;
use crate::http::{Framing, Manner, write_chunk, write_head, write_last_chunk};
use crate::ports::Clock;
use crate::route::StatusFilter;
use crate::wire::{Format, encode};

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

    /// Looks at `most` rows at most. Whether there is nothing more to look for.
    fn look(&mut self, views: Option<&Views>, most: usize, budget: &mut usize) -> bool {
        let Some(views) = views else { return true };
        let most = most.min(ROWS_PER_QUERY - self.looked_at);
        let before = self.looked_at;
        let is_end = match self.rows {
            Rows::Orders {
                account,
                instrument,
                status,
            } => self.look_at_orders(views, account, most, |order| {
                instrument.is_none_or(|instrument| order.instrument == instrument)
                    && status.is_none_or(|status| status.admits(order.status))
            }),
            Rows::Executions {
                instrument,
                own,
                walk,
                ..
            } => self.look_at_executions(views, instrument, walk, most, |execution| {
                own.is_none_or(|own| own == Some(execution.account))
            }),
            // The aggressor's execution stands for the trade.
            Rows::Trades { instrument, walk } => {
                self.look_at_executions(views, instrument, walk, most, |execution| {
                    execution.number.is_multiple_of(2)
                })
            }
            Rows::Instruments => {
                let all = views.instruments().len() as u64;
                let from = self.place.min(all);
                let wanted = most.min(self.limit - self.found.len());
                let end = all.min(from + wanted as u64);
                self.found.extend(from..end);
                self.looked_at += (end - from) as usize;
                self.place = end;
                end == all
            }
            Rows::Book { ref levels, .. } => {
                self.looked_at = levels.len();
                true
            }
            Rows::Text { .. } => true,
        };
        *budget = budget.saturating_sub(self.looked_at - before);
        let is_over = is_end || self.found.len() >= self.limit || self.looked_at >= ROWS_PER_QUERY;
        if is_over {
            self.settle(is_end);
        }
        is_over
    }

    /// All rows are found. At the end of the list there is no cursor.
    fn settle(&mut self, is_end: bool) {
        if let Rows::Executions {
            walk: Walk::Before, ..
        }
        | Rows::Trades {
            walk: Walk::Before, ..
        } = self.rows
        {
            self.found.reverse();
        }
        if is_end {
            self.binding = None;
        }
    }

    fn look_at_orders(
        &mut self,
        views: &Views,
        account: Option<AccountId>,
        most: usize,
        admits: impl Fn(&OrderState) -> bool,
    ) -> bool {
        let Some(account) = account else { return true };
        let live_only =
            matches!(&self.rows, Rows::Orders { status: Some(status), .. } if status.is_live_only());
        let mut orders = views
            .orders()
            .of_account_before(account, OrderId(self.place), live_only);
        for _ in 0..most {
            if self.found.len() >= self.limit {
                break;
            }
            let Some(order) = orders.next() else { return true };
            self.looked_at += 1;
            self.place = order.order.0;
            if admits(order) {
                self.found.push(order.order.0);
            }
        }
        orders.next().is_none()
    }

    fn look_at_executions(
        &mut self,
        views: &Views,
        instrument: InstrumentId,
        walk: Walk,
        most: usize,
        admits: impl Fn(&Execution) -> bool,
    ) -> bool {
        if let Rows::Executions { own: Some(None), .. } = self.rows {
            // The account is not open yet, and has nothing.
            return true;
        }
        let executions = views.executions();
        // One more tells whether this is the end.
        let numbers = match walk {
            Walk::Before => {
                let mut numbers = executions.before(instrument, self.place, most + 1);
                numbers.reverse();
                numbers
            }
            // What was dropped behind the place is not passed over in silence: the next query is told so.
            Walk::After if self.place.saturating_add(1) < executions.first() => return self.stop_short(),
            Walk::After => executions.after(instrument, self.place, most + 1),
        };
        for (at, &number) in numbers.iter().enumerate() {
            if at == most || self.found.len() >= self.limit {
                return false;
            }
            self.looked_at += 1;
            self.place = number;
            if executions.get(number).is_some_and(|execution| admits(&execution)) {
                self.found.push(number);
            }
        }
        true
    }

    /// Ends the page here, and not the list.
    fn stop_short(&mut self) -> bool {
        self.limit = self.found.len();
        false
    }

    /// Writes the next portion of the body, with the head if it is the first.
    fn portion(
        &mut self,
        out: &mut Vec<u8>,
        views: Option<&Views>,
        manner: &mut Manner,
        mut next: usize,
        head: Option<Framing>,
        budget: &Budget<'_>,
    ) {
        if manner.head_only {
            let framing = self.length().map_or(Framing::Untold, Framing::Length);
            self.write_head(out, framing, manner);
            self.stage = Stage::Over;
            return;
        }
        let guess = self.length().unwrap_or(self.count() * ROW_GUESS);
        let mut bytes = Vec::with_capacity(guess.min(PORTION) + ROW_GUESS);
        let is_last = self.fill(&mut bytes, views, &mut next, head.is_none(), budget);
        self.written += bytes.len();
        let framing = head.unwrap_or_else(|| {
            let framing = match self.length() {
                Some(length) => Framing::Length(length),
                None if is_last => Framing::Length(bytes.len()),
                None if manner.chunks => Framing::Chunks,
                None => {
                    manner.keep_alive = false;
                    Framing::Untold
                }
            };
            self.write_head(out, framing, manner);
            framing
        });
        match framing {
            Framing::Chunks => write_chunk(out, &bytes),
            Framing::Length(_) | Framing::Untold => out.extend_from_slice(&bytes),
        }
        self.stage = Stage::Writing {
            next,
            head: Some(framing),
        };
        if is_last {
            if framing == Framing::Chunks {
                write_last_chunk(out);
            }
            self.stage = Stage::Over;
        }
    }

    /// How long the body is, if that is known before it is written.
    fn length(&self) -> Option<usize> {
        match &self.rows {
            Rows::Text { body, .. } => Some(body.len()),
            _ => None,
        }
    }

    fn write_head(&self, out: &mut Vec<u8>, framing: Framing, manner: &Manner) {
        if let Rows::Text {
            content_type,
            headers,
            ..
        } = self.rows
        {
            return write_head(out, 200, content_type, framing, manner, headers);
        }
        let cursor = self.binding.map(|binding| binding.seal(self.place));
        match &cursor {
            None => write_head(out, 200, JSON, framing, manner, &[NO_STORE]),
            Some(cursor) => {
                write_head(
                    out,
                    200,
                    JSON,
                    framing,
                    manner,
                    &[NO_STORE, ("Next-Cursor", cursor)],
                );
            }
        }
    }

    /// Appends rows from `next` on until the portion is full, with what stands before all of them and behind them. Whether that
    /// was the last portion.
    fn fill(
        &mut self,
        bytes: &mut Vec<u8>,
        views: Option<&Views>,
        next: &mut usize,
        is_first: bool,
        budget: &Budget<'_>,
    ) -> bool {
        if let Rows::Text { body, .. } = &self.rows {
            let until = body.len().min(*next + PORTION);
            bytes.extend_from_slice(&body[*next..until]);
            *next = until;
            return until == body.len();
        }
        let Some(views) = views else { return true };
        let [before, behind] = self.around();
        if is_first {
            bytes.extend_from_slice(before.as_bytes());
            self.write_book_head(bytes, views);
        }
        let from = *next;
        while *next < self.count() {
            let is_late = |rows: usize| {
                rows > 0 && rows.is_multiple_of(SLICE) && budget.clock.monotonic() >= budget.until
            };
            if bytes.len() >= PORTION || is_late(*next - from) {
                return false;
            }
            self.write_row(bytes, views, *next);
            *next += 1;
        }
        if let Rows::Book { bids, .. } = self.rows
            && bids == self.count()
        {
            bytes.extend_from_slice(encode::BOOK[0].as_bytes());
        }
        bytes.extend_from_slice(behind.as_bytes());
        true
    }

    fn count(&self) -> usize {
        match &self.rows {
            Rows::Book { levels, .. } => levels.len(),
            _ => self.found.len(),
        }
    }

    fn around(&self) -> [&'static str; 2] {
        match &self.rows {
            Rows::Orders { .. } => encode::ORDERS,
            Rows::Executions { .. } | Rows::Trades { .. } => encode::ARRAY,
            Rows::Instruments => encode::INSTRUMENTS,
            Rows::Book { .. } => ["", encode::BOOK[1]],
            Rows::Text { .. } => ["", ""],
        }
    }

    fn write_book_head(&self, bytes: &mut Vec<u8>, views: &Views) {
        if let Rows::Book {
            instrument,
            sequence,
            timestamp,
            ..
        } = self.rows
            && let Some(spec) = views.instruments().get(instrument)
        {
            encode::book_head(bytes, spec, sequence, timestamp);
        }
    }

    /// Appends a row, behind a comma if one stands before it; nothing if it is no longer there.
    fn write_row(&mut self, bytes: &mut Vec<u8>, views: &Views, at: usize) {
        if let Rows::Book { bids, .. } = self.rows
            && at == bids
        {
            bytes.extend_from_slice(encode::BOOK[0].as_bytes());
            self.shown = false;
        }
        let start = bytes.len();
        if self.shown {
            bytes.push(b',');
        }
        let row = bytes.len();
        match &self.rows {
            Rows::Orders { account, status, .. } => {
                // It may have changed since it was found, and then it is no longer what was asked for.
                let order = views.orders().get(OrderId(self.found[at]));
                let order = order.filter(|order| {
                    Some(order.account) == *account && status.is_none_or(|status| status.admits(order.status))
                });
                if let Some(order) = order {
                    encode::order(bytes, order, views);
                }
            }
            Rows::Executions { .. } => {
                if let Some(execution) = views.executions().get(self.found[at]) {
                    encode::execution(bytes, &execution, views, Format::Json);
                }
            }
            Rows::Trades { .. } => {
                if let Some(execution) = views.executions().get(self.found[at]) {
                    encode::trade(bytes, &execution, views, Format::Json);
                }
            }
            Rows::Instruments => {
                if let Some(spec) = views.instruments().get(InstrumentId(self.found[at] as u32)) {
                    encode::instrument(bytes, spec);
                }
            }
            Rows::Book {
                instrument, levels, ..
            } => {
                if let Some(spec) = views.instruments().get(*instrument) {
                    encode::level(bytes, &levels[at], spec);
                }
            }
            Rows::Text { .. } => {}
        }
        match bytes.len() > row {
            true => self.shown = true,
            false => bytes.truncate(start),
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
