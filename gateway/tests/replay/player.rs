//! Plays a session: each step in turn, and what came back of it.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpStream};

use socket2::{Domain, Socket, Type};

use crate::binary;
use crate::connection::{Connection, deflate};
use crate::recording::Entry;
use crate::script::{Step, Variables, parse, unescape};
use crate::settings::Settings;
use crate::stage::Stage;

/// The handshake of RFC 6455 §1.3.
const UPGRADE: &str = "Upgrade: websocket\r\nConnection: Upgrade\r\n\
                       Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";

/// A session under way.
#[derive(Default)]
struct Player {
    stage: Option<Stage>,
    connections: BTreeMap<String, Connection>,
    variables: Variables,
    /// The last answer, for `save`.
    last: String,
}

/// What comes back of each step.
pub fn play(name: &str, text: &str) -> Vec<Entry> {
    let mut player = Player::default();
    let mut entries = Vec::new();
    for step in parse(text) {
        let place = format!("sessions/{name}.txt:{}: {}", step.number, step.line);
        let told = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| player.step(&step)));
        let came = told.unwrap_or_else(|_| panic!("{place}"));
        entries.push(Entry::new(&step, came));
    }
    player.check_nothing_is_left();
    entries
}

/// The options of a request.
#[derive(Default)]
struct Options<'s> {
    holder: Option<&'s str>,
    from_now: i64,
    over: Option<&'s str>,
    version: Option<&'s str>,
}

impl<'s> Options<'s> {
    fn parse(words: &[&'s str]) -> Self {
        let mut options = Self::default();
        for word in words {
            match word.split_once('=') {
                Some(("as", holder)) => options.holder = Some(holder),
                Some(("at", millis)) => options.from_now = millis.parse().unwrap(),
                Some(("over", target)) => options.over = Some(target),
                Some(("version", version)) => options.version = Some(version),
                _ => panic!("{word} is no option"),
            }
        }
        options
    }
}

impl Player {
    fn step(&mut self, step: &Step) -> String {
        let line = match step.line.starts_with("==") {
            true => step.line.clone(),
            false => self.variables.fill(&step.line),
        };
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["==", ..] => {
                self.check_nothing_is_left();
                String::new()
            }
            ["world", ref settings @ ..] => {
                self.check_nothing_is_left();
                self.connections.clear();
                let stage = Stage::new(Settings::parse(settings.iter().copied()));
                let port = stage.world().address.port().to_string();
                self.variables.0.insert("PORT".into(), port);
                self.stage = Some(stage);
                String::new()
            }
            ["save", name, field] => {
                let value = value_of(&self.last, field);
                self.variables.0.insert(name.to_owned(), value);
                String::new()
            }
            ["http", name, method, target, ref options @ ..] => {
                self.request(step, name, [method, target], "", &Options::parse(options));
                self.answer(name, method == "HEAD")
            }
            ["ask", name, method, target, ref options @ ..] => {
                self.request(step, name, [method, target], "", &Options::parse(options));
                self.settle();
                String::new()
            }
            ["ws", name, target, ref options @ ..] => {
                self.request(step, name, ["GET", target], UPGRADE, &Options::parse(options));
                let shown = self.answer(name, false);
                self.settle();
                shown
            }
            ["answer", name, ref head @ ..] => self.answer(name, !head.is_empty()),
            ["expect", name, count] => self.expect(name, count.parse().unwrap()),
            ["ends", name] => self.connection(name).end(),
            ["drop", name] => {
                self.connections.remove(name).expect("a connection to drop");
                self.settle();
                String::new()
            }
            ["shut", name] => {
                self.connection(name).shut();
                self.settle();
                String::new()
            }
            [what, name, ..] if self.send(what, name, &line) => {
                self.settle();
                String::new()
            }
            _ => {
                self.stage().act(&words);
                String::new()
            }
        }
    }

    fn stage(&mut self) -> &mut Stage {
        self.stage.as_mut().expect("a world first")
    }

    fn settle(&mut self) {
        self.stage().world().settle();
    }

    /// The connection of that name, which is made if it is new; behind an `@` stands the last number of its address.
    fn connection(&mut self, name: &str) -> &mut Connection {
        if !self.connections.contains_key(name) {
            let address = self.stage().world().address;
            let stream = match name.split_once('@') {
                None => TcpStream::connect(address).unwrap(),
                Some((_, last)) => {
                    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
                    let from = SocketAddr::from(([127, 0, 0, last.parse().unwrap()], 0));
                    socket.bind(&from.into()).unwrap();
                    socket.connect(&address.into()).unwrap();
                    socket.into()
                }
            };
            self.connections.insert(name.to_owned(), Connection::new(stream));
        }
        self.connections.get_mut(name).unwrap()
    }

    fn request(&mut self, step: &Step, name: &str, request: [&str; 2], more: &str, options: &Options<'_>) {
        let [method, target] = request;
        let body = self.variables.fill(&step.body);
        let mut head = format!("{method} {target} HTTP/{}\r\n", options.version.unwrap_or("1.1"));
        if !step.without_host {
            head += "Host: localhost\r\n";
        }
        head += more;
        if !body.is_empty() || matches!(method, "POST" | "PATCH") {
            head += &format!("Content-Length: {}\r\n", body.len());
        }
        for header in &step.headers {
            head += &(self.variables.fill(header) + "\r\n");
        }
        if let Some(holder) = options.holder {
            let over = options.over.unwrap_or(target);
            head += &self.stage().sign(holder, method, over, &body, options.from_now);
        }
        let bytes = format!("{head}\r\n{body}");
        self.connection(name).send(bytes.as_bytes());
    }

    fn answer(&mut self, name: &str, head: bool) -> String {
        let (shown, text) = self.connection(name).response(head);
        self.last = text;
        shown
    }

    fn expect(&mut self, name: &str, count: usize) -> String {
        let mut shown = String::new();
        for _ in 0..count {
            let (frame, text) = self.connection(name).frame();
            shown += &frame;
            self.last = text;
        }
        shown
    }

    /// Sends what a line says; whether it is one that sends.
    fn send(&mut self, what: &str, name: &str, line: &str) -> bool {
        let rest = line.splitn(3, ' ').nth(2).unwrap_or_default().to_owned();
        let framed = |rest: &str| {
            let (first, payload) = rest.split_once(' ').unwrap_or((rest, ""));
            (u8::from_str_radix(first, 16).unwrap(), unescape(payload))
        };
        match what {
            "raw" => self.connection(name).send(&unescape(&rest)),
            "send" => self.connection(name).send_frame(0x81, rest.as_bytes()),
            "deflated" => self.connection(name).send_frame(0xc1, &deflate(rest.as_bytes())),
            "msgpack" => self
                .connection(name)
                .send_frame(0x82, &binary::message_pack(&rest)),
            "protobuf" => self.connection(name).send_frame(0x82, &binary::protobuf(&rest)),
            "frame" => {
                let (first, payload) = framed(&rest);
                self.connection(name).send_frame(first, &payload);
            }
            "unmasked" => {
                let (first, payload) = framed(&rest);
                self.connection(name).send_unmasked(first, &payload);
            }
            "close" => {
                let (code, reason) = rest.split_once(' ').unwrap_or((&rest, ""));
                let code = code.parse::<u16>().map(u16::to_be_bytes);
                let payload = [code.as_ref().map_or(&[][..], |code| code), reason.as_bytes()].concat();
                self.connection(name).send_frame(0x88, &payload);
            }
            "auth" => {
                let mut words = rest.split(' ');
                let (holder, target) = (words.next().unwrap(), words.next().unwrap());
                let options: Vec<&str> = words.collect();
                let from_now = Options::parse(&options).from_now;
                let message = self.stage().first_message(holder, target, from_now);
                self.connection(name).send_frame(0x81, message.as_bytes());
            }
            _ => return false,
        }
        true
    }

    /// At the end of a block every byte that came was read.
    fn check_nothing_is_left(&mut self) {
        if self.stage.is_none() {
            return;
        }
        self.settle();
        for (name, connection) in &mut self.connections {
            if let Some(more) = connection.unread() {
                panic!("{name} was sent more than was read: {more}");
            }
        }
    }
}

/// A field of the last answer that has it, or a header.
fn value_of(answer: &str, field: &str) -> String {
    let value = match field.strip_suffix(':') {
        Some(_) => answer
            .lines()
            .find_map(|line| line.strip_prefix(field))
            .map(str::trim),
        None => answer.split_once(&format!("\"{field}\":")).map(|(_, rest)| {
            let end = rest.find([',', '}', ']']).unwrap_or(rest.len());
            rest[..end].trim_matches('"')
        }),
    };
    value
        .unwrap_or_else(|| panic!("no {field} in {answer}"))
        .to_owned()
}
