//! The tables of names: instruments and accounts, numbered from 0 in the order in which they came.

use alloc::collections::BTreeMap;

use hoga_protocol::codec::{ImageError, ImageSink, ImageSource};
use hoga_protocol::{
    AccountId, AccountName, AccountStatus, Command, FeesSet, InstrumentId, InstrumentSpec, InstrumentStatus,
    Symbol,
};
use hoga_tables::Segments;

use crate::image::{Item, must};

/// Every instrument of the exchange.
#[derive(Clone, Debug, Default)]
pub struct Instruments {
    specs: Segments<InstrumentSpec>,
    by_symbol: BTreeMap<Symbol, InstrumentId>,
    /// Those that operators have changed.
    administered: BTreeMap<InstrumentId, Administered>,
}

/// What operators have made of an instrument.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Administered {
    status: InstrumentStatus,
    fees_set: bool,
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

    /// Which orders the instrument takes.
    pub fn status(&self, id: InstrumentId) -> InstrumentStatus {
        self.administered.get(&id).copied().unwrap_or_default().status
    }

    /// Whether an operator has set the instrument's fees since it was defined.
    pub fn fees_were_set(&self, id: InstrumentId) -> bool {
        self.administered.get(&id).is_some_and(|changed| changed.fees_set)
    }

    /// All instruments in the order of definition.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (InstrumentId, &InstrumentSpec)> {
        (0..self.specs.len()).map(|number| (InstrumentId(number as u32), &self.specs[number]))
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

    pub(crate) fn set_fees(&mut self, set: &FeesSet) {
        let spec = &mut self.specs[set.instrument.0 as usize];
        (spec.maker_fee, spec.taker_fee) = (set.maker, set.taker);
        self.administered.entry(set.instrument).or_default().fees_set = true;
    }

    pub(crate) fn set_status(&mut self, id: InstrumentId, status: InstrumentStatus) {
        assert!(self.get(id).is_some(), "no instrument {}", id.0);
        let mut changed = self.administered.get(&id).copied().unwrap_or_default();
        changed.status = status;
        match changed == Administered::default() {
            true => self.administered.remove(&id),
            false => self.administered.insert(id, changed),
        };
    }

    /// Writes how many operators have changed, and of each its number, its status and whether its fees were set.
    pub(crate) fn write_administered(&self, sink: &mut impl ImageSink) {
        sink.put_u32(self.administered.len() as u32);
        for (id, changed) in &self.administered {
            sink.put_u32(id.0);
            sink.put_u8(changed.status as u8);
            sink.put_bool(changed.fees_set);
        }
    }

    pub(crate) fn read_administered(&mut self, source: &mut impl ImageSource) -> Result<(), ImageError> {
        for _ in 0..source.take_u32()? {
            let id = InstrumentId(source.take_u32()?);
            let changed = Administered {
                status: match source.take_bool("instrument status")? {
                    false => InstrumentStatus::Open,
                    true => InstrumentStatus::CancelOnly,
                },
                fees_set: source.take_bool("fees set")?,
            };
            let last = self.administered.last_key_value().map(|(&last, _)| last);
            let is_next = self.get(id).is_some() && last < Some(id);
            must(
                is_next && changed != Administered::default(),
                "administered instrument",
            )?;
            self.administered.insert(id, changed);
        }
        Ok(())
    }

    pub(crate) fn write_image(&self, sink: &mut impl ImageSink) {
        sink.put_u32(self.specs.len() as u32);
        for spec in self.specs.iter() {
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
    names: Segments<AccountName>,
    by_name: BTreeMap<AccountName, AccountId>,
    /// Those whose terms are not the default.
    administered: BTreeMap<AccountId, AccountTerms>,
}

/// What an account may send and hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountTerms {
    /// Which orders it may send.
    pub status: AccountStatus,
    /// The most orders it may have in the books; [`u32::MAX`] is no limit but the exchange's own.
    pub max_open_orders: u32,
}

impl Default for AccountTerms {
    fn default() -> Self {
        Self {
            status: AccountStatus::Active,
            max_open_orders: u32::MAX,
        }
    }
}

impl Accounts {
    /// The account's name.
    pub fn get(&self, id: AccountId) -> Option<&AccountName> {
        self.names.get(id.0 as usize)
    }

    /// What the account may send and hold.
    pub fn terms(&self, id: AccountId) -> AccountTerms {
        self.administered.get(&id).copied().unwrap_or_default()
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

    pub(crate) fn set_terms(&mut self, id: AccountId, terms: AccountTerms) {
        assert!(self.get(id).is_some(), "no account {}", id.0);
        match terms == AccountTerms::default() {
            true => self.administered.remove(&id),
            false => self.administered.insert(id, terms),
        };
    }

    /// Writes how many have terms of their own, and of each its number, its status and its limit.
    pub(crate) fn write_administered(&self, sink: &mut impl ImageSink) {
        sink.put_u32(self.administered.len() as u32);
        for (id, terms) in &self.administered {
            sink.put_u32(id.0);
            sink.put_u8(terms.status as u8);
            sink.put_u32(terms.max_open_orders);
        }
    }

    pub(crate) fn read_administered(&mut self, source: &mut impl ImageSource) -> Result<(), ImageError> {
        for _ in 0..source.take_u32()? {
            let id = AccountId(source.take_u32()?);
            let terms = AccountTerms {
                status: match source.take_bool("account status")? {
                    false => AccountStatus::Active,
                    true => AccountStatus::Suspended,
                },
                max_open_orders: source.take_u32()?,
            };
            let last = self.administered.last_key_value().map(|(&last, _)| last);
            let is_next = self.get(id).is_some() && last < Some(id);
            must(
                is_next && terms != AccountTerms::default(),
                "administered account",
            )?;
            self.administered.insert(id, terms);
        }
        Ok(())
    }

    pub(crate) fn write_image(&self, sink: &mut impl ImageSink) {
        sink.put_u32(self.names.len() as u32);
        for name in self.names.iter() {
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
