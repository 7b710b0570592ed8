//! A plan in a file: named, sealed, and refused when a byte of it was changed.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use schemars::JsonSchema;

use super::{FORMAT_VERSION, Plan};
use crate::error::Error;
use crate::model::template::ContentHash;

/// What `plan --out` writes and `apply FILE` reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SavedPlan {
    /// Random, so that one file is carried out once.
    pub plan_id: Uuid,
    /// RFC 3339.
    pub created_at: String,
    /// SHA-256 over `plan_id`, `created_at` and the plan's digest.
    pub seal: ContentHash,
    #[serde(flatten)]
    pub plan: Plan,
}

impl SavedPlan {
    /// Names and seals a plan; `created_at` is RFC 3339.
    #[must_use]
    pub fn new(plan: Plan, plan_id: Uuid, created_at: String) -> Self {
        let plan = plan.sealed();
        Self {
            seal: seal(plan_id, &created_at, &plan.digest),
            plan_id,
            created_at,
            plan,
        }
    }

    /// The file's text: equal plans give equal bytes.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut text =
            serde_json::to_string_pretty(self).expect("a plan holds only text and numbers");
        text.push('\n');
        text
    }

    /// Reads a file's text.
    ///
    /// # Errors
    /// Refuses a text that isn't, byte for byte, what [`to_json`](Self::to_json) wrote, and a
    /// format that this program doesn't write.
    pub fn parse(text: &str) -> Result<Self, Error> {
        check_format(text)?;
        let saved: Self = serde_json::from_str(text).map_err(|error| edited(&error.to_string()))?;
        if saved.plan.compute_digest() != saved.plan.digest {
            return Err(edited("its digest doesn't fit its content"));
        }
        if seal(saved.plan_id, &saved.created_at, &saved.plan.digest) != saved.seal {
            return Err(edited("its seal doesn't fit its content"));
        }
        if saved.to_json() != text {
            return Err(edited("its text isn't as it was written"));
        }
        Ok(saved)
    }
}

fn seal(plan_id: Uuid, created_at: &str, digest: &ContentHash) -> ContentHash {
    ContentHash::of(&format!("{plan_id}\n{created_at}\n{digest}\n"))
}

/// Told apart from an edited file, because the remedy differs.
fn check_format(text: &str) -> Result<(), Error> {
    #[derive(Deserialize)]
    struct Head {
        format_version: String,
        #[serde(default)]
        tool_version: String,
    }
    let head: Head = serde_json::from_str(text).map_err(|error| {
        Error::refused(format!("the file isn't a saved plan: {error}"))
            .hint("Write one with `tenantry plan --out FILE`.")
    })?;
    if head.format_version == FORMAT_VERSION {
        return Ok(());
    }
    Err(Error::refused(format!(
        "the plan has format {:?}, written by tenantry {:?}; this is tenantry {}, which carries out format {FORMAT_VERSION}",
        head.format_version,
        head.tool_version,
        env!("CARGO_PKG_VERSION"),
    ))
    .hint("Make the plan again with this version of tenantry."))
}

fn edited(why: &str) -> Error {
    Error::refused(format!("the saved plan was edited: {why}"))
        .hint("Make the plan again instead of editing it.")
}
