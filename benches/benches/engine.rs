//! The matching core alone: a steady flow over books of two depths, every event hashed.

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use hoga_benches::{Flow, apply};
use hoga_protocol::{Event, EventBody};

const COMMANDS: usize = 20_000;

fn digest(hash: u64, event: &Event) -> u64 {
    let value = match &event.body {
        EventBody::OrderAccepted(accepted) => accepted.order.0,
        EventBody::Trade(trade) => trade.resting.order.0 ^ trade.quantity.0,
        EventBody::OrderCanceled(canceled) => canceled.order.0 ^ canceled.canceled.0,
        EventBody::OrderReplaced(replaced) => replaced.order.0 ^ replaced.leaves.0,
        _ => 0,
    };
    (hash ^ event.sequence.0 ^ value).wrapping_mul(0x0100_0000_01b3)
}

fn engine(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("engine/apply");
    group.throughput(Throughput::Elements(COMMANDS as u64));
    group.sample_size(20);
    for depth in [1_000, 10_000] {
        let flow = Flow::new(1, depth, COMMANDS);
        let book = flow.engine();
        println!(
            "{depth} resting orders: {} trades in {COMMANDS} commands",
            flow.trades
        );
        group.bench_function(BenchmarkId::from_parameter(depth), |bencher| {
            bencher.iter_batched_ref(
                || book.clone(),
                |engine| {
                    let (mut last, mut hash) = (flow.opening.len() as u64, 0);
                    apply(engine, &mut last, &flow.steady, &mut |event| {
                        hash = digest(hash, event)
                    });
                    hash
                },
                BatchSize::LargeInput,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, engine);
criterion_main!(benches);
