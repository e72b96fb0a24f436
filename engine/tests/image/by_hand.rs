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
    /// Instrument, price and order.
    pub cursor: (u32, i64, u64),
    pub check: u64,
    /// Of each instrument.
    pub statuses: [u8; 2],
    /// Account, status and limit.
    pub restricted: Vec<(u32, u8, u32)>,
    /// Name and what asked for it.
    pub armings: Vec<(u64, Command)>,
    /// Of the first instrument: price and orders of each level, best first.
    pub bids: Vec<(i64, Vec<Order>)>,
    pub asks: Vec<(i64, Vec<Order>)>,
    pub closed: Vec<(u64, NewOrder)>,
}

pub struct Order {
    pub id: u64,
    pub account: u32,
    pub quantity: u64,
    pub leaves: u64,
    pub fee: i128,
    pub asked: Option<NewOrder>,
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
            asked: None,
        };
        let ask = Order {
            id: 17,
            account: 1,
            leaves: 6,
            fee: 4 * 105 * 200,
            asked: Some(asked(Side::Sell, "live")),
            ..bid(17)
        };
        Self {
            last_sequence: 20,
            genesis,
            rules: hoga_engine::ENGINE_VERSION,
            symbols: ["X", "Y"],
            names: ["a", "b"],
            cursor: (1, 0, 20),
            check: 20,
            statuses: [0, 1],
            restricted: vec![(0, 0, 7), (1, 1, u32::MAX)],
            armings: vec![
                (8, common::arm(0, None)),
                (13, common::arm(1, Some(5))),
                (14, common::arm(0, Some(6))),
            ],
            bids: vec![(100, vec![bid(15)]), (99, vec![bid(16)])],
            asks: vec![(105, vec![ask])],
            closed: vec![
                (12, asked(Side::Buy, "closed")),
                (11, asked(Side::Buy, "closed too")),
            ],
        }
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut image = Vec::new();
        image.put_u32(1);
        image.put_u64(self.last_sequence);
        image.put_u64(77);
        image.put_bool(true);
        image.put_record(&Command::Genesis(self.genesis));
        image.put_u32(self.rules);
        image.put_u32(2);
        for symbol in self.symbols {
            let spec = common::spec(symbol, [1, 1_000], 0, [200, 500]);
            image.put_record(&Command::DefineInstrument(spec));
        }
        image.put_u32(2);
        for name in self.names {
            image.put_text(&AccountName::new(name).unwrap_or_default());
        }
        image.put_u32(self.cursor.0);
        image.put_bool(true);
        image.put_i64(self.cursor.1);
        image.put_u64(self.cursor.2);
        image.put_u64(0x1234_5678);
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
        image.put_u32(self.armings.len() as u32);
        for (arming, asked) in &self.armings {
            image.put_u64(*arming);
            image.put_record(asked);
        }
        put_side(&mut image, &self.bids);
        put_side(&mut image, &self.asks);
        put_side(&mut image, &[]);
        put_side(&mut image, &[]);
        image.put_u32(self.closed.len() as u32);
        for (order, asked) in &self.closed {
            image.put_u64(*order);
            image.put_record(&Command::NewOrder(*asked));
        }
        image
    }
}

/// What account 1 sent, in the first instrument.
fn asked(side: Side, client_order_id: &str) -> NewOrder {
    NewOrder {
        account: AccountId(1),
        client_order_id: ClientOrderId::new(client_order_id).unwrap(),
        ..common::limit(side, 105, 12)
    }
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
            image.put_bool(order.asked.is_some());
            if let Some(asked) = &order.asked {
                image.put_record(&Command::NewOrder(*asked));
            }
        }
    }
    image.put_i64(0);
}
