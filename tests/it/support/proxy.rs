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

/// Decides over a message: its number over all connections from 1, its type, its body.
pub type Judge = Box<dyn FnMut(usize, u8, &[u8]) -> Fate + Send>;

/// A running proxy; it serves until the process ends.
pub struct Proxy {
    pub port: u16,
    messages: Arc<AtomicUsize>,
}

struct Shared {
    judge: Mutex<Judge>,
    messages: Arc<AtomicUsize>,
    upstream: Upstream,
}

impl Proxy {
    /// Starts a proxy in front of the tests' server.
    pub fn start(judge: impl FnMut(usize, u8, &[u8]) -> Fate + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let messages = Arc::new(AtomicUsize::new(0));
        let shared = Arc::new(Shared {
            judge: Mutex::new(Box::new(judge)),
            messages: Arc::clone(&messages),
            upstream: server().upstream(),
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

    /// A proxy that only counts.
    pub fn counting() -> Self {
        Self::start(|_, _, _| Fate::Pass)
    }

    /// Messages of the program so far, start-up messages and passwords left out.
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
        thread::spawn(move || drop(answers(&mut *from, &mut to, &doomed)))
    };
    let result = questions(shared, &mut client, &mut *server, &doomed);
    if doomed.load(Ordering::SeqCst) == 0 {
        server.end();
    }
    client
        .shutdown(Shutdown::Both)
        .or_else(|_| Ok::<(), io::Error>(()))?;
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
    loop {
        let mut head = [0; 5];
        client.read_exact(&mut head)?;
        let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]);
        let mut body = vec![0; usize::try_from(length).map_err(io::Error::other)? - 4];
        client.read_exact(&mut body)?;
        // Passwords and the goodbye are no questions.
        let fate = if matches!(head[0], b'p' | b'X') {
            Fate::Pass
        } else {
            shared.judge(head[0], &body)
        };
        if fate == Fate::CutBefore {
            return Ok(());
        }
        if fate == Fate::CutAfter {
            doomed.store(1, Ordering::SeqCst);
        }
        server.write_all(&head)?;
        server.write_all(&body)?;
        if fate == Fate::CutAfter {
            return Ok(());
        }
    }
}

impl Shared {
    fn judge(&self, kind: u8, body: &[u8]) -> Fate {
        let number = self.messages.fetch_add(1, Ordering::SeqCst) + 1;
        (self.judge.lock().expect("a judge doesn't panic"))(number, kind, body)
    }
}

/// Passes answers on; a doomed line swallows them up to ReadyForQuery, so that the server has done its work.
fn answers(server: &mut dyn Line, client: &mut TcpStream, doomed: &AtomicUsize) -> io::Result<()> {
    loop {
        let mut head = [0; 5];
        server.read_exact(&mut head)?;
        let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]);
        let mut body = vec![0; usize::try_from(length).map_err(io::Error::other)? - 4];
        server.read_exact(&mut body)?;
        if doomed.load(Ordering::SeqCst) == 0 {
            client.write_all(&head)?;
            client.write_all(&body)?;
        } else if head[0] == b'Z' {
            server.end();
            return Ok(());
        }
    }
}
