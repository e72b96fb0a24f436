//! Any bytes as a journal record: refused, or a command that is written as these very bytes again and that no engine
//! panics on.
#![no_main]

use std::cell::RefCell;

use hoga_engine::{ENGINE_VERSION, Engine};
use hoga_protocol::codec::{MAX_RECORD, decode_command, encode_command};
use hoga_protocol::*;
use libfuzzer_sys::fuzz_target;

thread_local! {
    static BEGUN: RefCell<Engine> = RefCell::new(begun());
}

fuzz_target!(|record: &[u8]| {
    let Ok((timestamp, command)) = decode_command(record) else {
        return;
    };
    let mut bytes = [0; MAX_RECORD];
    let length = encode_command(timestamp, &command, &mut bytes);
    assert_eq!(&bytes[..length], record, "{command:?} has two encodings");
    assert_eq!(decode_command(&bytes[..length]), Ok((timestamp, command)));
    // One engine takes all commands of a run; a genesis begins one of its own where its limits ask for little.
    BEGUN.with_borrow_mut(|engine| apply(engine, timestamp, &command));
    if let Command::Genesis(genesis) = &command
        && genesis.limits.max_open_orders <= 1 << 12
        && genesis.limits.client_ids_total <= 1 << 12
    {
        apply(&mut Engine::new(), timestamp, &command);
    }
});

fn apply(engine: &mut Engine, timestamp: Nanos, command: &Command) {
    let (sequence, mut events, mut ended) = (engine.last_sequence().next(), 0, false);
    engine.apply(sequence, timestamp, command, &mut |event| {
        assert_eq!((event.sequence, event.index), (sequence, events));
        assert!(!ended, "an event after the last one");
        events += 1;
        ended = event.last;
    });
    assert!(ended, "{command:?} has no last event");
}

fn begun() -> Engine {
    let mut engine = Engine::new();
    let genesis = Genesis {
        engine_version: ENGINE_VERSION,
        exchange: ExchangeId(1),
        hash_key: [1, 2],
        limits: Limits {
            max_instruments: 8,
            max_accounts: 8,
            max_open_orders: 256,
            max_open_orders_per_account: 256,
            max_touched_orders: Limits::MAX_TOUCHED,
            client_ids_per_account: 8,
            client_ids_total: 32,
        },
    };
    apply(&mut engine, Nanos(0), &Command::Genesis(genesis));
    engine
}
