//! The views: events of a steady flow folded into books, orders, executions and order updates.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use hoga_benches::FlowKind;
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

criterion_group!(benches, views);
criterion_main!(benches);
