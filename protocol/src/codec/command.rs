//! Commands to bytes and back.

use super::CodecError;
use super::bytes::{Reader, Writer};
use crate::administration::{
    AcceptClock, AccountStatus, AdminAction, Administer, InstrumentStatus, SetAccountLimits,
    SetAccountStatus, SetFees, SetInstrumentStatus, SetLimits,
};
use crate::arming::{Arm, ArmCause, Disarm};
use crate::cancel::{CancelAll, CancelClientOrder, CancelInstrument, CancelOrder};
use crate::command::{
    Checkpoint, Command, EngineVersion, Genesis, Limits, OpenAccount, ReplaceOrder, StateCheck,
};
use crate::decimal::Scaled;
use crate::ids::{AccountId, ExchangeId, InstrumentId, OrderId, Sequence, SigningKeyId};
use crate::instrument::InstrumentSpec;
use crate::order::{NewOrder, OrderType, Side, TimeInForce};
use crate::text::OperatorName;
use crate::units::{FeeRate, Lots, Nanos, Notional, Ticks};

/// The longest record, in bytes.
pub const MAX_RECORD: usize = 128;

const GENESIS: u8 = 1;
const DEFINE_INSTRUMENT: u8 = 2;
const OPEN_ACCOUNT: u8 = 3;
const NEW_ORDER: u8 = 4;
const REPLACE_ORDER: u8 = 5;
const CANCEL_ORDER: u8 = 6;
const CANCEL_ALL: u8 = 7;
const CHECKPOINT: u8 = 8;
const ENGINE_VERSION: u8 = 9;
const ARM: u8 = 10;
const DISARM: u8 = 11;
const ADMINISTER: u8 = 12;
const SIGNED_ORDER: u8 = 13;
const CANCEL_CLIENT_ORDER: u8 = 14;

/// Writes a record into `out` and returns its length.
pub fn encode_command(timestamp: Nanos, command: &Command, out: &mut [u8; MAX_RECORD]) -> usize {
    let mut w = Writer::new(out);
    w.u64(timestamp.0);
    match command {
        Command::Genesis(genesis) => {
            w.u8(GENESIS);
            put_genesis(&mut w, genesis);
        }
        Command::DefineInstrument(spec) => {
            w.u8(DEFINE_INSTRUMENT);
            put_spec(&mut w, spec);
        }
        Command::OpenAccount(open) => {
            w.u8(OPEN_ACCOUNT);
            w.u32(open.account.0);
            w.text(&open.name);
        }
        Command::NewOrder(order) => {
            if order.valid_until != Nanos(0) || order.signed_by != SigningKeyId::NONE {
                return encode_signed(timestamp, order, out);
            }
            w.u8(NEW_ORDER);
            put_terms(&mut w, order);
        }
        Command::ReplaceOrder(replace) => {
            w.u8(REPLACE_ORDER);
            w.u32(replace.account.0);
            w.u64(replace.order.0);
            w.bool(replace.price.is_some());
            w.i64(replace.price.unwrap_or_default().0);
            w.bool(replace.quantity.is_some());
            w.u64(replace.quantity.unwrap_or_default().0);
        }
        Command::CancelOrder(cancel) => {
            w.u8(CANCEL_ORDER);
            w.u32(cancel.account.0);
            w.u64(cancel.order.0);
        }
        Command::CancelClientOrder(cancel) => {
            w.u8(CANCEL_CLIENT_ORDER);
            w.u32(cancel.account.0);
            w.text(&cancel.client_order_id);
        }
        Command::CancelAll(cancel) => {
            w.u8(CANCEL_ALL);
            put_cancel_all(&mut w, cancel);
        }
        Command::Checkpoint(checkpoint) => {
            w.u8(CHECKPOINT);
            let (sequence, digest) = checkpoint
                .previous
                .map_or_else(Default::default, |previous| (previous.sequence, previous.digest));
            w.bool(checkpoint.previous.is_some());
            w.u64(sequence.0);
            w.bytes(&digest);
        }
        Command::EngineVersion(raise) => {
            w.u8(ENGINE_VERSION);
            w.u32(raise.version);
        }
        Command::Arm(arm) => {
            w.u8(ARM);
            w.u32(arm.account.0);
            put_cause(&mut w, arm.cause);
        }
        Command::Disarm(disarm) => {
            w.u8(DISARM);
            w.u32(disarm.account.0);
            w.u64(disarm.arming.0);
        }
        Command::Administer(administer) => {
            w.u8(ADMINISTER);
            put_administer(&mut w, administer);
        }
    }
    w.len()
}

/// An order with what its record has behind the terms. It has the writer for itself, as [`get_seldom`] has the reader.
#[inline(never)]
fn encode_signed(timestamp: Nanos, order: &NewOrder, out: &mut [u8; MAX_RECORD]) -> usize {
    let mut w = Writer::new(out);
    w.u64(timestamp.0);
    w.u8(SIGNED_ORDER);
    put_new_order(&mut w, order);
    w.len()
}

/// Reads a record.
///
/// # Errors
/// [`CodecError`] for anything that [`encode_command`] does not write.
pub fn decode_command(record: &[u8]) -> Result<(Nanos, Command), CodecError> {
    let mut r = Reader::new(record);
    let timestamp = Nanos(r.u64()?);
    let command = match r.u8()? {
        OPEN_ACCOUNT => Command::OpenAccount(get_open_account(&mut r)?),
        NEW_ORDER => Command::NewOrder(get_terms(&mut r)?),
        SIGNED_ORDER => Command::NewOrder(get_signed(get_terms(&mut r)?, &mut r)?),
        REPLACE_ORDER => Command::ReplaceOrder(ReplaceOrder {
            account: AccountId(r.u32()?),
            order: get_order_id(&mut r)?,
            price: optional(&mut r, "price", Reader::i64)?.map(Ticks),
            quantity: optional(&mut r, "quantity", Reader::u64)?.map(Lots),
        }),
        CANCEL_ORDER => Command::CancelOrder(CancelOrder {
            account: AccountId(r.u32()?),
            order: get_order_id(&mut r)?,
        }),
        CANCEL_ALL => Command::CancelAll(get_cancel_all(&mut r)?),
        CHECKPOINT => Command::Checkpoint(Checkpoint {
            previous: optional(&mut r, "previous", |r| Ok((r.u64()?, r.take()?)))?.map(
                |(sequence, digest)| StateCheck {
                    sequence: Sequence(sequence),
                    digest,
                },
            ),
        }),
        ENGINE_VERSION => Command::EngineVersion(EngineVersion { version: r.u32()? }),
        kind @ (GENESIS | DEFINE_INSTRUMENT | ARM | DISARM | ADMINISTER | CANCEL_CLIENT_ORDER) => {
            return Ok((timestamp, get_seldom(kind, r)?));
        }
        kind => return Err(CodecError::UnknownKind(kind)),
    };
    r.finish()?;
    Ok((timestamp, command))
}

/// The fields of a kind that is seldom sent, to the record's end. It has the reader for itself, so that the reader of
/// those that are sent often can stay in registers.
#[inline(never)]
fn get_seldom(kind: u8, mut r: Reader<'_>) -> Result<Command, CodecError> {
    let command = match kind {
        GENESIS => Command::Genesis(get_genesis(&mut r)?),
        DEFINE_INSTRUMENT => Command::DefineInstrument(get_spec(&mut r)?),
        ARM => Command::Arm(Arm {
            account: AccountId(r.u32()?),
            cause: get_cause(&mut r)?,
        }),
        CANCEL_CLIENT_ORDER => {
            let cancel = CancelClientOrder {
                account: AccountId(r.u32()?),
                client_order_id: r.text("client_order_id")?,
            };
            if cancel.client_order_id.is_empty() {
                return Err(CodecError::BadValue("client_order_id"));
            }
            Command::CancelClientOrder(cancel)
        }
        DISARM => Command::Disarm(Disarm {
            account: AccountId(r.u32()?),
            arming: Sequence(r.u64()?),
        }),
        _ => {
            let (by, action) = get_administer(&mut r)?;
            if by.is_empty() {
                return Err(CodecError::BadValue("by"));
            }
            Command::Administer(Administer::new(by, action))
        }
    };
    r.finish()?;
    Ok(command)
}

pub(super) fn put_genesis(w: &mut Writer<'_>, genesis: &Genesis) {
    w.u32(genesis.engine_version);
    w.u32(genesis.exchange.0);
    w.u64(genesis.hash_key[0]);
    w.u64(genesis.hash_key[1]);
    put_limits(w, &genesis.limits);
}

pub(super) fn put_limits(w: &mut Writer<'_>, limits: &Limits) {
    w.u32(limits.max_instruments);
    w.u32(limits.max_accounts);
    w.u32(limits.max_open_orders);
    w.u32(limits.max_open_orders_per_account);
    w.u32(limits.max_touched_orders);
    w.u32(limits.client_ids_per_account);
    w.u32(limits.client_ids_total);
}

fn get_genesis(r: &mut Reader<'_>) -> Result<Genesis, CodecError> {
    Ok(Genesis {
        engine_version: r.u32()?,
        exchange: ExchangeId(r.u32()?),
        hash_key: [r.u64()?, r.u64()?],
        limits: Limits {
            max_instruments: r.u32()?,
            max_accounts: r.u32()?,
            max_open_orders: r.u32()?,
            max_open_orders_per_account: r.u32()?,
            max_touched_orders: r.u32()?,
            client_ids_per_account: r.u32()?,
            client_ids_total: r.u32()?,
        },
    })
}

pub(super) fn put_spec(w: &mut Writer<'_>, spec: &InstrumentSpec) {
    w.text(&spec.symbol());
    for step in [spec.tick(), spec.lot()] {
        w.u64(step.mantissa);
        w.u8(step.scale);
    }
    w.u8(spec.quote_scale());
    w.u64(spec.min_quantity.0);
    w.u64(spec.max_quantity.0);
    w.i128(spec.min_notional.0);
    w.i32(spec.maker_fee.0);
    w.i32(spec.taker_fee.0);
}

fn get_spec(r: &mut Reader<'_>) -> Result<InstrumentSpec, CodecError> {
    let symbol = r.text("symbol")?;
    let tick = Scaled {
        mantissa: r.u64()?,
        scale: r.u8()?,
    };
    let lot = Scaled {
        mantissa: r.u64()?,
        scale: r.u8()?,
    };
    if symbol.is_empty() || tick.normalized() != tick || lot.normalized() != lot {
        return Err(CodecError::BadValue("instrument"));
    }
    let quote_scale = r.u8()?;
    let (min, max) = (Lots(r.u64()?), Lots(r.u64()?));
    let min_notional = Notional(r.i128()?);
    let (maker, taker) = (FeeRate(r.i32()?), FeeRate(r.i32()?));
    InstrumentSpec::new(
        symbol,
        tick,
        lot,
        quote_scale,
        min,
        max,
        min_notional,
        maker,
        taker,
    )
    .map_err(|_| CodecError::BadValue("instrument"))
}

fn get_open_account(r: &mut Reader<'_>) -> Result<OpenAccount, CodecError> {
    let open = OpenAccount {
        account: AccountId(r.u32()?),
        name: r.text("name")?,
    };
    if open.name.is_empty() {
        Err(CodecError::BadValue("name"))
    } else {
        Ok(open)
    }
}

pub(super) fn put_new_order(w: &mut Writer<'_>, order: &NewOrder) {
    put_terms(w, order);
    put_signature(w, order);
}

fn put_signature(w: &mut Writer<'_>, order: &NewOrder) {
    w.u64(order.valid_until.0);
    w.bytes(&order.signed_by.0);
}

// A call would take the writer's address, and all others would write through it.
#[inline(always)]
fn put_terms(w: &mut Writer<'_>, order: &NewOrder) {
    w.u32(order.account.0);
    w.u32(order.instrument.0);
    w.u8(order.side as u8);
    w.u8(order.order_type as u8);
    w.u8(order.time_in_force as u8);
    w.bool(order.post_only);
    w.i64(order.price.0);
    w.u64(order.quantity.0);
    w.text(&order.client_order_id);
}

// A call would take the reader's address, and all others would read through it.
#[inline(always)]
fn get_terms(r: &mut Reader<'_>) -> Result<NewOrder, CodecError> {
    Ok(NewOrder {
        account: AccountId(r.u32()?),
        instrument: InstrumentId(r.u32()?),
        side: match r.u8()? {
            0 => Side::Buy,
            1 => Side::Sell,
            _ => return Err(CodecError::BadValue("side")),
        },
        order_type: match r.u8()? {
            0 => OrderType::Limit,
            1 => OrderType::Market,
            _ => return Err(CodecError::BadValue("order_type")),
        },
        time_in_force: match r.u8()? {
            0 => TimeInForce::Gtc,
            1 => TimeInForce::Ioc,
            2 => TimeInForce::Fok,
            _ => return Err(CodecError::BadValue("time_in_force")),
        },
        post_only: r.bool("post_only")?,
        price: Ticks(r.i64()?),
        quantity: Lots(r.u64()?),
        client_order_id: r.text("client_order_id")?,
        valid_until: Nanos(0),
        signed_by: SigningKeyId::NONE,
    })
}

/// The order with what its record has behind the terms; both empty is the other kind's.
#[inline(always)]
fn get_signed(terms: NewOrder, r: &mut Reader<'_>) -> Result<NewOrder, CodecError> {
    let order = NewOrder {
        valid_until: Nanos(r.u64()?),
        signed_by: SigningKeyId(r.take()?),
        ..terms
    };
    match order == terms {
        true => Err(CodecError::BadValue("signed_by")),
        false => Ok(order),
    }
}

fn put_cancel_all(w: &mut Writer<'_>, cancel: &CancelAll) {
    w.u32(cancel.account.0);
    w.bool(cancel.instrument.is_some());
    w.u32(cancel.instrument.unwrap_or_default().0);
    w.bool(cancel.before.is_some());
    w.u64(cancel.before.unwrap_or_default().0);
}

// As `get_terms`.
#[inline(always)]
fn get_cancel_all(r: &mut Reader<'_>) -> Result<CancelAll, CodecError> {
    Ok(CancelAll {
        account: AccountId(r.u32()?),
        instrument: optional(r, "instrument", Reader::u32)?.map(InstrumentId),
        before: optional(r, "before", Reader::u64)?.map(Sequence),
    })
}

/// A deadline, or none.
pub(super) fn put_cause(w: &mut Writer<'_>, cause: ArmCause) {
    let deadline = match cause {
        ArmCause::Disconnect => None,
        ArmCause::Deadline(at) => Some(at),
    };
    w.bool(deadline.is_some());
    w.u64(deadline.unwrap_or_default().0);
}

fn get_cause(r: &mut Reader<'_>) -> Result<ArmCause, CodecError> {
    let deadline = optional(r, "deadline", Reader::u64)?;
    Ok(deadline.map_or(ArmCause::Disconnect, |at| ArmCause::Deadline(Nanos(at))))
}

#[inline(never)]
fn put_administer(w: &mut Writer<'_>, administer: &Administer) {
    w.text(&administer.by());
    put_action(w, &administer.action());
}

fn put_action(w: &mut Writer<'_>, action: &AdminAction) {
    match action {
        AdminAction::DefineInstrument(spec) => {
            w.u8(1);
            put_spec(w, spec);
        }
        AdminAction::SetFees(set) => {
            w.u8(2);
            w.u32(set.instrument.0);
            w.i32(set.maker.0);
            w.i32(set.taker.0);
        }
        AdminAction::SetInstrumentStatus(set) => {
            w.u8(3);
            w.u32(set.instrument.0);
            w.u8(set.status as u8);
        }
        AdminAction::SetAccountStatus(set) => {
            w.u8(4);
            w.u32(set.account.0);
            w.u8(set.status as u8);
        }
        AdminAction::SetAccountLimits(set) => {
            w.u8(5);
            w.u32(set.account.0);
            w.u32(set.max_open_orders);
        }
        AdminAction::CancelAll(cancel) => {
            w.u8(6);
            put_cancel_all(w, cancel);
        }
        AdminAction::CancelInstrument(cancel) => {
            w.u8(7);
            w.u32(cancel.instrument.0);
        }
        AdminAction::SetLimits(set) => {
            w.u8(8);
            w.u32(set.max_accounts);
            w.u32(set.max_open_orders_per_account);
            w.u32(set.client_ids_total);
        }
        AdminAction::AcceptClock(accept) => {
            w.u8(9);
            w.u64(accept.to.0);
        }
    }
}

/// The most bytes that a name and an action have in a record.
pub(crate) const ADMINISTER_LEN: usize = 110;

/// A name and an action as a record has them, and zeros behind them.
pub(crate) fn pack_administer(by: &OperatorName, action: &AdminAction) -> [u8; ADMINISTER_LEN] {
    let mut bytes = [0; ADMINISTER_LEN];
    let mut w = Writer::new(&mut bytes);
    w.text(by);
    put_action(&mut w, action);
    bytes
}

pub(crate) fn unpack_administer(
    bytes: &[u8; ADMINISTER_LEN],
) -> Result<(OperatorName, AdminAction), CodecError> {
    get_administer(&mut Reader::new(bytes))
}

fn get_administer(r: &mut Reader<'_>) -> Result<(OperatorName, AdminAction), CodecError> {
    let by = r.text("by")?;
    let action = match r.u8()? {
        1 => AdminAction::DefineInstrument(get_spec(r)?),
        2 => AdminAction::SetFees(SetFees {
            instrument: InstrumentId(r.u32()?),
            maker: FeeRate(r.i32()?),
            taker: FeeRate(r.i32()?),
        }),
        3 => AdminAction::SetInstrumentStatus(SetInstrumentStatus {
            instrument: InstrumentId(r.u32()?),
            status: match r.bool("status")? {
                false => InstrumentStatus::Open,
                true => InstrumentStatus::CancelOnly,
            },
        }),
        4 => AdminAction::SetAccountStatus(SetAccountStatus {
            account: AccountId(r.u32()?),
            status: match r.bool("status")? {
                false => AccountStatus::Active,
                true => AccountStatus::Suspended,
            },
        }),
        5 => AdminAction::SetAccountLimits(SetAccountLimits {
            account: AccountId(r.u32()?),
            max_open_orders: r.u32()?,
        }),
        6 => AdminAction::CancelAll(get_cancel_all(r)?),
        7 => AdminAction::CancelInstrument(CancelInstrument {
            instrument: InstrumentId(r.u32()?),
        }),
        8 => AdminAction::SetLimits(SetLimits {
            max_accounts: r.u32()?,
            max_open_orders_per_account: r.u32()?,
            client_ids_total: r.u32()?,
        }),
        9 => AdminAction::AcceptClock(AcceptClock { to: Nanos(r.u64()?) }),
        _ => return Err(CodecError::BadValue("action")),
    };
    Ok((by, action))
}

fn get_order_id(r: &mut Reader<'_>) -> Result<OrderId, CodecError> {
    match r.u64()? {
        id if id <= Sequence::MAX.0 => Ok(OrderId(id)),
        _ => Err(CodecError::BadValue("order")),
    }
}

fn optional<'a, T: Default + PartialEq>(
    r: &mut Reader<'a>,
    field: &'static str,
    get: impl Fn(&mut Reader<'a>) -> Result<T, CodecError>,
) -> Result<Option<T>, CodecError> {
    let present = r.bool(field)?;
    let value = get(r)?;
    match present {
        true => Ok(Some(value)),
        false if value == T::default() => Ok(None),
        false => Err(CodecError::BadValue(field)),
    }
}
