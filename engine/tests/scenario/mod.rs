//! Scenario texts: split into steps, played on an engine, and compared.

mod words;

use std::collections::{BTreeMap, BTreeSet};

use hoga_protocol::*;

use crate::common::Exchange;

/// One command, where it stands, and the answers written under it.
pub struct Step {
    line: usize,
    command: String,
    /// `None` for a given, whose answers are not shown.
    answers: Option<Vec<String>>,
}

pub struct Scenario {
    title: String,
    steps: Vec<Step>,
}

/// Splits a file. A line that is nothing known is an error here, so that a slip cannot take a check away.
pub fn parse(file: &str, text: &str) -> Vec<Scenario> {
    let mut preamble: Vec<(usize, String)> = Vec::new();
    let mut scenarios: Vec<Scenario> = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim_end();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(title) = line.strip_prefix("scenario ") {
            let given = |(line, command): &(usize, String)| Step {
                line: *line,
                command: command.clone(),
                answers: None,
            };
            scenarios.push(Scenario {
                title: title.to_owned(),
                steps: preamble.iter().map(given).collect(),
            });
        } else if let Some(command) = line.strip_prefix("given ") {
            match scenarios.last_mut() {
                None => preamble.push((number, command.to_owned())),
                Some(scenario) => scenario.steps.push(Step {
                    line: number,
                    command: command.to_owned(),
                    answers: None,
                }),
            }
        } else {
            let scenario = scenarios
                .last_mut()
                .unwrap_or_else(|| panic!("{file}:{number}: no scenario yet"));
            if let Some(command) = line.strip_prefix("> ") {
                scenario.steps.push(Step {
                    line: number,
                    command: command.to_owned(),
                    answers: Some(Vec::new()),
                });
            } else {
                let step = scenario.steps.last_mut();
                let answers = step.and_then(|step| step.answers.as_mut());
                answers
                    .filter(|_| line.starts_with(' '))
                    .unwrap_or_else(|| panic!("{file}:{number}: neither a command nor an answer: {line}"))
                    .push(line.trim().to_owned());
            }
        }
    }
    scenarios
}

/// The names in a scenario, both ways.
#[derive(Default)]
pub struct Names {
    orders: BTreeMap<String, OrderId>,
    accounts: BTreeMap<String, AccountId>,
    instruments: BTreeMap<String, InstrumentId>,
}

pub struct Player {
    file: String,
    /// Every reason that was given in any scenario played.
    pub said: BTreeSet<String>,
}

impl Player {
    pub fn new(file: &str) -> Self {
        Self {
            file: file.to_owned(),
            said: BTreeSet::new(),
        }
    }

    /// Plays a scenario up to its first wrong answer.
    pub fn play(&mut self, scenario: &Scenario) -> Result<(), String> {
        let mut exchange = Exchange::new();
        let mut names = Names::default();
        for step in &scenario.steps {
            let place = format!("{}:{}: {}", self.file, step.line, scenario.title);
            let answers = self
                .answer(&mut exchange, &mut names, &step.command)
                .map_err(|error| format!("{place}\n  > {}\n  {error}\n", step.command))?;
            match &step.answers {
                None if answers.iter().any(|answer| answer.starts_with("rejected")) => {
                    return Err(format!("{place}\n  given {}\n  {}\n", step.command, answers[0]));
                }
                None => {}
                Some(expected) if *expected == answers => {}
                Some(expected) => {
                    return Err(format!(
                        "{place}\n  > {}\n{}",
                        step.command,
                        difference(expected, &answers)
                    ));
                }
            }
        }
        Ok(())
    }

    fn answer(
        &mut self,
        exchange: &mut Exchange,
        names: &mut Names,
        text: &str,
    ) -> Result<Vec<String>, String> {
        if let Some(symbol) = text.strip_prefix("book ") {
            return Ok(words::book(&exchange.engine, names, symbol));
        }
        if text == "armings" {
            return Ok(words::armings(&exchange.engine, names));
        }
        let (label, text) = match text.split_once(": ") {
            Some((label, rest)) => (Some(label), rest),
            None => (None, text),
        };
        let command = words::command(names, &exchange.engine, exchange.next_timestamp(), text)?;
        if let Some(label) = label {
            let order = OrderId(exchange.sequence.next().0);
            if names.orders.insert(label.to_owned(), order).is_some() {
                return Err(format!("the name {label} is taken"));
            }
        }
        let events = exchange.send(&command);
        for event in &events {
            match event.body {
                EventBody::AccountOpened(opened) => {
                    names.accounts.insert(opened.name.to_string(), opened.account);
                }
                EventBody::InstrumentDefined(defined) => {
                    let symbol = defined.spec.symbol().to_string();
                    names.instruments.insert(symbol, defined.instrument);
                }
                EventBody::Rejected(rejected) => {
                    self.said.insert(format!("{:?}", rejected.reason));
                }
                EventBody::OrderCanceled(canceled) => {
                    self.said.insert(format!("{:?}", canceled.reason));
                }
                _ => {}
            }
        }
        Ok(events.iter().map(|event| words::event(names, event)).collect())
    }
}

/// Both lists, line against line: `-` was written, `+` came.
fn difference(expected: &[String], answers: &[String]) -> String {
    let mut text = String::new();
    for at in 0..expected.len().max(answers.len()) {
        match (expected.get(at), answers.get(at)) {
            (Some(want), Some(got)) if want == got => text += &format!("    {want}\n"),
            (want, got) => {
                text += &want.map_or(String::new(), |want| format!("  - {want}\n"));
                text += &got.map_or(String::new(), |got| format!("  + {got}\n"));
            }
        }
    }
    text
}
