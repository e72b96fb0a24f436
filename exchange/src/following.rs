//! The follower beside a running exchange, and `hoga follow`, which is one in a process of its own.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use hoga_follower::{
    Base, Compression, FollowError, Follower, FollowerOptions, Lag, Progress, Recovery, Replica,
};
use hoga_journal::{
    Durable, Follow, LockError, LockGuard, Position, SnapshotFile, Snapshots, Storage, Writer,
};
use hoga_protocol::Nanos;
use signal_hook::consts::{SIGINT, SIGTERM};
use tracing::{info, warn};

use crate::clock::{self, ExchangeTime};
use crate::config::Config;
use crate::log;
use crate::notices::{self, tell};
use crate::output::counter;
use crate::priority;
use crate::recovery::Stores;

/// How long a follower that has caught up sleeps: the first time, and at most.
const SHORTEST_NAP: Duration = Duration::from_millis(1);
const LONGEST_NAP: Duration = Duration::from_millis(500);

/// The follower's thread.
pub struct Following {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
    /// Whether it goes on; one that cannot read the journal any more has said so, and ended.
    pub running: Arc<AtomicBool>,
    /// How far it has come.
    pub lag: Arc<Lag>,
}

impl Following {
    /// Starts a follower beside the exchange that goes on with `replica` and `writer`; `newest` is the sequence of the
    /// newest snapshot, 0 for none, and `lock` keeps other makers of snapshots out. It inherits the calling thread's cores.
    ///
    /// # Errors
    /// In words: the journal cannot be read, or the system gives no thread.
    pub fn start(
        config: &Config,
        stores: &Stores,
        replica: Replica,
        writer: &Writer,
        newest: u64,
        lock: LockGuard,
        time: ExchangeTime,
    ) -> Result<Following, String> {
        let place = Place {
            journal_id: writer.journal_id(),
            position: writer.position(),
            durable: Some(writer.durable()),
        };
        let mut follower = follower(stores, replica, place, config.follower(), newest)?;
        let (lag, stop) = (follower.lag(), Arc::new(AtomicBool::new(false)));
        let (raised, at_stop) = (Arc::clone(&stop), config.follower.snapshot_at_stop);
        let running = Arc::new(AtomicBool::new(true));
        let going_on = Arc::clone(&running);
        // Behind a divergence that was accepted a start would have to be told of it again, until there is a snapshot.
        let at_once = config.accept_divergence.is_some();
        let body = move || {
            let _lock = lock;
            // A follower that is not asked to yield would do so at once; this one only lets others go first.
            priority::go_last();
            if at_once {
                make_snapshot(&mut follower, time.now());
            }
            beside_the_exchange(&mut follower, &raised, at_stop, &|| time.now());
            going_on.store(false, Ordering::Relaxed);
        };
        let thread = thread::Builder::new()
            .name("hoga-follower".into())
            .spawn(body)
            .map_err(|error| format!("cannot start a thread: {error}"))?;
        Ok(Following {
            stop,
            thread,
            running,
            lag,
        })
    }

    /// Lets it catch up with all that is durable, make its last snapshot, and end.
    pub fn stop(self) {
        self.stop.store(true, Ordering::SeqCst);
        self.thread.thread().unpark();
        let _ = self.thread.join();
    }
}

/// Follows until `stop` is raised, and applies everything that was durable then.
fn beside_the_exchange(follower: &mut Follower, stop: &AtomicBool, at_stop: bool, now: &dyn Fn() -> Nanos) {
    let ended = follow_until(follower, stop, now).and_then(|()| {
        // What came before the stop is applied, and nothing else is done any more.
        while follower.catch_up()? > 0 {}
        Ok(())
    });
    match ended {
        Ok(()) if at_stop && follower.has_news() => make_snapshot(follower, now()),
        Ok(()) => {}
        Err(FollowError::Apply(error)) => {
            notices::die(&format!("the follower stops the exchange: {error}"));
        }
        Err(error) => warn!(
            event = "follower_ended",
            error = error.to_string(),
            "the follower cannot go on, and makes no more snapshots. The exchange goes on; stop it as soon as that can be \
             done, and see docs/operations.md before it is started again"
        ),
    }
}

fn make_snapshot(follower: &mut Follower, now: Nanos) {
    match follower.snapshot(now) {
        Ok(file) => tell_of(&file),
        Err(error) => tell_failed(&error.to_string()),
    }
}

fn tell_of(file: &SnapshotFile) {
    info!(
        event = "snapshot_made",
        snapshot = file.name,
        "a snapshot was made"
    );
}

fn tell_failed(error: &str) {
    warn!(event = "snapshot_failed", error, "no snapshot was made");
}

/// Follows until `stop` is raised. Snapshots say that they were taken at `now`.
fn follow_until(
    follower: &mut Follower,
    stop: &AtomicBool,
    now: &dyn Fn() -> Nanos,
) -> Result<(), FollowError> {
    let start = Instant::now();
    let mut nap = SHORTEST_NAP;
    let mut told = None;
    while !stop.load(Ordering::SeqCst) {
        match follower.step(start.elapsed(), now())? {
            Progress::Idle => {
                thread::park_timeout(nap);
                nap = (nap * 2).min(LONGEST_NAP);
            }
            Progress::Applied(_) => nap = SHORTEST_NAP,
            Progress::Snapshot(file) => {
                told = None;
                tell_of(&file);
            }
            Progress::Compressed(_) => {}
            Progress::Failed(why) => {
                if told.as_ref() != Some(&why) {
                    tell_failed(&why);
                }
                told = Some(why);
            }
        }
    }
    Ok(())
}

/// `hoga follow`: keeps up with the journal in `data_dir`, which another process writes, until it is interrupted.
///
/// # Errors
/// In words: there is no journal, it is damaged or newer than this program, another process makes snapshots, or the
/// exchange had another state than its journal gives.
pub fn run(config: &Config) -> Result<(), String> {
    let data_dir: &Path = &config.data_dir;
    crate::journal_tools::locate(data_dir)?;
    log::start(&config.log, config.plan()?)?;
    let stores = Stores::new(data_dir);
    let _lock = lock(&*stores.snapshots)?;
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // The second one ends it at once: its own check comes before the first one's flag.
        signal_hook::flag::register_conditional_default(signal, Arc::clone(&stop))
            .and_then(|_| signal_hook::flag::register(signal, Arc::clone(&stop)))
            .map_err(|error| format!("cannot watch for signals: {error}"))?;
    }
    let (base, place) = begin(config, &stores)?;
    let newest = base.replica.last_sequence();
    tell(&format!(
        "hoga: following {} from sequence {newest}; Ctrl-C stops, a second one at once",
        data_dir.display()
    ));
    let mut options = config.follower();
    // Only the process that writes the journal may compress it: an opening for writing could meet it half done.
    options.compression = Compression::None;
    let mut follower = follower(&stores, base.replica, place, options, newest)?;
    let lag = follower.lag();
    let bar = counter("following", "commands");
    let (shown, shown_lag, ended) = (bar.clone(), Arc::clone(&lag), Arc::clone(&stop));
    let painter = thread::spawn(move || {
        while !ended.load(Ordering::SeqCst) {
            shown.set_position(shown_lag.applied.load(Ordering::Relaxed));
            thread::park_timeout(Duration::from_millis(200));
        }
    });
    let followed = follow_until(&mut follower, &stop, &clock::system_time);
    stop.store(true, Ordering::SeqCst);
    painter.thread().unpark();
    let _ = painter.join();
    bar.finish_and_clear();
    followed.map_err(|error| error.to_string())?;
    if config.follower.snapshot_at_stop && follower.has_news() {
        let file = follower
            .snapshot(clock::system_time())
            .map_err(|error| error.to_string())?;
        tell_of(&file);
    }
    tell(&format!(
        "hoga: stopped at sequence {}; checkpoints compared {}, snapshots made {}",
        lag.applied.load(Ordering::Relaxed),
        lag.checkpoints.load(Ordering::Relaxed),
        lag.snapshots.load(Ordering::Relaxed),
    ));
    Ok(())
}

/// Where a follower begins to read.
pub struct Place {
    journal_id: u32,
    position: Position,
    durable: Option<Arc<Durable>>,
}

/// The newest state that can be believed of the journal in `stores`, and where it stands there.
///
/// # Errors
/// In words: the folders cannot be read, or the journal has no first segment yet.
pub fn begin(config: &Config, stores: &Stores) -> Result<(Base, Place), String> {
    let mut recovery =
        Recovery::new(Arc::clone(&stores.snapshots), config.views()).map_err(|error| error.to_string())?;
    let mut base = recovery.next_base().ok_or("there is no state to begin from")?;
    base.replica
        .accept_divergence(config.accept_divergence.map(hoga_protocol::Sequence));
    for why in &base.passed_over {
        notices::warn(why);
    }
    let (journal_id, position) = match &base.snapshot {
        Some((_, head)) => (head.journal_id, head.position),
        None => {
            let reader = hoga_journal::Reader::open_with(Arc::clone(&stores.journal))
                .map_err(|error| error.to_string())?;
            let id = reader.journal_id();
            (
                id.ok_or("the journal has not begun: start the exchange first")?,
                Position::START,
            )
        }
    };
    Ok((
        base,
        Place {
            journal_id,
            position,
            durable: None,
        },
    ))
}

/// A follower of the journal in `stores`.
///
/// # Errors
/// In words: the journal cannot be read at that place.
pub fn follower(
    stores: &Stores,
    replica: Replica,
    place: Place,
    options: FollowerOptions,
    newest: u64,
) -> Result<Follower, String> {
    let journal = Arc::clone(&stores.journal);
    let follow = Follow::open(
        Arc::clone(&journal),
        place.position,
        place.journal_id,
        place.durable,
    )
    .map_err(|error| error.to_string())?;
    let snapshots = Snapshots::new(Arc::clone(&stores.snapshots));
    Ok(Follower::new(
        replica,
        follow,
        journal,
        snapshots,
        place.journal_id,
        options,
        newest,
    ))
}

/// Keeps other makers of snapshots out.
///
/// # Errors
/// In words, naming the process that makes them.
pub fn lock(snapshots: &dyn Storage) -> Result<LockGuard, String> {
    let at = snapshots.location();
    snapshots.lock().map_err(|error| match error {
        LockError::Held { pid } => {
            let who = pid.map_or("another process".to_owned(), |pid| format!("process {pid}"));
            format!(
                "snapshots in {at} are made by {who} already, an exchange or a follower: stop it, choose another folder, or, \
                 for an exchange beside `hoga follow`, set follower.enabled = false"
            )
        }
        LockError::Io(error) => format!("cannot lock {at}: {error}"),
    })
}
