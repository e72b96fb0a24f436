//! JSON read: requests of one order as clients send them, many orders in one document, and what `hoga-perf` reads of an
//! exchange. serde_json, which can leave a number's digits as they are, beside simd-json, which passes numbers through a
//! float, and rewrites what it reads, so that each text is copied first.

use std::hint::black_box;

use criterion::measurement::WallTime;
use criterion::{Bencher, BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use hoga_benches::FlowKind;
use hoga_gateway::codec::{encode, parse_new_order, parse_ws};
use hoga_protocol::ExchangeId;
use hoga_views::{Execution, ViewLimits, Views};
use serde::Deserialize;
use serde_json::value::RawValue;
use simd_json::prelude::*;
use simd_json::{Buffers, INPUT_PADDING, Tape, fill_tape_padded};

const PLACE: &str = r#"{"symbol":"BTC-KRW","side":"Buy","type":"Limit","price":50000000,"quantity":0.5,"time_in_force":"GTC","client_order_id":"desk-7-000123"}"#;
const WS_PLACE: &str = r#"{"id":1234,"op":"place","symbol":"BTC-KRW","side":"Buy","type":"Limit","price":50000000,"quantity":0.5,"time_in_force":"GTC","client_order_id":"desk-7-000123"}"#;
const WS_CANCEL: &str = r#"{"id":1235,"op":"cancel","order_id":"00000000-04d2-8000-8000-0000deadbeef"}"#;
const REPLY: &str = r#"{"id":1234,"order":{"order_id":"00000000-04d2-8000-8000-0000deadbeef","client_order_id":"desk-7-000123","account":"desk","symbol":"BTC-KRW","side":"Buy","type":"Limit","time_in_force":"GTC","post_only":false,"price":50000000,"quantity":0.5,"filled_quantity":0.25,"remaining_quantity":0.25,"average_price":50000000,"fee":6250,"status":"PartiallyFilled","reason":null,"sequence":1234,"created_at":"2023-04-30T12:35:10.123Z","updated_at":"2023-04-30T12:35:10.123Z"}}"#;

/// Orders of a batch; executions of a page, of which the API gives a thousand at most.
const BATCHES: [usize; 4] = [1, 16, 128, 1_000];

/// An order with its numbers as `N` takes them: text without a change, or a float.
#[derive(Deserialize)]
struct Order<'a, N> {
    symbol: &'a str,
    side: &'a str,
    r#type: &'a str,
    price: N,
    quantity: N,
    time_in_force: &'a str,
    client_order_id: &'a str,
}

impl<N> Order<'_, N> {
    /// Something of every field, so that all must be read.
    fn weight(&self, number: impl Fn(&N) -> usize) -> usize {
        let texts = [
            self.symbol,
            self.side,
            self.r#type,
            self.time_in_force,
            self.client_order_id,
        ];
        texts.iter().map(|text| text.len()).sum::<usize>() + number(&self.price) + number(&self.quantity)
    }
}

/// What a client that only follows its orders takes from a reply, as `hoga-perf feed` does.
#[derive(Deserialize)]
struct Reply<'a> {
    id: u64,
    #[serde(borrow)]
    order: ReplyOrder<'a>,
}

#[derive(Deserialize)]
struct ReplyOrder<'a> {
    order_id: &'a str,
}

/// What `hoga-perf feed` takes from a page of executions.
#[derive(Deserialize)]
struct Executed<'a> {
    exec_id: &'a str,
}

/// simd-json at its best: memory is kept from one text to the next, and fields are looked up in the tape, without serde.
fn kept_tape(bencher: &mut Bencher<'_>, text: &str, read: impl Fn(simd_json::tape::Value<'_, '_>)) {
    let mut buffers = Buffers::new(text.len());
    let mut scratch = Vec::with_capacity(text.len() + INPUT_PADDING);
    let mut kept = Some(Tape::null());
    bencher.iter(|| {
        scratch.clear();
        scratch.extend_from_slice(black_box(text).as_bytes());
        scratch.resize(text.len() + INPUT_PADDING, 0);
        let mut tape = kept.take().map_or_else(Tape::null, Tape::reset);
        fill_tape_padded(&mut scratch, text.len(), &mut buffers, &mut tape).expect("JSON");
        read(tape.as_value());
        kept = Some(tape.reset());
    });
}

/// As a server meets a request: the bytes must be copied first, because simd-json rewrites them.
fn simd(bencher: &mut Bencher<'_>, text: &str, read: impl Fn(&mut [u8], &mut simd_json::Buffers)) {
    let mut buffers = simd_json::Buffers::new(text.len());
    let mut scratch = Vec::with_capacity(text.len());
    bencher.iter(|| {
        scratch.clear();
        scratch.extend_from_slice(black_box(text).as_bytes());
        read(&mut scratch, &mut buffers);
    });
}

/// Documents of which nobody knows the fields in advance.
fn values(group: &mut BenchmarkGroup<'_, WallTime>, text: &str) {
    group.bench_function("serde_json to value", |bencher| {
        bencher.iter(|| serde_json::from_str::<serde_json::Value>(black_box(text)).expect("JSON"));
    });
    group.bench_function("simd-json to borrowed value", |bencher| {
        simd(bencher, text, |bytes, buffers| {
            black_box(simd_json::to_borrowed_value_with_buffers(bytes, buffers).expect("JSON"));
        });
    });
}

/// One order or cancel, as it is sent today.
fn requests(criterion: &mut Criterion) {
    for (name, text) in [("place", PLACE), ("ws_place", WS_PLACE), ("ws_cancel", WS_CANCEL)] {
        let mut group = criterion.benchmark_group(format!("json_in/{name}"));
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function("gateway (serde_json, RawValue)", |bencher| match name {
            "place" => bencher.iter(|| parse_new_order(black_box(text).as_bytes()).expect("a request")),
            _ => bencher
                .iter(|| parse_ws(black_box(text).as_bytes(), ExchangeId::default()).expect("a request")),
        });
        group.bench_function("simd-json to tape", |bencher| {
            simd(bencher, text, |bytes, buffers| {
                black_box(simd_json::to_tape_with_buffers(bytes, buffers).expect("JSON"));
            });
        });
        values(&mut group, text);
        group.finish();
    }
}

/// Many orders in one document, each with all its fields, numbers written as numbers and as strings.
fn batches(criterion: &mut Criterion) {
    for size in BATCHES {
        let numbers = format!("[{}]", vec![PLACE; size].join(","));
        let strings = numbers
            .replace(":50000000,", r#":"50000000","#)
            .replace(":0.5,", r#":"0.5","#);
        let mut group = criterion.benchmark_group(format!("json_in/batch/{size}"));
        group.throughput(Throughput::Elements(size as u64));
        group.bench_function("numbers, exact: serde_json, RawValue", |bencher| {
            bencher.iter(|| {
                let orders: Vec<Order<'_, &RawValue>> =
                    serde_json::from_str(black_box(&numbers)).expect("orders");
                orders
                    .iter()
                    .map(|order| order.weight(|number| number.get().len()))
                    .sum::<usize>()
            });
        });
        group.bench_function("numbers, through a float: serde_json", |bencher| {
            bencher.iter(|| {
                let orders: Vec<Order<'_, f64>> = serde_json::from_str(black_box(&numbers)).expect("orders");
                orders
                    .iter()
                    .map(|order| order.weight(|number| *number as usize))
                    .sum::<usize>()
            });
        });
        group.bench_function("numbers, through a float: simd-json", |bencher| {
            simd(bencher, &numbers, |bytes, buffers| {
                let orders: Vec<Order<'_, f64>> =
                    simd_json::serde::from_slice_with_buffers(bytes, buffers).expect("orders");
                black_box(
                    orders
                        .iter()
                        .map(|order| order.weight(|number| *number as usize))
                        .sum::<usize>(),
                );
            });
        });
        group.bench_function("strings, exact: serde_json", |bencher| {
            bencher.iter(|| {
                let orders: Vec<Order<'_, &str>> = serde_json::from_str(black_box(&strings)).expect("orders");
                orders
                    .iter()
                    .map(|order| order.weight(|number| number.len()))
                    .sum::<usize>()
            });
        });
        group.bench_function("strings, exact: simd-json", |bencher| {
            simd(bencher, &strings, |bytes, buffers| {
                let orders: Vec<Order<'_, &str>> =
                    simd_json::serde::from_slice_with_buffers(bytes, buffers).expect("orders");
                black_box(
                    orders
                        .iter()
                        .map(|order| order.weight(|number| number.len()))
                        .sum::<usize>(),
                );
            });
        });
        group.finish();
    }
}

/// What `hoga-perf feed` reads: the reply to an order, and pages of executions of which it takes the ids.
fn of_a_client(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("json_in/reply");
    group.throughput(Throughput::Bytes(REPLY.len() as u64));
    let check = |reply: Reply<'_>| black_box(reply.id + reply.order.order_id.len() as u64);
    group.bench_function("serde_json", |bencher| {
        bencher.iter(|| check(serde_json::from_str(black_box(REPLY)).expect("a reply")));
    });
    group.bench_function("simd-json", |bencher| {
        simd(bencher, REPLY, |bytes, buffers| {
            check(simd_json::serde::from_slice_with_buffers(bytes, buffers).expect("a reply"));
        });
    });
    group.bench_function("simd-json, kept tape", |bencher| {
        kept_tape(bencher, REPLY, |reply| {
            let id = reply.get_u64("id").expect("an id");
            let order = reply.get("order").expect("an order");
            black_box(id + order.get_str("order_id").expect("an id").len() as u64);
        });
    });
    group.finish();

    let flow = FlowKind::D.make(10_000);
    let mut views = Views::new(ViewLimits::default());
    let (opening, steady) = flow.events();
    opening.iter().chain(&steady).for_each(|event| views.fold(event));
    let held = views.executions();
    let executions: Vec<Execution> = (held.first()..held.next())
        .filter_map(|number| held.get(number))
        .collect();
    for size in BATCHES {
        let mut page = Vec::new();
        encode::executions(&mut page, executions[..size].iter().copied(), &views);
        let page = String::from_utf8(page).expect("text");
        let mut group = criterion.benchmark_group(format!("json_in/executions/{size}"));
        group.throughput(Throughput::Bytes(page.len() as u64));
        let check = |list: Vec<Executed<'_>>| {
            assert_eq!(list.len(), size);
            black_box(list.iter().map(|one| one.exec_id.len()).sum::<usize>());
        };
        group.bench_function("serde_json", |bencher| {
            bencher.iter(|| check(serde_json::from_str(black_box(&page)).expect("executions")));
        });
        group.bench_function("simd-json", |bencher| {
            simd(bencher, &page, |bytes, buffers| {
                check(simd_json::serde::from_slice_with_buffers(bytes, buffers).expect("executions"));
            });
        });
        values(&mut group, &page);
        group.bench_function("simd-json, kept tape", |bencher| {
            kept_tape(bencher, &page, |list| {
                let list = list.as_array().expect("a list");
                let ids = list.iter().map(|one| one.get_str("exec_id").map_or(0, str::len));
                black_box(ids.sum::<usize>());
            });
        });
        group.finish();
    }
}

/// A run's `summary.json`, whose rows and figures each bench names as it likes, as `hoga-perf compare` reads it.
fn summaries(criterion: &mut Criterion) {
    for rows in [1, 6, 60] {
        let text = summary(rows);
        let mut group = criterion.benchmark_group(format!("json_in/summary/{rows}"));
        group.throughput(Throughput::Bytes(text.len() as u64));
        values(&mut group, &text);
        group.finish();
    }
}

fn summary(rows: usize) -> String {
    const FIGURES: [&str; 10] = [
        "p50_ns",
        "p90_ns",
        "p99_ns",
        "p999_ns",
        "p9999_ns",
        "max_ns",
        "asked_per_s",
        "reached_per_s",
        "output_full_stalls",
        "core_ns_a_command",
    ];
    let row = |row: usize| {
        let figure =
            |(place, name): (usize, &&str)| format!(r#""{name}":{}.{}"#, 138_000 + row * 977, place + 1);
        let figures: Vec<String> = FIGURES.iter().enumerate().map(figure).collect();
        format!(
            r#"{{"name":"fsync/{row}00000","figures":{{{}}}}}"#,
            figures.join(",")
        )
    };
    let rows: Vec<String> = (1..=rows).map(row).collect();
    format!(
        r#"{{"bench":"pipeline","stopped":false,"rows":[{}],"environment":{{"cpu":"AMD EPYC","cores":2,"kernel":"6.18","commit":"0123456789ab","build":"release","command":"hoga-perf pipeline --mode open-loop"}}}}"#,
        rows.join(",")
    )
}

criterion_group!(benches, requests, batches, of_a_client, summaries);
criterion_main!(benches);
