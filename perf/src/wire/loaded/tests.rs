use super::*;
use crate::cli::{Cli, Mode};
use clap::Parser;
use hoga::config::{Config, Durability};
use hoga::recovery::Stores;
use hoga::serve::Exchange;

#[test]
fn every_order_that_counts_is_timed_once_by_either_way_in() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = Config {
        listen: ([127, 0, 0, 1], 0).into(),
        data_dir: folder.path().to_path_buf(),
        durability: Durability::Memory,
        ..Config::default()
    };
    let exchange = Exchange::start(&config, &Stores::new(folder.path()), &mut |_| {}).expect("an exchange");
    let address = exchange.address.to_string();
    let trading = Trading::new("BTC-KRW", "50000000", "0.001").expect("plain decimals");
    for (via, name) in [
        ("websocket", "memory/loaded-600"),
        ("http", "memory/loaded-600-http"),
    ] {
        let words = "hoga-perf wire --load-warm-up 1 --seconds 2 --sessions 3 --subscribers 4 --via";
        let cli = Cli::parse_from(words.split(' ').chain([via]));
        let Mode::Wire(args) = cli.mode else {
            unreachable!("the mode is named above")
        };
        let load = Load {
            rate: 600,
            subscribers: 4,
        };
        let row = run(&args, &address, &trading, "memory", load, &Stop::default()).expect("a row");
        assert_eq!(row.name, name);
        assert_eq!(row.quantiles().count, 1_200, "{via}: executions");
        let reply = row
            .beside
            .iter()
            .find(|(name, _)| *name == "reply")
            .expect("replies");
        assert_eq!(
            (reply.1.count(), row.figures["busy"]),
            (1_200, 0.0),
            "{via}: replies"
        );
        let first = row.beside.iter().find(|(name, _)| *name == "first-subscriber");
        assert_eq!(
            first.map(|first| first.1.count()),
            Some(1_200),
            "{via}: at the first"
        );
        assert_eq!(row.figures["output_full_stalls"], 0.0);
        assert!(
            row.figures["audience_bytes"] > 100_000.0,
            "{via}: nobody else heard"
        );
    }
    exchange.stop();
}
