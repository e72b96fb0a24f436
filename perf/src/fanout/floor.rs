//! The floor beneath the fan-out: a plain writer in a process of its own that sends the same bytes to as many sockets, one after
//! the other, so many messages a write, and does nothing else. No exchange can deliver faster on this machine.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use rustix::net::sockopt::set_socket_send_buffer_size;

use crate::cli::FloorArgs;
use crate::client::connect_tcp;
use crate::crowd::{Crowd, Member, write_frame};
use crate::failure::{Context, Failure, Outcome};
use crate::progress::Stop;
use crate::results::Measured;
use crate::threads::Threads;

/// As the exchange's `gateway.send_buffer`.
const SEND_BUFFER: usize = 64 << 10;
const BINARY: u8 = 2;
/// The writer's only thread, by the name of its program.
const WRITER: &str = "hoga-perf";
const PATIENCE: Duration = Duration::from_secs(30);

/// A message of so many bytes, its frame included: 128 and 129 cannot be (RFC 6455 §5.2) and become 130.
fn message(bytes: usize) -> Vec<u8> {
    let payload = match bytes {
        0..=127 => bytes.saturating_sub(2),
        _ => bytes.saturating_sub(4).max(126),
    };
    let mut frame = Vec::new();
    write_frame(&mut frame, BINARY, &vec![b'x'; payload]);
    frame
}

/// The writer: tells its address, accepts, and then does what each line says: `MESSAGES PER_WRITE` sends so many messages to
/// every socket, so many a write. Ends with its input.
///
/// # Errors
/// When the sockets fail.
pub fn run(args: &FloorArgs) -> Outcome<bool> {
    serve(args, io::stdin().lock(), io::stdout())?;
    Ok(true)
}

fn serve(args: &FloorArgs, commands: impl BufRead, mut answers: impl Write) -> Outcome<()> {
    let what = || "the floor".to_owned();
    crate::files::raise_limit(u64::from(args.sockets))?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context(what)?;
    // Accepted sockets take it from here, as those of the exchange do.
    set_socket_send_buffer_size(&listener, SEND_BUFFER).context(what)?;
    let address = listener.local_addr().context(what)?;
    writeln!(answers, "{address}").context(what)?;
    answers.flush().context(what)?;
    let mut poll = Poll::new().context(what)?;
    let mut events = Events::with_capacity(1_024);
    let mut sockets = Vec::with_capacity(args.sockets as usize);
    for number in 0..args.sockets as usize {
        let (stream, _) = listener.accept().context(what)?;
        stream.set_nodelay(true).context(what)?;
        stream.set_nonblocking(true).context(what)?;
        let mut stream = TcpStream::from_std(stream);
        poll.registry()
            .register(&mut stream, Token(number), Interest::WRITABLE)
            .context(what)?;
        sockets.push(stream);
    }
    let one = message(args.frame_bytes);
    for line in commands.lines() {
        let line = line.context(what)?;
        let (messages, per_write) =
            parse(&line).ok_or_else(|| Failure::new(format!("not a burst: {line}")))?;
        let (whole, rest) = (messages / per_write, messages % per_write);
        let bytes = one.repeat(per_write);
        for turn in 0..=whole {
            let bytes = match turn < whole {
                true => &bytes[..],
                false => &bytes[..rest * one.len()],
            };
            send(&mut sockets, bytes, &mut poll, &mut events).context(what)?;
        }
    }
    Ok(())
}

fn parse(line: &str) -> Option<(usize, usize)> {
    let (messages, per_write) = line.split_once(' ')?;
    let per_write = per_write.parse().ok().filter(|&number| number > 0)?;
    Some((messages.parse().ok()?, per_write))
}

/// One write to every socket; those that take less get the rest before anybody gets more.
fn send(sockets: &mut [TcpStream], bytes: &[u8], poll: &mut Poll, events: &mut Events) -> io::Result<()> {
    let mut behind = Vec::new();
    for (number, socket) in sockets.iter_mut().enumerate() {
        match write(socket, bytes)? {
            written if written < bytes.len() => behind.push((number, written)),
            _ => {}
        }
    }
    while !behind.is_empty() {
        match poll.poll(events, Some(Duration::from_millis(10))) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
        for (number, written) in &mut behind {
            *written += write(&mut sockets[*number], &bytes[*written..])?;
        }
        behind.retain(|&(_, written)| written < bytes.len());
    }
    Ok(())
}

fn write(socket: &mut TcpStream, bytes: &[u8]) -> io::Result<usize> {
    if bytes.is_empty() {
        return Ok(0);
    }
    match socket.write(bytes) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
        written => written,
    }
}

/// How fast it was.
#[derive(Clone, Copy, Debug)]
pub struct Speed {
    /// Deliveries a second, of the time in which some were under way.
    pub per_second: f64,
    /// What a delivery cost the writer, in nanoseconds of a core, if the system tells.
    pub cpu_ns: Option<f64>,
}

impl Speed {
    /// Puts it into a row.
    pub fn tell(self, row: &mut Measured) {
        row.figure("floor_deliveries_per_s", self.per_second);
        if let Some(nanos) = self.cpu_ns {
            row.figure("floor_cpu_ns_per_delivery", nanos);
        }
    }
}

/// A running floor with its subscribers.
pub struct Floor {
    crowd: Crowd,
    commands: Option<ChildStdin>,
    child: Child,
    _answers: BufReader<ChildStdout>,
}

impl Floor {
    /// Starts it for so many sockets and messages of so many bytes.
    ///
    /// # Errors
    /// When this program cannot be started again, or its sockets not be had.
    pub fn start(sockets: u32, frame_bytes: usize) -> Outcome<Self> {
        let what = || "cannot start the floor".to_owned();
        let mut child = Command::new(std::env::current_exe().context(what)?)
            .args(["floor", "--sockets", &sockets.to_string(), "--frame-bytes"])
            .arg(frame_bytes.to_string())
            // Ctrl-C is for this process, which then ends the other.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context(what)?;
        let commands = child.stdin.take();
        let answers = child.stdout.take().ok_or_else(|| Failure::new(what()))?;
        let mut answers = BufReader::new(answers);
        let mut address = String::new();
        answers.read_line(&mut address).context(what)?;
        let members = (0..sockets).map(|_| {
            let stream = connect_tcp(address.trim())?;
            stream.set_nonblocking(true).context(what)?;
            Member::new(TcpStream::from_std(stream), &[], None)
        });
        let crowd = Crowd::of(members.collect::<Outcome<_>>()?, None)?;
        Ok(Self {
            crowd,
            commands,
            child,
            _answers: answers,
        })
    }

    /// For about `seconds`, or until `stop`: sends `messages` to everybody, `per_write` in each write, waits until they are
    /// there, and begins again.
    ///
    /// # Errors
    /// When a message does not arrive.
    pub fn measure(&mut self, messages: u32, per_write: u32, seconds: u32, stop: &Stop) -> Outcome<Speed> {
        let until = self.crowd.now() + u64::from(seconds) * 1_000_000_000;
        let (before, mut took) = (self.crowd.messages(), 0);
        let ran_before = Threads::of_process(self.child.id()).ran(WRITER);
        let each = u64::from(messages) * self.crowd.members;
        while took == 0 || (self.crowd.now() < until && !stop.is_set()) {
            self.crowd.expect(self.crowd.messages() + each);
            let begin = self.crowd.now();
            let commands = self
                .commands
                .as_mut()
                .ok_or_else(|| Failure::new("the floor takes no commands"))?;
            writeln!(commands, "{messages} {per_write}").context(|| "the floor".to_owned())?;
            took += self.crowd.wait(PATIENCE)?.saturating_sub(begin);
        }
        let deliveries = (self.crowd.messages() - before) as f64;
        let ran = Threads::of_process(self.child.id()).ran(WRITER);
        Ok(Speed {
            per_second: deliveries * 1e9 / took.max(1) as f64,
            cpu_ns: ran
                .zip(ran_before)
                .map(|(now, then)| (now - then) as f64 / deliveries),
        })
    }
}

impl Drop for Floor {
    fn drop(&mut self) {
        drop(self.commands.take());
        // It ends with its input, unless it is in the middle of something.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_as_long_as_it_was_asked_to_be() {
        for (asked, is) in [
            (2, 2),
            (110, 110),
            (127, 127),
            (128, 130),
            (129, 130),
            (130, 130),
            (231, 231),
        ] {
            assert_eq!(message(asked).len(), is, "{asked}");
        }
        assert_eq!(parse("64 16"), Some((64, 16)));
        for bad in ["64", "64 0", "x 1", ""] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn every_socket_gets_every_byte_though_its_reader_is_slow() {
        let (reader, mut writer) = io::pipe().expect("a pipe");
        let (answers, told) = io::pipe().expect("a pipe");
        let args = FloorArgs {
            sockets: 3,
            frame_bytes: 1_000,
        };
        let server = std::thread::spawn(move || serve(&args, BufReader::new(reader), told));
        let mut address = String::new();
        BufReader::new(answers)
            .read_line(&mut address)
            .expect("an address");
        let clients: Vec<_> = (0..3)
            .map(|_| connect_tcp(address.trim()).expect("a socket"))
            .collect();
        // Far more than the kernel holds, so that writes come short; nobody reads before all was asked for.
        writeln!(writer, "20000 64\n3 64").expect("a burst");
        drop(writer);
        let readers: Vec<_> = clients
            .into_iter()
            .map(|mut client| {
                std::thread::spawn(move || io::copy(&mut client, &mut io::sink()).expect("bytes"))
            })
            .collect();
        for reader in readers {
            assert_eq!(reader.join().expect("a reader"), 20_003_000);
        }
        server.join().expect("the server").expect("no error");
    }
}
