//! The tables of names: instruments and accounts, numbered from 0 in the order in which they came.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use hoga_protocol::codec::{ImageError, ImageSink, ImageSource};
use hoga_protocol::{AccountId, AccountName, Command, InstrumentId, InstrumentSpec, Symbol};

use crate::image::{Item, must};

/// Every instrument of the exchange.
#[derive(Clone, Debug, Default)]
pub struct Instruments {
    specs: Vec<InstrumentSpec>,
    by_symbol: BTreeMap<Symbol, InstrumentId>,
}

impl Instruments {
    /// What the instrument is.
    pub fn get(&self, id: InstrumentId) -> Option<&InstrumentSpec> {
        self.specs.get(id.0 as usize)
    }

    /// The number of the instrument with this symbol.
    pub fn by_symbol(&self, symbol: &Symbol) -> Option<InstrumentId> {
        self.by_symbol.get(symbol).copied()
    }

    /// All instruments in the order of definition.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (InstrumentId, &InstrumentSpec)> {
        self.specs
            .iter()
            .enumerate()
            .map(|(number, spec)| (InstrumentId(number as u32), spec))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.specs.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.specs.is_empty()
    }

    pub(crate) fn define(&mut self, id: InstrumentId, spec: InstrumentSpec) {
        assert_eq!(
            id.0 as usize,
            self.specs.len(),
            "instruments are numbered in order"
        );
        self.specs.push(spec);
        self.by_symbol.insert(spec.symbol(), id);
    }

    pub(crate) fn write_image(&self, sink: &mut impl ImageSink) {
        sink.put_u32(self.specs.len() as u32);
        for spec in &self.specs {
            sink.put_record(&Command::DefineInstrument(*spec));
        }
    }

    pub(crate) fn read_image(most: u32, source: &mut impl ImageSource) -> Result<Self, ImageError> {
        let mut instruments = Self::default();
        let count = source.take_u32()?;
        must(count <= most, "instruments")?;
        for number in 0..count {
            let Command::DefineInstrument(spec) = source.take_record()? else {
                return Err(ImageError::BadValue("instruments"));
            };
            must(instruments.by_symbol(&spec.symbol()).is_none(), "symbol")?;
            instruments.define(InstrumentId(number), spec);
        }
        Ok(instruments)
    }
}

/// Every account of the exchange.
///
/// Names are looked up in a tree: clients choose them, and no choice of names makes a tree slow.
#[derive(Clone, Debug, Default)]
pub struct Accounts {
    names: Vec<AccountName>,
    by_name: BTreeMap<AccountName, AccountId>,
}

impl Accounts {
    /// The account's name.
    pub fn get(&self, id: AccountId) -> Option<&AccountName> {
        self.names.get(id.0 as usize)
    }

    /// The number of the account with this name.
    pub fn by_name(&self, name: &AccountName) -> Option<AccountId> {
        self.by_name.get(name).copied()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    pub(crate) fn open(&mut self, id: AccountId, name: AccountName) {
        assert_eq!(id.0 as usize, self.names.len(), "accounts are numbered in order");
        self.names.push(name);
        self.by_name.insert(name, id);
    }

    pub(crate) fn write_image(&self, sink: &mut impl ImageSink) {
        sink.put_u32(self.names.len() as u32);
        for name in &self.names {
            let mut item = Item::<{ 1 + AccountName::MAX_LEN }>::new();
            item.put_text(name);
            sink.put(item.bytes());
        }
    }

    pub(crate) fn read_image(most: u32, source: &mut impl ImageSource) -> Result<Self, ImageError> {
        let mut accounts = Self::default();
        let count = source.take_u32()?;
        must(count <= most, "accounts")?;
        for number in 0..count {
            let name = source.take_text("account name")?;
            must(
                !name.is_empty() && accounts.by_name(&name).is_none(),
                "account name",
            )?;
            accounts.open(AccountId(number), name);
        }
        Ok(accounts)
    }
}
