//! Answers that are made in portions: rows are looked for, and written, between other work.

mod write;

use std::borrow::Cow;
use std::time::Duration;

use hoga_service::Clock;
use hoga_service::queries::Search;
use hoga_views::Views;

use crate::http::cursor::Binding;
use crate::http::{Framing, Manner};

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

/// What an answer consists of.
#[derive(Debug)]
enum Content {
    /// Rows, and what the cursor behind the last is bound to, where there can be one.
    Rows(Search, Option<Binding>),
    /// A text that is there already.
    Text {
        content_type: &'static str,
        headers: &'static [(&'static str, &'static str)],
        body: Cow<'static, [u8]>,
    },
}

/// What is done and what is to be done of one answer. Plain data: it holds no part of the views, and a row that has
/// vanished when its turn comes is left out.
#[derive(Debug)]
pub(crate) struct Listing {
    content: Content,
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
    /// A list, whose cursor is bound to the query.
    pub fn rows(search: Search, binding: Option<Binding>) -> Self {
        Self::new(Content::Rows(search, binding), Stage::Looking)
    }

    /// A text that is there already.
    pub fn text(
        content_type: &'static str,
        headers: &'static [(&'static str, &'static str)],
        body: impl Into<Cow<'static, [u8]>>,
    ) -> Self {
        let content = Content::Text {
            content_type,
            headers,
            body: body.into(),
        };
        Self::new(content, Stage::Writing { next: 0, head: None })
    }

    fn new(content: Content, stage: Stage) -> Self {
        Self {
            content,
            stage,
            shown: false,
            written: 0,
            charged: 0,
        }
    }

    /// Whether all of the answer is written.
    pub fn is_over(&self) -> bool {
        self.stage == Stage::Over
    }

    /// Bytes of memory that it holds.
    pub fn held(&self) -> usize {
        match &self.content {
            Content::Rows(search, _) => search.held(),
            Content::Text {
                body: Cow::Owned(body),
                ..
            } => body.capacity(),
            Content::Text { .. } => 0,
        }
    }

    /// Rows looked at so far.
    pub fn looked_at(&self) -> usize {
        match &self.content {
            Content::Rows(search, _) => search.looked_at(),
            Content::Text { .. } => 0,
        }
    }

    /// Units of the quota to be charged since the last time: the request itself has paid for the first rows and bytes.
    pub fn owed_units(&mut self) -> usize {
        let further = |used: usize, each: usize| used.div_ceil(each).saturating_sub(1);
        let units = further(self.looked_at(), ROWS_PER_UNIT) + further(self.written, BYTES_PER_UNIT);
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
            if self.look(views, &mut budget.rows) {
                self.stage = Stage::Writing { next: 0, head: None };
            } else if budget.is_over() {
                return;
            }
        }
        if let Stage::Writing { next, head } = self.stage {
            self.portion(out, views, manner, next, head, &budget);
        }
    }

    /// Looks at some rows. Whether there is nothing more to look for.
    fn look(&mut self, views: Option<&Views>, budget: &mut usize) -> bool {
        let (Content::Rows(search, _), Some(views)) = (&mut self.content, views) else {
            return true;
        };
        let before = search.looked_at();
        let is_over = search.look(views, SLICE.min(*budget));
        *budget = budget.saturating_sub(search.looked_at() - before);
        is_over
    }
}
