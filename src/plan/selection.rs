//! Which tenants a command is about: `--tenant`, `--exclude` and `--tag`.

use std::collections::BTreeSet;

use super::pattern::Pattern;
use crate::error::Error;
use crate::model::desired::{Desired, Tenant};
use crate::model::name::TenantId;
use crate::model::near::nearest;

/// Filters over the declared tenants; without any, all of them.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    tenant: Vec<Pattern>,
    exclude: Vec<Pattern>,
    tags: Vec<String>,
    within: Option<BTreeSet<TenantId>>,
}

impl Selection {
    /// Reads the filters: a tenant is picked when it matches one of `tenant` (or there is none), has
    /// one of `tags` (or there is none), and matches none of `exclude`.
    pub fn new(tenant: &[String], exclude: &[String], tags: &[String]) -> Result<Self, Error> {
        let read = |flag: &str, texts: &[String]| -> Result<Vec<Pattern>, Error> {
            texts.iter().map(|text| Pattern::new(flag, text)).collect()
        };
        Ok(Self {
            tenant: read("--tenant", tenant)?,
            exclude: read("--exclude", exclude)?,
            tags: tags.to_vec(),
            within: None,
        })
    }

    /// Of the picked tenants, these; it is no slip if that leaves nobody.
    #[must_use]
    pub fn within(mut self, tenants: BTreeSet<TenantId>) -> Self {
        self.within = Some(tenants);
        self
    }

    /// The declared tenants that pass.
    ///
    /// # Errors
    /// A filter that matches no declared tenant is a slip, so it is wrong usage; so are filters
    /// that leave nothing together.
    pub fn pick(&self, desired: &Desired) -> Result<BTreeSet<TenantId>, Error> {
        self.check_all_match(desired)?;
        let mut picked: BTreeSet<TenantId> = desired
            .tenants
            .iter()
            .filter(|(id, tenant)| self.passes(id, tenant))
            .map(|(id, _)| id.clone())
            .collect();
        if picked.is_empty() && !self.is_all() {
            return Err(
                Error::usage("--tenant, --exclude and --tag leave no tenant together")
                    .hint("Loosen one of them."),
            );
        }
        if let Some(within) = &self.within {
            picked.retain(|id| within.contains(id));
        }
        Ok(picked)
    }

    /// Whether there is no filter.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.tenant.is_empty() && self.exclude.is_empty() && self.tags.is_empty()
    }

    fn passes(&self, id: &TenantId, tenant: &Tenant) -> bool {
        let named = |patterns: &[Pattern]| patterns.iter().any(|pattern| pattern.matches(id));
        (self.tenant.is_empty() || named(&self.tenant))
            && (self.tags.is_empty() || self.tags.iter().any(|tag| tenant.tags.contains(tag)))
            && !named(&self.exclude)
    }

    fn check_all_match(&self, desired: &Desired) -> Result<(), Error> {
        for (flag, patterns) in [("--tenant", &self.tenant), ("--exclude", &self.exclude)] {
            for pattern in patterns {
                if !desired.tenants.keys().any(|id| pattern.matches(id)) {
                    let what = format!("{flag} {:?}", pattern.text);
                    return Err(no_such_tenant(&what, &pattern.text, desired));
                }
            }
        }
        let declared: BTreeSet<&str> = desired
            .tenants
            .values()
            .flat_map(|tenant| tenant.tags.iter().map(String::as_str))
            .collect();
        match self
            .tags
            .iter()
            .find(|tag| !declared.contains(tag.as_str()))
        {
            Some(tag) => Err(no_such_tag(tag, &declared, desired)),
            None => Ok(()),
        }
    }
}

/// Says that what a flag names isn't declared, with the ids that come near.
pub(super) fn no_such_tenant(what: &str, written: &str, desired: &Desired) -> Error {
    let ids: Vec<&str> = desired.tenants.keys().map(TenantId::as_str).collect();
    Error::usage(format!(
        "{what} matches no tenant of fleet {}",
        desired.fleet
    ))
    .hint(near(written, &ids, "Look the id up under `tenants:`."))
}

fn no_such_tag(tag: &str, declared: &BTreeSet<&str>, desired: &Desired) -> Error {
    let declared: Vec<&str> = declared.iter().copied().collect();
    Error::usage(format!(
        "--tag {tag:?} is on no tenant of fleet {}",
        desired.fleet
    ))
    .hint(near(
        tag,
        &declared,
        "Look the tag up under the tenants' `tags:`.",
    ))
}

fn near(written: &str, names: &[&str], otherwise: &str) -> String {
    let near = nearest(written, names, 3);
    if near.is_empty() {
        otherwise.to_owned()
    } else {
        format!("Use a name that is declared, such as {}.", near.join(", "))
    }
}
