//! Writing the rows of a list.

use hoga_protocol::{InstrumentId, OrderId};
use hoga_service::queries::{Rows, Search};
use hoga_views::Views;

use super::{Budget, Content, Listing, PORTION, ROW_GUESS, SLICE, Stage};
use crate::codec::{Format, encode};
use crate::http::reply::{JSON, NO_STORE};
use crate::http::{Framing, Manner, write_chunk, write_head, write_last_chunk};

impl Listing {
    /// Writes the next portion of the body, with the head if it is the first.
    pub(super) fn portion(
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
        match &self.content {
            Content::Text { body, .. } => Some(body.len()),
            Content::Rows(..) => None,
        }
    }

    fn write_head(&self, out: &mut Vec<u8>, framing: Framing, manner: &Manner) {
        let cursor = match &self.content {
            Content::Text {
                content_type,
                headers,
                ..
            } => return write_head(out, 200, content_type, framing, manner, headers),
            Content::Rows(search, binding) => {
                let end = binding.zip(search.place());
                end.map(|(binding, place)| binding.seal(place))
            }
        };
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
        let search = match &self.content {
            Content::Rows(search, _) => search,
            Content::Text { body, .. } => {
                let until = body.len().min(*next + PORTION);
                bytes.extend_from_slice(&body[*next..until]);
                *next = until;
                return until == body.len();
            }
        };
        let Some(views) = views else { return true };
        let [before, behind] = around(search.rows());
        if is_first {
            bytes.extend_from_slice(before.as_bytes());
            write_book_head(search.rows(), bytes, views);
        }
        let (from, count) = (*next, self.count());
        while *next < count {
            let is_late = |rows: usize| {
                rows > 0 && rows.is_multiple_of(SLICE) && budget.clock.monotonic() >= budget.until
            };
            if bytes.len() >= PORTION || is_late(*next - from) {
                return false;
            }
            write_row(search, bytes, views, *next, &mut self.shown);
            *next += 1;
        }
        if let Rows::Book(book) = search.rows()
            && book.bids == count
        {
            bytes.extend_from_slice(encode::BOOK[0].as_bytes());
        }
        bytes.extend_from_slice(behind.as_bytes());
        true
    }

    fn count(&self) -> usize {
        match &self.content {
            Content::Rows(search, _) => match search.rows() {
                Rows::Book(book) => book.levels.len(),
                _ => search.found().len(),
            },
            Content::Text { .. } => 0,
        }
    }
}

/// What stands before all rows, and behind them.
fn around(rows: &Rows) -> [&'static str; 2] {
    match rows {
        Rows::Orders(_) => encode::ORDERS,
        Rows::Executions(_) | Rows::Trades(_) => encode::ARRAY,
        Rows::Instruments => encode::INSTRUMENTS,
        Rows::Book(_) => ["", encode::BOOK[1]],
    }
}

fn write_book_head(rows: &Rows, bytes: &mut Vec<u8>, views: &Views) {
    if let Rows::Book(book) = rows
        && let Some(spec) = views.instruments().get(book.instrument)
    {
        encode::book_head(bytes, spec, book.sequence, book.timestamp);
    }
}

/// Appends a row, behind a comma if one was `shown` before it; nothing if it is no longer there.
fn write_row(search: &Search, bytes: &mut Vec<u8>, views: &Views, at: usize, shown: &mut bool) {
    if let Rows::Book(book) = search.rows()
        && at == book.bids
    {
        bytes.extend_from_slice(encode::BOOK[0].as_bytes());
        *shown = false;
    }
    let start = bytes.len();
    if *shown {
        bytes.push(b',');
    }
    let row = bytes.len();
    let executions = views.executions();
    match search.rows() {
        Rows::Orders(wanted) => {
            // It may have changed since it was found, and then it is no longer what was asked for.
            let order = views.orders().get(OrderId(search.found()[at]));
            if let Some(order) = order.filter(|order| wanted.admits(order)) {
                encode::order(bytes, order, views);
            }
        }
        Rows::Executions(wanted) => {
            let number = search.found()[at];
            let execution = match wanted.own.flatten() {
                Some(account) => executions.get_of(account, number),
                None => executions.get(number),
            };
            if let Some(execution) = execution {
                encode::execution(bytes, &execution, views, Format::Json);
            }
        }
        Rows::Trades(_) => {
            if let Some(execution) = executions.get(search.found()[at]) {
                encode::trade(bytes, &execution, views, Format::Json);
            }
        }
        Rows::Instruments => {
            let instrument = InstrumentId(search.found()[at] as u32);
            if let Some(spec) = views.instruments().get(instrument) {
                encode::instrument(bytes, spec);
            }
        }
        Rows::Book(book) => {
            if let Some(spec) = views.instruments().get(book.instrument) {
                encode::level(bytes, &book.levels[at], spec);
            }
        }
    }
    match bytes.len() > row {
        true => *shown = true,
        false => bytes.truncate(start),
    }
}
