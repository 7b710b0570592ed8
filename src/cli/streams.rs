//! stdout and stderr: every word goes through here, cleaned of secrets and, where unwanted, of colours.

use std::fmt;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anstream::{AutoStream, ColorChoice};
use indicatif::ProgressBar;

use super::args::Color;
use super::redact::Redactor;
use crate::error::Error;
use crate::render::diagnosis;

/// Where words go in the end.
type Sink = AutoStream<Box<dyn Write + Send>>;

/// Both streams of the program. A stream that can't be written to never ends the work.
pub struct Streams {
    pub redactor: Redactor,
    out: Mutex<Sink>,
    err: Mutex<Sink>,
    /// The first error of stdout; nothing is written to it from then on.
    failed: Mutex<Option<io::Error>>,
    /// The bar that is drawn on stderr; text goes above it.
    bar: Mutex<Option<ProgressBar>>,
}

impl Streams {
    /// Decides once where colours are wanted.
    #[must_use]
    pub fn new(color: Color) -> Arc<Self> {
        let (out, err) = match color {
            Color::Always => (ColorChoice::AlwaysAnsi, ColorChoice::AlwaysAnsi),
            Color::Never => (ColorChoice::Never, ColorChoice::Never),
            Color::Auto => (
                AutoStream::choice(&io::stdout()),
                AutoStream::choice(&io::stderr()),
            ),
        };
        Self::to(
            AutoStream::new(Box::new(io::stdout()), out),
            AutoStream::new(Box::new(io::stderr()), err),
        )
    }

    fn to(out: Sink, err: Sink) -> Arc<Self> {
        Arc::new(Self {
            redactor: Redactor::default(),
            out: Mutex::new(out),
            err: Mutex::new(err),
            failed: Mutex::default(),
            bar: Mutex::default(),
        })
    }

    /// Writes text to stdout.
    pub fn out(&self, text: &str) {
        self.write_out(&self.redactor.text(text));
    }

    /// Writes JSON to stdout.
    pub fn out_json(&self, text: &str) {
        self.write_out(&self.redactor.json(text));
    }

    /// Writes text to stderr. There is nobody to tell when that fails.
    pub fn err(&self, text: &str) {
        let text = self.redactor.text(text);
        let write = || {
            let _ = lock(&self.err).write_all(text.as_bytes());
        };
        match &*lock(&self.bar) {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    /// Writes an error to stderr.
    pub fn error(&self, error: &Error) {
        self.err(&diagnosis::error(error));
    }

    /// Keeps text and this bar apart, until `None` takes its place.
    pub fn draw(&self, bar: Option<ProgressBar>) {
        *lock(&self.bar) = bar;
    }

    /// What kept stdout from being written. A reader that has gone away wanted no more, which is no error.
    pub fn finish(&self) -> Result<(), Error> {
        match lock(&self.failed).take() {
            Some(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(Error::failed(format!("writing to stdout: {error}"))
                    .hint("The work was carried out; only its output is lost."))
            }
            _ => Ok(()),
        }
    }

    fn write_out(&self, text: &str) {
        let mut failed = lock(&self.failed);
        if failed.is_some() {
            return;
        }
        let mut stream = lock(&self.out);
        let written = stream.write_all(text.as_bytes());
        *failed = written.and_then(|()| stream.flush()).err();
    }
}

impl fmt::Debug for Streams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Streams").finish_non_exhaustive()
    }
}

/// A value behind it is whole at any time.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Streams that a test can read.
#[cfg(test)]
pub mod captured {
    use super::*;

    /// What was written so far.
    #[derive(Clone, Debug, Default)]
    pub struct Captured(Arc<Mutex<Vec<u8>>>);

    impl Captured {
        pub fn text(&self) -> String {
            String::from_utf8(lock(&self.0).clone()).unwrap()
        }
    }

    impl Write for Captured {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            lock(&self.0).write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Streams without colours, with what goes to stdout and to stderr.
    pub fn streams() -> (Arc<Streams>, Captured, Captured) {
        let (out, err) = (Captured::default(), Captured::default());
        let sink = |captured: &Captured| AutoStream::never(Box::new(captured.clone()) as _);
        (Streams::to(sink(&out), sink(&err)), out, err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_and_secrets_are_taken_out() {
        let (streams, out, err) = captured::streams();
        streams.redactor.learn("hunter2");
        streams.out("\u{1b}[31mout hunter2\u{1b}[0m\n");
        streams.err("err hunter2\n");
        streams.finish().unwrap();
        assert_eq!(out.text(), "out ***\n");
        assert_eq!(err.text(), "err ***\n");
    }
}
