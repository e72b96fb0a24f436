//! The views: events folded into books, orders, executions and order updates, of a steady flow and of orders that take
//! many others at once.

use std::time::{Duration, Instant};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use hoga_benches::{DeepBook, FlowKind};
use hoga_protocol::Event;
use hoga_views::{ViewLimits, Views};

fn views(criterion: &mut Criterion) {
    let flow = FlowKind::D.make(20_000);
    let (opening, steady) = flow.events();
    let opened = || {
        let mut views = Views::new(ViewLimits::default());
        opening.iter().for_each(|event| views.fold(event));
        views
    };
    let mut group = criterion.benchmark_group("views");
    group.throughput(Throughput::Elements(steady.len() as u64));
    group.sample_size(20);
    group.bench_function("fold", |bencher| {
        bencher.iter_batched_ref(
            opened,
            |views| {
                steady.iter().for_each(|event| views.fold(event));
                views.sequence()
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

/// Orders of a thousand fills each out of 150,000 that rest, which others then put back: what others wait for while the
/// gateway folds such an order. All that the views remember is full.
fn deep(criterion: &mut Criterion) {
    let mut deep = DeepBook::new(150_000, 15);
    let mut views = Views::new(ViewLimits::default());
    deep.opening(&mut |event| views.fold(event));
    let mut events = Vec::new();
    let mut round = || {
        events.clear();
        deep.take(1_000, &mut |event| events.push(*event));
        let began = Instant::now();
        fold(&mut views, &events);
        let taken = began.elapsed();
        events.clear();
        deep.put_back(1_000, &mut |event| events.push(*event));
        fold(&mut views, &events);
        while views.tidy() > 0 {}
        taken
    };
    (0..200).for_each(|_| _ = round());
    let mut group = criterion.benchmark_group("views");
    group.throughput(Throughput::Elements(1_000));
    group.sample_size(10);
    group.bench_function("order of 1,000 fills", |bencher| {
        bencher.iter_custom(|rounds| (0..rounds).map(|_| round()).sum::<Duration>());
    });
    group.finish();
}

/// As the gateway does, in the groups that the output ring hands out.
fn fold(views: &mut Views, events: &[Event]) {
    for group in events.chunks(Views::PREFETCHED) {
        views.prefetch(group.iter());
        group.iter().for_each(|event| views.fold(event));
    }
}

criterion_group!(benches, views, deep);
criterion_main!(benches);
