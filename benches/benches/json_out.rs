//! Executions as JSON: the founding stream's object, written from fixed point.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hoga_benches::FlowKind;
use hoga_gateway::wire::encode;
use hoga_views::{Execution, ViewLimits, Views};

fn json_out(criterion: &mut Criterion) {
    let flow = FlowKind::D.make(20_000);
    let mut views = Views::new(ViewLimits::default());
    let (opening, steady) = flow.events();
    opening.iter().chain(&steady).for_each(|event| views.fold(event));
    let held = views.executions();
    let executions: Vec<Execution> = (held.first()..held.next())
        .filter_map(|number| held.get(number))
        .collect();
    assert!(
        executions.len() as u64 >= 2 * flow.facts.trades,
        "every side of every trade is held"
    );

    let mut out = Vec::with_capacity(1_024);
    encode::execution(&mut out, &executions[0], &views);
    println!("an execution takes {} bytes", out.len());
    let mut group = criterion.benchmark_group("json_out");
    group.throughput(Throughput::Elements(executions.len() as u64));
    group.bench_function("execution", |bencher| {
        bencher.iter(|| {
            for execution in &executions {
                out.clear();
                encode::execution(&mut out, black_box(execution), &views);
                black_box(&out);
            }
        });
    });
    group.finish();
}

criterion_group!(benches, json_out);
criterion_main!(benches);
