//! What operators do and accounts arm, by chance; mostly so that trading goes on.

use hoga_engine::Engine;
use hoga_protocol::*;

use crate::{ACCOUNTS, common};

/// Whom nobody opens.
pub const NOBODY: u32 = 99;

/// A command to an exchange that stands like this, drawn by `below`, which gives a number below the one it is given.
pub fn command(engine: &Engine, below: &mut impl FnMut(u64) -> u64) -> Command {
    let account = match below(u64::from(ACCOUNTS) + 1) as u32 {
        ACCOUNTS => NOBODY,
        account => account,
    };
    let rarely = below(5) == 0;
    match below(20) {
        0..2 => return common::arm(account, None),
        2..4 => return common::arm(account, Some(below(1_000))),
        4..6 => {
            let found = engine.armings().nth(below(6) as usize).filter(|_| !rarely);
            let named = found.map_or((account, below(1_000)), |armed| (armed.account.0, armed.arming.0));
            return common::disarm(named.0, named.1);
        }
        6 => {
            let number = engine.accounts() as u32;
            return common::open_next(if rarely { below(4) as u32 } else { number });
        }
        7..12 => return common::administer(of_an_account(account, rarely, below)),
        _ => {}
    }
    common::administer(of_the_exchange(engine, rarely, below))
}

fn of_an_account(account: u32, rarely: bool, below: &mut impl FnMut(u64) -> u64) -> AdminAction {
    match below(4) {
        0 => common::set_account(
            account,
            match rarely {
                true => AccountStatus::Suspended,
                false => AccountStatus::Active,
            },
        ),
        1 if rarely => AdminAction::CancelAll(CancelAll {
            account: AccountId(account),
            instrument: None,
            before: None,
        }),
        _ => common::limit_account(account, if below(2) == 0 { below(9) as u32 } else { u32::MAX }),
    }
}

fn of_the_exchange(engine: &Engine, rarely: bool, below: &mut impl FnMut(u64) -> u64) -> AdminAction {
    let instrument = below(4) as u32;
    match below(7) {
        0 => common::set_status(
            instrument,
            match rarely {
                true => InstrumentStatus::CancelOnly,
                false => InstrumentStatus::Open,
            },
        ),
        1 => common::set_fees(instrument, below(1_200) as i32 - 600, below(1_000) as i32),
        2 => common::cancel_instrument(instrument),
        3 => set_limits(engine, rarely, below),
        4 => {
            let now = engine.now().0;
            let leaps = [1, 40, 5_000, 5_000_000, 700_000_000_000];
            let at = below(9) as usize;
            common::accept_clock(match leaps.get(at) {
                Some(leap) => now + leap,
                None if rarely => AcceptClock::MAX.0 + 1,
                None => now.saturating_sub(below(2)),
            })
        }
        _ => AdminAction::DefineInstrument(common::spec("X", [1, 9], 0, [0, 0])),
    }
}

/// Mostly a little more than there is, and an account's share that comes and goes.
fn set_limits(engine: &Engine, rarely: bool, below: &mut impl FnMut(u64) -> u64) -> AdminAction {
    let limits = engine.limits().copied().unwrap_or_default();
    let mut change = |limit: u32, most: u32| match below(8) {
        0 => limit.saturating_sub(1),
        1 if limit < most => limit + 1,
        _ => limit,
    };
    let (max_accounts, client_ids_total) = (
        change(limits.max_accounts, 40),
        change(limits.client_ids_total, 9),
    );
    AdminAction::SetLimits(SetLimits {
        max_accounts,
        max_open_orders_per_account: below(u64::from(limits.max_open_orders) / 2) as u32 + u32::from(!rarely),
        client_ids_total,
    })
}
