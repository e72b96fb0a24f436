//! The journal on files: records appended and committed in groups, kept in the page cache. What a disk adds is
//! `hoga-perf pipeline`'s to say; what a frame itself costs, the bench `frame`'s.

use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use hoga_benches::FlowKind;
use hoga_journal::{Durability, Journal, Options, Writer};

/// Commits before the journal is begun anew in a fresh folder, outside the clock: it bounds the room on disk.
const COMMITS: u64 = 8_192;

fn open(folder: &tempfile::TempDir) -> Writer {
    let options = Options {
        durability: Durability::PageCache,
        ..Options::default()
    };
    let opened = Journal::open(folder.path(), &options, |_, _| Ok::<(), std::io::Error>(()));
    opened.expect("a fresh journal").0
}

fn commits(records: &[Vec<u8>], mut left: u64) -> Duration {
    let mut spent = Duration::ZERO;
    while left > 0 {
        let folder = tempfile::tempdir().expect("a folder");
        let mut writer = open(&folder);
        let commits = left.min(COMMITS);
        let begin = Instant::now();
        for _ in 0..commits {
            for record in records {
                writer.append(record).expect("an append");
            }
            writer.commit().expect("a commit");
        }
        spent += begin.elapsed();
        left -= commits;
    }
    spent
}

fn journal(criterion: &mut Criterion) {
    let records = FlowKind::D.make(256).records();
    let mut group = criterion.benchmark_group("journal/commit");
    group.sample_size(10).warm_up_time(Duration::from_millis(500));
    group.measurement_time(Duration::from_secs(2));
    for batch in [1, 16, 256] {
        group.throughput(Throughput::Elements(batch as u64));
        group.bench_function(BenchmarkId::new("page-cache", batch), |bencher| {
            bencher.iter_custom(|iterations| commits(&records[..batch], iterations));
        });
    }
    group.finish();
}

criterion_group!(benches, journal);
criterion_main!(benches);
