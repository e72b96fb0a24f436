//! Requests and replies as JSON, at their real sizes: serde_json with borrowed numbers, which keeps every digit, beside
//! simd-json, which passes them through a float.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hoga_gateway::wire::{parse_place, parse_ws};
use serde::Deserialize;

const PLACE: &str = r#"{"symbol":"BTC-KRW","side":"Buy","type":"Limit","price":50000000,"quantity":0.5,"time_in_force":"GTC","client_order_id":"desk-7-000123"}"#;
const WS_PLACE: &str = r#"{"id":1234,"op":"place","symbol":"BTC-KRW","side":"Buy","type":"Limit","price":50000000,"quantity":0.5,"time_in_force":"GTC","client_order_id":"desk-7-000123"}"#;
const WS_CANCEL: &str = r#"{"id":1235,"op":"cancel","order_id":"00000000-04d2-8000-8000-0000deadbeef"}"#;
const REPLY: &str = r#"{"id":1234,"order":{"order_id":"00000000-04d2-8000-8000-0000deadbeef","client_order_id":"desk-7-000123","account":"desk","symbol":"BTC-KRW","side":"Buy","type":"Limit","time_in_force":"GTC","post_only":false,"price":50000000,"quantity":0.5,"filled_quantity":0.25,"remaining_quantity":0.25,"average_price":50000000,"fee":6250,"status":"PartiallyFilled","reason":null,"sequence":1234,"created_at":"2023-04-30T12:35:10.123Z","updated_at":"2023-04-30T12:35:10.123Z"}}"#;

/// What a client that only follows its orders takes from a reply.
#[derive(Deserialize)]
struct Reply<'a> {
    id: u64,
    #[serde(borrow)]
    order: Order<'a>,
}

#[derive(Deserialize)]
struct Order<'a> {
    order_id: &'a str,
    status: &'a str,
}

/// As a server meets a request: the bytes must be copied first, because simd-json rewrites them.
fn simd(bencher: &mut criterion::Bencher<'_>, text: &str, read: impl Fn(&mut [u8], &mut simd_json::Buffers)) {
    let mut buffers = simd_json::Buffers::new(text.len());
    let mut scratch = Vec::with_capacity(text.len());
    bencher.iter(|| {
        scratch.clear();
        scratch.extend_from_slice(black_box(text).as_bytes());
        read(&mut scratch, &mut buffers);
    });
}

fn requests(criterion: &mut Criterion) {
    for (name, text) in [("place", PLACE), ("ws_place", WS_PLACE), ("ws_cancel", WS_CANCEL)] {
        let mut group = criterion.benchmark_group(format!("json_in/{name}"));
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function("gateway (serde_json, RawValue)", |bencher| match name {
            "place" => bencher.iter(|| parse_place(black_box(text).as_bytes()).expect("a request")),
            _ => bencher.iter(|| parse_ws(black_box(text).as_bytes()).expect("a request")),
        });
        group.bench_function("simd-json to tape", |bencher| {
            simd(bencher, text, |bytes, buffers| {
                black_box(simd_json::to_tape_with_buffers(bytes, buffers).expect("JSON"));
            });
        });
        group.bench_function("simd-json to borrowed value", |bencher| {
            simd(bencher, text, |bytes, buffers| {
                black_box(simd_json::to_borrowed_value_with_buffers(bytes, buffers).expect("JSON"));
            });
        });
        group.finish();
    }
}

fn replies(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("json_in/reply");
    group.throughput(Throughput::Bytes(REPLY.len() as u64));
    let check = |reply: Reply<'_>| {
        black_box(reply.id + (reply.order.order_id.len() + reply.order.status.len()) as u64)
    };
    group.bench_function("serde_json", |bencher| {
        bencher.iter(|| check(serde_json::from_str(black_box(REPLY)).expect("a reply")));
    });
    group.bench_function("simd-json", |bencher| {
        simd(bencher, REPLY, |bytes, buffers| {
            check(simd_json::serde::from_slice_with_buffers(bytes, buffers).expect("a reply"));
        });
    });
    group.finish();
}

criterion_group!(benches, requests, replies);
criterion_main!(benches);
