//! The words of a scenario: commands from text, events and books to text.

use std::collections::BTreeMap;

use hoga_engine::Engine;
use hoga_protocol::*;

use super::Names;
use crate::common;

/// What a name that nothing has stands for.
const NOBODY: u32 = 999;

/// A command to an exchange whose time will be `now`.
pub fn command(names: &Names, engine: &Engine, now: Nanos, text: &str) -> Result<Command, String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    match words.as_slice() {
        ["begin", settings @ ..] => begin(settings),
        ["define", symbol, settings @ ..] => Ok(Command::DefineInstrument(define(symbol, settings)?)),
        ["open", name] => Ok(common::open(engine.accounts() as u32, name)),
        ["open", name, "as", number] => Ok(common::open(whole(number)?, name)),
        ["checkpoint"] => Ok(common::checkpoint(engine)),
        ["checkpoint", "of", "another"] => Ok(Command::Checkpoint(Checkpoint {
            previous: Some(StateCheck {
                sequence: engine.last_sequence(),
                digest: [0xee; 16],
            }),
        })),
        [account, "cancels", order] if order.starts_with("id=") => {
            let id = order.strip_prefix("id=").unwrap_or_default();
            Ok(Command::CancelClientOrder(CancelClientOrder {
                account: names.account(account),
                client_order_id: ClientOrderId::new(id).unwrap_or_default(),
            }))
        }
        ["rules", version] => Ok(common::raise(whole(version)?)),
        ["admin", by, action @ ..] => Ok(Command::Administer(Administer::new(
            OperatorName::new(by).map_err(|error| error.to_string())?,
            admin_action(names, now, engine.limits(), action)?,
        ))),
        [account, "arms", rest @ ..] => {
            let deadline = settings(rest)?.get("until").map(|text| whole(text)).transpose()?;
            Ok(Command::Arm(Arm {
                account: names.account(account),
                cause: deadline.map_or(ArmCause::Disconnect, |at| ArmCause::Deadline(Nanos(at))),
            }))
        }
        [account, "disarms", arming] => Ok(Command::Disarm(Disarm {
            account: names.account(account),
            arming: Sequence(names.order(arming).0),
        })),
        [account, "buys", rest @ ..] => new_order(names, now, account, Side::Buy, rest),
        [account, "sells", rest @ ..] => new_order(names, now, account, Side::Sell, rest),
        [account, "replaces", order, rest @ ..] => {
            let set = settings(rest)?;
            let known = |key: &&str| ["price", "quantity"].contains(key);
            if !set.keys().all(known) {
                return Err(format!("a replace has a price and a quantity: {rest:?}"));
            }
            let price = set.get("price").map(|text| whole(text)).transpose()?;
            let quantity = set.get("quantity").map(|text| whole(text)).transpose()?;
            Ok(Command::ReplaceOrder(ReplaceOrder {
                account: names.account(account),
                order: names.order(order),
                price: price.map(Ticks),
                quantity: quantity.map(Lots),
            }))
        }
        [account, "cancels", "all", rest @ ..] if rest.len() <= 1 => {
            Ok(Command::CancelAll(cancel_all(names, account, rest)))
        }
        [account, "cancels", order] => Ok(Command::CancelOrder(CancelOrder {
            account: names.account(account),
            order: names.order(order),
        })),
        _ => Err(format!("not a command: {text}")),
    }
}

fn cancel_all(names: &Names, account: &str, rest: &[&str]) -> CancelAll {
    CancelAll {
        account: names.account(account),
        instrument: rest.first().map(|symbol| names.instrument(symbol)),
        before: None,
    }
}

fn admin_action(
    names: &Names,
    now: Nanos,
    limits: Option<&Limits>,
    words: &[&str],
) -> Result<AdminAction, String> {
    let status = |account: &str, status| {
        AdminAction::SetAccountStatus(SetAccountStatus {
            account: names.account(account),
            status,
        })
    };
    Ok(match words {
        ["define", symbol, settings @ ..] => AdminAction::DefineInstrument(define(symbol, settings)?),
        ["fees", symbol, rates @ ..] => {
            let rates = settings(rates)?;
            let rate = |key| rates.get(key).map_or(Ok(0), |text| whole(text)).map(FeeRate);
            AdminAction::SetFees(SetFees {
                instrument: names.instrument(symbol),
                maker: rate("maker")?,
                taker: rate("taker")?,
            })
        }
        ["sets", "limits", rest @ ..] => {
            AdminAction::SetLimits(set_limits(limits.copied().unwrap_or_default(), rest)?)
        }
        ["cancels", "all", "of", symbol] => AdminAction::CancelInstrument(CancelInstrument {
            instrument: names.instrument(symbol),
        }),
        ["puts", "the", "clock", "forward", by] => common::accept_clock(after(now, by)?.0),
        ["puts", "the", "clock", "to", "2262"] => common::accept_clock(AcceptClock::MAX.0),
        ["puts", "the", "clock", "beyond", "2262"] => common::accept_clock(AcceptClock::MAX.0 + 1),
        ["sets", symbol, status @ ("open" | "cancel-only")] => {
            AdminAction::SetInstrumentStatus(SetInstrumentStatus {
                instrument: names.instrument(symbol),
                status: match *status {
                    "open" => InstrumentStatus::Open,
                    _ => InstrumentStatus::CancelOnly,
                },
            })
        }
        ["suspends", account] => status(account, AccountStatus::Suspended),
        ["activates", account] => status(account, AccountStatus::Active),
        ["limits", account, limit] => AdminAction::SetAccountLimits(SetAccountLimits {
            account: names.account(account),
            max_open_orders: match *limit {
                "none" => u32::MAX,
                limit => whole(limit)?,
            },
        }),
        [account, "cancels", "all", rest @ ..] if rest.len() <= 1 => {
            AdminAction::CancelAll(cancel_all(names, account, rest))
        }
        _ => return Err(format!("no operator does this: {words:?}")),
    })
}

/// The limits in force with some of them changed.
fn set_limits(limits: Limits, words: &[&str]) -> Result<SetLimits, String> {
    let mut set = SetLimits {
        max_accounts: limits.max_accounts,
        max_open_orders_per_account: limits.max_open_orders_per_account,
        client_ids_total: limits.client_ids_total,
    };
    for (key, value) in settings(words)? {
        *match key {
            "max_accounts" => &mut set.max_accounts,
            "max_open_orders_per_account" => &mut set.max_open_orders_per_account,
            "client_ids_total" => &mut set.client_ids_total,
            _ => return Err(format!("no such limit: {key}")),
        } = whole(value)?;
    }
    Ok(set)
}

/// So many milliseconds after a time, or nanoseconds where the text says so; it may be before it.
fn after(time: Nanos, text: &str) -> Result<Nanos, String> {
    let by: i64 = match text.strip_suffix("ns") {
        Some(nanos) => whole(nanos)?,
        None => whole::<i64>(text)? * 1_000_000,
    };
    Ok(Nanos(time.0.saturating_add_signed(by)))
}

fn begin(words: &[&str]) -> Result<Command, String> {
    let Command::Genesis(mut genesis) = common::genesis(common::LIMITS) else {
        unreachable!("genesis is a genesis")
    };
    let given = settings(words)?;
    if !given.contains_key("max_open_orders_per_account") {
        genesis.limits.max_open_orders_per_account = given
            .get("max_open_orders")
            .map_or(Ok(genesis.limits.max_open_orders), |text| whole(text))?;
    }
    for (key, value) in given {
        let limits = &mut genesis.limits;
        *match key {
            "version" => &mut genesis.engine_version,
            "max_instruments" => &mut limits.max_instruments,
            "max_accounts" => &mut limits.max_accounts,
            "max_open_orders" => &mut limits.max_open_orders,
            "max_open_orders_per_account" => &mut limits.max_open_orders_per_account,
            "max_touched_orders" => &mut limits.max_touched_orders,
            "client_ids_per_account" => &mut limits.client_ids_per_account,
            "client_ids_total" => &mut limits.client_ids_total,
            _ => return Err(format!("no such setting: {key}")),
        } = whole(value)?;
    }
    Ok(Command::Genesis(genesis))
}

fn define(symbol: &str, words: &[&str]) -> Result<InstrumentSpec, String> {
    let (mut quantity, mut notional, mut fees) = ([1, 1_000], 0, [0, 0]);
    for (key, value) in settings(words)? {
        match key {
            "min" => quantity[0] = whole(value)?,
            "max" => quantity[1] = whole(value)?,
            "notional" => notional = whole(value)?,
            "maker" => fees[0] = whole(value)?,
            "taker" => fees[1] = whole(value)?,
            _ => return Err(format!("no such setting: {key}")),
        }
    }
    Ok(common::spec(symbol, quantity, notional, fees))
}

fn new_order(
    names: &Names,
    now: Nanos,
    account: &str,
    side: Side,
    words: &[&str],
) -> Result<Command, String> {
    let [quantity, symbol, "at", price, terms @ ..] = words else {
        return Err(format!("not an order: {words:?}"));
    };
    let mut order = common::limit(side, 0, whole(quantity)?);
    order.account = names.account(account);
    order.instrument = names.instrument(symbol);
    match *price {
        "market" => order.order_type = OrderType::Market,
        price => order.price = Ticks(whole(price)?),
    }
    for term in terms {
        match (*term, term.split_once('=')) {
            ("gtc", _) => order.time_in_force = TimeInForce::Gtc,
            ("ioc", _) => order.time_in_force = TimeInForce::Ioc,
            ("fok", _) => order.time_in_force = TimeInForce::Fok,
            ("post-only", _) => order.post_only = true,
            (_, Some(("price", price))) => order.price = Ticks(whole(price)?),
            (_, Some(("valid", by))) => order.valid_until = after(now, by)?,
            (_, Some(("key", key))) => order.signed_by = SigningKeyId([whole(key)?; 10]),
            (_, Some(("id", id))) => {
                order.client_order_id = ClientOrderId::new(id).map_err(|e| e.to_string())?
            }
            _ => return Err(format!("no such term: {term}")),
        }
    }
    Ok(Command::NewOrder(order))
}

fn settings<'a>(words: &[&'a str]) -> Result<BTreeMap<&'a str, &'a str>, String> {
    let pair = |word: &&'a str| word.split_once('=').ok_or(format!("not a setting: {word}"));
    words.iter().map(pair).collect()
}

fn whole<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("not a number here: {text}"))
}

impl Names {
    fn account(&self, name: &str) -> AccountId {
        self.accounts.get(name).copied().unwrap_or(AccountId(NOBODY))
    }

    fn instrument(&self, symbol: &str) -> InstrumentId {
        let found = self.instruments.get(symbol).copied();
        found.unwrap_or(InstrumentId(NOBODY))
    }

    fn order(&self, label: &str) -> OrderId {
        self.orders.get(label).copied().unwrap_or(OrderId(NOBODY.into()))
    }

    fn of_order(&self, order: OrderId) -> &str {
        name_of(&self.orders, &order)
    }
}

fn name_of<'a, T: PartialEq>(names: &'a BTreeMap<String, T>, value: &T) -> &'a str {
    let found = names.iter().find(|(_, known)| *known == value);
    found.map_or("?", |(name, _)| name)
}

pub fn event(names: &Names, event: &Event) -> String {
    let order = |order| names.of_order(order);
    let account = |account| name_of(&names.accounts, account);
    let symbol = |instrument| name_of(&names.instruments, instrument);
    match &event.body {
        EventBody::Started(_) => "started".to_owned(),
        EventBody::InstrumentDefined(defined) => {
            format!("defined {} as {}", defined.spec.symbol(), defined.instrument.0)
        }
        EventBody::AccountOpened(opened) => format!("opened {} as {}", opened.name, opened.account.0),
        EventBody::OrderAccepted(accepted) => format!("{} accepted", order(accepted.order)),
        EventBody::Trade(trade) => {
            let (verb, from) = match trade.aggressor_side {
                Side::Buy => ("buys", "from"),
                Side::Sell => ("sells", "to"),
            };
            format!(
                "{} {verb} {} {} {from} {} at {}; {}; {}",
                order(trade.aggressor.order),
                trade.quantity.0,
                symbol(&trade.instrument),
                order(trade.resting.order),
                trade.price.0,
                side(names, &trade.aggressor),
                side(names, &trade.resting),
            )
        }
        EventBody::OrderCanceled(canceled) => {
            let place = if canceled.was_resting {
                "from the book"
            } else {
                "on entry"
            };
            let (name, left) = (order(canceled.order), canceled.canceled.0);
            format!("{name} canceled {place}: {left}, {:?}", canceled.reason)
        }
        EventBody::OrderReplaced(replaced) => format!(
            "{} replaced: {} at {}, leaves {}, {} its place",
            order(replaced.order),
            replaced.quantity.0,
            replaced.price.0,
            replaced.leaves.0,
            if replaced.priority_kept { "keeps" } else { "loses" },
        ),
        EventBody::MassCancelDone(done) => format!(
            "{} canceled {}, {}",
            account(&done.account),
            done.canceled,
            if done.more { "more are left" } else { "no more" },
        ),
        EventBody::DuplicateOrder { order: first } => format!("duplicate of {}", order(*first)),
        EventBody::Checkpointed(checkpointed) => {
            let word = if checkpointed.agrees { "agrees" } else { "differs" };
            format!("checkpoint {word}")
        }
        EventBody::EngineVersionRaised(raised) => format!("rules {}", raised.version),
        EventBody::Armed(armed) => {
            let name = order(OrderId(armed.arming.0));
            format!(
                "{name} armed for {}: {}",
                account(&armed.account),
                when(armed.cause)
            )
        }
        EventBody::Disarmed(disarmed) => {
            let name = order(OrderId(disarmed.arming.0));
            format!("{name} disarmed for {}", account(&disarmed.account))
        }
        EventBody::FeesSet(set) => {
            let (by, rates) = (set.by, (set.maker.0, set.taker.0));
            let symbol = symbol(&set.instrument);
            format!("{by} set fees of {symbol}: maker {}, taker {}", rates.0, rates.1)
        }
        EventBody::InstrumentStatusSet(set) => {
            format!("{} set {} to {:?}", set.by, symbol(&set.instrument), set.status)
        }
        EventBody::AccountStatusSet(set) => {
            format!("{} set {} to {:?}", set.by, account(&set.account), set.status)
        }
        EventBody::AccountLimitsSet(set) => {
            let limit = match set.max_open_orders {
                u32::MAX => "as many orders as any".to_owned(),
                limit => format!("{limit} orders"),
            };
            format!("{} limited {} to {limit}", set.by, account(&set.account))
        }
        EventBody::InstrumentCanceled(done) => format!(
            "{} canceled {} of {}, {}",
            done.by,
            done.canceled,
            symbol(&done.instrument),
            if done.more { "more are left" } else { "no more" },
        ),
        EventBody::LimitsSet(set) => {
            let limits = &set.limits;
            format!(
                "{} set limits: {} accounts, {} open orders of each, {} client order ids",
                set.by, limits.max_accounts, limits.max_open_orders_per_account, limits.client_ids_total
            )
        }
        EventBody::ClockAccepted(accepted) => {
            let by = accepted.to.0 - accepted.from.0;
            format!("{} put the clock forward by {by} ns", accepted.by)
        }
        EventBody::Rejected(rejected) => match rejected.order {
            Some(about) => format!("rejected {:?} ({})", rejected.reason, order(about)),
            None => format!("rejected {:?}", rejected.reason),
        },
    }
}

fn side(names: &Names, side: &TradeSide) -> String {
    let leaves = format!("{} leaves {}", names.of_order(side.order), side.leaves.0);
    match side.fee.0 {
        0 => leaves,
        fee => format!("{leaves}, fee {fee}"),
    }
}

/// The armings in force, oldest first.
pub fn armings(engine: &Engine, names: &Names) -> Vec<String> {
    let line = |armed: Armed| {
        let name = names.of_order(OrderId(armed.arming.0));
        format!("{name}: {}", when(armed.cause))
    };
    engine.armings().map(line).collect()
}

fn when(cause: ArmCause) -> String {
    match cause {
        ArmCause::Disconnect => "at disconnect".to_owned(),
        ArmCause::Deadline(at) => format!("until {}", at.0),
    }
}

/// The asks from the highest down, then the bids.
pub fn book(engine: &Engine, names: &Names, symbol: &str) -> Vec<String> {
    let instrument = names.instrument(symbol);
    let lines = |side: Side| {
        let word = if side == Side::Buy { "bid" } else { "ask" };
        let mut orders = engine.orders(instrument, side);
        let level = |level: hoga_engine::LevelTotals| {
            let queue = orders.by_ref().take(level.orders as usize);
            let queue: Vec<String> = queue
                .map(|order| format!("{} {}", names.of_order(order.order), order.leaves().0))
                .collect();
            format!(
                "{word} {}: {} ({})",
                level.price.0,
                level.volume.0,
                queue.join(", ")
            )
        };
        engine.levels(instrument, side).map(level).collect::<Vec<_>>()
    };
    let mut shown: Vec<String> = lines(Side::Sell).into_iter().rev().collect();
    shown.append(&mut lines(Side::Buy));
    if shown.is_empty() {
        shown.push("empty".to_owned());
    }
    shown
}
