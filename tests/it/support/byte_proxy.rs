//! A proxy that counts every byte each way, and does harm to the line at a given one.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;

use super::server::Upstream;

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    ToServer = 0,
    ToProgram = 1,
}

/// What happens to the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Harm {
    /// This connection ends, both ways.
    Cut,
    /// This connection ends in this way only; the other way goes on.
    HalfClose,
    /// From now on no byte passes, on any connection, old or new; what was under way is lost.
    Stall,
}

/// After so many bytes of this way, over all connections, the harm is done.
#[derive(Clone, Copy, Debug)]
pub struct At {
    pub way: Way,
    pub bytes: usize,
    pub harm: Harm,
}

/// A running proxy; it serves until the process ends.
pub struct ByteProxy {
    pub port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    upstream: Upstream,
    at: Option<At>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    passed: [usize; 2],
    /// Where messages ended, counted like the bytes, and their types; a start-up message's is 0.
    ends: [Vec<(usize, u8)>; 2],
    stalled: bool,
    done: bool,
}

impl ByteProxy {
    pub fn start(upstream: Upstream, at: Option<At>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let shared = Arc::new(Shared {
            upstream,
            at,
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        let serving = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                // A line that breaks is what the proxy is for.
                let _ = serving.serve(client);
            }
        });
        Self { port, shared }
    }

    /// Whether the harm was done.
    pub fn is_done(&self) -> bool {
        self.shared.state().done
    }

    /// How many bytes went this way.
    pub fn passed(&self, way: Way) -> usize {
        self.shared.state().passed[way as usize]
    }

    /// Where messages of these types ended, in bytes of this way.
    pub fn ends(&self, way: Way, types: &[u8]) -> Vec<usize> {
        let state = self.shared.state();
        let ends = state.ends[way as usize].iter();
        let wanted = ends.filter(|(_, kind)| types.contains(kind));
        wanted.map(|(end, _)| *end).collect()
    }

    /// Ends a stall, and every connection that it held.
    pub fn thaw(&self) {
        self.shared.state().stalled = false;
        self.shared.changed.notify_all();
    }
}

impl Drop for ByteProxy {
    fn drop(&mut self) {
        self.thaw();
    }
}

/// Both ends of both sockets.
trait Socket: Read + Write + Send {
    fn end(&self, how: Shutdown);
}

impl Socket for TcpStream {
    fn end(&self, how: Shutdown) {
        let _ = self.shutdown(how);
    }
}

impl Socket for UnixStream {
    fn end(&self, how: Shutdown) {
        let _ = self.shutdown(how);
    }
}

type Pair = (Box<dyn Socket>, Box<dyn Socket>);

/// A connection to the server, twice.
fn connect(upstream: &Upstream) -> io::Result<Pair> {
    Ok(match upstream {
        Upstream::Tcp(host, port) => {
            let socket = TcpStream::connect((host.as_str(), *port))?;
            (Box::new(socket.try_clone()?), Box::new(socket))
        }
        Upstream::Unix(path) => {
            let socket = UnixStream::connect(path)?;
            (Box::new(socket.try_clone()?), Box::new(socket))
        }
    })
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panics with it")
    }

    fn serve(self: &Arc<Self>, client: TcpStream) -> io::Result<()> {
        client.set_nodelay(true)?;
        let server = connect(&self.upstream)?;
        let clients: Pair = (Box::new(client.try_clone()?), Box::new(client));
        for (way, from, to) in [
            (Way::ToServer, clients.0, server.0),
            (Way::ToProgram, server.1, clients.1),
        ] {
            let shared = Arc::clone(self);
            thread::spawn(move || shared.pump(way, from, to));
        }
        Ok(())
    }

    fn pump(&self, way: Way, mut from: Box<dyn Socket>, mut to: Box<dyn Socket>) {
        let mut buffer = [0; 8192];
        // A start-up message has no type byte; every other message has.
        let mut framing = Framing::new(way == Way::ToServer);
        while let Ok(read @ 1..) = from.read(&mut buffer) {
            match self.pass(way, &buffer[..read], &mut *to, &mut framing) {
                Ok(None) => {}
                Ok(Some(Harm::HalfClose)) => {
                    to.end(Shutdown::Write);
                    // What still comes goes nowhere.
                    while let Ok(1..) = from.read(&mut buffer) {}
                    return;
                }
                _ => break,
            }
        }
        from.end(Shutdown::Both);
        to.end(Shutdown::Both);
    }

    /// Passes bytes on up to the harm; the harm that then is to be done to this connection.
    fn pass(
        &self,
        way: Way,
        bytes: &[u8],
        to: &mut dyn Socket,
        framing: &mut Framing,
    ) -> io::Result<Option<Harm>> {
        let mut state = self.state();
        if state.stalled {
            self.outlast(state);
            return Ok(Some(Harm::Cut));
        }
        let before = state.passed[way as usize];
        let due = self.at.filter(|at| at.way == way && !state.done);
        let due = due.filter(|at| before + bytes.len() >= at.bytes);
        let go = due.map_or(bytes.len(), |at| at.bytes.saturating_sub(before));
        state.passed[way as usize] += go;
        let ends = framing.ends(&bytes[..go]);
        let ends = ends.into_iter().map(|(end, kind)| (before + end, kind));
        state.ends[way as usize].extend(ends);
        state.done |= due.is_some();
        let harm = due.map(|at| at.harm);
        state.stalled |= harm == Some(Harm::Stall);
        drop(state);
        to.write_all(&bytes[..go])?;
        if harm == Some(Harm::Stall) {
            self.outlast(self.state());
        }
        Ok(harm)
    }

    /// Returns once the stall is over.
    fn outlast(&self, state: MutexGuard<'_, State>) {
        let state = self.changed.wait_while(state, |state| state.stalled);
        drop(state.expect("nobody panics with it"));
    }
}

/// Finds the ends of messages in a stream of bytes: a type, and a length that counts itself.
struct Framing {
    head: Vec<u8>,
    head_size: usize,
    body: usize,
    kind: u8,
}

impl Framing {
    fn new(starts_untyped: bool) -> Self {
        Self {
            head: Vec::new(),
            head_size: if starts_untyped { 4 } else { 5 },
            body: 0,
            kind: 0,
        }
    }

    /// Where messages end in these bytes, which follow the last ones, and their types.
    fn ends(&mut self, bytes: &[u8]) -> Vec<(usize, u8)> {
        let mut ends = Vec::new();
        for (index, byte) in bytes.iter().enumerate() {
            if self.body > 0 {
                self.body -= 1;
            } else {
                self.head.push(*byte);
                if self.head.len() < self.head_size {
                    continue;
                }
                let length = self.head.split_off(self.head_size - 4);
                self.kind = self.head.first().copied().unwrap_or(0);
                let length = u32::from_be_bytes(length.try_into().expect("four bytes"));
                self.body = usize::try_from(length).expect("it fits") - 4;
                self.head.clear();
                self.head_size = 5;
            }
            if self.body == 0 {
                ends.push((index + 1, self.kind));
            }
        }
        ends
    }
}
