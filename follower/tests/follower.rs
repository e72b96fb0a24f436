//! A follower beside a journal that is being written: what it comes to, what it makes, and what it does not believe.

use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hoga_engine::ENGINE_VERSION;
use hoga_follower::{
    ApplyError, Compression, FollowError, Follower, FollowerOptions, Progress, Recovery, Replica, spread,
};
use hoga_journal::{DiskStorage, Follow, Journal, Options, Position, Snapshots, Writer};
use hoga_protocol::codec::{MAX_RECORD, encode_command};
use hoga_protocol::*;
use hoga_views::ViewLimits;

const LIMITS: ViewLimits = ViewLimits {
    executions: 100,
    closed_orders: 100,
    order_updates: 100,
    account_floor: 4,
};

const OPTIONS: FollowerOptions = FollowerOptions {
    snapshot_commands: 0,
    snapshot_interval: Duration::ZERO,
    keep: 2,
    sync: true,
    compression: Compression::None,
};

/// A journal being written, and the replica that its own commands come to.
struct Exchange {
    folder: tempfile::TempDir,
    writer: Writer,
    live: Replica,
    price: i64,
}

impl Exchange {
    fn begin(rules: u32) -> Exchange {
        let folder = tempfile::tempdir().unwrap();
        let options = Options {
            segment_bytes: 64 << 10,
            ..Options::default()
        };
        let journal = Arc::new(DiskStorage::new(folder.path().join("journal")));
        let (writer, _) = Journal::open_with(journal, &options, |_, _| Ok::<(), Infallible>(())).unwrap();
        let mut exchange = Exchange {
            folder,
            writer,
            live: Replica::new(LIMITS),
            price: 1,
        };
        exchange.send(&Command::Genesis(Genesis {
            engine_version: rules,
            exchange: ExchangeId(7),
            hash_key: [1, 2],
            limits: Limits {
                max_open_orders: 1_000,
                max_open_orders_per_account: 1_000,
                ..Limits::default()
            },
        }));
        exchange.send(&Command::DefineInstrument(spec()));
        exchange.send(&Command::OpenAccount(OpenAccount {
            account: AccountId(0),
            name: AccountName::new("desk").unwrap(),
        }));
        exchange.writer.commit().unwrap();
        exchange
    }

    /// Appends a command and applies it as the matcher would.
    fn send(&mut self, command: &Command) {
        let mut record = [0; MAX_RECORD];
        let len = encode_command(Nanos(self.live.last_sequence() + 1), command, &mut record);
        self.writer.append(&record[..len]).unwrap();
        let sequence = self.live.last_sequence() + 1;
        // A checkpoint that lies is written all the same.
        let _ = self.live.apply(sequence, &record[..len], |_| {});
    }

    /// Resting orders and trades, committed in groups.
    fn trade(&mut self, orders: u32) {
        for n in 0..orders {
            let (side, price) = match n % 4 {
                3 => (Side::Sell, 1),
                _ => (Side::Buy, self.price),
            };
            self.price = self.price % 50 + 1;
            self.send(&Command::NewOrder(NewOrder {
                account: AccountId(0),
                instrument: InstrumentId(0),
                side,
                order_type: OrderType::Limit,
                time_in_force: TimeInForce::Gtc,
                post_only: false,
                price: Ticks(price),
                quantity: Lots(3),
                client_order_id: ClientOrderId::new(&format!("order-{}", self.live.last_sequence())).unwrap(),
                valid_until: Nanos(0),
                signed_by: SigningKeyId::NONE,
            }));
            if n % 7 == 6 {
                self.writer.commit().unwrap();
            }
        }
        self.writer.commit().unwrap();
    }

    fn checkpoint(&mut self) {
        let previous = self.live.engine.last_check();
        self.send(&Command::Checkpoint(Checkpoint { previous }));
        self.writer.commit().unwrap();
    }

    fn snapshots(&self) -> Snapshots {
        Snapshots::in_folder(self.folder.path().join("snapshots")).unwrap()
    }

    fn follow(&self, options: FollowerOptions) -> Follower {
        let journal = Arc::new(DiskStorage::new(self.folder.path().join("journal")));
        let id = self.writer.journal_id();
        let follow = Follow::open(
            Arc::clone(&journal) as _,
            Position::START,
            id,
            Some(self.writer.durable()),
        );
        Follower::new(
            Replica::new(LIMITS),
            follow.unwrap(),
            journal,
            self.snapshots(),
            id,
            options,
            0,
        )
    }

    /// The states that a recovery would begin from, by their sequence, and what was said on the way to each.
    fn bases(&self) -> Vec<(u64, Vec<String>)> {
        let folder = Arc::new(DiskStorage::new(self.folder.path().join("snapshots")));
        let mut recovery = Recovery::new(folder, LIMITS).unwrap();
        std::iter::from_fn(|| recovery.next_base())
            .map(|base| (base.replica.last_sequence(), base.passed_over))
            .collect()
    }
}

fn spec() -> InstrumentSpec {
    let one = Scaled {
        mantissa: 1,
        scale: 0,
    };
    let (fees, symbol) = ((FeeRate(-100), FeeRate(500)), Symbol::new("X").unwrap());
    InstrumentSpec::new(
        symbol,
        one,
        one,
        0,
        Lots(1),
        Lots(100),
        Notional(0),
        fees.0,
        fees.1,
    )
    .unwrap()
}

/// Steps until there is nothing to do; returns what was made.
fn settle(follower: &mut Follower, now: Duration) -> Vec<String> {
    let mut made = Vec::new();
    loop {
        match follower.step(now, Nanos(5)).unwrap() {
            Progress::Idle => return made,
            Progress::Applied(_) => {}
            Progress::Snapshot(file) => made.push(file.name),
            Progress::Compressed(_) => made.push("compressed".to_owned()),
            Progress::Failed(why) => made.push(why),
        }
    }
}

fn same(one: &Replica, other: &Replica) {
    assert_eq!(one.last_sequence(), other.last_sequence());
    assert_eq!(one.engine.state_digest(), other.engine.state_digest());
    assert_eq!(one.views_digest(), other.views_digest());
}

#[test]
fn a_follower_does_not_come_to_another_state_than_the_exchange() {
    let mut exchange = Exchange::begin(ENGINE_VERSION);
    let mut follower = exchange.follow(OPTIONS);
    for round in 0..60 {
        exchange.trade(40);
        if round % 3 == 0 {
            exchange.checkpoint();
        }
        assert_eq!(settle(&mut follower, Duration::ZERO), Vec::<String>::new());
        same(follower.replica(), &exchange.live);
    }
    assert_eq!(
        follower
            .lag()
            .checkpoints
            .load(std::sync::atomic::Ordering::Relaxed),
        20
    );
}

#[test]
fn nothing_that_a_crash_could_lose_reaches_a_snapshot() {
    let mut exchange = Exchange::begin(ENGINE_VERSION);
    exchange.trade(10);
    let durable = exchange.live.last_sequence();
    let mut follower = exchange.follow(FollowerOptions {
        snapshot_commands: 1,
        ..OPTIONS
    });
    let order = Command::CancelAll(CancelAll {
        account: AccountId(0),
        instrument: None,
        before: None,
    });
    exchange.send(&order);
    assert_eq!(
        settle(&mut follower, Duration::ZERO),
        [hoga_journal::snapshot_name(durable)]
    );
    exchange.writer.commit().unwrap();
    assert_eq!(
        settle(&mut follower, Duration::ZERO),
        [hoga_journal::snapshot_name(durable + 1)]
    );
}

#[test]
fn snapshots_come_when_they_are_due_and_old_ones_go() {
    let mut exchange = Exchange::begin(ENGINE_VERSION);
    let mut follower = exchange.follow(FollowerOptions {
        snapshot_commands: 100,
        snapshot_interval: Duration::from_secs(10),
        ..OPTIONS
    });
    let second = Duration::from_secs(1);
    exchange.trade(50);
    assert_eq!(settle(&mut follower, second).len(), 0, "neither many nor long");
    exchange.trade(60);
    assert_eq!(settle(&mut follower, second).len(), 1, "many");
    exchange.trade(5);
    assert_eq!(settle(&mut follower, 5 * second).len(), 0);
    assert_eq!(settle(&mut follower, 12 * second).len(), 1, "long");
    assert_eq!(
        settle(&mut follower, 99 * second).len(),
        0,
        "nothing happened since"
    );
    exchange.trade(120);
    assert_eq!(settle(&mut follower, 99 * second).len(), 1);
    assert_eq!(
        exchange.snapshots().list().unwrap().len(),
        2,
        "the newest two are kept"
    );
    let bases: Vec<u64> = exchange
        .bases()
        .into_iter()
        .map(|(sequence, _)| sequence)
        .collect();
    assert_eq!(
        bases,
        [
            exchange.live.last_sequence(),
            exchange.live.last_sequence() - 120,
            0
        ]
    );
}

#[test]
fn a_state_read_from_a_snapshot_goes_on_as_the_exchange_does() {
    let mut exchange = Exchange::begin(ENGINE_VERSION);
    exchange.trade(200);
    exchange.checkpoint();
    let mut follower = exchange.follow(FollowerOptions {
        snapshot_commands: 1,
        ..OPTIONS
    });
    settle(&mut follower, Duration::ZERO);
    exchange.trade(300);
    exchange.checkpoint();
    let folder = Arc::new(DiskStorage::new(exchange.folder.path().join("snapshots")));
    let base = Recovery::new(folder, LIMITS).unwrap().next_base().unwrap();
    let (_, head) = base.snapshot.unwrap();
    let mut replica = base.replica;
    let journal = Arc::new(DiskStorage::new(exchange.folder.path().join("journal")));
    let mut reader = hoga_journal::Reader::open_at(journal, Some(&head.position)).unwrap();
    while let Some(record) = reader.next_record().unwrap() {
        replica.apply(record.sequence, record.bytes, |_| {}).unwrap();
    }
    same(&replica, &exchange.live);
}

#[test]
fn two_threads_do_not_come_to_another_state_than_one() {
    let mut exchange = Exchange::begin(ENGINE_VERSION);
    // More events than are under way at once.
    for _ in 0..30 {
        exchange.trade(300);
        exchange.checkpoint();
    }
    let journal = Arc::new(DiskStorage::new(exchange.folder.path().join("journal")));
    let mut reader = hoga_journal::Reader::open_with(journal).unwrap();
    let mut events = 0;
    let (replica, applied) = spread(Replica::new(LIMITS), |replica| {
        while let Some(record) = reader.next_record().unwrap() {
            replica.apply(record.sequence, record.bytes, |_| events += 1)?;
        }
        Ok::<u64, ApplyError>(replica.engine().last_sequence().0)
    });
    assert_eq!(applied, Ok(exchange.live.last_sequence()));
    assert!(events > 8_000, "{events}");
    same(&replica, &exchange.live);
}

#[test]
fn a_snapshot_that_is_not_whole_or_not_of_this_program_is_passed_over() {
    let mut exchange = Exchange::begin(ENGINE_VERSION);
    let mut follower = exchange.follow(FollowerOptions {
        snapshot_commands: 1,
        keep: 3,
        ..OPTIONS
    });
    let mut sequences = Vec::new();
    for _ in 0..3 {
        exchange.trade(10);
        settle(&mut follower, Duration::ZERO);
        sequences.push(exchange.live.last_sequence());
    }
    let path = |sequence| {
        exchange
            .folder
            .path()
            .join("snapshots")
            .join(hoga_journal::snapshot_name(sequence))
    };
    let mut bytes = std::fs::read(path(sequences[2])).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    std::fs::write(path(sequences[2]), &bytes).unwrap();
    // Whole, but its head tells another digest than its engine has.
    lie_about_the_digest(&path(sequences[1]), &exchange);
    let bases = exchange.bases();
    assert_eq!(bases.len(), 2);
    let (sequence, passed_over) = &bases[0];
    assert_eq!(*sequence, sequences[0]);
    assert_eq!(passed_over.len(), 2, "{passed_over:?}");
    assert!(passed_over[1].contains("another digest"), "{passed_over:?}");
}

/// Writes the snapshot at `path` again, whole in itself, with a digest that is not its engine's.
fn lie_about_the_digest(path: &Path, exchange: &Exchange) {
    let snapshots = exchange.snapshots();
    let name = path.file_name().unwrap().to_str().unwrap();
    let file = snapshots
        .list()
        .unwrap()
        .into_iter()
        .find(|file| file.name == name)
        .unwrap();
    let reader = snapshots.open(&file).unwrap();
    let mut head = *reader.head();
    head.state_digest[0] ^= 1;
    let sections: Vec<(u32, u64)> = reader.sections().collect();
    let contents: Vec<(u32, Vec<u8>)> = sections
        .into_iter()
        .map(|(id, length)| {
            let mut bytes = vec![0; length as usize];
            reader.section(id).unwrap().read_exact(&mut bytes).unwrap();
            (id, bytes)
        })
        .collect();
    std::fs::remove_file(path).unwrap();
    let mut writer = snapshots.begin(&head, false).unwrap();
    for (id, bytes) in contents {
        writer.section(id);
        writer.write(&bytes);
    }
    writer.finish().unwrap();
}

#[test]
fn a_checkpoint_that_disagrees_is_an_error_unless_it_was_accepted() {
    let mut exchange = Exchange::begin(ENGINE_VERSION);
    exchange.trade(10);
    exchange.checkpoint();
    exchange.send(&Command::Checkpoint(Checkpoint {
        previous: Some(StateCheck {
            sequence: Sequence(1),
            digest: [9; 16],
        }),
    }));
    exchange.writer.commit().unwrap();
    let at = exchange.live.last_sequence();
    let mut follower = exchange.follow(OPTIONS);
    let found = loop {
        match follower.step(Duration::ZERO, Nanos(0)) {
            Ok(Progress::Idle) => panic!("it was passed over"),
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    let FollowError::Apply(error @ ApplyError::Diverged { sequence, .. }) = found else {
        panic!("{found}");
    };
    assert_eq!(sequence, at);
    assert!(error.to_string().contains(&format!("checkpoint {at}")), "{error}");

    let journal = Arc::new(DiskStorage::new(exchange.folder.path().join("journal")));
    for accepted in [at, at - 1] {
        let mut replica = Replica::new(LIMITS);
        replica.accept_divergence(Some(Sequence(accepted)));
        let mut reader = hoga_journal::Reader::open_with(Arc::clone(&journal) as _).unwrap();
        let mut result = Ok(());
        while let Some(record) = reader.next_record().unwrap() {
            result = result.and(replica.apply(record.sequence, record.bytes, |_| {}));
        }
        assert_eq!(result.is_ok(), accepted == at);
    }
}

#[test]
fn closed_segments_are_not_left_uncompressed() {
    let mut exchange = Exchange::begin(ENGINE_VERSION);
    let mut follower = exchange.follow(FollowerOptions {
        compression: Compression::Zstd(1),
        ..OPTIONS
    });
    while exchange.writer.position().segment < 3 {
        exchange.trade(7);
    }
    // The follower has to have read into the last segment.
    exchange.trade(7);
    let made = settle(&mut follower, Duration::ZERO);
    assert_eq!(made, ["compressed"; 2]);
    same(follower.replica(), &exchange.live);
}
