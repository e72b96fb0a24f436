//! The matching core alone: small editions of the generated flows, every event hashed. For figures that count, and
//! for the flows in full, there is `hoga-perf matcher`.

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use hoga_benches::{EventHash, FlowKind, apply};

/// Enough for a whole weather of an equity flow and for two sweeps, and few enough for a test.
const MESSAGES: usize = 20_002;
const FLOWS: [FlowKind; 7] = [
    FlowKind::A,
    FlowKind::B100k,
    FlowKind::CNormal,
    FlowKind::CCrash,
    FlowKind::D,
    FlowKind::E,
    FlowKind::F,
];

fn book(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("book");
    group.throughput(Throughput::Elements(MESSAGES as u64));
    group.sample_size(20);
    for kind in FLOWS {
        let flow = kind.make(MESSAGES);
        let book = flow.engine();
        println!("{}: {}\n{}", kind.name(), kind.about(), flow.facts);
        group.bench_function(BenchmarkId::from_parameter(kind.name()), |bencher| {
            bencher.iter_batched_ref(
                || book.clone(),
                |engine| {
                    let mut hash = EventHash::default();
                    apply(engine, &flow.steady, &mut |event| hash.add(event));
                    hash.value()
                },
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, book);
criterion_main!(benches);
