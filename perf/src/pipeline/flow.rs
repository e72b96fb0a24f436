//! The commands that go through the pipeline, made before any clock starts.

use hoga_benches::{Facts, Flow, Timed};
use hoga_engine::ENGINE_VERSION;
use hoga_protocol::{
    AccountId, AccountName, CancelOrder, ClientOrderId, Command, ExchangeId, FeeRate, Genesis, InstrumentId,
    InstrumentSpec, Limits, Lots, Nanos, NewOrder, Notional, OpenAccount, OrderId, OrderType, Scaled, Side,
    SigningKeyId, Symbol, Ticks, TimeInForce,
};

use crate::cli::{MOST_COMMANDS, Source};
use crate::failure::{Failure, Outcome};

/// The exchange's time from one command to the next.
const STEP_NANOS: u64 = 1_000;

/// Its name on the command line.
pub fn name(source: Source) -> &'static str {
    match source {
        Source::Made(kind) => kind.name(),
        Source::Lone => "lone",
    }
}

/// Makes a flow of so many commands after its opening.
///
/// # Errors
/// When that is more than [`MOST_COMMANDS`].
pub fn make(source: Source, commands: u64) -> Outcome<Flow> {
    if commands > u64::from(MOST_COMMANDS) {
        return Err(Failure::new(format!(
            "the run needs {commands} commands, and at most {MOST_COMMANDS} are made: lower --rate, --seconds, \
             --warm-up or --blocks"
        )));
    }
    eprintln!("making {commands} commands of flow {}", name(source));
    Ok(match source {
        Source::Made(kind) => kind.make(commands as usize),
        Source::Lone => lone(commands),
    })
}

/// One account that rests an order and cancels it, again and again.
fn lone(commands: u64) -> Flow {
    let (account, instrument) = (AccountId(0), InstrumentId(0));
    let opening = [
        Command::Genesis(Genesis {
            engine_version: ENGINE_VERSION,
            exchange: ExchangeId(1),
            hash_key: [1, 2],
            limits: Limits {
                max_instruments: 1,
                max_accounts: 1,
                max_open_orders: 1_024,
                max_open_orders_per_account: 1_024,
                max_touched_orders: Limits::MAX_TOUCHED,
                client_ids_per_account: 0,
                client_ids_total: 0,
            },
        }),
        Command::DefineInstrument(spec()),
        Command::OpenAccount(OpenAccount {
            account,
            name: AccountName::new("lone").expect("a name"),
        }),
    ];
    let before = opening.len() as u64;
    let at = |sequence: u64, command| -> Timed { (Nanos(sequence * STEP_NANOS), command) };
    let steady = (0..commands).map(|number| {
        let sequence = before + 1 + number;
        let command = if number % 2 == 0 {
            Command::NewOrder(NewOrder {
                account,
                instrument,
                side: Side::Buy,
                order_type: OrderType::Limit,
                time_in_force: TimeInForce::Gtc,
                post_only: false,
                price: Ticks(30_000),
                quantity: Lots(1),
                client_order_id: ClientOrderId::EMPTY,
                valid_until: Nanos(0),
                signed_by: SigningKeyId::NONE,
            })
        } else {
            Command::CancelOrder(CancelOrder {
                account,
                order: OrderId(sequence - 1),
            })
        };
        at(sequence, command)
    });
    Flow {
        steady: steady.collect(),
        opening: (1..)
            .zip(opening)
            .map(|(sequence, command)| at(sequence, command))
            .collect(),
        facts: Facts {
            messages: commands,
            gtc: commands.div_ceil(2),
            cancels: commands / 2,
            events: commands,
            canceled: commands / 2,
            resting_max: commands.min(1),
            resting_end: commands % 2,
            levels_max: commands.min(1),
            levels_end: commands % 2,
            instruments: 1,
            accounts: 1,
            ..Facts::default()
        },
    }
}

fn spec() -> InstrumentSpec {
    let unit = |scale| Scaled { mantissa: 1, scale };
    InstrumentSpec::new(
        Symbol::new("LONE-USD").expect("a symbol"),
        unit(2),
        unit(0),
        4,
        Lots(1),
        Lots::MAX,
        Notional(0),
        FeeRate(200),
        FeeRate(500),
    )
    .expect("an instrument")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lone_account_is_refused_nothing() {
        let flow = make(Source::Lone, 101).expect("a flow");
        let (_, steady) = flow.events();
        let refused = steady
            .iter()
            .any(|event| matches!(event.body, hoga_protocol::EventBody::Rejected(_)));
        assert!(!refused);
        assert_eq!((steady.len() as u64, flow.steady.len()), (flow.facts.events, 101));
        let mut engine = flow.engine();
        hoga_benches::apply(&mut engine, &flow.steady, &mut |_| {});
        assert_eq!(engine.open_orders() as u64, flow.facts.resting_end);
        let error = make(Source::Lone, u64::from(MOST_COMMANDS) + 1)
            .map(|_| ())
            .expect_err("too many");
        assert!(error.to_string().contains("lower --rate"), "{error}");
    }
}
