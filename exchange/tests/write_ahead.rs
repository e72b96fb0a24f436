//! Nothing leaves before its batch is on disk. A recording file layer beneath the journal knows what has been synced;
//! clients note for every reply and execution whether its command was. With the sync taken out the same check fails.

mod support;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use hoga::config::{Config, Durability};
use hoga::recovery::Stores;
use hoga::serve::Exchange;
use hoga_journal::{Access, DiskStorage, LockError, LockGuard, SegmentFile, Storage};
use support::{Http, next_text, order_body, sequence_of, websocket};

/// What the disk holds for sure, as the highest sequence whose frame was written before a sync that has returned.
#[derive(Default)]
struct Disk {
    synced: AtomicU64,
}

struct RecordingStorage {
    inner: DiskStorage,
    disk: Arc<Disk>,
}

struct RecordingFile {
    inner: Box<dyn SegmentFile>,
    /// The last sequence written to this file: a sync of another file makes nothing of it durable.
    written: AtomicU64,
    disk: Arc<Disk>,
}

impl RecordingStorage {
    fn record(&self, inner: Box<dyn SegmentFile>) -> Box<dyn SegmentFile> {
        Box::new(RecordingFile {
            inner,
            written: AtomicU64::new(0),
            disk: Arc::clone(&self.disk),
        })
    }
}

impl Storage for RecordingStorage {
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
        Ok(self.record(self.inner.create(name)?))
    }
    fn open(&self, name: &str, access: Access) -> io::Result<Box<dyn SegmentFile>> {
        Ok(self.record(self.inner.open(name, access)?))
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

impl SegmentFile for RecordingFile {
    fn size(&self) -> io::Result<u64> {
        self.inner.size()
    }
    fn allocate(&self, bytes: u64) -> io::Result<()> {
        self.inner.allocate(bytes)
    }
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let written = self.inner.write_at(bytes, offset)?;
        // docs/journal-format.md: a frame's first sequence stands at byte 24 of its header, its record count at 32.
        if bytes.starts_with(FRAME_MAGIC) && written == bytes.len() {
            let first = u64::from_le_bytes(bytes[24..32].try_into().unwrap());
            let records = u32::from_le_bytes(bytes[32..36].try_into().unwrap());
            self.written
                .fetch_max(first + u64::from(records) - 1, Ordering::SeqCst);
        }
        Ok(written)
    }
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.inner.read_at(buffer, offset)
    }
    fn sync_data(&self) -> io::Result<()> {
        let covered = self.written.load(Ordering::SeqCst);
        // A slow disk gives whatever leaves too early the time to be seen.
        thread::sleep(Duration::from_millis(2));
        self.inner.sync_data()?;
        self.disk.synced.fetch_max(covered, Ordering::SeqCst);
        Ok(())
    }
    fn forget_cached(&self) -> io::Result<()> {
        self.inner.forget_cached()
    }
}

const FRAME_MAGIC: &[u8] = b"HOGAFRAM";
const ORDERS: u64 = 200;

/// Trades over both doors and returns (messages seen, messages that came before their command was synced).
fn messages_ahead_of_the_disk(durability: Durability) -> (u64, u64) {
    let dir = tempfile::tempdir().unwrap();
    let disk = Arc::new(Disk::default());
    let storage = Arc::new(RecordingStorage {
        inner: DiskStorage::new(dir.path()),
        disk: Arc::clone(&disk),
    });
    let mut config = Config {
        listen: "127.0.0.1:0".parse().unwrap(),
        durability,
        ..Config::default()
    };
    config.data_dir = dir.path().to_path_buf();
    let stores = Stores {
        journal: storage,
        ..Stores::new(dir.path())
    };
    let exchange = Exchange::start(&config, &stores, &mut |_| {}).unwrap();
    let address = exchange.address;

    let judge = |sequence: u64, disk: &Disk| u64::from(disk.synced.load(Ordering::SeqCst) < sequence);
    let mut stream = websocket(address, "/ws/executions").unwrap();
    let watched = Arc::clone(&disk);
    let subscriber = thread::spawn(move || {
        let (mut seen, mut early) = (0, 0);
        while seen < ORDERS {
            let message = next_text(&mut stream).expect("an execution for every order");
            let id = message
                .strip_prefix(r#"{"exec_id":""#)
                .expect("exec_id comes first")
                .split('"')
                .next()
                .unwrap();
            early += judge(sequence_of(id), &watched);
            seen += 1;
        }
        (seen, early)
    });
    let (mut seen, mut early) = (0, 0);
    let mut http = Http::connect(address).unwrap();
    let mut session = websocket(address, "/ws/orders?account=desk").unwrap();
    for n in 0..ORDERS / 2 {
        let (status, order) = http.json(
            "POST",
            "/api/v1/orders",
            &order_body("Sell", 50_000_000, "0.5", &format!("s{n}")),
        );
        assert_eq!(status, 201, "{order}");
        early += judge(order["sequence"].as_u64().unwrap(), &disk);
        let body = order_body("Buy", 50_000_000, "0.5", &format!("b{n}"));
        let request = format!(r#"{{"id":{n},"op":"place",{}"#, &body[1..]);
        session.send(tungstenite::Message::text(request)).unwrap();
        let reply = loop {
            let reply: serde_json::Value = serde_json::from_str(&next_text(&mut session).unwrap()).unwrap();
            if reply.get("id").is_some() {
                break reply;
            }
        };
        early += judge(
            reply["order"]["sequence"]
                .as_u64()
                .unwrap_or_else(|| panic!("{reply}")),
            &disk,
        );
        seen += 2;
    }
    let (streamed, streamed_early) = subscriber.join().unwrap();
    exchange.stop();
    (seen + streamed, early + streamed_early)
}

#[test]
fn no_reply_and_no_execution_leaves_before_its_sync_has_returned() {
    let (seen, early) = messages_ahead_of_the_disk(Durability::Fsync);
    assert_eq!((seen, early), (2 * ORDERS, 0));
}

#[test]
fn without_the_sync_the_same_check_fails() {
    let (seen, early) = messages_ahead_of_the_disk(Durability::PageCache);
    assert_eq!(
        (seen, early),
        (2 * ORDERS, 2 * ORDERS),
        "the recorder must see what was never synced"
    );
}
