//! Executions as JSON: the founding stream's object by the gateway's own encoder, which writes from fixed point, beside
//! serde_json and simd-json, which are handed texts and numbers that were made ready before. Singly, as they go into
//! frames, and as the API's largest page.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hoga_benches::FlowKind;
use hoga_gateway::codec::{Format, encode};
use hoga_views::{Execution, ViewLimits, Views};
use serde::{Deserialize, Serialize};

/// The most executions of a page.
const PAGE: usize = 1_000;

/// The object with its numbers as floats: neither library writes a decimal from fixed point.
#[derive(Serialize, Deserialize)]
struct Made {
    exec_id: String,
    order_id: String,
    symbol: String,
    side: String,
    price: f64,
    quantity: f64,
    fee: f64,
    transaction_time: String,
}

fn json_out(criterion: &mut Criterion) {
    let flow = FlowKind::D.make(20_000);
    let mut views = Views::new(ViewLimits::default());
    let (opening, steady) = flow.events();
    opening.iter().chain(&steady).for_each(|event| views.fold(event));
    let held = views.executions();
    let executions: Vec<Execution> = (held.first()..held.next())
        .filter_map(|number| held.get(number))
        .take(PAGE)
        .collect();
    assert_eq!(executions.len(), PAGE);

    let mut out = Vec::with_capacity(PAGE * 512);
    encode::executions(&mut out, executions.iter().copied(), &views);
    println!("an execution takes {} bytes", (out.len() - 1) / PAGE - 1);
    let made: Vec<Made> = serde_json::from_slice(&out).expect("executions");

    let mut group = criterion.benchmark_group("json_out/single");
    group.throughput(Throughput::Elements(PAGE as u64));
    group.bench_function("gateway", |bencher| {
        bencher.iter(|| {
            for execution in &executions {
                out.clear();
                encode::execution(&mut out, black_box(execution), &views, Format::Json);
                black_box(&out);
            }
        });
    });
    group.bench_function("serde_json", |bencher| {
        bencher.iter(|| {
            for execution in &made {
                out.clear();
                serde_json::to_writer(&mut out, black_box(execution)).expect("JSON");
                black_box(&out);
            }
        });
    });
    group.bench_function("simd-json", |bencher| {
        bencher.iter(|| {
            for execution in &made {
                out.clear();
                simd_json::serde::to_writer(&mut out, black_box(execution)).expect("JSON");
                black_box(&out);
            }
        });
    });
    group.finish();

    let mut group = criterion.benchmark_group("json_out/page");
    group.throughput(Throughput::Elements(PAGE as u64));
    group.bench_function("gateway", |bencher| {
        bencher.iter(|| {
            out.clear();
            encode::executions(&mut out, black_box(&executions).iter().copied(), &views);
            black_box(&out);
        });
    });
    group.bench_function("serde_json", |bencher| {
        bencher.iter(|| {
            out.clear();
            serde_json::to_writer(&mut out, black_box(&made)).expect("JSON");
            black_box(&out);
        });
    });
    group.bench_function("simd-json", |bencher| {
        bencher.iter(|| {
            out.clear();
            simd_json::serde::to_writer(&mut out, black_box(&made)).expect("JSON");
            black_box(&out);
        });
    });
    group.finish();
}

criterion_group!(benches, json_out);
criterion_main!(benches);
