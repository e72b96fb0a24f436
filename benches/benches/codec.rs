//! The binary form: commands to journal records and back, events to what a digest covers.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hoga_benches::FlowKind;
use hoga_protocol::codec::{MAX_EVENT, MAX_RECORD, decode_command, encode_command, encode_event};

const COMMANDS: usize = 1_000;

fn codec(criterion: &mut Criterion) {
    let flow = FlowKind::D.make(COMMANDS);
    let (_, events) = flow.events();
    let mut group = criterion.benchmark_group("codec");

    group.throughput(Throughput::Elements(COMMANDS as u64));
    let mut record = [0; MAX_RECORD];
    group.bench_function("encode_command", |bencher| {
        bencher.iter(|| {
            for (timestamp, command) in &flow.steady {
                let length = encode_command(*timestamp, black_box(command), &mut record);
                black_box(&record[..length]);
            }
        });
    });
    let records = flow.records();
    group.bench_function("decode_command", |bencher| {
        bencher.iter(|| {
            for record in &records {
                black_box(decode_command(black_box(record)).expect("a record"));
            }
        });
    });

    group.throughput(Throughput::Elements(events.len() as u64));
    let mut bytes = [0; MAX_EVENT];
    group.bench_function("encode_event", |bencher| {
        bencher.iter(|| {
            for event in &events {
                let length = encode_event(black_box(event), &mut bytes);
                black_box(&bytes[..length]);
            }
        });
    });
    group.finish();
}

criterion_group!(benches, codec);
criterion_main!(benches);
