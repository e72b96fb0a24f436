use std::path::Path;

use proptest::prelude::*;

use super::fixture::*;
use crate::auth::*;

fn hex<const N: usize>(text: &str) -> [u8; N] {
    bytes(text).try_into().unwrap()
}

fn bytes(text: &str) -> Vec<u8> {
    let digits = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(digits).collect()
}

/// RFC 8032 §7.1: public key, message, signature.
const VECTORS: [[&str; 3]; 4] = [
    [
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24\
         655141438e7a100b",
    ],
    [
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aee\
         b00d291612bb0c00",
    ],
    [
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28d\
         c027beceea1ec40a",
    ],
    [
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e\
         2a9ac94fa54ca49f",
        "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17a\
         d9bef1177331a704",
    ],
];

#[test]
fn a_signature_of_the_standard_is_not_refused_and_none_that_differs_by_a_bit_is_taken() {
    for [public, message, signature] in VECTORS {
        let (key, message) = (PublicKey::from_bytes(&hex(public)).unwrap(), bytes(message));
        let good: [u8; 64] = hex(signature);
        assert!(key.verifies(&message, &Signature::from_bytes(good)), "{public}");
        for bit in 0..512 {
            let mut bad = good;
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(
                !key.verifies(&message, &Signature::from_bytes(bad)),
                "{public} bit {bit}"
            );
        }
        for bit in 0..message.len() * 8 {
            let mut other = message.clone();
            other[bit / 8] ^= 1 << (bit % 8);
            assert!(
                !key.verifies(&other, &Signature::from_bytes(good)),
                "{public} bit {bit}"
            );
        }
    }
}

/// RFC 8032 §8.4: without the check of S any signature has a second form, S + L, and replays would pass.
#[test]
fn a_second_form_of_a_signature_is_not_taken() {
    let order: [u8; 32] = hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
    for [public, message, signature] in VECTORS {
        let mut form: [u8; 64] = hex(signature);
        let mut carry = 0;
        for (digit, add) in form[32..].iter_mut().zip(order) {
            let sum = u16::from(*digit) + u16::from(add) + carry;
            (*digit, carry) = (sum as u8, sum >> 8);
        }
        assert_eq!(carry, 0);
        let key = PublicKey::from_bytes(&hex(public)).unwrap();
        assert!(!key.verifies(&bytes(message), &Signature::from_bytes(form)));
    }
}

#[test]
fn a_key_under_which_anybody_can_sign_is_not_registered() {
    let mut identity = [0; 32];
    identity[0] = 1;
    // The identity, the point of order two, two of order four, one of order eight; and an identity written with y = p + 1.
    let small = [
        identity,
        hex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
        [0; 32],
        hex("0000000000000000000000000000000000000000000000000000000000000080"),
        hex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
        hex("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
    ];
    for bytes in small {
        assert!(PublicKey::from_bytes(&bytes).is_err(), "{bytes:?}");
    }
    // y = 2 is on no point of the curve; y = p + 3 is another form of y = 3.
    let mut none = [0; 32];
    none[0] = 2;
    assert!(PublicKey::from_bytes(&none).unwrap_err().contains("no Ed25519"));
    let other_form = hex("f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f");
    assert!(
        PublicKey::from_bytes(&other_form)
            .unwrap_err()
            .contains("canonical")
    );
}

#[test]
fn a_part_that_could_hold_a_lines_end_is_no_subject() {
    for (method, target) in [
        ("GET", "/x\n"),
        ("GET", "/x\n/y"),
        ("GET", "/x\r"),
        ("GET", "/x y"),
        ("GET", "/x\0"),
        ("GET", "/x\x7f"),
        ("GET", ""),
        ("", "/x"),
        ("GET\n", "/x"),
        ("GET\n/x", "/y"),
        ("GET ", "/x"),
    ] {
        assert_eq!(Subject::new(method, target, b""), None, "{method:?} {target:?}");
    }
    assert!(Subject::new("GET", "/api/v1/orders?symbol=%EA%B0%80&after=a+b", b"\n\0\xff").is_some());
}

#[test]
fn requests_whose_parts_run_together_do_not_sign_alike() {
    let requests: [(u64, &str, &str, &[u8]); 12] = [
        (1, "GET", "/x", b""),
        (11, "GET", "/x", b""),
        (1, "1GET", "/x", b""),
        (1, "GET/", "x", b""),
        (1, "GET", "/x/", b""),
        (1, "GET", "/x", b"/"),
        (1, "GET", "/x", b"\n"),
        (1, "GET", "/x", b"\n\n"),
        (1, "GET", "/x", b"GET\n/x\n"),
        (1, "GET", "/x?a=1", b""),
        (1, "GET", "/x", b"?a=1"),
        (1, "get", "/x", b""),
    ];
    let messages = requests.map(|(timestamp, method, target, body)| {
        signed_message(timestamp, &Subject::new(method, target, body).unwrap())
    });
    for (at, message) in messages.iter().enumerate() {
        assert!(!messages[..at].contains(message), "{:?}", requests[at]);
    }
}

type Parts = (u64, String, String, Vec<u8>);

/// Texts of few letters, line feeds among them, so that what can collide does.
fn parts() -> impl Strategy<Value = Parts> {
    let body = prop::collection::vec(prop::sample::select(b"1/G\n".to_vec()), 0..6);
    (
        prop::sample::select(vec![1, 11]),
        "[1/G\n]{0,4}",
        "[1/G\n]{0,4}",
        body,
    )
}

fn message_of((timestamp, method, target, body): &Parts) -> Option<Vec<u8>> {
    Some(signed_message(*timestamp, &Subject::new(method, target, body)?))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(4_096) })]

    #[test]
    fn no_two_requests_have_one_message(one in parts(), other in parts()) {
        if let (Some(first), Some(second)) = (message_of(&one), message_of(&other)) {
            prop_assert_eq!(first == second, one == other);
        }
    }

    #[test]
    fn a_message_does_not_leave_open_what_was_asked(
        timestamp: u64,
        method in "[!-~]{1,8}",
        target in "[!-~가-힣]{1,40}",
        body in prop::collection::vec(any::<u8>(), 0..64),
    ) {
        let parts = (timestamp, method, target, body);
        let message = message_of(&parts).unwrap();
        let mut found = message.splitn(5, |byte| *byte == b'\n');
        let mut next = || found.next().unwrap();
        prop_assert_eq!(next(), b"hoga1");
        let text = |part: &[u8]| String::from_utf8(part.to_vec()).unwrap();
        let (timestamp, method, target, body) = (text(next()), text(next()), text(next()), next().to_vec());
        prop_assert_eq!((timestamp.parse().unwrap(), method, target, body), parts);
    }
}

/// The blocks of the document's worked example, by the names before them.
fn example() -> impl Fn(&str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/wire-protocol.md");
    let document = std::fs::read_to_string(path).unwrap();
    move |name| {
        let row = document
            .lines()
            .find(|line| line.starts_with(&format!("| {name} | `")));
        let row = row.unwrap_or_else(|| panic!("the example has no row {name}"));
        row.split('`').nth(1).unwrap().to_owned()
    }
}

#[test]
fn the_documents_example_is_what_the_code_verifies() {
    use ed25519_dalek::{Signer as _, SigningKey};
    let example = example();
    let seed = super::super::base64::decode(&example("private key")).unwrap();
    let (secret, public) = (
        SigningKey::from_bytes(&seed),
        example("public key").parse::<PublicKey>().unwrap(),
    );
    assert_eq!(
        public.to_base64(),
        PublicKey::from_bytes(secret.verifying_key().as_bytes())
            .unwrap()
            .to_base64()
    );
    let body = example("body");
    let timestamp = example("timestamp").parse().unwrap();
    for (method, target, body, signature) in [
        ("POST", "/api/v1/orders", body.as_bytes(), example("signature")),
        ("GET", "/ws/orders", b"", example("signature of the WebSocket")),
    ] {
        let message = signed_message(timestamp, &Subject::new(method, target, body).unwrap());
        let signature: Signature = signature.parse().unwrap();
        assert!(public.verifies(&message, &signature), "{method} {target}");
        assert_eq!(signature.as_bytes(), &secret.sign(&message).to_bytes());
    }
    let message = signed_message(
        timestamp,
        &Subject::new("POST", "/api/v1/orders", body.as_bytes()).unwrap(),
    );
    assert_eq!(example("message").replace("\\n", "\n").into_bytes(), message);
    let first: AuthMessage = parse_auth(example("first message").as_bytes()).unwrap();
    assert_eq!(first.credentials.timestamp, timestamp);
    assert_eq!(
        first.credentials.signature.to_base64(),
        example("signature of the WebSocket")
    );
    assert_eq!(first.credentials.key.as_str(), example("key id"));
}

#[test]
fn nothing_that_is_shown_shows_a_signature_or_an_order() {
    let client = Client::new(3);
    let subject = Subject::new("POST", TARGET, b"{\"price\":4711}").unwrap();
    let credentials = client.sign(NOW_MS, &subject);
    let check = Check::new(&credentials, Some(client.registered().into()), &subject);
    let mut shown = format!("{credentials:?} {check:?}");
    let verdict = check.verify();
    assert!(verdict.is_good());
    shown += &format!("{verdict:?} {:?}", credentials.signature);
    let text = credentials.signature.to_base64();
    let bytes = format!("{:?}", &credentials.signature.as_bytes()[..4]);
    for secret in [&text[..8], bytes.trim_matches(['[', ']']), "4711"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
    assert!(shown.contains(client.id.as_str()));
}
