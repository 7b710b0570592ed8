//! stdout and stderr: every word goes through here, cleaned of secrets and, where unwanted, of colours.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anstream::{AutoStream, ColorChoice};
use indicatif::ProgressBar;

use super::args::Color;
use super::redact::Redactor;
use crate::error::Error;
use crate::render::diagnosis;

/// Both streams of the program. A stream that can't be written to never ends the work.
#[derive(Debug)]
pub struct Streams {
    pub redactor: Redactor,
    out: ColorChoice,
    err: ColorChoice,
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
        Arc::new(Self {
            redactor: Redactor::default(),
            out,
            err,
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
            let mut stream = AutoStream::new(io::stderr().lock(), self.err);
            let _ = stream.write_all(text.as_bytes());
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
        let mut stream = AutoStream::new(io::stdout().lock(), self.out);
        let written = stream.write_all(text.as_bytes());
        *failed = written.and_then(|()| stream.flush()).err();
    }
}

/// A value behind it is whole at any time.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
