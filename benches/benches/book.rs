//! The matching core alone: small editions of the generated flows, every event hashed. For figures that count, and
//! for the flows in full, there is `hoga-perf matcher`.

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use hoga_benches::{DeepBook, EventHash, FlowKind, apply};

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

/// Bytes that work between two orders touches: more than any cache holds.
const OTHER_WORK: usize = 256 << 20;

/// Orders of a thousand fills each out of 150,000 that rest, which others then put back: what others wait for while the
/// matcher carries out such an order. Before each the caches are emptied, as a busy machine does between two of them.
fn deep(criterion: &mut Criterion) {
    let mut deep = DeepBook::new(150_000, 15);
    deep.opening(&mut |_| ());
    let mut other = vec![0u64; OTHER_WORK / size_of::<u64>()];
    let mut round = || {
        other.iter_mut().step_by(8).for_each(|word| *word += 1);
        black_box(&other);
        let began = Instant::now();
        deep.take(1_000, &mut |event| _ = black_box(event));
        let taken = began.elapsed();
        deep.put_back(1_000, &mut |_| ());
        taken
    };
    (0..20).for_each(|_| _ = round());
    let mut group = criterion.benchmark_group("book");
    group.throughput(Throughput::Elements(1_000));
    group.sample_size(10);
    group.bench_function("order of 1,000 fills", |bencher| {
        bencher.iter_custom(|rounds| (0..rounds).map(|_| round()).sum::<Duration>());
    });
    group.finish();
}

criterion_group!(benches, book, deep);
criterion_main!(benches);
