//! Lines on their way out: a bounded queue, and the thread that writes.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use tracing::warn;

/// The most lines that wait.
pub const MOST_LINES: usize = 1_024;

/// The longest line, in bytes; the program's own are shorter.
const LONGEST_LINE: usize = 16 << 10;

/// How long a [`Lines::flush`] that finds the queue full waits before it looks again.
const NAP: Duration = Duration::from_millis(1);

/// The near end of the queue.
#[derive(Debug)]
pub struct Lines {
    queue: SyncSender<Entry>,
    dropped: Arc<AtomicU64>,
}

#[derive(Debug)]
enum Entry {
    Line(Vec<u8>),
    Flush(SyncSender<()>),
}

/// Starts the thread, which begins with `settle` and writes to `out`, whatever that answers: that nobody reads the log must
/// not stop an exchange. It ends when the queue's near end is dropped.
///
/// # Errors
/// The system cannot start a thread.
pub fn start(out: impl Write + Send + 'static, settle: impl FnOnce() + Send + 'static) -> io::Result<Lines> {
    let (queue, entries) = sync_channel(MOST_LINES);
    let dropped = Arc::new(AtomicU64::new(0));
    let lost = Arc::clone(&dropped);
    let body = move || {
        settle();
        write_all(out, &entries, &lost);
    };
    thread::Builder::new().name("hoga-log".into()).spawn(body)?;
    Ok(Lines { queue, dropped })
}

fn write_all(mut out: impl Write, entries: &Receiver<Entry>, dropped: &AtomicU64) {
    let mut told = 0;
    for entry in entries {
        match entry {
            Entry::Line(line) => {
                let _ = out.write_all(&line);
            }
            // Whoever waits may have given up.
            Entry::Flush(done) => drop(done.try_send(())),
        }
        let lost = dropped.load(Ordering::Relaxed);
        if lost > told {
            let lines = lost - told;
            told = lost;
            warn!(
                event = "log_lines_dropped",
                lines, "the log was not written fast enough"
            );
        }
    }
}

impl Lines {
    /// How many lines found the queue full, and are lost.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Waits until everything that was queued is written, for as long as `within` at most. Whether it was.
    pub fn flush(&self, within: Duration) -> bool {
        let deadline = Instant::now() + within;
        let (done, written) = sync_channel(1);
        let mut entry = Entry::Flush(done);
        while let Err(refused) = self.queue.try_send(entry) {
            match refused {
                TrySendError::Full(back) if Instant::now() < deadline => entry = back,
                _ => return false,
            }
            thread::sleep(NAP);
        }
        written
            .recv_timeout(deadline.saturating_duration_since(Instant::now()))
            .is_ok()
    }
}

/// Takes one line a call and never blocks.
impl Write for &Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let fits = line.len() <= LONGEST_LINE;
        if !fits || self.queue.try_send(Entry::Line(line.to_vec())).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    /// Takes a line whenever the test lets it.
    struct Gate(Receiver<()>, Arc<AtomicU64>);

    impl Write for Gate {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            let _ = self.0.recv();
            self.1.fetch_add(1, Ordering::SeqCst);
            Ok(line.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_log_that_nobody_reads_holds_nobody_up_and_what_is_lost_is_counted() {
        let (open, gate) = channel();
        let written = Arc::new(AtomicU64::new(0));
        let lines = start(Gate(gate, Arc::clone(&written)), || {}).unwrap();
        const TOLD: u64 = 3 * MOST_LINES as u64;
        for _ in 0..TOLD {
            (&lines).write_all(b"a line\n").unwrap();
        }
        // One may be in the writer's hands already.
        let kept = TOLD - lines.dropped();
        assert!(
            [MOST_LINES as u64, MOST_LINES as u64 + 1].contains(&kept),
            "{kept}"
        );
        assert!(!lines.flush(Duration::ZERO), "nothing is written");
        drop(open);
        assert!(lines.flush(Duration::from_secs(20)));
        assert_eq!(written.load(Ordering::SeqCst), kept);
    }

    #[test]
    fn an_endless_line_is_not_kept() {
        let lines = start(io::sink(), || {}).unwrap();
        (&lines).write_all(&vec![b'x'; LONGEST_LINE + 1]).unwrap();
        assert_eq!(lines.dropped(), 1);
    }
}
