//! Going to a position, believing it only once the walk has arrived there.

use super::{Lock, Scanner};
use crate::error::ReadError;
use crate::listing::Begin;
use crate::position::{Absence, NotHere, Position};
use crate::storage::Storage;
use std::sync::Arc;

impl Scanner {
    /// A scanner whose next frame is the one behind `position`. Segments before the position's are not looked at.
    ///
    /// Zeros at the position's offset could be a clean end or what is left of a lost one, so the position's
    /// segment is walked from its header on: only a walk that arrives at the offset with the position's sequence
    /// and chain has seen the frames that the position stands for.
    pub fn open_at(storage: Arc<dyn Storage>, position: &Position, lock: Lock) -> Result<Scanner, ReadError> {
        let mut scanner = Scanner::open(storage, Begin::Segment(position.segment), lock)?;
        if scanner.current().is_none() && scanner.number > 1 {
            scanner.sequence = position.next_sequence;
        }
        scanner.seek(position)?;
        Ok(scanner)
    }

    fn seek(&mut self, position: &Position) -> Result<(), ReadError> {
        if self.segments.is_empty() && *position == Position::START {
            return Ok(());
        }
        loop {
            if !self.segments.is_empty() {
                self.enter()?;
            }
            let here = self.position();
            if !self.segments.is_empty() && here == *position {
                return Ok(());
            }
            if (here.segment, here.offset) >= (position.segment, position.offset) && !self.segments.is_empty()
            {
                return Err(self.not_here(position, Absence::Elsewhere(here)));
            }
            if self.advance()?.is_none() {
                let tail = self.tail().cloned().unwrap_or_else(|| self.tail_here(0, None));
                return Err(self.not_here(position, Absence::Ahead(tail)));
            }
        }
    }

    fn not_here(&self, position: &Position, why: Absence) -> ReadError {
        let location = self.storage.location();
        let position = *position;
        NotHere {
            location,
            position,
            why,
        }
        .into()
    }
}
