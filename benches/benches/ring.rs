//! The rings: what it costs to put commands into one and take them out, and a round trip between two threads.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use disruptor::{
    BusySpin, EventPoller, Polling, Producer, SingleConsumerBarrier, SingleProducer, SingleProducerBarrier,
    build_single_producer,
};
use hoga_benches::FlowKind;
use hoga_protocol::{Command, Event};

const SLOTS: usize = 1_024;

type Hop<E> = (
    EventPoller<E, SingleProducerBarrier>,
    SingleProducer<E, SingleConsumerBarrier>,
);

fn ring<E: Copy + Send + Sync + 'static>(empty: E) -> Hop<E> {
    let (poller, builder) = build_single_producer(SLOTS, move || empty, BusySpin).new_event_poller();
    (poller, builder.build())
}

/// One thread fills and empties: the ring's own cost, without any wake-up or cache line in flight.
fn hop<E: Copy + Send + Sync + 'static>(criterion: &mut Criterion, name: &str, event: E) {
    let mut group = criterion.benchmark_group("ring/hop");
    for batch in [1usize, 16, 256] {
        let (mut poller, mut producer) = ring(event);
        group.throughput(Throughput::Elements(batch as u64));
        group.bench_function(BenchmarkId::new(name, batch), |bencher| {
            bencher.iter(|| {
                for _ in 0..batch {
                    producer
                        .try_publish(|slot| *slot = black_box(event))
                        .expect("an empty ring");
                }
                let mut taken = 0;
                for event in &mut poller.poll().expect("events to take") {
                    black_box(event);
                    taken += 1;
                }
                assert_eq!(taken, batch);
            });
        });
    }
    group.finish();
}

/// Two threads, two rings, one event in flight. On a machine with other work the tail is the scheduler's.
fn round_trip(criterion: &mut Criterion) {
    let (mut there, mut send) = ring(0u64);
    let (mut back, mut answer) = ring(0u64);
    let echo = std::thread::spawn(move || {
        let mut idle = 0;
        loop {
            match there.poll() {
                Ok(mut events) => {
                    for &event in &mut events {
                        answer
                            .try_publish(|slot| *slot = event)
                            .expect("one event in flight");
                    }
                    idle = 0;
                }
                Err(Polling::NoEvents) => spin(&mut idle),
                Err(Polling::Shutdown) => return,
            }
        }
    });
    criterion.bench_function("ring/round_trip", |bencher| {
        bencher.iter(|| {
            send.try_publish(|slot| *slot += 1).expect("one event in flight");
            let mut idle = 0;
            loop {
                match back.poll() {
                    Ok(mut events) => {
                        break (&mut events).for_each(|event| {
                            black_box(event);
                        });
                    }
                    Err(_) => spin(&mut idle),
                }
            }
        });
    });
    drop(send);
    echo.join().expect("the echo ends");
}

/// Gives the core away after a while, so that the bench also ends where there is only one.
fn spin(idle: &mut u32) {
    *idle += 1;
    if idle.is_multiple_of(1_000) {
        std::thread::yield_now();
    } else {
        std::hint::spin_loop();
    }
}

fn rings(criterion: &mut Criterion) {
    let flow = FlowKind::D.make(10);
    let (_, events) = flow.events();
    let (command, event): (Command, Event) = (flow.steady[0].1, events[0]);
    hop(criterion, "command", command);
    hop(criterion, "event", event);
    round_trip(criterion);
}

criterion_group!(benches, rings);
criterion_main!(benches);
