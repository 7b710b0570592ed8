//! Drift: each live tenant compared to what its own template, history and values made.
//!
//! [`check`] judges what was observed against references that were built elsewhere. Tenants of a group have one
//! shape, up to their names, and are compared once; where the verdict rests on a name they are to be read one by one.
//! Pending migrations are no drift, and a tenant that the file wants gone isn't looked at.

mod accept;
pub mod baseline;
pub mod compare;
pub mod fold;
pub mod outdated;
mod parts;
pub mod report;
mod shapes;
mod standing;
mod standings;
#[cfg(test)]
mod tests;
mod text;
mod waiver;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::civil::Date;

use crate::model::desired::{Desired, Tenant, TenantState};
use crate::model::name::{ClusterName, SchemaName, TenantId};
use crate::model::observed::{
    ControlState, ControlTenant, LiveDatabase, Observed, ShapeGroup, Unreadable,
};
use crate::model::reference::Reference;
use crate::model::shape::Shape;
use crate::plan::Unmanaged;
use report::{DriftReport, Finding, FindingKind};
pub use standings::standings;

/// Tenants of one recipe in one database, and the reference that they are measured by.
#[derive(Clone, Debug)]
pub struct Measured {
    pub cluster: ClusterName,
    pub tenants: BTreeSet<TenantId>,
    pub reference: Result<Arc<Reference>, Unmeasured>,
}

/// Why there is no reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmeasured {
    pub message: String,
    /// One imperative sentence.
    pub hint: Option<String>,
}

/// Everything that drift is found in.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    pub desired: &'a Desired,
    /// With shapes.
    pub observed: &'a Observed,
    /// What a plan says of the same databases.
    pub unmanaged: &'a [Unmanaged],
    pub selected: &'a BTreeSet<TenantId>,
    /// Tenants that are being changed by an apply, of which nothing is told.
    pub changing: &'a BTreeSet<TenantId>,
    /// A tenant stands in one of them at most.
    pub references: &'a [Measured],
    /// Waivers hold up to a day, in UTC.
    pub today: Date,
}

/// What was found.
#[derive(Clone, Debug)]
pub struct Checked {
    pub report: DriftReport,
    /// Every tenant that was compared, or should have been.
    pub tenants: BTreeSet<TenantId>,
    /// Schemas to be read one by one, by [`add_read`], before the same is checked again; until then the report calls
    /// them unchecked.
    pub to_read: ToRead,
}

/// Schemas by cluster.
pub type ToRead = BTreeMap<ClusterName, BTreeSet<SchemaName>>;

/// A tenant that is recorded where the file declares it, and that should be there.
#[derive(Clone, Copy, Debug)]
struct Living<'a> {
    id: &'a TenantId,
    tenant: &'a Tenant,
    row: &'a ControlTenant,
    live: &'a LiveDatabase,
}

/// Judges every selected tenant that lives.
#[must_use]
pub fn check(scene: &Scene<'_>) -> Checked {
    let mut findings = Vec::new();
    let mut tenants = BTreeSet::new();
    let mut living: BTreeMap<&ClusterName, Vec<Living<'_>>> = BTreeMap::new();
    for (id, tenant) in scene.looked_at() {
        match scene.find(id, tenant) {
            Ok(None) => continue,
            Ok(Some(found)) => living.entry(&tenant.cluster).or_default().push(found),
            Err(finding) => findings.push(finding.about(id, &tenant.cluster)),
        }
        tenants.insert(id.clone());
    }
    let mut to_read = ToRead::new();
    for (cluster, living) in &living {
        for one in living {
            let about = standing::findings(scene.desired, one).into_iter();
            findings.extend(about.map(|finding| finding.about(one.id, cluster)));
        }
        let shapes = shapes::compare(cluster, living, scene.references);
        findings.extend(shapes.findings);
        if !shapes.to_read.is_empty() {
            to_read.insert((*cluster).clone(), shapes.to_read);
        }
    }
    findings.extend(scene.unmanaged());
    waiver::apply(scene, &mut findings);
    let complete = scene.observed.databases.values().all(Result::is_ok);
    let mut report = DriftReport::new(scene.desired.fleet.clone(), complete, &tenants, findings);
    report.summary.being_changed = scene.changing.len();
    Checked {
        report,
        tenants,
        to_read,
    }
}

/// Puts schemas that were read one by one in the place of their groups' shapes; those that couldn't be read come with
/// the server's words.
pub fn add_read(
    observed: &mut Observed,
    cluster: &ClusterName,
    read: BTreeMap<SchemaName, Result<Shape, Unreadable>>,
) {
    let live = observed.databases.get_mut(cluster);
    let Some(shapes) = live.and_then(|live| live.as_mut().ok()?.shapes.as_mut()) else {
        return;
    };
    for group in &mut shapes.groups {
        // The shape stays that of the first.
        let mut first = true;
        group
            .schemas
            .retain(|schema| std::mem::take(&mut first) || !read.contains_key(schema));
    }
    for (schema, shape) in read {
        match shape {
            Err(why) => {
                shapes.unreadable.insert(schema, why);
            }
            Ok(shape) => shapes.groups.push(ShapeGroup {
                schemas: vec![schema],
                shape,
            }),
        }
    }
}

impl<'a> Scene<'a> {
    /// The selected tenants, but for those that the file wants gone and those that are being changed.
    fn looked_at(&self) -> impl Iterator<Item = (&'a TenantId, &'a Tenant)> + use<'a> {
        let selected = self.selected;
        let tenants = self.desired.tenants.iter();
        let changing = self.changing;
        tenants.filter(move |(id, tenant)| {
            selected.contains(*id) && !changing.contains(*id) && tenant.state != TenantState::Absent
        })
    }

    /// Whether all tenants of the file are selected.
    fn is_whole(&self) -> bool {
        self.selected.len() == self.desired.tenants.len()
    }

    /// The tenant as it is recorded; none for one that isn't made yet.
    ///
    /// # Errors
    /// Why nobody can tell.
    fn find(&self, id: &'a TenantId, tenant: &'a Tenant) -> Result<Option<Living<'a>>, Finding> {
        let cluster = &tenant.cluster;
        let unreadable =
            |message: String| Finding::new(FindingKind::Unreadable, "database").saying(message);
        let live = match self.observed.databases.get(cluster) {
            Some(Ok(live)) => live,
            Some(Err(why)) => {
                let finding = unreadable(format!(
                    "cluster {cluster} can't be reached: {}",
                    why.message
                ));
                return Err(match &why.hint {
                    Some(hint) => finding.hint(hint),
                    None => finding,
                });
            }
            None => return Err(unreadable(format!("cluster {cluster} wasn't asked"))),
        };
        if let ControlState::Unreadable(words) = &live.control {
            let message =
                format!("the schema \"tenantry\" in cluster {cluster} can't be read: {words}");
            return Err(unreadable(message).hint(GRANTS));
        }
        match live.tenants.get(id) {
            Some(row) => Ok(Some(Living {
                id,
                tenant,
                row,
                live,
            })),
            None => self.elsewhere(id, cluster).map_or(Ok(None), Err),
        }
    }

    /// A tenant that is declared on one cluster and recorded on another.
    fn elsewhere(&self, id: &TenantId, declared: &ClusterName) -> Option<Finding> {
        let mut others = self.observed.databases.iter();
        let (cluster, _) = others.find(|(_, live)| {
            let live = live.as_ref();
            live.is_ok_and(|live| live.tenants.contains_key(id))
        })?;
        let message = format!("declared on cluster {declared} and recorded on cluster {cluster}");
        let finding = Finding::new(FindingKind::ShapeUnchecked, "cluster").saying(message);
        Some(finding.hint(format!("Set the tenant's `cluster:` back to {cluster}.")))
    }

    /// Schemas that the file doesn't name; of interest when all tenants are selected.
    fn unmanaged(&self) -> impl Iterator<Item = Finding> + use<'a> {
        let is_whole = self.is_whole();
        let unmanaged = self.unmanaged.iter().filter(move |_| is_whole);
        unmanaged.map(|one| {
            let object = format!("schema {}", one.schema);
            let message = match &one.tenant {
                Some(tenant) => format!("recorded as tenant {tenant}, which isn't in the file"),
                None => "called like a tenant's, and recorded as nobody's".to_owned(),
            };
            let finding = Finding::new(FindingKind::UnmanagedSchema, object).saying(message);
            Finding {
                cluster: Some(one.cluster.clone()),
                ..finding
            }
        })
    }
}

const GRANTS: &str = "Run the SQL that `tenantry doctor --grants` prints.";
