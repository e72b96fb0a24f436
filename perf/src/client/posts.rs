//! A connection on which POST follows POST without waiting for the answers.

use std::collections::VecDeque;
use std::io::{self, Read, Write};

use mio::{Interest, Registry, Token};

use super::connect_tcp;
use crate::failure::{Context, Failure, Outcome};
use crate::message::{Refusal, Reply, parse_uuid};

const READ_BUFFER: usize = 16 << 10;
/// An answer longer than this is none.
const MAX_ANSWER: usize = 64 << 10;

/// POST after POST on one connection (RFC 9112 §9.3.2).
pub struct Posts {
    stream: mio::net::TcpStream,
    head: String,
    outgoing: Vec<u8>,
    incoming: Vec<u8>,
    /// The requests that wait for their answers, in that order.
    waiting: VecDeque<u64>,
}

impl Posts {
    /// Connects, and registers the connection under `token`.
    ///
    /// # Errors
    /// When the exchange cannot be reached.
    pub fn connect(address: &str, registry: &Registry, token: Token) -> Outcome<Self> {
        let what = || "cannot watch a connection".to_owned();
        let stream = connect_tcp(address)?;
        stream.set_nonblocking(true).context(what)?;
        let mut stream = mio::net::TcpStream::from_std(stream);
        registry
            .register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)
            .context(what)?;
        Ok(Self {
            stream,
            head: format!(
                "POST /api/v1/orders HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n"
            ),
            outgoing: Vec::new(),
            incoming: Vec::new(),
            waiting: VecDeque::new(),
        })
    }

    /// Sends an order, as far as the kernel takes it; its answer will be that to `id`.
    ///
    /// # Errors
    /// When the connection is gone.
    pub fn send(&mut self, id: u64, body: &str) -> Outcome<()> {
        let length = format!("content-length: {}\r\n\r\n", body.len());
        for part in [self.head.as_str(), &length, body] {
            self.outgoing.extend_from_slice(part.as_bytes());
        }
        self.waiting.push_back(id);
        self.flush()
    }

    /// Sends what is still queued.
    ///
    /// # Errors
    /// When the connection is gone.
    pub fn flush(&mut self) -> Outcome<()> {
        while !self.outgoing.is_empty() {
            match self.stream.write(&self.outgoing) {
                Ok(written) => drop(self.outgoing.drain(..written)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error).context(|| "cannot send over HTTP".to_owned()),
            }
        }
        Ok(())
    }

    /// The next answer, if one is there.
    ///
    /// # Errors
    /// When the connection has ended, or what came is no answer.
    pub fn read(&mut self) -> Outcome<Option<Reply>> {
        loop {
            if let Some((status, body, length)) = answer(&self.incoming)? {
                let id = self
                    .waiting
                    .pop_front()
                    .ok_or_else(|| Failure::new("the exchange answers what was not asked"))?;
                let result = result(status, &body)?;
                self.incoming.drain(..length);
                return Ok(Some(Reply { id, result }));
            }
            let mut bytes = [0; READ_BUFFER];
            match self.stream.read(&mut bytes) {
                Ok(0) => return Err(Failure::new("the exchange closed an HTTP connection")),
                Ok(read) => self.incoming.extend_from_slice(&bytes[..read]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                Err(error) => return Err(error).context(|| "an HTTP connection".to_owned()),
            }
        }
    }
}

/// The first whole answer in `bytes`: its status, its body, and how many bytes it takes.
fn answer(bytes: &[u8]) -> Outcome<Option<(u16, String, usize)>> {
    let broken = || Failure::new("what came over HTTP is no answer");
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
        return if bytes.len() > MAX_ANSWER {
            Err(broken())
        } else {
            Ok(None)
        };
    };
    let head = std::str::from_utf8(&bytes[..end]).map_err(|_| broken())?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse::<usize>().ok())?
    });
    let (Some(status), Some(length)) = (status, length.filter(|&length| length <= MAX_ANSWER)) else {
        return Err(broken());
    };
    let whole = end + 4 + length;
    if bytes.len() < whole {
        return Ok(None);
    }
    let body = String::from_utf8(bytes[end + 4..whole].to_vec()).map_err(|_| broken())?;
    Ok(Some((status, body, whole)))
}

fn result(status: u16, body: &str) -> Outcome<Result<u128, Refusal>> {
    let text = |key: &str| {
        let (_, rest) = body.split_once(&format!("\"{key}\":\""))?;
        Some(rest.split('"').next()?.to_owned())
    };
    if status < 300 {
        let order = text("order_id").and_then(|id| parse_uuid(&id));
        return order
            .map(Ok)
            .ok_or_else(|| Failure::new(format!("an answer without an order: {body}")));
    }
    Ok(Err(Refusal {
        code: text("code").unwrap_or_default(),
        message: format!("{status}: {}", text("message").unwrap_or_default()),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_neither_cut_nor_run_into_the_next() {
        let one = "HTTP/1.1 201 Created\r\ncontent-type: x\r\nContent-Length: 4\r\n\r\nbody";
        let two = format!("{one}HTTP/1.1 503 Busy\r\n");
        for end in 0..one.len() {
            assert!(answer(&one.as_bytes()[..end]).expect("a part").is_none(), "{end}");
        }
        let got = answer(two.as_bytes()).expect("an answer").expect("a whole one");
        assert_eq!(got, (201, "body".to_owned(), one.len()));
        for bad in [
            "HTTP/1.1 200 OK\r\n\r\n",
            "nonsense\r\n\r\n",
            "H 200 x\r\ncontent-length: 9999999\r\n\r\n",
        ] {
            assert!(answer(bad.as_bytes()).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_refusal_over_http_is_not_taken_for_an_order() {
        let order = result(
            201,
            "{\"order_id\":\"00000000-0005-8000-8000-00005d1c9a27\",\"x\":1}",
        );
        assert!(order.expect("an order").is_ok());
        let busy = result(503, "{\"error\":{\"code\":\"busy\",\"message\":\"later\"}}").expect("a refusal");
        let refusal = busy.expect_err("busy");
        assert_eq!(refusal.code, "busy");
        assert!(refusal.message.contains("503") && refusal.message.contains("later"));
        assert!(result(200, "{}").is_err());
    }
}
