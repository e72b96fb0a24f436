//! The rings and the matcher with a gateway that drains slowly.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use hoga::agent::IdleStrategy;
use hoga::checkpoints::CheckpointOptions;
use hoga::clock::ExchangeClock;
use hoga::config::{Config, Durability};
use hoga::cores::CorePlan;
use hoga::pipeline::{self, PipelineOptions, RingSink, RingSource};
use hoga::recovery::{self, Stores};
use hoga_gateway::{Gateway, GatewayConfig};
use hoga_protocol::*;
use hoga_service::{CommandSink, EventSource};

const LEVELS: i64 = 300;

fn order(side: Side, price: i64, quantity: u64) -> Command {
    Command::NewOrder(NewOrder {
        account: AccountId(0),
        instrument: InstrumentId(0),
        side,
        order_type: OrderType::Limit,
        time_in_force: TimeInForce::Gtc,
        post_only: false,
        price: Ticks(price),
        quantity: Lots(quantity),
        client_order_id: ClientOrderId::EMPTY,
        valid_until: Nanos(0),
        signed_by: SigningKeyId::NONE,
    })
}

#[test]
fn a_full_output_ring_neither_loses_nor_reorders_an_event() {
    let config = Config {
        durability: Durability::Memory,
        ..Config::default()
    };
    let stores = Stores::new(Path::new("never-made"));
    let recovered = recovery::recover(&config, &stores, &mut |_| {}).unwrap();
    let engine = recovered.replica.engine;
    let first = engine.last_sequence().next();
    let listen = GatewayConfig {
        listen: "127.0.0.1:0".parse().unwrap(),
        ..GatewayConfig::default()
    };
    let gateway = Gateway::<RingSink, RingSource, _>::bind(listen, ExchangeClock::new()).unwrap();
    let options = PipelineOptions {
        input_ring: 1024,
        output_ring: 64,
        idle: IdleStrategy::Park,
        cores: CorePlan::Split {
            journaler: None,
            matcher: None,
            gateway: None,
        },
        checkpoints: CheckpointOptions::NEVER,
    };
    let pipeline = pipeline::start(engine, recovered.writer, gateway.waker(), &options);
    let (mut sink, mut source) = (pipeline.sink, pipeline.source);

    let name = AccountName::new("slow").unwrap();
    sink.submit(
        Nanos(1),
        &Command::OpenAccount(OpenAccount {
            account: AccountId(0),
            name,
        }),
    )
    .unwrap();
    for price in 1..=LEVELS {
        sink.submit(Nanos(1), &order(Side::Sell, price, 1)).unwrap();
    }
    let sweep = sink
        .submit(Nanos(1), &order(Side::Buy, LEVELS, LEVELS as u64))
        .unwrap();

    let mut next = (first, 0);
    let mut trades = 0;
    let deadline = Instant::now() + Duration::from_secs(30);
    // The ring is small, so as long as nothing is taken the matcher must wait for room.
    while pipeline.counters.output_room_waits.load(Ordering::Relaxed) == 0 {
        std::thread::yield_now();
        assert!(Instant::now() < deadline, "the ring was never full");
    }
    while next.0 <= sweep {
        source.drain(7, &mut |events| {
            for event in events {
                assert_eq!(
                    (event.sequence, event.index),
                    next,
                    "an event is missing, doubled or out of order"
                );
                trades += i64::from(matches!(event.body, EventBody::Trade(_)));
                next = if event.last {
                    (event.sequence.next(), 0)
                } else {
                    (event.sequence, event.index + 1)
                };
            }
        });
        std::thread::yield_now();
        assert!(Instant::now() < deadline, "stuck before {next:?}");
    }
    assert_eq!(trades, LEVELS);
    drop(sink);
    for thread in pipeline.threads {
        thread.join().unwrap();
    }
}
