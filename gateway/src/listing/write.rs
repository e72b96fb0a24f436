//! Writing the rows of a list.

use hoga_protocol::{InstrumentId, OrderId};
use hoga_views::Views;

use super::{Budget, Listing, PORTION, ROW_GUESS, Rows, SLICE, Stage};
use crate::answer::{JSON, NO_STORE};
use crate::http::{Framing, Manner, write_chunk, write_head, write_last_chunk};
use crate::wire::{Format, encode};

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

    pub(super) fn count(&self) -> usize {
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
            Rows::Executions { own, .. } => {
                let (executions, number) = (views.executions(), self.found[at]);
                let execution = match own.flatten() {
                    Some(account) => executions.get_of(account, number),
                    None => executions.get(number),
                };
                if let Some(execution) = execution {
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
