//! A TCP proxy between the program and the server that sees every message, counts them, and can cut the line.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use super::server::{Upstream, server};

/// What becomes of a message of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Pass,
    /// The line is cut, and the server never sees it.
    CutBefore,
    /// The server gets it and answers; the line is cut before the program sees the answer.
    CutAfter,
}

/// Decides over a message: its number over all connections from 1, and its text, which has the SQL in it.
pub type Judge = Box<dyn FnMut(usize, &str) -> Fate + Send>;

/// A running proxy; it serves until the process ends.
pub struct Proxy {
    pub port: u16,
    messages: Arc<AtomicUsize>,
}

struct Shared {
    judge: Mutex<Judge>,
    messages: Arc<AtomicUsize>,
    upstream: Upstream,
    /// Whether the server isn't told when the program has gone.
    keeps_orphans: bool,
}

impl Proxy {
    /// Starts a proxy in front of the tests' server.
    pub fn start(judge: impl FnMut(usize, &str) -> Fate + Send + 'static) -> Self {
        Self::in_front_of(server().upstream(), judge)
    }

    /// Starts a proxy in front of another server.
    pub fn in_front_of(
        upstream: Upstream,
        judge: impl FnMut(usize, &str) -> Fate + Send + 'static,
    ) -> Self {
        Self::serving(upstream, Box::new(judge), false)
    }

    /// A proxy behind which a session outlives the program, as behind a network that swallows the goodbye.
    pub fn keeping_orphans() -> Self {
        let upstream = server().upstream();
        Self::serving(upstream, Box::new(|_, _| Fate::Pass), true)
    }

    fn serving(upstream: Upstream, judge: Judge, keeps_orphans: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let messages = Arc::new(AtomicUsize::new(0));
        let shared = Arc::new(Shared {
            judge: Mutex::new(judge),
            messages: Arc::clone(&messages),
            upstream,
            keeps_orphans,
        });
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                // An end of the line is what the proxy is for.
                thread::spawn(move || drop(serve(&shared, client)));
            }
        });
        Self { port, messages }
    }

    /// Messages of the program so far, start-up messages, passwords and goodbyes left out.
    pub fn messages(&self) -> usize {
        self.messages.load(Ordering::SeqCst)
    }
}

trait Line: Read + Write + Send {
    fn twin(&self) -> io::Result<Box<dyn Line>>;
    fn end(&self);
}

impl Line for TcpStream {
    fn twin(&self) -> io::Result<Box<dyn Line>> {
        Ok(Box::new(self.try_clone()?))
    }
    fn end(&self) {
        let _ = self.shutdown(Shutdown::Both);
    }
}

impl Line for UnixStream {
    fn twin(&self) -> io::Result<Box<dyn Line>> {
        Ok(Box::new(self.try_clone()?))
    }
    fn end(&self) {
        let _ = self.shutdown(Shutdown::Both);
    }
}

fn connect(upstream: &Upstream) -> io::Result<Box<dyn Line>> {
    Ok(match upstream {
        Upstream::Tcp(host, port) => Box::new(TcpStream::connect((host.as_str(), *port))?),
        Upstream::Unix(path) => Box::new(UnixStream::connect(path)?),
    })
}

fn serve(shared: &Shared, mut client: TcpStream) -> io::Result<()> {
    client.set_nodelay(true)?;
    let mut server = connect(&shared.upstream)?;
    server.write_all(&startup(&mut client)?)?;
    // Set once the answer is to be swallowed and then the line cut.
    let doomed = Arc::new(AtomicUsize::new(0));
    let back = {
        let (mut from, mut to, doomed) = (server.twin()?, client.try_clone()?, Arc::clone(&doomed));
        thread::spawn(move || {
            drop(answers(&mut *from, &mut to, &doomed));
            to.end();
        })
    };
    let result = questions(shared, &mut client, &mut *server, &doomed);
    // A doomed line ends once the server has done what it was asked.
    if doomed.load(Ordering::SeqCst) == 0 && !shared.keeps_orphans {
        server.end();
    }
    drop(back.join());
    result
}

/// The first message has no type byte.
fn startup(client: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    client.read_exact(&mut length)?;
    let rest = usize::try_from(u32::from_be_bytes(length)).map_err(io::Error::other)?;
    let mut message = length.to_vec();
    message.resize(rest, 0);
    client.read_exact(&mut message[4..])?;
    Ok(message)
}

fn questions(
    shared: &Shared,
    client: &mut TcpStream,
    server: &mut dyn Line,
    doomed: &AtomicUsize,
) -> io::Result<()> {
    // Parse, Bind, Describe, Execute and Sync are one message to the program, and one to the judge.
    let mut message = Vec::new();
    loop {
        let kind = part(client, &mut message)?;
        let fate = match kind {
            b'Q' | b'S' => shared.judge(&message),
            b'p' | b'X' => Fate::Pass,
            _ => continue,
        };
        if fate == Fate::CutBefore {
            return Ok(());
        }
        if fate == Fate::CutAfter {
            doomed.store(1, Ordering::SeqCst);
        }
        server.write_all(&std::mem::take(&mut message))?;
        if fate == Fate::CutAfter {
            return Ok(());
        }
    }
}

/// Reads one message of the protocol onto the end of `onto`; its type.
fn part(from: &mut (impl Read + ?Sized), onto: &mut Vec<u8>) -> io::Result<u8> {
    let mut head = [0; 5];
    from.read_exact(&mut head)?;
    let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]);
    let body = usize::try_from(length).map_err(io::Error::other)? - 4;
    onto.extend(head);
    let start = onto.len();
    onto.resize(start + body, 0);
    from.read_exact(&mut onto[start..])?;
    Ok(head[0])
}

impl Shared {
    fn judge(&self, message: &[u8]) -> Fate {
        let number = self.messages.fetch_add(1, Ordering::SeqCst) + 1;
        let text = String::from_utf8_lossy(message);
        (self.judge.lock().expect("a judge doesn't panic"))(number, &text)
    }
}

/// Passes answers on; a doomed line swallows them up to `ReadyForQuery`, so that the server has done its work.
fn answers(server: &mut dyn Line, client: &mut TcpStream, doomed: &AtomicUsize) -> io::Result<()> {
    loop {
        let mut message = Vec::new();
        let kind = part(server, &mut message)?;
        if doomed.load(Ordering::SeqCst) == 0 {
            client.write_all(&message)?;
        } else if kind == b'Z' {
            server.end();
            return Ok(());
        }
    }
}
