//! What templates have changed in since tenants were made from them, by what both make.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::drift;
use crate::model::name::TenantId;
use crate::model::outdated::Outdated;
use crate::model::reference::{Recipe, Reference};
use crate::reference::Unbuilt;

use super::look::placed;

type References = BTreeMap<Recipe, Result<Arc<Reference>, Unbuilt>>;

/// What is needed to tell.
pub(super) fn recipes(outdated: &[Outdated]) -> BTreeSet<Recipe> {
    let both = outdated.iter().flat_map(|one| [&one.then, &one.now]);
    both.cloned().collect()
}

/// In words, of every tenant of whom it can be told.
pub(super) fn changes(
    outdated: Vec<Outdated>,
    references: &References,
) -> BTreeMap<TenantId, Arc<str>> {
    let told = outdated.into_iter().filter_map(|one| {
        let words: Arc<str> = words(&one, references)?.into();
        Some((one.tenants, words))
    });
    let of_each = told.flat_map(|(tenants, words)| {
        let tenants = tenants.into_iter();
        tenants.map(move |id| (id, Arc::clone(&words)))
    });
    of_each.collect()
}

fn words(outdated: &Outdated, references: &References) -> Option<String> {
    let then = references.get(&outdated.then)?.as_ref().ok()?;
    let words = match references.get(&outdated.now)? {
        Ok(now) => drift::outdated::words(then, now),
        Err(Unbuilt::Failed(failure)) => format!(
            "today's template doesn't build with its migrations: {}",
            placed(failure)
        ),
        Err(Unbuilt::NoRight) => return None,
    };
    Some(if outdated.has_one_set_of_values {
        words
    } else {
        format!("by the values of one of them {words}")
    })
}
