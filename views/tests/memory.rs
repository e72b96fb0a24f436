//! What one event may cost.

mod common;

use allocation_counter::measure;
use common::event;
use hoga_protocol::*;
use hoga_views::*;

const ACCOUNTS: u32 = 3_000;
const ORDERS: u64 = 120_000;

/// A chunk of each table, and the directories of some: 1,024 orders are 192 KiB, as many updates 240 KiB.
const MOST_OF_AN_EVENT: u64 = 1 << 20;

/// Counts what folding allocates, the most in one event.
struct Counted {
    views: Views,
    most: u64,
}

impl Counted {
    fn fold(&mut self, sequence: u64, bodies: &[EventBody]) {
        for (index, body) in bodies.iter().enumerate() {
            let last = index + 1 == bodies.len();
            let event = event(sequence, index as u32, last, *body);
            let foreseen = std::iter::repeat_n(&event, 2 * Views::PREFETCHED);
            assert_eq!(measure(|| self.views.prefetch(foreseen)).count_total, 0);
            let allocated = measure(|| self.views.fold(&event)).bytes_total;
            self.most = self.most.max(allocated);
            assert!(
                allocated <= MOST_OF_AN_EVENT,
                "{sequence}.{index} allocates {allocated}"
            );
        }
    }
}

fn accepted(sequence: u64, account: u32) -> EventBody {
    EventBody::OrderAccepted(OrderAccepted {
        order: OrderId(sequence),
        request: NewOrder {
            account: AccountId(account),
            instrument: InstrumentId(0),
            side: Side::Buy,
            order_type: OrderType::Limit,
            time_in_force: TimeInForce::Gtc,
            post_only: false,
            price: Ticks(100),
            quantity: Lots(2),
            client_order_id: match sequence % 2 {
                0 => ClientOrderId::EMPTY,
                _ => ClientOrderId::new(&format!("id-{sequence}")).unwrap(),
            },
            valid_until: Nanos(0),
            signed_by: SigningKeyId::NONE,
        },
    })
}

#[test]
fn no_event_moves_or_makes_anew_a_table_as_a_whole() {
    let mut counted = Counted {
        views: common::Tape::new(ViewLimits {
            executions: 50_000,
            closed_orders: 20_000,
            order_updates: 40_000,
            account_floor: 4,
        })
        .views,
        most: 0,
    };
    let mut sequence = 100;
    for number in 3..ACCOUNTS {
        sequence += 1;
        let account = AccountId(number);
        let name = AccountName::new(&format!("account-{number}")).unwrap();
        counted.fold(
            sequence,
            &[EventBody::AccountOpened(AccountOpened { account, name })],
        );
    }
    let mut resting = 0;
    for number in 0..ORDERS {
        sequence += 1;
        // A third is of one account.
        let account = match number % 3 {
            0 => 0,
            _ => (number * 7 % u64::from(ACCOUNTS)) as u32,
        };
        if number % 4 == 0 {
            resting = sequence;
            counted.fold(sequence, &[accepted(sequence, account)]);
            continue;
        }
        let first = counted.views.orders().get(OrderId(resting)).unwrap();
        let side = |order, account, leaves| TradeSide {
            order: OrderId(order),
            account,
            leaves: Lots(leaves),
            fee: Notional(0),
        };
        let (left, whose) = (first.leaves.0.saturating_sub(1), first.account);
        let trade = EventBody::Trade(Trade {
            instrument: InstrumentId(0),
            aggressor_side: Side::Sell,
            price: Ticks(100),
            quantity: Lots(1),
            aggressor: side(sequence, AccountId(account), 1),
            resting: side(resting, whose, left),
        });
        match number % 4 {
            3 => counted.fold(sequence, &[accepted(sequence, account)]),
            _ => counted.fold(sequence, &[accepted(sequence, account), trade]),
        }
    }
    let orders = counted.views.orders();
    assert!(orders.live() + orders.closed() > 60_000, "tables are large");
    assert!(counted.views.updates().held() > 40_000);
    assert!(counted.most > 200_000, "some event adds a chunk");
}
