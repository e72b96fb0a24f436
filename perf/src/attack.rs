//! `attack`: what a stranger may try, against exchanges of its own on this machine, and whether the exchange answers as
//! `docs/attacks.md` says. Meanwhile a well-behaved client must be answered whole.

mod table;

mod arena;

mod wire;

mod socket;

mod good;

mod signatures;

mod keys;

mod greetings;

mod timing;

mod lengths;

mod headers;

mod bodies;

mod paths;

mod handshakes;

mod frames;

mod pages;

mod administration;

mod slowness;

mod floods;

mod rates;

use std::net::SocketAddrV4;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::cli::{AttackArgs, Durability, HostArgs, Idle, Layout};
use crate::failure::{Context, Failure, Outcome};
use crate::files;
use crate::host::Host;
use arena::{Arena, Keys, MOST, SETTINGS};
use good::Good;
use table::{Attack, Section, TABLE};

/// Attacks of a section that are made at once.
const AT_ONCE: usize = 8;

/// Runs the command; `Ok(false)` when an answer is another one than the table says, or the well-behaved client was not answered.
///
/// # Errors
/// When an exchange cannot be started.
pub fn run(args: &AttackArgs) -> Outcome<bool> {
    if args.list {
        print!("{}", markdown());
        return Ok(true);
    }
    files::raise_limit(4 * MOST as u64)?;
    let folder = tempfile::tempdir().context(|| "a folder for the key file".to_owned())?;
    let (keys, path) = (Keys::new(), folder.path().join("keys.toml"));
    keys.register(&path)?;
    let host_args = HostArgs {
        hoga: args.hoga.clone(),
        data_dir: args.data_dir.clone(),
        idle: Idle::Ladder,
        layout: Layout::Auto,
        cores: Vec::new(),
    };
    let start = |more: &[(&'static str, String)]| {
        let settings: Vec<_> = SETTINGS.map(|(key, value)| (key, value.to_owned())).into();
        Host::start(&host_args, Durability::Memory, &[&settings, more].concat())
    };
    let guarded = start(&[
        ("AUTH__MODE", "required".to_owned()),
        ("AUTH__KEYS", path.display().to_string()),
    ])?;
    let open = start(&[])?;
    let arena = Arena::new(address(&guarded)?, address(&open)?, keys);
    let is_sound = attack(&arena, &args.only)?;
    for host in [guarded, open] {
        println!("  {}", host.stop()?);
    }
    println!("{}", if is_sound { "PASS" } else { "FAIL" });
    Ok(is_sound)
}

fn address(host: &Host) -> Outcome<SocketAddrV4> {
    host.address
        .parse()
        .context(|| format!("the address {}", host.address))
}

/// Makes all attacks of the sections that `only` names, or of all; whether all came out as they must.
fn attack(arena: &Arena, only: &[String]) -> Outcome<bool> {
    let (stop, mut is_sound) = (AtomicBool::new(false), true);
    let mut good = Good::new(arena)?;
    good.round()?;
    let ended = std::thread::scope(|scope| {
        let client = scope.spawn(|| good.run(&stop));
        for section in TABLE.iter().filter(|section| is_wanted(section, only)) {
            is_sound &= make(section, arena);
        }
        stop.store(true, Ordering::Relaxed);
        client.join().unwrap_or_else(|_| Err(Failure::new("it panicked")))
    });
    println!("\na well-behaved client beside it all");
    let whole = ended
        .and_then(|()| good.round())
        .and_then(|()| Good::new(arena)?.round());
    match whole {
        Ok(()) => println!(
            "  ok    {} requests, each answered; and so is one who comes now",
            good.answered
        ),
        Err(failure) => {
            println!("  FAIL  {failure}");
            is_sound = false;
        }
    }
    Ok(is_sound)
}

fn is_wanted(section: &Section, only: &[String]) -> bool {
    only.is_empty() || only.iter().any(|one| section.name.eq_ignore_ascii_case(one))
}

/// Makes the attacks of a section, and prints what came of each, in the table's order.
fn make(section: &Section, arena: &Arena) -> bool {
    println!("\n{}", section.name);
    let (next, got) = (AtomicUsize::new(0), Mutex::new(vec![None; section.attacks.len()]));
    let work = || {
        while let Some((number, attack)) = numbered(section.attacks, next.fetch_add(1, Ordering::Relaxed)) {
            let told = (attack.attempt)(arena).unwrap_or_else(|failure| failure.to_string());
            if let Ok(mut got) = got.lock() {
                got[number] = Some(told);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..if section.alone { 1 } else { AT_ONCE } {
            scope.spawn(work);
        }
        work();
    });
    let got = got.into_inner().unwrap_or_default();
    let mut is_sound = true;
    for (attack, got) in section.attacks.iter().zip(got) {
        let got = got.unwrap_or_else(|| "nothing was tried".to_owned());
        let is_good = got == attack.answer;
        is_sound &= is_good;
        let (mark, name, answer) = (if is_good { "ok  " } else { "FAIL" }, attack.name, attack.answer);
        println!("  {mark}  {name:<48}  expected {answer:<44}  got {got}");
    }
    if let Ok(mut notes) = arena.notes.lock() {
        notes.drain(..).for_each(|note| println!("        {note}"));
    }
    is_sound
}

fn numbered(attacks: &'static [Attack], number: usize) -> Option<(usize, &'static Attack)> {
    attacks.get(number).map(|attack| (number, attack))
}

/// The table as it stands in `docs/attacks.md`.
fn markdown() -> String {
    let mut text = String::new();
    for section in &TABLE {
        text += &format!(
            "\n## {}\n\n| tried | sent | answer |\n|---|---|---|\n",
            section.name
        );
        for Attack {
            name, sent, answer, ..
        } in section.attacks
        {
            text += &format!("| {name} | {sent} | {answer} |\n");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use hoga::config::Config;
    use hoga::recovery::Stores;
    use hoga::serve::Exchange;
    use std::net::SocketAddr;
    use std::path::Path;

    /// The rows of each section, of whatever else a text has; what stands before the first section is none.
    fn rows(text: &str) -> Vec<String> {
        let mut section = "";
        let mut rows = Vec::new();
        for line in text.lines() {
            section = line.strip_prefix("## ").unwrap_or(section);
            if !section.is_empty() && line.starts_with("| ") && !line.starts_with("| tried |") {
                rows.push(format!("{section}: {line}"));
            }
        }
        rows
    }

    #[test]
    fn the_document_and_the_table_do_not_differ() {
        let (document, table) = (rows(include_str!("../../docs/attacks.md")), rows(&markdown()));
        for row in &table {
            assert!(document.contains(row), "docs/attacks.md lacks {row}");
        }
        for row in &document {
            assert!(
                table.contains(row),
                "docs/attacks.md has what nobody tries: {row}"
            );
        }
        assert_eq!(document, table, "in another order");
        let mut names: Vec<&str> = TABLE
            .iter()
            .flat_map(|section| section.attacks)
            .map(|attack| attack.name)
            .collect();
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count, "two have one name");
    }

    fn exchange(data: &Path, more: &[(&str, String)]) -> (Exchange, SocketAddrV4) {
        let settings = SETTINGS.map(|(key, value)| (key, value.to_owned()));
        let settings = settings
            .iter()
            .chain(more)
            .map(|(key, value)| (format!("HOGA_{key}"), value.clone()));
        let mut config = Config::load(None, settings, Default::default()).expect("settings");
        config.listen = ([127, 0, 0, 1], 0).into();
        config.data_dir = data.to_path_buf();
        config.durability = hoga::config::Durability::Memory;
        let exchange = Exchange::start(&config, &Stores::new(data), &mut |_| {}).expect("an exchange");
        match exchange.address {
            SocketAddr::V4(address) => (exchange, address),
            SocketAddr::V6(_) => unreachable!("it listens on 127.0.0.1"),
        }
    }

    #[test]
    fn no_attack_is_answered_otherwise_than_the_table_says_and_a_good_client_is_answered_whole() {
        let folders = [(); 2].map(|()| tempfile::tempdir().expect("a folder"));
        let (keys, path) = (Keys::new(), folders[0].path().join("keys.toml"));
        keys.register(&path).expect("a key file");
        files::raise_limit(8 * MOST as u64).expect("files");
        let (guarded, at) = exchange(
            folders[0].path(),
            &[
                ("AUTH__MODE", "required".to_owned()),
                ("AUTH__KEYS", path.display().to_string()),
            ],
        );
        let (open, open_at) = exchange(folders[1].path(), &[]);
        let is_sound = attack(&Arena::new(at, open_at, keys), &[]).expect("a run");
        guarded.stop();
        open.stop();
        assert!(is_sound, "see what was printed");
    }
}
