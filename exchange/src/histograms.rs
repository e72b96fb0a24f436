//! Histograms as the files that HdrHistogram's own tools read: percentile distributions and interval logs.

use std::fmt::Write as _;
use std::io;
use std::time::{Duration, SystemTime};

use hdrhistogram::Histogram;
use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::{
    IntervalLogWriter, IntervalLogWriterBuilder, IntervalLogWriterError, Tag,
};

/// How many steps a percentile distribution takes for each halving of the distance to 100 %.
const TICKS_PER_HALF_DISTANCE: f64 = 5.0;

/// The format that [`IntervalLog`] writes.
const LOG_FORMAT: &str = "[Histogram log format version 1.3]";

/// The percentile distribution in the text form of HdrHistogram's `outputPercentileDistribution`, which its plotter
/// reads (`.hgrm`).
///
/// Values are divided by `unit_per`: 1,000.0 shows nanoseconds as microseconds. An empty histogram gives head and foot
/// without a line between them.
pub fn hgrm(histogram: &Histogram<u64>, unit_per: f64) -> String {
    let digits = usize::from(histogram.sigfig());
    let mut text = format!(
        "{:>12} {:>14} {:>10} {:>14}\n\n",
        "Value", "Percentile", "TotalCount", "1/(1-Percentile)"
    );
    // Writing to a String cannot fail.
    percentiles(histogram, |value, percent, count| {
        let (value, at) = (value as f64 / unit_per, percent / 100.0);
        let _ = write!(text, "{value:>12.digits$} {at:.12} {count:>10}");
        // The last line, at 100 %, has no fourth column.
        if percent < 100.0 {
            let _ = write!(text, " {:>14.2}", 1.0 / (1.0 - at));
        }
        text.push('\n');
    });
    let (mean, deviation) = (histogram.mean() / unit_per, histogram.stdev() / unit_per);
    let max = histogram.max() as f64 / unit_per;
    let _ = writeln!(
        text,
        "#[Mean    = {mean:>12.digits$}, StdDeviation   = {deviation:>12.digits$}]"
    );
    let _ = writeln!(
        text,
        "#[Max     = {max:>12.digits$}, Total count    = {:>12}]",
        histogram.len()
    );
    // What HdrHistogram keeps 1 to 2 * 10^digits apart with.
    let sub_buckets = (2 * 10u32.pow(u32::from(histogram.sigfig()))).next_power_of_two();
    let _ = writeln!(
        text,
        "#[Buckets = {:>12}, SubBuckets     = {sub_buckets:>12}]",
        histogram.buckets()
    );
    text
}

/// Steps through the percentiles, with as many steps in each half of what is left to 100 %: the value that reaches it, the
/// percentile, and how many values are no greater.
///
/// The crate's own iterator counts in fractions of 1, where 0.55 and four times 0.05 is a little more than 0.75; in per
/// cent, as HdrHistogram counts, the steps are exact.
fn percentiles(histogram: &Histogram<u64>, mut step: impl FnMut(u64, f64, u64)) {
    let total = histogram.len();
    let (mut level, mut count) = (0.0, 0);
    for bucket in histogram.iter_recorded() {
        count += bucket.count_since_last_iteration();
        let value = bucket.value_iterated_to();
        while level <= 100.0 * count as f64 / total as f64 {
            step(value, level, count);
            if count == total {
                return step(value, 100.0, count);
            }
            let halvings = (100.0 / (100.0 - level)).log2().floor();
            let next = level + 100.0 / (TICKS_PER_HALF_DISTANCE * (halvings + 1.0).exp2());
            // So near to 100 % that a step is no longer one: the rest is told bucket by bucket.
            if next == level {
                break;
            }
            level = next;
        }
    }
}

/// An interval log (`.hlog`, format 1.3): one line for each histogram and interval, several kinds told apart by a tag.
/// Histograms are compressed, which HdrHistogram's own reader insists on.
pub struct IntervalLog<W> {
    writer: W,
    serializer: V2DeflateSerializer,
    began: SystemTime,
}

impl<W: io::Write> IntervalLog<W> {
    /// Begins a log whose times count from `began`. `comments` say what is in it and where it comes from.
    ///
    /// # Errors
    /// `writer` fails.
    pub fn begin(mut writer: W, began: SystemTime, comments: &[&str]) -> io::Result<Self> {
        let mut serializer = V2DeflateSerializer::new();
        let mut head = IntervalLogWriterBuilder::new();
        comments.iter().for_each(|comment| {
            head.add_comment(comment);
        });
        head.add_comment(LOG_FORMAT)
            .with_start_time(began)
            .with_base_time(began)
            .begin_log_with(&mut writer, &mut serializer)?;
        writer.write_all(
            b"\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n",
        )?;
        Ok(Self {
            writer,
            serializer,
            began,
        })
    }

    /// Adds what was recorded in the interval of `length` from `start` on. `tag` names the kind, and must hold no comma,
    /// space or line end. The maximum stands in the log in the histogram's own unit.
    ///
    /// # Errors
    /// `InvalidInput` for such a tag; else `writer` fails. What was written before stays readable.
    pub fn add(
        &mut self,
        tag: &str,
        start: SystemTime,
        length: Duration,
        histogram: &Histogram<u64>,
    ) -> io::Result<()> {
        let tag = Tag::new(tag).ok_or_else(|| {
            let why = format!("the tag {tag:?} has a comma, a space or a line end");
            io::Error::new(io::ErrorKind::InvalidInput, why)
        })?;
        let since = start.duration_since(self.began).unwrap_or_default();
        self.lines()?
            .write_histogram(histogram, since, length, Some(tag))
            .map_err(|error| match error {
                IntervalLogWriterError::IoError(error) => error,
                IntervalLogWriterError::SerializeError(error) => io::Error::other(error.to_string()),
            })
    }

    /// Hands everything on to whatever is beneath.
    ///
    /// # Errors
    /// `writer` fails.
    pub fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }

    /// A writer of lines; it borrows what it writes to, so it is made anew for each. The head is written already.
    fn lines(&mut self) -> io::Result<IntervalLogWriter<'_, '_, W, V2DeflateSerializer>> {
        IntervalLogWriterBuilder::new().begin_log_with(&mut self.writer, &mut self.serializer)
    }
}
