//! The journal's frames: records put together, checksummed and chained, without a file; and frames read back and verified,
//! out of the page cache.

use std::convert::Infallible;
use std::hint::black_box;
use std::path::Path;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use hoga_benches::FlowKind;
use hoga_journal::{Durability, Journal, Options, Reader, Writer};

/// Records of a frame. The exchange's journaler puts up to the greatest of them into one.
const GROUPS: [usize; 4] = [1, 16, 256, 4_096];
/// Records that are read back, in frames of each size.
const RECORDS: usize = 16_384;

fn open(folder: &Path, durability: Durability) -> Writer {
    let options = Options {
        durability,
        segment_bytes: 16 << 20,
        ..Options::default()
    };
    let opened = Journal::open(folder, &options, |_, _| Ok::<(), Infallible>(()));
    opened.expect("a fresh journal").0
}

fn commit(writer: &mut Writer, records: &[Vec<u8>]) {
    for record in records {
        writer.append(record).expect("an append");
    }
    writer.commit().expect("a commit");
}

/// Reads every frame of the journal; how many records there were.
fn read(folder: &Path) -> u64 {
    let mut reader = Reader::open(folder).expect("a journal");
    let mut records = 0;
    while let Some(frame) = reader.next_frame().expect("a whole frame") {
        records += u64::from(black_box(&frame).record_count);
    }
    records
}

fn frames(criterion: &mut Criterion) {
    let records = FlowKind::D.make(RECORDS).records();
    let mut group = criterion.benchmark_group("frame/seal");
    for size in GROUPS {
        let mut writer = open(Path::new(""), Durability::Memory);
        group.throughput(Throughput::Elements(size as u64));
        group.bench_function(BenchmarkId::from_parameter(size), |bencher| {
            bencher.iter(|| commit(&mut writer, black_box(&records[..size])));
        });
    }
    group.finish();

    let mut group = criterion.benchmark_group("frame/read");
    group.throughput(Throughput::Elements(RECORDS as u64));
    group.sample_size(20);
    for size in GROUPS {
        let folder = tempfile::tempdir().expect("a folder");
        let mut writer = open(folder.path(), Durability::PageCache);
        records
            .chunks(size)
            .for_each(|records| commit(&mut writer, records));
        drop(writer);
        group.bench_function(BenchmarkId::from_parameter(size), |bencher| {
            bencher.iter(|| assert_eq!(read(folder.path()), RECORDS as u64));
        });
    }
    group.finish();
}

criterion_group!(benches, frames);
criterion_main!(benches);
