//! What operators do and accounts arm, by chance; mostly so that trading goes on.

use hoga_engine::Engine;
use hoga_protocol::*;

use crate::{ACCOUNTS, common};

/// A command to an exchange that stands like this, drawn by `below`, which gives a number below the one it is given.
pub fn command(engine: &Engine, below: &mut impl FnMut(u64) -> u64) -> Command {
    let account = below(u64::from(ACCOUNTS) + 1) as u32;
    let instrument = below(4) as u32;
    let rarely = below(5) == 0;
    match below(16) {
        0..3 => return common::arm(account, None),
        3..6 => return common::arm(account, Some(below(1_000))),
        6..9 => {
            let found = engine.armings().nth(below(6) as usize).filter(|_| !rarely);
            let named = found.map_or((account, below(1_000)), |armed| (armed.account.0, armed.arming.0));
            return common::disarm(named.0, named.1);
        }
        _ => {}
    }
    common::administer(match below(6) {
        0 => common::set_status(
            instrument,
            match rarely {
                true => InstrumentStatus::CancelOnly,
                false => InstrumentStatus::Open,
            },
        ),
        1 => common::set_account(
            account,
            match rarely {
                true => AccountStatus::Suspended,
                false => AccountStatus::Active,
            },
        ),
        2 => common::limit_account(account, if rarely { below(9) as u32 } else { u32::MAX }),
        3 => common::set_fees(instrument, below(1_200) as i32 - 600, below(1_000) as i32),
        4 if rarely => AdminAction::CancelAll(CancelAll {
            account: AccountId(account),
            instrument: None,
            before: None,
        }),
        _ => AdminAction::DefineInstrument(common::spec("X", [1, 9], 0, [0, 0])),
    })
}
