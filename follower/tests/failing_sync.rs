//! A follower in a process of its own reads the page cache. When a sync fails, what it has read may never reach the disk,
//! and a second sync would say that it had: so it must end, and make no snapshot then or later.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hoga_engine::ENGINE_VERSION;
use hoga_follower::{Compression, FollowError, Follower, FollowerOptions, Progress, Replica};
use hoga_journal::{
    Access, DiskStorage, Follow, Journal, LockError, LockGuard, Options, Position, SegmentFile, Snapshots,
    Storage,
};
use hoga_protocol::codec::{MAX_RECORD, encode_command};
use hoga_protocol::{Command, ExchangeId, Genesis, Limits, Nanos};
use hoga_views::ViewLimits;

/// A folder whose next sync fails.
struct Failing {
    inner: DiskStorage,
    fails: Arc<AtomicBool>,
}

struct FailingFile {
    inner: Box<dyn SegmentFile>,
    fails: Arc<AtomicBool>,
}

impl Storage for Failing {
    fn location(&self) -> String {
        self.inner.location()
    }
    fn lock(&self) -> Result<LockGuard, LockError> {
        self.inner.lock()
    }
    fn list(&self) -> io::Result<Vec<String>> {
        self.inner.list()
    }
    fn create(&self, name: &str) -> io::Result<Box<dyn SegmentFile>> {
        self.inner.create(name)
    }
    fn open(&self, name: &str, access: Access) -> io::Result<Box<dyn SegmentFile>> {
        let (inner, fails) = (self.inner.open(name, access)?, Arc::clone(&self.fails));
        Ok(Box::new(FailingFile { inner, fails }))
    }
    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.inner.rename(from, to)
    }
    fn remove(&self, name: &str) -> io::Result<()> {
        self.inner.remove(name)
    }
    fn sync_dir(&self) -> io::Result<()> {
        self.inner.sync_dir()
    }
}

impl SegmentFile for FailingFile {
    fn size(&self) -> io::Result<u64> {
        self.inner.size()
    }
    fn allocate(&self, bytes: u64) -> io::Result<()> {
        self.inner.allocate(bytes)
    }
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.inner.write_at(bytes, offset)
    }
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.inner.read_at(buffer, offset)
    }
    fn sync_data(&self) -> io::Result<()> {
        match self.fails.swap(false, Ordering::SeqCst) {
            true => Err(io::Error::from_raw_os_error(5)),
            false => self.inner.sync_data(),
        }
    }
    fn forget_cached(&self) -> io::Result<()> {
        self.inner.forget_cached()
    }
}

#[test]
fn a_snapshot_is_not_made_of_what_a_failed_sync_may_have_lost() {
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("journal");
    let options = Options {
        segment_bytes: 64 << 10,
        ..Options::default()
    };
    let (mut writer, _) = Journal::open(&journal, &options, |_, _| Ok::<(), Infallible>(())).unwrap();
    let genesis = Command::Genesis(Genesis {
        engine_version: ENGINE_VERSION,
        exchange: ExchangeId(7),
        hash_key: [1, 2],
        limits: Limits {
            max_open_orders: 10,
            ..Limits::default()
        },
    });
    let mut record = [0; MAX_RECORD];
    let len = encode_command(Nanos(1), &genesis, &mut record);
    writer.append(&record[..len]).unwrap();
    writer.commit().unwrap();

    for fails in [true, false] {
        let storage: Arc<dyn Storage> = Arc::new(Failing {
            inner: DiskStorage::new(&journal),
            fails: Arc::new(AtomicBool::new(fails)),
        });
        let snapshots = Snapshots::in_folder(folder.path().join("snapshots")).unwrap();
        let id = writer.journal_id();
        let follow = Follow::open(Arc::clone(&storage), Position::START, id, None).unwrap();
        let options = FollowerOptions {
            snapshot_commands: 1,
            snapshot_interval: Duration::ZERO,
            keep: 2,
            sync: true,
            compression: Compression::None,
        };
        let replica = Replica::new(ViewLimits::default());
        let mut follower = Follower::new(replica, follow, storage, snapshots.clone(), id, options, 0);
        let step = follower.step(Duration::ZERO, Nanos(0));
        match fails {
            true => assert!(matches!(step, Err(FollowError::Read(_))), "it must end: {step:?}"),
            false => assert!(matches!(step, Ok(Progress::Snapshot(_))), "{step:?}"),
        }
        assert_eq!(snapshots.list().unwrap().len(), usize::from(!fails));
    }
}
