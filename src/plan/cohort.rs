//! Folds tenants that have the same way to go, so that work is described once for all of them.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::Cohort;
use super::action::{Hazard, HazardNote, MigrationRef, PlannedShapes, Precondition, TenantAction};
use crate::model::migration::{MigrationFile, MigrationSet};
use crate::model::name::{TemplateName, TenantId};
use crate::model::shape::SHAPE_VERSION;
use crate::model::standing::{Compared, Standings};
use crate::model::template::{ContentHash, SourceFile, Template};

/// What a tenant needs, as small as it can be said: it is made once a tenant and kept once a cohort.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Way<'a> {
    Create {
        template: &'a TemplateName,
        /// A control row is there, its schema isn't.
        recorded: bool,
        baseline: Vec<i64>,
        run: Vec<i64>,
    },
    Migrate {
        template: &'a TemplateName,
        history: ContentHash,
        from: Option<i64>,
        due: Vec<i64>,
        shape: Alike<'a>,
    },
}

/// What the live shapes of a cohort have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) enum Alike<'a> {
    /// They are what one history makes, whatever words a server has for it after a dump or a move.
    InSync {
        server: i32,
        reference: &'a ContentHash,
    },
    /// They differ from that in the same way.
    Drifted { server: i32, live: &'a ContentHash },
    /// Nobody knows.
    Unchecked,
}

impl<'a> Alike<'a> {
    /// Where a tenant belongs; `server` is its server's major version, as shapes of two aren't comparable.
    pub(super) fn of(compared: Option<&'a Compared>, server: i32) -> Self {
        match compared {
            None => Self::Unchecked,
            Some(shape) if shape.has_drifted() => Self::Drifted {
                server,
                live: &shape.live,
            },
            Some(shape) => Self::InSync {
                server,
                reference: &shape.reference,
            },
        }
    }

    /// What the tenants look like.
    fn planned(self, tenants: &[TenantId], standings: &Standings) -> Option<PlannedShapes> {
        let (Self::InSync { server, .. } | Self::Drifted { server, .. }) = self else {
            return None;
        };
        let compared = tenants.iter().filter_map(|id| standings.compared(id));
        let fingerprints: BTreeSet<&ContentHash> = compared.map(|shape| &shape.live).collect();
        Some(PlannedShapes {
            shape_version: SHAPE_VERSION,
            server,
            fingerprints: fingerprints.into_iter().cloned().collect(),
        })
    }
}

impl Way<'_> {
    pub(super) fn template(&self) -> &TemplateName {
        match self {
            Self::Create { template, .. } | Self::Migrate { template, .. } => template,
        }
    }

    fn shape(&self) -> Option<Alike<'_>> {
        match self {
            Self::Create { .. } => None,
            Self::Migrate { shape, .. } => Some(*shape),
        }
    }

    /// The files that run, in order.
    pub(super) fn files<'t>(&self, template: &'t Template) -> Vec<&'t SourceFile> {
        let (own, versions): (&[SourceFile], _) = match self {
            Self::Create { run, .. } => (&template.files, run),
            Self::Migrate { due, .. } => (&[], due),
        };
        let migrations = chosen(&template.migrations, versions).map(|file| &file.up);
        own.iter().chain(migrations).collect()
    }

    /// A new tenant has no data to lose, so an old migration needs no flag for each that comes.
    fn hazards(&self, template: &Template) -> Vec<HazardNote> {
        match self {
            Self::Create { .. } => Vec::new(),
            Self::Migrate { .. } => self.files(template).into_iter().flat_map(hazards).collect(),
        }
    }

    fn expects(&self, tenants: &[TenantId], standings: &Standings) -> Precondition {
        match self {
            Self::Create {
                recorded: false, ..
            } => Precondition::Absent,
            Self::Create { recorded: true, .. } => Precondition::SchemaMissing,
            Self::Migrate { history, shape, .. } => Precondition::History {
                fingerprint: history.clone(),
                shapes: shape.planned(tenants, standings),
            },
        }
    }

    fn action(&self, of: &Template) -> TenantAction {
        let refs = |versions: &[i64]| {
            chosen(&of.migrations, versions)
                .map(migration_ref)
                .collect()
        };
        match self {
            Self::Create {
                template,
                baseline,
                run,
                ..
            } => TenantAction::CreateTenant {
                template: (*template).clone(),
                template_address: of.address.hash.clone(),
                baseline: refs(baseline),
                migrations: refs(run),
            },
            Self::Migrate {
                template,
                from,
                due,
                ..
            } => TenantAction::Migrate {
                template: (*template).clone(),
                from: *from,
                migrations: refs(due),
            },
        }
    }
}

/// Makes a cohort of every way, creations first, then by first tenant.
pub(super) fn fold(
    ways: BTreeMap<Way<'_>, Vec<TenantId>>,
    templates: &BTreeMap<TemplateName, Template>,
    standings: &Standings,
) -> Vec<Cohort> {
    let mut cohorts: Vec<Cohort> = ways
        .into_iter()
        .filter_map(|(way, tenants)| {
            let template = templates.get(way.template())?;
            Some(cohort(&way, tenants, template, standings))
        })
        .collect();
    let creates =
        |cohort: &Cohort| matches!(cohort.actions[..], [TenantAction::CreateTenant { .. }]);
    cohorts.sort_by(|a, b| (!creates(a), &a.tenants).cmp(&(!creates(b), &b.tenants)));
    cohorts
}

fn cohort(
    way: &Way<'_>,
    mut tenants: Vec<TenantId>,
    template: &Template,
    standings: &Standings,
) -> Cohort {
    tenants.sort();
    let mut cohort = Cohort {
        id: String::new(),
        expects: way.expects(&tenants, standings),
        tenants,
        actions: vec![way.action(template)],
        hazards: way.hazards(template),
    };
    cohort.id = id(&cohort, way.shape());
    cohort
}

/// Tenants that have drifted are told from those that are in sync, also where they look alike.
fn id(cohort: &Cohort, shape: Option<Alike<'_>>) -> String {
    let shared = (&cohort.expects, &cohort.actions, &cohort.hazards, shape);
    let text = serde_json::to_string(&shared).expect("a cohort holds only text and numbers");
    ContentHash::of(&text).short().to_owned()
}

fn hazards(file: &SourceFile) -> impl Iterator<Item = HazardNote> + '_ {
    file.deletes.iter().map(|loss| HazardNote {
        hazard: Hazard::DeletesData,
        file: file.name.clone(),
        line: loss.line,
        what: loss.what.clone(),
        allowed_by_file: file.directives.allows_deletes_data,
    })
}

fn chosen<'t>(set: &'t MigrationSet, versions: &[i64]) -> impl Iterator<Item = &'t MigrationFile> {
    versions.iter().filter_map(|version| set.0.get(version))
}

fn migration_ref(file: &MigrationFile) -> MigrationRef {
    MigrationRef {
        version: file.version,
        name: file.name.clone(),
        sha256: file.up.hash.clone(),
    }
}
