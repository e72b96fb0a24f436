//! The views as bytes.
//!
//! Little endian, in this order: the form (`u32`); the last event's sequence, index and time; the genesis, if it was;
//! the instruments; the accounts; each instrument's last change of the book; the orders; the executions; the updates;
//! what operators have made of instruments and of accounts; the armings.
//! What follows from something else is not written, so the two cannot disagree: the levels of a book are those of its
//! live orders, and an order's status and what remains of it are those of its quantity, its fills and its end.

use hoga_protocol::codec::{ImageError, ImageSink, ImageSource};
use hoga_protocol::{Command, Event, Genesis, Nanos, Sequence};

use hoga_tables::Segments;

use super::{ViewLimits, Views};
use crate::armings::Armings;
use crate::book::Book;
use crate::executions::Executions;
use crate::image::must;
use crate::known::Known;
use crate::orders::Orders;
use crate::registry::{Accounts, Instruments};
use crate::updates::OrderUpdates;

/// The form of the image.
const FORM: u32 = 3;

impl Views {
    /// Writes all that the views hold. Views of equal limits that folded the same events write the same bytes.
    ///
    /// # Panics
    /// Within a command, when [`is_complete`](Self::is_complete) does not hold: half a command is no state.
    pub fn write_image(&self, sink: &mut impl ImageSink) {
        assert!(
            self.complete,
            "the views are within command {} and have no image",
            self.sequence.0
        );
        sink.put_u32(FORM);
        sink.put_u64(self.sequence.0);
        sink.put_u32(self.index);
        sink.put_u64(self.timestamp.0);
        sink.put_bool(self.genesis.is_some());
        if let Some(genesis) = self.genesis {
            sink.put_record(&Command::Genesis(genesis));
        }
        self.instruments.write_image(sink);
        self.accounts.write_image(sink);
        for book in self.books.iter() {
            book.write_image(sink);
        }
        self.orders.write_image(sink);
        self.executions.write_image(sink);
        self.updates.write_image(sink);
        self.instruments.write_administered(sink);
        self.accounts.write_administered(sink);
        self.armings.write_image(sink);
    }

    /// Reads what [`write_image`](Self::write_image) wrote, and nothing behind it.
    ///
    /// The limits need not be those of the views that were written. Where all are smaller or equal, what is kept is exactly
    /// what the views had kept if they had always had them; under greater ones it is all that the image has, and from
    /// there on more.
    ///
    /// # Errors
    /// [`ImageError`] when the bytes are not the image of any views, or one of a form that this version does not know.
    /// An account or instrument that is not there, an order told twice, numbers out of order and quantities that do not
    /// add up are all found; whether the image tells the truth is not.
    pub fn read_image(limits: ViewLimits, source: &mut impl ImageSource) -> Result<Views, ImageError> {
        let form = source.take_u32()?;
        if form != FORM {
            return Err(ImageError::UnknownVersion(form));
        }
        let sequence = Sequence(source.take_u64()?);
        let index = source.take_u32()?;
        must(sequence <= Sequence::MAX, "sequence")?;
        must(index <= Event::MAX_INDEX, "index")?;
        let timestamp = Nanos(source.take_u64()?);
        let genesis = read_genesis(source)?;
        let bounds = genesis.map(|genesis| genesis.limits).unwrap_or_default();
        let instruments = Instruments::read_image(bounds.max_instruments, source)?;
        let accounts = Accounts::read_image(bounds.max_accounts, source)?;
        let known = Known {
            instruments: &instruments,
            accounts: &accounts,
            sequence,
            index,
            timestamp,
        };
        let mut books = Segments::new();
        for _ in 0..instruments.len() {
            books.push(Book::read_image(&known, source)?);
        }
        let floor = limits.account_floor;
        let genesis_of = genesis.as_ref();
        let orders = Orders::read_image(limits.closed_orders, floor, genesis_of, &known, source)?;
        for order in orders.live_oldest_first() {
            books[order.instrument.0 as usize].add(order.side, order.price, order.leaves);
        }
        let executions = Executions::read_image(limits.executions, floor, &known, source)?;
        let updates = OrderUpdates::read_image(limits.order_updates, floor, &known, source)?;
        let mut views = Views {
            sequence,
            index,
            timestamp,
            complete: true,
            genesis,
            instruments,
            accounts,
            armings: Armings::default(),
            books,
            orders,
            executions,
            updates,
            working: None,
        };
        views.read_administered(source)?;
        Ok(views)
    }

    fn read_administered(&mut self, source: &mut impl ImageSource) -> Result<(), ImageError> {
        self.instruments.read_administered(source)?;
        self.accounts.read_administered(source)?;
        let known = Known {
            instruments: &self.instruments,
            accounts: &self.accounts,
            sequence: self.sequence,
            index: self.index,
            timestamp: self.timestamp,
        };
        self.armings = Armings::read_image(&known, source)?;
        Ok(())
    }
}

fn read_genesis(source: &mut impl ImageSource) -> Result<Option<Genesis>, ImageError> {
    if !source.take_bool("genesis")? {
        return Ok(None);
    }
    match source.take_record()? {
        Command::Genesis(genesis) if genesis.limits.is_valid() => Ok(Some(genesis)),
        _ => Err(ImageError::BadValue("genesis")),
    }
}
