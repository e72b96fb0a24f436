//! Journals of released formats: each must replay for ever to the digests noted when it was made, and go on.
//! `journal/tests/corpus/README.md` tells what they are and how one is made.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use hoga::replay::{Scope, replay};
use hoga_engine::Engine;
use hoga_follower::decode;
use hoga_journal::Reader;
use hoga_protocol::*;
use hoga_views::{ViewLimits, Views};
use serde_json::{Value, json};
use support::append::append_to;
use support::{Http, PATIENCE, Process, Random, next_text, order_body, websocket};
use tungstenite::{Message, WebSocket};

const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../journal/tests/corpus");
/// The smallest segment there is, and the ring that it needs to be small; checkpoints among so few commands.
const CONFIG: &str = "[rings]\ninput = 64\n[journal]\nsegment_mib = 1\n[checkpoints]\ncommands = 40\n";

/// A client order id with everything that a reader of text could trip over, as JSON writes it.
const QUOTED: &str = r#"it's \"quoted\", and more"#;

/// All of a journal, its events too.
const WHOLE: Scope = Scope {
    until: None,
    from_snapshot: false,
    accept_divergence: None,
    events: true,
    views: ViewLimits {
        executions: 1_000,
        closed_orders: 1_000,
        order_updates: 1_000,
        account_floor: 16,
    },
};

/// The folders of the journals.
fn corpus() -> Vec<PathBuf> {
    let entries = fs::read_dir(CORPUS).unwrap().map(|entry| entry.unwrap().path());
    let mut folders: Vec<_> = entries.filter(|path| path.is_dir()).collect();
    folders.sort();
    assert!(!folders.is_empty(), "{CORPUS} holds no journal");
    folders
}

/// What a replay comes to, in the lines of `expected.txt`.
fn outcome(folder: &Path) -> String {
    let found = replay(folder, &WHOLE).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    format!(
        "records {}\nlast_sequence {}\nevents {}\nopen_orders {}\nstate_digest {}\nevents_digest {}\n",
        found.records,
        found.last_sequence,
        found.events,
        found.open_orders,
        found.state_digest,
        found.events_digest.unwrap_or_default()
    )
}

/// The first word of a value's debug text: the name of its variant.
fn variant(value: &impl std::fmt::Debug) -> String {
    let text = format!("{value:?}");
    let end = text.find(|c: char| !c.is_alphanumeric()).unwrap_or(text.len());
    text[..end].to_owned()
}

#[test]
fn every_released_journal_replays_to_the_digests_it_was_made_with() {
    for folder in corpus() {
        let expected = fs::read_to_string(folder.join("expected.txt")).unwrap();
        assert_eq!(outcome(&folder), expected, "{}", folder.display());
    }
}

#[test]
fn a_released_snapshot_is_read_and_gives_the_state_it_was_made_with() {
    let mut read = 0;
    for folder in corpus().iter().filter(|folder| folder.join("snapshots").is_dir()) {
        let scope = Scope {
            from_snapshot: true,
            ..WHOLE
        };
        let (short, whole) = (replay(folder, &scope).unwrap(), replay(folder, &WHOLE).unwrap());
        assert!(
            short.snapshot > 0,
            "{}: the snapshot is passed over",
            folder.display()
        );
        assert_eq!(short.state_digest, whole.state_digest, "{}", folder.display());
        assert_eq!(short.views_digest, whole.views_digest, "{}", folder.display());
        read += 1;
    }
    assert!(read > 0, "{CORPUS} holds no snapshot");
}

#[test]
fn the_newest_journal_holds_checkpoints() {
    let folder = corpus().pop().unwrap();
    let whole = replay(&folder, &WHOLE).unwrap();
    assert_eq!(whole.rules, hoga_engine::ENGINE_VERSION, "{}", folder.display());
    assert!(whole.last_checkpoint > 0, "{}", folder.display());
}

/// What a command is called, with what tells it from others of its kind.
fn called(command: &Command) -> String {
    match command {
        Command::Arm(arm) => format!("Arm {}", variant(&arm.cause)),
        Command::Administer(administer) => variant(&administer.action()),
        command => variant(command),
    }
}

#[test]
fn the_newest_journal_holds_every_kind_of_command_and_of_event() {
    let (mut commands, mut events) = (BTreeSet::new(), BTreeSet::new());
    let (mut terms, mut batches) = (BTreeSet::new(), BTreeSet::new());
    let folder = corpus().pop().unwrap();
    let mut engine = Engine::new();
    let mut reader = Reader::open(&folder).unwrap();
    while let Some(frame) = reader.next_frame().unwrap() {
        batches.insert(frame.record_count);
        for record in frame.records() {
            let (timestamp, command) = decode(record.sequence, record.bytes).unwrap();
            commands.insert(called(&command));
            match command {
                Command::NewOrder(order) => {
                    terms.insert(format!("{:?} {:?}", order.order_type, order.time_in_force));
                    terms.insert(format!("post_only {}", order.post_only));
                    terms.insert(format!("named {}", !order.client_order_id.is_empty()));
                    terms.insert(format!("valid_until {}", order.valid_until > Nanos(0)));
                    terms.insert(format!("signed {}", order.signed_by != SigningKeyId::NONE));
                }
                Command::ReplaceOrder(replace) => {
                    terms.insert(format!(
                        "price {} quantity {}",
                        replace.price.is_some(),
                        replace.quantity.is_some()
                    ));
                }
                Command::CancelAll(cancel) => {
                    terms.insert(format!(
                        "instrument {} before {}",
                        cancel.instrument.is_some(),
                        cancel.before.is_some()
                    ));
                }
                _ => {}
            }
            let sequence = Sequence(record.sequence);
            engine.apply(sequence, timestamp, &command, &mut |event| {
                events.insert(variant(&event.body));
            });
        }
    }
    assert_eq!(
        Vec::from_iter(&commands),
        [
            "AcceptClock",
            "Arm Deadline",
            "Arm Disconnect",
            "CancelAll",
            "CancelClientOrder",
            "CancelInstrument",
            "CancelOrder",
            "Checkpoint",
            "DefineInstrument",
            "Disarm",
            "Genesis",
            "NewOrder",
            "OpenAccount",
            "ReplaceOrder",
            "SetAccountLimits",
            "SetAccountStatus",
            "SetFees",
            "SetInstrumentStatus",
            "SetLimits",
        ]
    );
    assert_eq!(
        Vec::from_iter(&events),
        [
            "AccountLimitsSet",
            "AccountOpened",
            "AccountStatusSet",
            "Armed",
            "Checkpointed",
            "ClockAccepted",
            "Disarmed",
            "DuplicateOrder",
            "FeesSet",
            "InstrumentCanceled",
            "InstrumentDefined",
            "InstrumentStatusSet",
            "LimitsSet",
            "MassCancelDone",
            "OrderAccepted",
            "OrderCanceled",
            "OrderReplaced",
            "Rejected",
            "Started",
            "Trade",
        ]
    );
    assert_eq!(terms.len(), 5 + 2 + 2 + 2 + 2 + 3 + 3, "{terms:?}");
    assert!(
        batches.len() > 3,
        "frames of one record to many were meant: {batches:?}"
    );
    assert_eq!(engine.armings().count(), 3);
}

#[test]
fn a_released_journal_goes_on_under_this_version() {
    for folder in corpus() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("journal");
        fs::create_dir(&data).unwrap();
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|end| end == "hoga") {
                fs::copy(&path, data.join(path.file_name().unwrap())).unwrap();
            }
        }
        let before = replay(dir.path(), &WHOLE).unwrap();
        assert!(before.records > 0, "{}", folder.display());
        let unarmed = orders_of_unarmed_accounts(&folder);
        let process = start(dir.path());
        let mut http = Http::connect(process.address).unwrap();
        let body = order_body("Sell", 90_000_000, "0.5", "written by a later version");
        let (status, order) = http.json("POST", "/api/v1/orders", &body);
        assert_eq!(status, 201, "{order}");
        assert!(
            order["sequence"].as_u64().unwrap() > before.last_sequence,
            "{order}"
        );
        process.terminate();
        let after = replay(dir.path(), &WHOLE).unwrap();
        assert_eq!(after.open_orders as usize, unarmed + 1, "{}", folder.display());
    }
}

/// What a start leaves of a journal whose armings are all of sessions, or of deadlines long past.
fn orders_of_unarmed_accounts(folder: &Path) -> usize {
    let (mut engine, mut views) = (Engine::new(), Views::new(WHOLE.views));
    let mut reader = Reader::open(folder).unwrap();
    while let Some(record) = reader.next_record().unwrap() {
        let (timestamp, command) = decode(record.sequence, record.bytes).unwrap();
        engine.apply(Sequence(record.sequence), timestamp, &command, &mut |event| {
            views.fold(event)
        });
    }
    let armed: BTreeSet<u32> = views.armings().iter().map(|armed| armed.account.0).collect();
    let unarmed = (0..views.accounts().len() as u32).filter(|account| !armed.contains(account));
    unarmed
        .flat_map(|account| views.orders().of_account(AccountId(account)))
        .filter(|order| !order.status.closed())
        .count()
}

fn start(data_dir: &Path) -> Process {
    let config = data_dir.join("corpus.toml");
    fs::write(&config, CONFIG).unwrap();
    Process::start(data_dir, &["--config", config.to_str().unwrap()])
}

/// Makes a journal for the corpus in the folder that `CORPUS_NEW` names, which must not exist.
#[test]
#[ignore = "makes a journal of this version, once per released format"]
fn make_a_journal_of_this_version() {
    let Ok(target) = std::env::var("CORPUS_NEW") else {
        println!("skipped: CORPUS_NEW names no folder");
        return;
    };
    // Tests run in their package's folder, and the name is meant from where cargo was called.
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(target);
    fs::create_dir(&target).unwrap_or_else(|error| panic!("{}: {error}", target.display()));
    let dir = tempfile::tempdir().unwrap();
    let process = start(dir.path());
    Desk::open(&process, "desk-a").trade(1, 250);
    Desk::open(&process, "desk-b").crowd(300);
    Desk::open(&process, "desk:c@example.com").trade(2, 120);
    one_by_one(&process);
    process.terminate();
    govern(dir.path());
    let (made, said, error) =
        support::hoga(&["snapshot", "make", "--data-dir", dir.path().to_str().unwrap()]);
    assert!(made, "{said}{error}");

    let journal = dir.path().join("journal");
    let begun = hoga_journal::verify(&journal).unwrap().segments;
    for number in 1..=begun {
        let name = hoga_journal::segment_name(number);
        fs::copy(journal.join(&name), target.join(&name)).unwrap();
    }
    let snapshots = dir.path().join("snapshots");
    fs::create_dir(target.join("snapshots")).unwrap();
    // The newest has the greatest name.
    let names = fs::read_dir(&snapshots)
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    let name = names
        .filter(|name| name.to_str().unwrap().ends_with(".snapshot"))
        .max()
        .unwrap();
    fs::copy(snapshots.join(&name), target.join("snapshots").join(&name)).unwrap();
    fs::write(target.join("expected.txt"), outcome(&target)).unwrap();
    println!("made {} of {begun} segments", target.display());
}

/// Armings and administration of every kind, behind all that was traded.
fn govern(data: &Path) {
    let account = AccountId(0);
    let instrument = InstrumentId(1);
    let symbol = Symbol::new("XRP-KRW").unwrap();
    let (step, rate) = (
        Scaled {
            mantissa: 1,
            scale: 0,
        },
        FeeRate(100),
    );
    let spec = InstrumentSpec::new(
        symbol,
        step,
        step,
        0,
        Lots(1),
        Lots(1_000),
        Notional(0),
        rate,
        rate,
    )
    .unwrap();
    let status = InstrumentStatus::CancelOnly;
    let suspended = AccountStatus::Suspended;
    let actions = [
        AdminAction::DefineInstrument(spec),
        AdminAction::SetFees(SetFees {
            instrument,
            maker: FeeRate(-50),
            taker: FeeRate(300),
        }),
        AdminAction::SetInstrumentStatus(SetInstrumentStatus { instrument, status }),
        AdminAction::SetAccountStatus(SetAccountStatus {
            account,
            status: suspended,
        }),
        AdminAction::SetAccountLimits(SetAccountLimits {
            account,
            max_open_orders: 10,
        }),
        AdminAction::CancelAll(CancelAll {
            account,
            instrument: None,
            before: None,
        }),
        AdminAction::SetFees(SetFees {
            instrument,
            maker: FeeRate(-301),
            taker: FeeRate(300),
        }),
    ];
    let by = OperatorName::new("ops@example.com").unwrap();
    let mut commands: Vec<Command> = actions
        .map(|action| Command::Administer(Administer::new(by, action)))
        .into();
    let deadline = |at| {
        Command::Arm(Arm {
            account: AccountId(1),
            cause: ArmCause::Deadline(Nanos(at)),
        })
    };
    let disconnect = |account| {
        Command::Arm(Arm {
            account: AccountId(account),
            cause: ArmCause::Disconnect,
        })
    };
    commands.extend(odd_commands());
    commands.extend([
        deadline(1_000),
        disconnect(1),
        disconnect(2),
        deadline(2_000),
        disconnect(2),
    ]);

    let last = append_to(data, &commands);
    let disarm = |arming| {
        let account = AccountId(2);
        Command::Disarm(Disarm { account, arming })
    };
    append_to(data, &[disarm(Sequence(last)), disarm(Sequence(1))]);
}

/// What no client of this test sends: an order that a key signed and that expires, its cancel by its id, limits, an
/// instrument's orders canceled, and a leap of a second.
fn odd_commands() -> [Command; 5] {
    let by = OperatorName::new("ops@example.com").unwrap();
    let administer = |action| Command::Administer(Administer::new(by, action));
    let client_order_id = ClientOrderId::new("signed").unwrap();
    let account = AccountId(1);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
    let limits = Limits::default();
    [
        Command::NewOrder(NewOrder {
            account,
            instrument: InstrumentId(0),
            side: Side::Buy,
            order_type: OrderType::Limit,
            time_in_force: TimeInForce::Gtc,
            post_only: true,
            price: Ticks(1),
            quantity: Lots(100_000_000),
            client_order_id,
            valid_until: Nanos(now + 60_000_000_000),
            signed_by: SigningKeyId([7; 10]),
        }),
        Command::CancelClientOrder(CancelClientOrder {
            account,
            client_order_id,
        }),
        administer(AdminAction::SetLimits(SetLimits {
            max_accounts: limits.max_accounts + 1,
            max_open_orders_per_account: limits.max_open_orders_per_account,
            client_ids_total: limits.client_ids_total,
        })),
        administer(AdminAction::CancelInstrument(CancelInstrument {
            instrument: InstrumentId(1),
        })),
        administer(AdminAction::AcceptClock(AcceptClock {
            to: Nanos(now + 1_000_000_000),
        })),
    ]
}

/// Commands over HTTP, each in a frame of its own.
fn one_by_one(process: &Process) {
    let mut http = Http::connect(process.address).unwrap();
    let mut place = |body: &str| http.json("POST", "/api/v1/orders", body);
    let rests = order_body("Buy", 40_000_000, "0.25", QUOTED);
    assert_eq!(place(&rests).0, 201);
    assert_eq!(place(&rests).0, 200, "the same order again");
    let (status, answer) = place(&order_body("Sell", 40_000_000, "0.25", QUOTED));
    assert_eq!(status, 409, "{answer}");
    let order = place(r#"{"symbol":"ETH-KRW","side":"Sell","type":"Limit","price":3000500,"quantity":2,"account":"anonymous"}"#).1;
    let id = order["order_id"].as_str().unwrap();
    let path = format!("/api/v1/orders/{id}");
    for change in [
        r#"{"price":3001000}"#,
        r#"{"quantity":1.5}"#,
        r#"{"price":3000000,"quantity":1.75}"#,
    ] {
        assert_eq!(http.json("PATCH", &path, change).0, 200);
    }
    assert_eq!(http.json("DELETE", &path, "").0, 200);
    assert_eq!(http.json("DELETE", "/api/v1/orders?account=desk-a", "").0, 200);
    let body = order_body("Sell", 77_000_000, "0.125", "stays");
    assert_eq!(http.json("POST", "/api/v1/orders", &body).0, 201);
}

/// One order session, which sends up to `WINDOW` requests before it reads the replies.
struct Desk {
    socket: WebSocket<TcpStream>,
    sent: u64,
    waiting: usize,
    /// Orders that were acknowledged.
    orders: Vec<String>,
}

impl Desk {
    const WINDOW: usize = 24;

    fn open(process: &Process, account: &str) -> Desk {
        let socket = websocket(process.address, &format!("/ws/orders?account={account}")).unwrap();
        socket.get_ref().set_read_timeout(Some(PATIENCE)).unwrap();
        Desk {
            socket,
            sent: 0,
            waiting: 0,
            orders: Vec::new(),
        }
    }

    fn send(&mut self, mut request: Value) {
        request["id"] = json!(self.sent);
        self.sent += 1;
        self.waiting += 1;
        self.socket.send(Message::text(request.to_string())).unwrap();
        if self.waiting == Self::WINDOW {
            self.settle();
        }
    }

    /// Reads every reply that is waited for; refusals are welcome in a corpus.
    fn settle(&mut self) {
        while self.waiting > 0 {
            let reply: Value = serde_json::from_str(&next_text(&mut self.socket).unwrap()).unwrap();
            if reply.get("id").is_none() {
                continue;
            }
            self.waiting -= 1;
            assert_ne!(reply["error"]["code"], "busy", "{reply}");
            if let Some(id) = reply["order"]["order_id"].as_str() {
                self.orders.push(id.to_owned());
            }
        }
    }

    /// Orders of every kind in two instruments, replaces and cancels, by chance.
    fn trade(mut self, seed: u64, requests: u64) {
        println!("seed {seed}");
        let mut random = Random(seed);
        for n in 0..requests {
            let known = self.orders.len() as u64;
            let request = match random.below(10) {
                0 if known > 0 => {
                    json!({"op": "cancel", "order_id": self.orders[random.below(known) as usize]})
                }
                1 if known > 0 => json!({
                    "op": "replace",
                    "order_id": self.orders[random.below(known) as usize],
                    "price": 50_000_000 + random.below(9) * 1_000,
                    "quantity": (1 + random.below(40)) as f64 / 8.0,
                }),
                _ => place(&mut random, n),
            };
            self.send(request);
        }
        self.settle();
        self.send(json!({"op": "cancel_all", "symbol": "ETH-KRW"}));
        self.settle();
    }

    /// More resting orders than one mass cancel takes, and their cancel.
    fn crowd(mut self, orders: u64) {
        for n in 0..orders {
            self.send(
                json!({"op": "place", "symbol": "BTC-KRW", "side": "Buy", "type": "Limit",
                "price": 30_000_000 + n % 7 * 1_000, "quantity": 1}),
            );
        }
        self.settle();
        self.send(json!({"op": "cancel_all"}));
        self.settle();
    }
}

fn place(random: &mut Random, n: u64) -> Value {
    let (symbol, middle, tick) = match random.below(4) {
        0 => ("ETH-KRW", 3_000_000, 500),
        _ => ("BTC-KRW", 50_000_000, 1_000),
    };
    let side = if random.below(2) == 0 { "Buy" } else { "Sell" };
    let mut order = json!({"op": "place", "symbol": symbol, "side": side, "type": "Limit",
        "quantity": (1 + random.below(64)) as f64 / 64.0});
    if random.below(3) > 0 {
        order["client_order_id"] = json!(format!("order {n}"));
    }
    if random.below(8) == 0 {
        order["type"] = json!("Market");
        order["time_in_force"] = json!(if random.below(3) == 0 { "FOK" } else { "IOC" });
        return order;
    }
    order["price"] = json!(middle + random.below(9) * tick);
    match random.below(6) {
        0 => order["time_in_force"] = json!("IOC"),
        1 => order["time_in_force"] = json!("FOK"),
        2 => order["post_only"] = json!(true),
        _ => {}
    }
    order
}
