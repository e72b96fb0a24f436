//! A plain HTTP client.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use serde_json::Value;

use super::{PATIENCE, World};

/// One connection.
pub struct Client {
    pub stream: TcpStream,
    address: SocketAddr,
    read: Vec<u8>,
}

/// A response.
#[derive(Debug)]
pub struct Response {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Response {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The stable code of an error.
    pub fn code(&self) -> String {
        self.json()["error"]["code"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

impl Client {
    pub fn connect(world: &World) -> Self {
        Self::over(TcpStream::connect(world.address).unwrap(), world)
    }

    /// From another address of this machine.
    pub fn from(host: [u8; 4], world: &World) -> Self {
        use socket2::{Domain, Socket, Type};
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::from((host, 0)).into()).unwrap();
        socket.connect(&world.address.into()).unwrap();
        Self::over(socket.into(), world)
    }

    pub fn over(stream: TcpStream, world: &World) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            stream,
            address: world.address,
            read: Vec::new(),
        }
    }

    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).unwrap();
    }

    /// A whole request with the headers it must have.
    pub fn request(&self, method: &str, path: &str, body: &str) -> String {
        let (address, length) = (self.address, body.len());
        format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nContent-Length: {length}\r\n\r\n{body}")
    }

    pub fn ask(&mut self, method: &str, path: &str, body: &str) -> Response {
        self.send(self.request(method, path, body));
        self.response()
    }

    /// The next response.
    pub fn response(&mut self) -> Response {
        self.try_response().expect("a response before the end")
    }

    /// The next response, or none when the connection ends first.
    pub fn try_response(&mut self) -> Option<Response> {
        loop {
            if let Some(end) = find(&self.read, b"\r\n\r\n") {
                let head = String::from_utf8(self.read[..end].to_vec()).unwrap();
                let mut response = Response {
                    status: head[9..12].parse().unwrap(),
                    head,
                    body: String::new(),
                };
                if response.header("transfer-encoding") == Some("chunked") {
                    if let Some((body, consumed)) = unchunked(&self.read[end + 4..]) {
                        response.body = String::from_utf8(body).unwrap();
                        self.read.drain(..end + 4 + consumed);
                        return Some(response);
                    }
                    self.fill()?;
                    continue;
                }
                let length = response
                    .header("content-length")
                    .map_or(0, |len| len.parse().unwrap());
                if self.read.len() >= end + 4 + length {
                    let body = self.read[end + 4..end + 4 + length].to_vec();
                    response.body = String::from_utf8(body).unwrap();
                    self.read.drain(..end + 4 + length);
                    return Some(response);
                }
            }
            self.fill()?;
        }
    }

    /// Reads what comes next; none at the end.
    fn fill(&mut self) -> Option<()> {
        let mut bytes = [0; 4096];
        match self.stream.read(&mut bytes) {
            Ok(0) => None,
            Ok(count) => {
                self.read.extend_from_slice(&bytes[..count]);
                Some(())
            }
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => None,
            Err(error) => panic!("{error}, after {:?}", String::from_utf8_lossy(&self.read)),
        }
    }

    /// Whether the connection ends without another byte.
    pub fn ends(&mut self) -> bool {
        let mut byte = [0];
        self.read.is_empty() && matches!(self.stream.read(&mut byte), Ok(0) | Err(_))
    }
}

/// The body of a message in chunks and how many bytes it took, if all of it is there.
pub fn unchunked(bytes: &[u8]) -> Option<(Vec<u8>, usize)> {
    let (mut body, mut at) = (Vec::new(), 0);
    loop {
        let line = at + find(&bytes[at..], b"\r\n")?;
        let size = std::str::from_utf8(&bytes[at..line]).unwrap();
        let size = usize::from_str_radix(size, 16).unwrap_or_else(|_| panic!("no size of a chunk: {size:?}"));
        let chunk = bytes.get(line + 2..line + 2 + size + 2)?;
        assert!(chunk.ends_with(b"\r\n"), "a chunk without its end");
        at = line + 2 + size + 2;
        if size == 0 {
            return Some((body, at));
        }
        body.extend_from_slice(&chunk[..size]);
    }
}

fn find(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}

/// One request on a connection of its own.
pub fn ask(world: &World, method: &str, path: &str, body: &str) -> Response {
    Client::connect(world).ask(method, path, body)
}

/// The body of a limit order.
pub fn limit(account: &str, side: &str, price: u64, quantity: &str) -> String {
    format!(
        r#"{{"account":"{account}","symbol":"BTC-KRW","side":"{side}","type":"Limit","price":{price},"quantity":{quantity}}}"#
    )
}

/// Places an order that must be accepted.
pub fn place(world: &World, account: &str, side: &str, price: u64, quantity: &str) -> Value {
    let response = ask(
        world,
        "POST",
        "/api/v1/orders",
        &limit(account, side, price, quantity),
    );
    assert_eq!(response.status, 201, "{response:?}");
    response.json()
}

/// Makes `count` trades of 1 lot-thousand each, two executions a trade.
pub fn trade(world: &World, count: usize) {
    let mut client = Client::connect(world);
    for _ in 0..count {
        for side in ["Sell", "Buy"] {
            let body = limit(&format!("trader-{side}"), side, 50_000_000, "0.5");
            let response = client.ask("POST", "/api/v1/orders", &body);
            assert_eq!(response.status, 201, "{response:?}");
        }
    }
}
