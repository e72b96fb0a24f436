//! Ids on the wire: UUIDv8 (RFC 9562 §5.8) made of sequences.
//!
//! | bits, from the left | field |
//! |---|---|
//! | 48 | sequence of the command |
//! | 4 | version, 8 |
//! | 12 | high half of the event's index |
//! | 2 | variant, 0b10 |
//! | 12 | low half of the event's index |
//! | 18 | tag: 0 an order, 1 the aggressor's execution, 2 the resting order's |
//! | 32 | exchange id |
//!
//! So the ids of one exchange sort by (sequence, index, tag), as bytes and as text, and replay identically.

use hoga_protocol::{Event, ExchangeId, OrderId, Sequence};
use hoga_views::{Execution, Role, Views};
use uuid::Uuid;

/// The bytes of an id's text: 32 hexadecimal digits and 4 hyphens.
pub const TEXT_LEN: usize = 36;

const ORDER: u8 = 0;
const AGGRESSOR: u8 = Role::Aggressor as u8;
const RESTING: u8 = Role::Resting as u8;

/// The id of an order.
pub fn order_uuid(exchange: ExchangeId, order: OrderId) -> Uuid {
    pack(exchange, Sequence(order.0), 0, ORDER)
}

/// The id of one side of a trade, which is event `index` of the command `sequence`.
pub fn execution_uuid(exchange: ExchangeId, sequence: Sequence, index: u32, role: Role) -> Uuid {
    pack(exchange, sequence, index, role as u8)
}

/// Reads an order's id; `None` for anything that [`order_uuid`] does not make for this exchange.
pub fn parse_order_id(text: &str, exchange: ExchangeId) -> Option<OrderId> {
    match unpack(text, exchange)? {
        (sequence, 0, ORDER) => Some(OrderId(sequence.0)),
        _ => None,
    }
}

/// Reads an execution's id; `None` for anything that [`execution_uuid`] does not make for this exchange.
pub fn parse_execution_id(text: &str, exchange: ExchangeId) -> Option<(Sequence, u32, Role)> {
    let (sequence, index, tag) = unpack(text, exchange)?;
    let role = match tag {
        AGGRESSOR => Role::Aggressor,
        RESTING => Role::Resting,
        _ => return None,
    };
    Some((sequence, index, role))
}

/// Appends an id's text, lower case with hyphens, between quotes.
pub(super) fn write_quoted(out: &mut Vec<u8>, id: Uuid) {
    let mut text = [b'"'; TEXT_LEN + 2];
    id.hyphenated().encode_lower(&mut text[1..=TEXT_LEN]);
    out.extend_from_slice(&text);
}

fn pack(exchange: ExchangeId, sequence: Sequence, index: u32, tag: u8) -> Uuid {
    debug_assert!(sequence <= Sequence::MAX && index <= Event::MAX_INDEX);
    // Version and variant are left zero: `new_v8` sets them.
    let high = u128::from(sequence.0) << 80 | u128::from(index >> 12) << 64;
    let low = u128::from(index & 0xfff) << 50 | u128::from(tag) << 32 | u128::from(exchange.0);
    Uuid::new_v8((high | low).to_be_bytes())
}

fn unpack(text: &str, exchange: ExchangeId) -> Option<(Sequence, u32, u8)> {
    if text.len() != TEXT_LEN {
        return None;
    }
    let id = Uuid::try_parse(text).ok()?;
    let bits = id.as_u128();
    let sequence = Sequence((bits >> 80) as u64);
    let index = ((bits >> 64) as u32 & 0xfff) << 12 | ((bits >> 50) as u32 & 0xfff);
    let tag = (bits >> 32) as u8;
    // Packing again checks everything at once: version, variant, the zeros about the tag, and the exchange.
    (sequence.0 != 0 && pack(exchange, sequence, index, tag) == id).then_some((sequence, index, tag))
}

/// The exchange that every id names.
pub(crate) fn exchange(views: &Views) -> ExchangeId {
    views
        .genesis()
        .map(|genesis| genesis.exchange)
        .unwrap_or_default()
}

/// The id of an execution.
pub fn execution_id(execution: &Execution, views: &Views) -> Uuid {
    execution_uuid(
        exchange(views),
        execution.sequence,
        execution.index,
        execution.role,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const OURS: ExchangeId = ExchangeId(0x1234_abcd);

    #[test]
    fn the_layout_does_not_change() {
        let sequence = Sequence(0x0123_4567_89ab);
        let order = order_uuid(OURS, OrderId(sequence.0));
        assert_eq!(order.to_string(), "01234567-89ab-8000-8000-00001234abcd");
        let side = execution_uuid(OURS, sequence, 0xabc_def, Role::Resting);
        assert_eq!(side.to_string(), "01234567-89ab-8abc-b7bc-00021234abcd");
        assert_eq!(
            (side.get_version_num(), side.get_variant()),
            (8, uuid::Variant::RFC4122)
        );
    }

    #[test]
    fn an_id_that_is_not_ours_is_refused() {
        let bad = [
            "",
            "e1b724c2-5e61-4aba-8b8a-47d8a5a4f111",
            "00000000-0000-0000-0000-000000000000",
            "00000000-0000-8000-8000-00001234abcd",
            "00000000-0001-8000-8000-00001234abce",
            "00000000-0001-4000-8000-00001234abcd",
            "00000000-0001-8000-c000-00001234abcd",
            "00000000-0001-8000-8000-00031234abcd",
            "00000000-0001-8000-8000-01001234abcd",
            "00000000-0001-8000-8002-00001234abcd",
            "{0000000-0001-8000-8000-00001234abc}",
            "0000000000018000800000001234abcd",
            "urn:uuid:00000000-0001-8000-8000-00001234abcd",
            "00000000-0001-8000-8000-00001234abcé",
            "00000000-0001-8000-8000-00001234abcd ",
        ];
        for text in bad {
            assert_eq!(parse_order_id(text, OURS), None, "{text}");
            assert_eq!(parse_execution_id(text, OURS), None, "{text}");
        }
        assert_eq!(
            parse_order_id("00000000-0001-8000-8000-00001234abcd", OURS),
            Some(OrderId(1))
        );
        assert_eq!(
            parse_order_id("00000000-0001-8000-8000-00001234ABCD", OURS),
            Some(OrderId(1))
        );
        // An order's id is no execution's, nor the other way round.
        assert_eq!(
            parse_execution_id("00000000-0001-8000-8000-00001234abcd", OURS),
            None
        );
        assert_eq!(parse_order_id("00000000-0001-8000-8000-00011234abcd", OURS), None);
    }

    fn parts() -> impl Strategy<Value = (u64, u32, bool)> {
        // Near values make the order of neighbours matter; far ones reach every bit.
        let sequence = prop_oneof![1u64..4, 1..=Sequence::MAX.0];
        let index = prop_oneof![0u32..4, 0xffe..0x1002u32, 0..=Event::MAX_INDEX];
        (sequence, index, any::<bool>())
    }

    fn role(resting: bool) -> Role {
        if resting { Role::Resting } else { Role::Aggressor }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(500))]

        #[test]
        fn ids_round_trip(parts in parts(), exchange: u32) {
            let (sequence, index, resting) = parts;
            let exchange = ExchangeId(exchange);
            let side = execution_uuid(exchange, Sequence(sequence), index, role(resting)).to_string();
            prop_assert_eq!(
                parse_execution_id(&side, exchange),
                Some((Sequence(sequence), index, role(resting)))
            );
            prop_assert_eq!(parse_execution_id(&side, ExchangeId(exchange.0 ^ 1)), None);
            let order = order_uuid(exchange, OrderId(sequence)).to_string();
            prop_assert_eq!(parse_order_id(&order, exchange), Some(OrderId(sequence)));
        }

        #[test]
        fn ids_sort_as_executions_happened(a in parts(), b in parts()) {
            let id = |(sequence, index, resting)| {
                execution_uuid(OURS, Sequence(sequence), index, role(resting))
            };
            prop_assert_eq!(id(a).cmp(&id(b)), a.cmp(&b));
            prop_assert_eq!(id(a).to_string().cmp(&id(b).to_string()), a.cmp(&b));
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,40}", hex in "[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}") {
            for text in [text, hex] {
                let _ = (parse_order_id(&text, OURS), parse_execution_id(&text, OURS));
            }
        }
    }
}
