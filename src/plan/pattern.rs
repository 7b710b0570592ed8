//! Glob patterns over tenant ids, as `--tenant`, `--exclude` and `--allow` take them.

use globset::{Glob, GlobMatcher};

use crate::error::Error;
use crate::model::name::TenantId;

/// A glob and the text it was made from.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    pub(super) text: String,
    glob: GlobMatcher,
}

impl Pattern {
    /// Reads the glob given to `flag`.
    pub(super) fn new(flag: &str, text: &str) -> Result<Self, Error> {
        let glob = Glob::new(text).map_err(|error| {
            Error::usage(format!("{flag} {text:?} is no pattern: {}", error.kind()))
                .hint("Write a tenant id, with * and ? for what varies.")
        })?;
        Ok(Self {
            text: text.to_owned(),
            glob: glob.compile_matcher(),
        })
    }

    pub(super) fn matches(&self, tenant: &TenantId) -> bool {
        self.glob.is_match(tenant.as_str())
    }
}
