//! One request over a connection of its own.

use std::io::{Read, Write};
use std::time::Duration;

use super::connect_tcp;
use crate::failure::{Context, Failure, Outcome};

const TIMEOUT: Duration = Duration::from_secs(10);
/// The largest response that is read: an order book of 1,000 levels a side takes a tenth of it.
const MAX_RESPONSE: u64 = 4 << 20;

/// The body of `GET target` at `address`.
///
/// # Errors
/// When the exchange cannot be reached, or answers anything but 200: its error is passed on.
pub fn get(address: &str, target: &str) -> Outcome<String> {
    let (status, body) = send(address, "GET", target, "")?;
    if status == 200 {
        return Ok(body);
    }
    Err(Failure::new(format!(
        "GET {target} at {address} answered {status}: {body}"
    )))
}

/// The status and the body of the answer to a request.
///
/// # Errors
/// When the exchange cannot be reached, or what it answers is not HTTP.
pub fn send(address: &str, method: &str, target: &str, body: &str) -> Outcome<(u16, String)> {
    let what = || format!("{method} {target} at {address}");
    let mut stream = connect_tcp(address)?;
    stream.set_read_timeout(Some(TIMEOUT)).context(what)?;
    let length = body.len();
    // HTTP/1.0, so that a long answer ends with the connection and comes in no chunks.
    let request = format!(
        "{method} {target} HTTP/1.0\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).context(what)?;
    let mut response = Vec::new();
    stream
        .take(MAX_RESPONSE)
        .read_to_end(&mut response)
        .context(what)?;
    let response = String::from_utf8(response).context(what)?;
    let (head, body) = response
        .split_once("\r\n\r\n")
        .ok_or_else(|| Failure::new(format!("{}: the answer ends in its head", what())))?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.ok_or_else(|| Failure::new(format!("{}: not an HTTP answer", what())))?;
    Ok((status, body.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    fn answer(text: &'static str) -> Outcome<String> {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a client");
            // A server that closes with bytes unread resets the connection, and its answer may be lost.
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                let mut bytes = [0; 256];
                let read = stream.read(&mut bytes).expect("a request");
                request.extend_from_slice(&bytes[..read]);
            }
            stream.write_all(text.as_bytes()).expect("an answer");
        });
        let got = get(&address, "/readyz");
        server.join().expect("the server ends");
        got
    }

    #[test]
    fn an_error_of_the_exchange_is_passed_on_and_not_taken_for_data() {
        let ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
        assert_eq!(answer(ok).expect("a body"), "{}");
        let refused = answer("HTTP/1.1 503 Service Unavailable\r\n\r\n{\"error\":\"recovering\"}");
        let text = refused.expect_err("503 is no body").to_string();
        assert!(text.contains("503") && text.contains("recovering"), "{text}");
        assert!(answer("nonsense").is_err());
    }

    #[test]
    fn an_exchange_that_is_not_there_is_told_with_what_to_do() {
        let port = TcpListener::bind("127.0.0.1:0")
            .expect("a port")
            .local_addr()
            .expect("an address");
        let text = get(&port.to_string(), "/")
            .expect_err("nobody listens")
            .to_string();
        assert!(text.contains("start it"), "{text}");
    }
}
