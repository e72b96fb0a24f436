//! The files that HdrHistogram's own tools read.

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::Deserializer;
use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};
use hoga::histograms::{IntervalLog, hgrm};

fn histogram(values: impl IntoIterator<Item = u64>) -> Histogram<u64> {
    let mut histogram = Histogram::new_with_bounds(1, 3_600_000_000, 3).unwrap();
    values
        .into_iter()
        .for_each(|value| histogram.record(value).unwrap());
    histogram
}

/// By hand, from the definition: five steps from 0 to 50 %, five from there to 75 %, and so on; each step shows the
/// first value that reaches it; the last line has three columns. 1 to 4 lie in buckets of their own.
const ONE_TO_FOUR: &str = "       Value     Percentile TotalCount 1/(1-Percentile)

       1.000 0.000000000000          1           1.00
       1.000 0.100000000000          1           1.11
       1.000 0.200000000000          1           1.25
       2.000 0.300000000000          2           1.43
       2.000 0.400000000000          2           1.67
       2.000 0.500000000000          2           2.00
       3.000 0.550000000000          3           2.22
       3.000 0.600000000000          3           2.50
       3.000 0.650000000000          3           2.86
       3.000 0.700000000000          3           3.33
       3.000 0.750000000000          3           4.00
       4.000 0.775000000000          4           4.44
       4.000 1.000000000000          4
#[Mean    =        2.500, StdDeviation   =        1.118]
#[Max     =        4.000, Total count    =            4]
#[Buckets =           22, SubBuckets     =         2048]
";

#[test]
fn a_plotter_reads_a_distribution_as_hdrhistogram_itself_would_write_it() {
    let got = hgrm(&histogram([1, 2, 3, 4]), 1.0);
    assert_eq!(got, ONE_TO_FOUR, "{got}");

    // In microseconds; 5,000 ns shares its bucket with all up to 5,003 ns, which is what is shown.
    let got = hgrm(&histogram([5_000]), 1_000.0);
    let lines: Vec<&str> = got.lines().skip(2).collect();
    assert_eq!(
        lines,
        [
            "       5.003 0.000000000000          1           1.00",
            "       5.003 1.000000000000          1",
            "#[Mean    =        5.002, StdDeviation   =        0.000]",
            "#[Max     =        5.003, Total count    =            1]",
            "#[Buckets =           22, SubBuckets     =         2048]",
        ]
    );
    assert_eq!(hgrm(&histogram([]), 1_000.0).lines().count(), 2 + 3);
}

#[test]
fn an_interval_log_gives_back_every_interval_under_its_tag() {
    let began = SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_250);
    let intervals = [
        ("ring_to_ring", 0, vec![]),
        ("commit", 0, vec![1, 1_000, 90_000_000]),
        ("ring_to_ring", 1_500, vec![70_000; 1_000]),
    ];
    let mut file = Vec::new();
    let mut log = IntervalLog::begin(&mut file, began, &["two kinds", "of a test"]).unwrap();
    for (tag, at, values) in &intervals {
        let start = began + Duration::from_millis(*at);
        let values = histogram(values.iter().copied());
        log.add(tag, start, Duration::from_secs(1), &values).unwrap();
    }
    assert!(
        log.add("a b", began, Duration::ZERO, &histogram([])).is_err(),
        "a tag with a space would end the line's first column"
    );
    log.flush().unwrap();

    let text = String::from_utf8(file).unwrap();
    assert!(
        text.starts_with("#two kinds\n#of a test\n#[Histogram log format version 1.3]\n"),
        "{text}"
    );
    let mut read = Vec::new();
    for entry in IntervalLogIterator::new(text.as_bytes()) {
        match entry.unwrap_or_else(|error| panic!("{error:?} in {text}")) {
            LogEntry::StartTime(at) | LogEntry::BaseTime(at) => {
                assert_eq!(at, Duration::from_millis(1_700_000_000_250));
            }
            LogEntry::Interval(interval) => read.push(interval),
        }
    }
    assert_eq!(read.len(), intervals.len());
    for (got, (tag, at, values)) in read.iter().zip(intervals) {
        assert_eq!(got.tag().unwrap().as_str(), tag);
        assert_eq!(got.start_timestamp(), Duration::from_millis(at));
        assert_eq!(got.duration(), Duration::from_secs(1));
        let bytes = STANDARD.decode(got.encoded_histogram()).unwrap();
        let back: Histogram<u64> = Deserializer::new().deserialize(&mut bytes.as_slice()).unwrap();
        assert_eq!(back, histogram(values), "{tag} at {at} ms");
    }
}
