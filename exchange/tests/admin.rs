//! `hoga admin` and `hoga audit`.

mod support;

use serde_json::{Value, json};
use support::{Http, Process, hoga};

fn words(text: &str) -> Vec<&str> {
    text.split(' ').collect()
}

#[test]
fn what_operators_did_is_in_force_after_a_restart_and_has_their_names() {
    let dir = tempfile::tempdir().unwrap();
    let process = Process::start(dir.path(), &[]);
    let address = process.address.to_string();
    for (by, command, expected) in [
        (
            "ann",
            "define-instrument XRP-KRW --tick-size 0.5 --lot-size 0.01 --quote-decimals 4 --min-quantity 0.01 --max-quantity 1000 --maker-fee -0.0001 --taker-fee 0.0005",
            Ok("sequence"),
        ),
        (
            "ann",
            "fees XRP-KRW --maker -0.0002 --taker 0.0005",
            Ok("sequence"),
        ),
        ("bob", "instrument-status ETH-KRW CancelOnly", Ok("sequence")),
        ("bob", "account-status desk Suspended", Ok("sequence")),
        ("bob", "account-limit desk 5", Ok("sequence")),
        ("bob", "account-limit desk none", Ok("sequence")),
        ("bob", "cancel-all desk --symbol XRP-KRW", Ok("canceled")),
        ("bob", "cancel-instrument ETH-KRW", Ok("canceled")),
        (
            "bob",
            "limits --max-accounts 100001 --max-open-orders-per-account 9000",
            Ok("sequence"),
        ),
        ("bob", "limits --max-accounts 100000", Err("may only be raised")),
        ("bob", "limits", Err("--max-accounts")),
        ("bob", "fees NO --maker 0 --taker 0", Err("unknown_symbol")),
        ("bob", "fees XRP-KRW --maker 0.5 --taker x", Err("invalid_field")),
    ] {
        let arguments = [vec!["admin", "--address", &address, "--by", by], words(command)].concat();
        let (done, said, errors) = hoga(&arguments);
        match expected {
            Ok(name) => {
                assert!(done, "{command}: {errors}");
                let answer: Value = serde_json::from_str(&said).unwrap();
                assert!(answer[name].is_u64(), "{command}: {said}");
            }
            Err(code) => assert!(!done && errors.contains(code), "{command}: {said}{errors}"),
        }
    }
    let mut http = Http::connect(process.address).unwrap();
    let body = r#"{"account":"desk","timeout_ms":86400000}"#;
    assert_eq!(
        http.request("POST", "/api/v1/orders/cancel_all_after", body)
            .unwrap()
            .0,
        200
    );
    process.kill();

    let process = Process::start(dir.path(), &[]);
    let mut http = Http::connect(process.address).unwrap();
    let (_, listed) = http.json("GET", "/api/v1/instruments", "");
    assert_eq!(listed["instruments"][2]["maker_fee"], json!(-0.0002));
    for (order, code) in [
        (
            r#"{"symbol":"ETH-KRW","side":"Buy","type":"Limit","price":1000,"quantity":1}"#,
            "instrument_closed",
        ),
        (
            r#"{"account":"desk","symbol":"BTC-KRW","side":"Buy","type":"Limit","price":1000,"quantity":1}"#,
            "account_suspended",
        ),
    ] {
        assert_eq!(
            http.json("POST", "/api/v1/orders", order).1["error"]["code"],
            code
        );
    }
    process.terminate();

    let data_dir = dir.path().to_str().unwrap();
    let audit = |more: &str| -> Vec<String> {
        let arguments = ["audit", "--json", "--data-dir", data_dir].into_iter();
        let arguments: Vec<&str> = arguments.chain(more.split_whitespace()).collect();
        let (done, said, errors) = hoga(&arguments);
        assert!(done, "{errors}");
        said.lines()
            .map(|line| {
                let row: Value = serde_json::from_str(line).unwrap();
                let word = |name: &str| row[name].as_str().unwrap_or("-").to_owned();
                format!("{} {} {}", word("command"), word("by"), word("action"))
            })
            .collect()
    };
    let ann = ["Administer ann DefineInstrument", "Administer ann SetFees"];
    let desk = [
        "Administer bob SetAccountStatus",
        "Administer bob SetAccountLimits",
        "Administer bob SetAccountLimits",
        "Administer bob CancelAll",
    ];
    let exchange = ["Administer bob CancelInstrument", "Administer bob SetLimits"];
    let armed = ["Arm - -"];
    let closed = ["Administer bob SetInstrumentStatus"];
    assert_eq!(audit(""), [&ann[..], &closed, &desk, &exchange, &armed].concat());
    assert_eq!(audit("--by ann"), ann);
    assert_eq!(audit("--account desk"), [&desk[..], &armed].concat());
    assert!(audit("--since 2200-01-01").is_empty());
}

#[test]
fn an_exchange_that_is_not_there_is_told_from_one_that_refuses() {
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .to_string();
    let (done, _, errors) = hoga(&["admin", "--address", &free, "cancel-all", "desk"]);
    assert!(!done && errors.contains("cannot be reached"), "{errors}");
}
