use hoga_service::{Permission, Permissions};

use super::fixture::*;
use crate::auth::*;
use crate::codec::{ApiError, ErrorCode, codes};

const LATER: u64 = NOW_MS + 86_400_000;

/// How a request differs from one that is let in, and what it is told.
struct Case {
    name: &'static str,
    tamper: fn(&mut Credentials),
    signed_at: u64,
    sent: (&'static str, &'static str, &'static [u8]),
    key: fn(&mut ApiKey),
    refused: Option<(ErrorCode, &'static str)>,
}

impl Default for Case {
    fn default() -> Self {
        Self {
            name: "untouched",
            tamper: |_| {},
            signed_at: NOW_MS,
            sent: ("POST", TARGET, BODY),
            key: |_| {},
            refused: None,
        }
    }
}

fn check(case: &Case) {
    let client = Client::new(1);
    let mut registered = client.registered();
    (case.key)(&mut registered);
    let keys = KeyTable::new([registered, Client::new(2).registered()]);
    let mut credentials = client.sign(case.signed_at, &subject());
    (case.tamper)(&mut credentials);
    let (method, target, body) = case.sent;
    let sent = Subject::new(method, target, body).unwrap();
    let got = admit(&mut authenticator(), &keys, NOW_MS, &credentials, &sent);
    match (got, case.refused) {
        (Ok(identity), None) => assert_eq!(
            (identity.key, identity.account.as_str()),
            (client.id, "desk"),
            "{}",
            case.name
        ),
        (Err(error), Some((code, says))) => {
            assert!(
                error.is(code) && error.message.contains(says),
                "{}: {error}",
                case.name
            );
        }
        (got, want) => panic!("{}: {got:?} instead of {want:?}", case.name),
    }
}

#[test]
fn a_request_that_was_not_signed_like_this_is_not_let_in() {
    let bad = Some((codes::BAD_SIGNATURE, "not one of this request"));
    let cases = [
        Case::default(),
        Case {
            name: "another method",
            sent: ("PUT", TARGET, BODY),
            refused: bad,
            ..Case::default()
        },
        Case {
            name: "another path",
            sent: ("POST", "/api/v1/orders", BODY),
            refused: bad,
            ..Case::default()
        },
        Case {
            name: "another query",
            sent: ("POST", "/api/v1/orders?account=desl", BODY),
            refused: bad,
            ..Case::default()
        },
        Case {
            name: "another body",
            sent: ("POST", TARGET, b"{\"quantity\":2}"),
            refused: bad,
            ..Case::default()
        },
        Case {
            name: "no body",
            sent: ("POST", TARGET, b""),
            refused: bad,
            ..Case::default()
        },
        Case {
            name: "another time",
            tamper: |sent| sent.timestamp += 1,
            refused: bad,
            ..Case::default()
        },
        Case {
            name: "another's key",
            tamper: |sent| sent.key = Client::new(2).id,
            refused: bad,
            ..Case::default()
        },
        Case {
            name: "no such key",
            tamper: |sent| sent.key = Client::new(9).id,
            refused: bad,
            ..Case::default()
        },
        Case {
            name: "a flipped bit",
            tamper: |sent| {
                let mut bytes = *sent.signature.as_bytes();
                bytes[63] ^= 1;
                sent.signature = Signature::from_bytes(bytes);
            },
            refused: bad,
            ..Case::default()
        },
        Case {
            name: "zeros",
            tamper: |sent| sent.signature = Signature::from_bytes([0; 64]),
            refused: bad,
            ..Case::default()
        },
    ];
    cases.iter().for_each(check);
}

#[test]
fn a_request_out_of_its_time_is_not_let_in() {
    let stale = |says| Some((codes::STALE_TIMESTAMP, says));
    let cases = [
        Case {
            name: "as old as may be",
            signed_at: NOW_MS - 5_000,
            ..Case::default()
        },
        Case {
            name: "too old",
            signed_at: NOW_MS - 5_001,
            refused: stale("5001 ms old; at most 5000"),
            ..Case::default()
        },
        Case {
            name: "at the beginning",
            signed_at: 0,
            refused: stale("exchange time is 1682858110123 (2023-04-30T12:35:10.123Z), and"),
            ..Case::default()
        },
        Case {
            name: "as far ahead as may be",
            signed_at: NOW_MS + 1_000,
            ..Case::default()
        },
        Case {
            name: "too far ahead",
            signed_at: NOW_MS + 1_001,
            refused: stale("1001 ms ahead; at most 1000"),
            ..Case::default()
        },
        Case {
            name: "in seconds",
            signed_at: NOW_MS / 1_000,
            refused: stale("ms old"),
            ..Case::default()
        },
        Case {
            name: "at the end of time",
            signed_at: 999_999_999_999_999,
            refused: stale("ahead"),
            ..Case::default()
        },
    ];
    cases.iter().for_each(check);
}

#[test]
fn a_key_that_has_ended_is_not_good_for_anything_and_its_holder_is_told() {
    let gone = |says| Some((codes::UNAUTHENTICATED, says));
    let cases = [
        Case {
            name: "revoked",
            key: |key| key.revoked = Some(at(NOW_MS - 1)),
            refused: gone("was revoked at 2023-04-30T12:35:10.122Z"),
            ..Case::default()
        },
        // The clock of whoever revoked it may be ahead of the exchange's.
        Case {
            name: "revoked in the future",
            key: |key| key.revoked = Some(at(LATER)),
            refused: gone("was revoked"),
            ..Case::default()
        },
        Case {
            name: "expired",
            key: |key| key.expires = Some(at(NOW_MS)),
            refused: gone("expired at 2023-04-30T12:35:10.123Z"),
            ..Case::default()
        },
        Case {
            name: "about to expire",
            key: |key| key.expires = Some(at(NOW_MS + 1)),
            ..Case::default()
        },
    ];
    cases.iter().for_each(check);
}

#[test]
fn who_cannot_sign_is_not_told_which_keys_there_are() {
    let mut revoked = Client::new(2).registered();
    revoked.revoked = Some(at(NOW_MS));
    let keys = KeyTable::new([Client::new(1).registered(), revoked]);
    let stranger = Client::new(7);
    let told = [1, 2, 3].map(|seed| {
        let id = Client::new(seed).id;
        let credentials = Credentials {
            key: id,
            ..stranger.sign(NOW_MS, &subject())
        };
        let error = admit(&mut authenticator(), &keys, NOW_MS, &credentials, &subject()).unwrap_err();
        error.to_string().replace(id.as_str(), "ID")
    });
    assert!(told.iter().all(|said| *said == told[0]), "{told:?}");
}

#[test]
fn a_signature_does_not_count_twice() {
    let client = Client::new(1);
    let keys = KeyTable::new([client.registered()]);
    let mut exchange = authenticator();
    let credentials = client.sign(NOW_MS, &subject());
    // Two of the same are on their way to the verifier before the first is answered.
    let checks = [(); 2].map(|()| {
        exchange
            .begin(&keys, at(NOW_MS), &credentials, &subject())
            .unwrap()
    });
    let answers = checks.map(|check| exchange.finish(&keys, at(NOW_MS), &check.verify()));
    assert!(answers[0].is_ok());
    assert!(answers[1].as_ref().unwrap_err().is(codes::REPLAYED));
    let again = |exchange: &mut Authenticator, now| {
        admit(exchange, &keys, now, &credentials, &subject()).unwrap_err()
    };
    assert!(again(&mut exchange, NOW_MS + 5_000).is(codes::REPLAYED));
    assert!(again(&mut exchange, NOW_MS + 5_001).is(codes::STALE_TIMESTAMP));
    // The clock is set back: what has been forgotten must not count again.
    let other = client.sign(NOW_MS + 60_000, &subject());
    assert!(admit(&mut exchange, &keys, NOW_MS + 60_000, &other, &subject()).is_ok());
    let error = again(&mut exchange, NOW_MS);
    assert!(
        error.is(codes::STALE_TIMESTAMP) && error.message.contains("its clock was set"),
        "{error}"
    );
    // A request that was refused for another reason has not been used up.
    let mut other = client.sign(NOW_MS, &subject());
    other.key = Client::new(2).id;
    let mut exchange = authenticator();
    assert!(admit(&mut exchange, &keys, NOW_MS, &other, &subject()).is_err());
    assert!(admit(&mut exchange, &keys, NOW_MS, &credentials, &subject()).is_ok());
}

#[test]
fn what_was_accepted_before_a_restart_does_not_count_after_it() {
    let client = Client::new(1);
    let keys = KeyTable::new([client.registered()]);
    let credentials = client.sign(NOW_MS + 1_000, &subject());
    assert!(admit(&mut authenticator(), &keys, NOW_MS, &credentials, &subject()).is_ok());
    let mut restarted = Authenticator::new(AuthConfig::default(), at(NOW_MS));
    for now in [NOW_MS, NOW_MS + 1_000, NOW_MS + 6_000] {
        let error = admit(&mut restarted, &keys, now, &credentials, &subject()).unwrap_err();
        assert!(
            error.is(codes::STALE_TIMESTAMP) && error.message.contains("just been started"),
            "{error}"
        );
    }
    let anew = client.sign(NOW_MS + 1_001, &subject());
    assert!(admit(&mut restarted, &keys, NOW_MS + 1_001, &anew, &subject()).is_ok());
}

#[test]
fn a_key_that_was_revoked_meanwhile_is_not_let_in() {
    let client = Client::new(1);
    let keys = KeyTable::new([client.registered()]);
    let mut exchange = authenticator();
    let check = exchange
        .begin(&keys, at(NOW_MS), &client.sign(NOW_MS, &subject()), &subject())
        .unwrap();
    let revoked = ApiKey {
        revoked: Some(at(NOW_MS)),
        ..client.registered()
    };
    let error = exchange
        .finish(&KeyTable::new([revoked.clone()]), at(NOW_MS), &check.verify())
        .unwrap_err();
    assert!(error.is(codes::UNAUTHENTICATED), "{error}");

    // And who is in already is found out.
    let identity = admit(
        &mut exchange,
        &keys,
        NOW_MS,
        &client.sign(NOW_MS + 1, &subject()),
        &subject(),
    )
    .unwrap();
    let changed = [
        revoked,
        ApiKey {
            expires: Some(at(NOW_MS)),
            ..client.registered()
        },
        ApiKey {
            permissions: Permissions::NONE,
            ..client.registered()
        },
        Client::new(2).registered(),
    ];
    assert!(keys.still_holds(&identity, at(NOW_MS)));
    for key in changed {
        assert!(
            !KeyTable::new([key.clone()]).still_holds(&identity, at(NOW_MS)),
            "{key:?}"
        );
    }
}

#[test]
fn a_check_that_took_too_long_does_not_count() {
    let client = Client::new(1);
    let keys = KeyTable::new([client.registered()]);
    let mut exchange = authenticator();
    let check = exchange
        .begin(&keys, at(NOW_MS), &client.sign(NOW_MS, &subject()), &subject())
        .unwrap();
    let error = exchange
        .finish(&keys, at(NOW_MS + 5_001), &check.verify())
        .unwrap_err();
    assert!(error.is(codes::STALE_TIMESTAMP), "{error}");
}

#[test]
fn more_than_can_be_remembered_is_not_accepted() {
    let client = Client::new(1);
    let keys = KeyTable::new([client.registered()]);
    let config = AuthConfig {
        remembered: 2,
        ..AuthConfig::default()
    };
    let mut exchange = Authenticator::new(config, at(NOW_MS - 60_000));
    let mut send = |timestamp, now| {
        admit(
            &mut exchange,
            &keys,
            now,
            &client.sign(timestamp, &subject()),
            &subject(),
        )
    };
    assert!(send(NOW_MS, NOW_MS).is_ok() && send(NOW_MS + 1, NOW_MS).is_ok());
    let error = send(NOW_MS + 2, NOW_MS).unwrap_err();
    assert!(
        error.is(codes::TOO_MANY_REQUESTS) && error.header == Some(("Retry-After", "1".into())),
        "{error}"
    );
    assert!(send(NOW_MS + 2, NOW_MS + 5_000).is_err());
    assert!(send(NOW_MS + 2, NOW_MS + 5_001).is_ok());
}

#[test]
fn a_permission_that_is_missing_is_named() {
    let client = Client::new(1);
    let keys = KeyTable::new([client.registered()]);
    let identity = admit(
        &mut authenticator(),
        &keys,
        NOW_MS,
        &client.sign(NOW_MS, &subject()),
        &subject(),
    )
    .unwrap();
    for needed in [
        &[Permission::Read],
        &[Permission::Trade],
        &[Permission::DropCopy],
        &[Permission::Admin],
    ] {
        let permission = needed[0];
        match identity.require_any(needed).map_err(ApiError::from) {
            Ok(()) => assert!(identity.permissions.has(permission)),
            Err(error) => assert!(
                error.is(codes::FORBIDDEN)
                    && error
                        .message
                        .contains(&format!("permission {}", permission.name())),
                "{error}"
            ),
        }
    }
    assert_eq!(identity.permissions.to_string(), "read,trade");
}
