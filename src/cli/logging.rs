//! Diagnosis to stderr. Statements and their parameters are never logged, whatever the filter says.

use std::io::Write;
use std::sync::Arc;

use env_logger::{Builder, Logger, Target};
use log::{Level, LevelFilter, Log, Metadata, Record};

use super::args::{Global, LogFormat};
use super::streams::Streams;

/// Crates that log SQL below `warn`.
const SQL_LOGGERS: [&str; 5] = [
    "tokio_postgres",
    "postgres",
    "postgres_protocol",
    "refinery",
    "refinery_core",
];

/// Starts logging, and the telling of panics, once for the whole program.
pub fn start(global: &Global, streams: &Arc<Streams>) {
    let logger = Clamped(logger(global, streams));
    let most = logger.0.filter();
    // A second start, as tests do, changes nothing.
    if log::set_boxed_logger(Box::new(logger)).is_ok() {
        log::set_max_level(most);
    }
    let streams = Arc::clone(streams);
    std::panic::set_hook(Box::new(move |panic| {
        streams.err(&format!("tenantry failed inside: {panic}\n"));
    }));
}

fn logger(global: &Global, streams: &Arc<Streams>) -> Logger {
    let mut builder = Builder::new();
    let default = match global.verbose {
        0 if global.quiet => LevelFilter::Error,
        0 | 1 => LevelFilter::Warn,
        2 => LevelFilter::Info,
        _ => LevelFilter::Debug,
    };
    builder.filter_level(default);
    if let Ok(filter) = std::env::var("TENANTRY_LOG") {
        builder.parse_filters(&filter);
    }
    match global.log_format {
        LogFormat::Text => builder.format(text),
        LogFormat::Json => builder.format(json),
    };
    builder.target(Target::Pipe(Box::new(ToStreams(Arc::clone(streams)))));
    builder.build()
}

fn text(out: &mut env_logger::fmt::Formatter, record: &Record<'_>) -> std::io::Result<()> {
    let level = record.level().as_str().to_lowercase();
    writeln!(out, "{level}: {}", record.args())
}

fn json(out: &mut env_logger::fmt::Formatter, record: &Record<'_>) -> std::io::Result<()> {
    let line = serde_json::json!({
        "time": jiff::Timestamp::now().to_string(),
        "level": record.level().as_str().to_lowercase(),
        "target": record.target(),
        "message": record.args().to_string(),
    });
    writeln!(out, "{line}")
}

/// A logger whose filter can't be opened so far that SQL gets through.
struct Clamped(Logger);

impl Log for Clamped {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        may_pass(metadata.target(), metadata.level()) && self.0.enabled(metadata)
    }

    fn log(&self, record: &Record<'_>) {
        if may_pass(record.target(), record.level()) {
            self.0.log(record);
        }
    }

    fn flush(&self) {
        self.0.flush();
    }
}

fn may_pass(target: &str, level: Level) -> bool {
    let source = target.split("::").next().unwrap_or_default();
    level <= Level::Warn || !SQL_LOGGERS.contains(&source)
}

/// A line of the log on its way to stderr.
struct ToStreams(Arc<Streams>);

impl Write for ToStreams {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.err(&String::from_utf8_lossy(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sql_never_passes() {
        assert!(!may_pass("tokio_postgres::query", Level::Info));
        assert!(!may_pass("postgres", Level::Debug));
        assert!(!may_pass("refinery_core::traits", Level::Trace));
        assert!(may_pass("tokio_postgres::connection", Level::Warn));
        assert!(may_pass("tenantry::apply", Level::Debug));
    }
}
