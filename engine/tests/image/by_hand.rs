//! An image put together by hand, so that a test can write what no engine would.

use hoga_protocol::codec::ImageSink;
use hoga_protocol::*;

use crate::common;

pub struct ByHand {
    pub last_sequence: u64,
    pub genesis: Genesis,
    pub rules: u32,
    pub symbols: [&'static str; 2],
    pub names: [&'static str; 2],
    /// Most accounts, open orders of each, and ids of all, as operators have set them.
    pub limits: [u32; 3],
    /// Instrument, price and order.
    pub cursor: (u32, i64, u64),
    /// In place of the one above: account, whether behind an id, and that.
    pub account_cursor: Option<(u32, bool, u64)>,
    pub check: u64,
    /// Of each instrument.
    pub statuses: [u8; 2],
    /// Account, status and limit.
    pub restricted: Vec<(u32, u8, u32)>,
    pub leapt: u64,
    /// Name, by how much time had leapt, and what asked for it.
    pub armings: Vec<(u64, u64, Command)>,
    /// Of the first instrument: price and orders of each level, best first.
    pub bids: Vec<(i64, Vec<Order>)>,
    pub asks: Vec<(i64, Vec<Order>)>,
    /// Of each account: until when ids may have been forgotten, and the closed ones.
    pub closed: [(u64, Vec<Id>); 2],
}

/// A client order id.
#[derive(Clone, Copy)]
pub struct Id {
    pub order: u64,
    pub id: u64,
    pub terms: u64,
    pub valid_until: u64,
}

pub struct Order {
    pub id: u64,
    pub account: u32,
    pub quantity: u64,
    pub leaves: u64,
    pub fee: i128,
    pub id_of_client: Option<Id>,
}

impl ByHand {
    /// Three orders, of which the ask is filled in part and was sent under a client order id; two closed ids.
    pub fn new() -> Self {
        let Command::Genesis(genesis) = common::genesis(common::LIMITS) else {
            unreachable!("genesis is a genesis")
        };
        let bid = |id| Order {
            id,
            account: 0,
            quantity: 10,
            leaves: 10,
            fee: 0,
            id_of_client: None,
        };
        let ask = Order {
            id: 17,
            account: 1,
            leaves: 6,
            fee: 4 * 105 * 200,
            id_of_client: Some(id(17, 70)),
            ..bid(17)
        };
        Self {
            last_sequence: 20,
            genesis,
            rules: hoga_engine::ENGINE_VERSION,
            symbols: ["X", "Y"],
            names: ["a", "b"],
            limits: [9, 900, 1_001],
            cursor: (1, 0, 20),
            account_cursor: None,
            check: 20,
            statuses: [0, 1],
            restricted: vec![(0, 0, 7), (1, 1, u32::MAX)],
            leapt: 40,
            armings: vec![
                (8, 0, common::arm(0, None)),
                (13, 30, common::arm(1, Some(5))),
                (14, 40, common::arm(0, Some(6))),
            ],
            bids: vec![(100, vec![bid(15)]), (99, vec![bid(16)])],
            asks: vec![(105, vec![ask])],
            closed: [(0, vec![id(9, 71)]), (60, vec![id(12, 72), id(11, 73)])],
        }
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut image = Vec::new();
        image.put_u32(1);
        image.put_u64(self.last_sequence);
        image.put_u64(77);
        image.put(&[3; 16]);
        image.put_bool(true);
        image.put_record(&Command::Genesis(self.genesis));
        image.put_u32(self.rules);
        self.limits.iter().for_each(|&limit| image.put_u32(limit));
        image.put_u32(2);
        for symbol in self.symbols {
            let spec = common::spec(symbol, [1, 1_000], 0, [200, 500]);
            image.put_record(&Command::DefineInstrument(spec));
        }
        image.put_u32(2);
        for name in self.names {
            image.put_text(&AccountName::new(name).unwrap_or_default());
        }
        match self.account_cursor {
            None => {
                image.put_u8(0);
                image.put_u32(self.cursor.0);
                image.put_bool(true);
                image.put_i64(self.cursor.1);
                image.put_u64(self.cursor.2);
            }
            Some((account, is_behind, id)) => {
                image.put_u8(1);
                image.put_u32(account);
                image.put_bool(is_behind);
                image.put_u64(id);
            }
        }
        image.put_bool(true);
        image.put_u64(self.check);
        image.put(&[9; 16]);
        image.put(&self.statuses);
        image.put_u32(self.restricted.len() as u32);
        for (account, status, limit) in &self.restricted {
            image.put_u32(*account);
            image.put_u8(*status);
            image.put_u32(*limit);
        }
        image.put_u64(self.leapt);
        image.put_u32(self.armings.len() as u32);
        for (arming, leapt, asked) in &self.armings {
            image.put_u64(*arming);
            image.put_u64(*leapt);
            image.put_record(asked);
        }
        put_side(&mut image, &self.bids);
        put_side(&mut image, &self.asks);
        put_side(&mut image, &[]);
        put_side(&mut image, &[]);
        for (forgotten_until, ids) in &self.closed {
            image.put_u64(*forgotten_until);
            image.put_u32(ids.len() as u32);
            ids.iter().for_each(|id| put_id(&mut image, id));
        }
        image
    }
}

fn id(order: u64, id: u64) -> Id {
    Id {
        order,
        id,
        terms: 5,
        valid_until: 50,
    }
}

fn put_id(image: &mut Vec<u8>, id: &Id) {
    [id.order, id.id, id.terms, id.valid_until]
        .iter()
        .for_each(|&number| image.put_u64(number));
}

fn put_side(image: &mut Vec<u8>, levels: &[(i64, Vec<Order>)]) {
    for (price, orders) in levels {
        image.put_i64(*price);
        image.put_u32(orders.len() as u32);
        for order in orders {
            image.put_u64(order.id);
            image.put_u32(order.account);
            image.put_bool(false);
            image.put_u64(order.quantity);
            image.put_u64(order.leaves);
            image.put_i128(order.fee);
            image.put_bool(order.id_of_client.is_some());
            if let Some(id) = &order.id_of_client {
                put_id(image, id);
            }
        }
    }
    image.put_i64(0);
}
