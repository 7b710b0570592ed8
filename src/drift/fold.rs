//! Findings that say the same of several tenants, said once.

use std::collections::BTreeMap;

use super::report::Finding;
use crate::model::name::TenantId;
use crate::model::words::without;

/// Equal findings of several tenants.
#[derive(Clone, Debug)]
pub struct Fold<'a> {
    pub first: &'a Finding,
    /// In the order of the findings; empty for a finding about no tenant.
    pub tenants: Vec<&'a TenantId>,
}

impl Fold<'_> {
    /// Whether the sentence is the same to the letter, the tenant's name included.
    #[must_use]
    pub fn is_same_for_all(&self) -> bool {
        let message = self.first.message.as_deref().unwrap_or_default();
        let name = self.first.tenant.as_ref().map_or("", TenantId::as_str);
        self.tenants.len() < 2 || without(message, name) == message
    }
}

/// Puts equal findings together: by weight, then by kind and object.
#[must_use]
pub fn fold<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> Vec<Fold<'a>> {
    let mut folds: BTreeMap<Finding, Fold<'a>> = BTreeMap::new();
    for finding in findings {
        let fold = folds.entry(bare(finding)).or_insert_with(|| Fold {
            first: finding,
            tenants: Vec::new(),
        });
        fold.tenants.extend(&finding.tenant);
    }
    folds.into_values().collect()
}

/// The finding without whom it is about. Those about no tenant are never the same.
fn bare(finding: &Finding) -> Finding {
    let Some(id) = &finding.tenant else {
        return finding.clone();
    };
    let nameless = |text: &String| without(text, id.as_str());
    Finding {
        tenant: None,
        cluster: None,
        message: finding.message.as_ref().map(nameless),
        hint: finding.hint.as_ref().map(nameless),
        ..finding.clone()
    }
}
