//! Where live tenants stand, compared to what their histories made, as far as a plan needs it.

use std::collections::BTreeMap;

use super::name::TenantId;
use super::template::ContentHash;

/// By tenant; who isn't in it wasn't looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standings(pub BTreeMap<TenantId, Standing>);

/// One tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    pub shape: Result<Compared, Unchecked>,
    /// What of it isn't compared, in words.
    pub partial: Vec<String>,
}

/// A shape that was compared to its reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compared {
    /// Fingerprint of what the tenant's history makes, without the name it was built under and the tenant's values.
    pub reference: ContentHash,
    /// Fingerprint of what is there, without the schema's own name.
    pub live: ContentHash,
    /// What differs and isn't waived, in words; empty for a tenant that is in sync.
    pub differences: Vec<String>,
}

/// Why a shape wasn't compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unchecked(pub String);

impl Standings {
    /// The tenant's shape, where it was compared.
    #[must_use]
    pub fn compared(&self, id: &TenantId) -> Option<&Compared> {
        self.0.get(id)?.shape.as_ref().ok()
    }
}

impl Compared {
    /// Whether it isn't what its history made.
    #[must_use]
    pub fn has_drifted(&self) -> bool {
        !self.differences.is_empty()
    }
}
