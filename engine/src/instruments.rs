//! The instruments, each with its book, numbered from 0 in the order of definition.

use alloc::vec::Vec;

use hoga_protocol::{InstrumentId, InstrumentSpec, InstrumentStatus, RejectReason};

use crate::keyed::{HashKey, Names};
use crate::order_book::OrderBook;

/// An instrument, which orders it takes, and its book.
#[derive(Clone)]
pub(crate) struct Instrument {
    pub(crate) spec: InstrumentSpec,
    pub(crate) status: InstrumentStatus,
    pub(crate) book: OrderBook,
}

/// All instruments, at most `max` of them.
#[derive(Clone)]
pub(crate) struct Instruments {
    max: u32,
    list: Vec<Instrument>,
    symbols: Names,
}

impl Instruments {
    pub(crate) fn new(key: HashKey, max: u32) -> Self {
        Self {
            max,
            list: Vec::with_capacity(max as usize),
            symbols: Names::new(key, max as usize),
        }
    }

    pub(crate) fn define(&mut self, spec: &InstrumentSpec) -> Result<InstrumentId, RejectReason> {
        let instrument = InstrumentId(self.list.len() as u32);
        if instrument.0 >= self.max {
            return Err(RejectReason::TableFull);
        }
        let (symbol, list) = (spec.symbol(), &self.list);
        let has_it = |number: u32| list[number as usize].spec.symbol() == symbol;
        if !self.symbols.take(symbol.as_bytes(), instrument.0, has_it) {
            return Err(RejectReason::AlreadyExists);
        }
        self.list.push(Instrument {
            spec: *spec,
            status: InstrumentStatus::Open,
            book: OrderBook::new(instrument),
        });
        Ok(instrument)
    }

    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    pub(crate) fn get(&self, instrument: InstrumentId) -> Option<&Instrument> {
        self.list.get(instrument.0 as usize)
    }

    /// The instrument of an order that was let in, which is therefore one of ours.
    pub(crate) fn known(&mut self, instrument: InstrumentId) -> &mut Instrument {
        &mut self.list[instrument.0 as usize]
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Instrument> {
        self.list.iter()
    }
}
