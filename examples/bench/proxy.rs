//! A slow line to the server: it holds every byte back for a while, and counts the messages that are sent.

use std::cell::Cell;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use postgres::config::Host;
use postgres::{Client, Config, NoTls};

use crate::Failure;

/// How long each direction holds a byte back.
pub const DELAY: Duration = Duration::from_millis(1);

/// A running proxy; it serves until the process ends.
pub struct Proxy {
    port: u16,
    messages: Arc<AtomicUsize>,
}

impl Proxy {
    /// Starts a proxy in front of the server that `url` leads to.
    pub fn start(url: &str) -> Result<Self, Failure> {
        let upstream = Upstream::of(&url.parse()?)?;
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let messages = Arc::<AtomicUsize>::default();
        let seen = Arc::clone(&messages);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if let Err(error) = upstream.serve(client, &seen) {
                    log::warn!("proxy: {error}");
                }
            }
        });
        Ok(Self { port, messages })
    }

    /// The way through the proxy to where `url` leads. It doesn't encrypt: the proxy reads along.
    pub fn url(&self, url: &str) -> Result<String, Failure> {
        let config: Config = url.parse()?;
        let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let password = config.get_password().map(String::from_utf8_lossy);
        let password = password.map(|password| format!(":{}", encode(&password)));
        Ok(format!(
            "postgresql://{}{}@127.0.0.1:{}/{}?sslmode=disable",
            encode(config.get_user().ok_or("the URL names no user")?),
            password.unwrap_or_default(),
            self.port,
            encode(config.get_dbname().ok_or("the URL names no database")?),
        ))
    }

    /// The quickest of some questions and their answers over the line, with nothing else on it.
    pub fn round_trip(&self, url: &str) -> Result<Duration, Failure> {
        let mut client = Client::connect(&self.url(url)?, NoTls)?;
        let mut quickest = Duration::MAX;
        for _ in 0..20 {
            let asked = Instant::now();
            client.batch_execute("SELECT")?;
            quickest = quickest.min(asked.elapsed());
        }
        Ok(quickest)
    }

    /// Does something and keeps how many messages it sent: simple queries, and batches that end in a Sync.
    pub fn counted<T>(&self, sent: &Cell<usize>, work: impl FnOnce() -> T) -> T {
        let before = self.messages.load(Ordering::SeqCst);
        let result = work();
        sent.set(self.messages.load(Ordering::SeqCst) - before);
        result
    }
}

/// Where the server listens.
enum Upstream {
    Tcp(String, u16),
    Unix(PathBuf),
}

impl Upstream {
    fn of(config: &Config) -> Result<Self, Failure> {
        let port = config.get_ports().first().copied().unwrap_or(5432);
        match config.get_hosts() {
            [Host::Tcp(host)] => Ok(Self::Tcp(host.clone(), port)),
            [Host::Unix(folder)] => Ok(Self::Unix(folder.join(format!(".s.PGSQL.{port}")))),
            _ => Err("the URL doesn't name one host".into()),
        }
    }

    fn serve(&self, client: TcpStream, messages: &Arc<AtomicUsize>) -> io::Result<()> {
        client.set_nodelay(true)?;
        let count = Count::new(Arc::clone(messages));
        match self {
            Self::Tcp(host, port) => {
                let server = TcpStream::connect((host.as_str(), *port))?;
                server.set_nodelay(true)?;
                join(client, server, count)
            }
            Self::Unix(path) => join(client, UnixStream::connect(path)?, count),
        }
    }
}

trait Line: Read + Write + Send + Sized + 'static {
    fn twin(&self) -> io::Result<Self>;
    fn end(&self);
}

impl Line for TcpStream {
    fn twin(&self) -> io::Result<Self> {
        self.try_clone()
    }
    fn end(&self) {
        // The other end may be gone already.
        let _ = self.shutdown(Shutdown::Write);
    }
}

impl Line for UnixStream {
    fn twin(&self) -> io::Result<Self> {
        self.try_clone()
    }
    fn end(&self) {
        let _ = self.shutdown(Shutdown::Write);
    }
}

fn join(client: impl Line, server: impl Line, mut count: Count) -> io::Result<()> {
    carry(client.twin()?, server.twin()?, move |bytes| {
        count.feed(bytes);
    });
    carry(server, client, |_| {});
    Ok(())
}

/// A chunk, and when it is due.
type Held = (Instant, Vec<u8>);

/// Carries one direction. Reading goes on while chunks are held back, so that only time is lost and no throughput.
fn carry(mut from: impl Line, to: impl Line, mut look: impl FnMut(&[u8]) + Send + 'static) {
    let (chunks, held) = channel::<Held>();
    thread::spawn(move || release(&held, to));
    thread::spawn(move || {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            let due = Instant::now() + DELAY;
            look(&buffer[..length]);
            if chunks.send((due, buffer[..length].to_vec())).is_err() {
                break;
            }
        }
    });
}

fn release(held: &Receiver<Held>, mut to: impl Line) {
    for (due, chunk) in held {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        if to.write_all(&chunk).is_err() {
            break;
        }
    }
    to.end();
}

/// Finds the messages in one connection's stream, however it is cut into chunks.
struct Count {
    messages: Arc<AtomicUsize>,
    /// The start of a message: its type, which the first one lacks, and its length.
    head: Vec<u8>,
    is_first: bool,
    /// What is still to come of the message's body.
    body: usize,
}

impl Count {
    fn new(messages: Arc<AtomicUsize>) -> Self {
        Self {
            messages,
            head: Vec::new(),
            is_first: true,
            body: 0,
        }
    }

    fn feed(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let skipped = self.body.min(bytes.len());
            self.body -= skipped;
            bytes = &bytes[skipped..];
            let wanted = if self.is_first { 4 } else { 5 };
            let taken = (wanted - self.head.len()).min(bytes.len());
            self.head.extend(&bytes[..taken]);
            bytes = &bytes[taken..];
            if self.head.len() == wanted {
                self.begin();
            }
        }
    }

    /// A head is whole.
    fn begin(&mut self) {
        if !self.is_first && matches!(self.head[0], b'Q' | b'S') {
            self.messages.fetch_add(1, Ordering::SeqCst);
        }
        // The length counts its own four bytes.
        let length = self.head.iter().rev().take(4).rev();
        let length = length.fold(0, |length, byte| length << 8 | usize::from(*byte));
        self.body = length.saturating_sub(4);
        self.head.clear();
        self.is_first = false;
    }
}
