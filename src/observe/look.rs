//! Looks at live tenants through and through: what is observed, their shapes, and the references they are measured by.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::thread;

use crate::drift::{self, Measured, ToRead, Unmeasured};
use crate::model::desired::Desired;
use crate::model::name::{ClusterName, RoleName, SchemaName, TenantId};
use crate::model::observed::{
    ControlState, ControlTenant, LiveDatabase, LiveShapes, Observed, Unreadable,
};
use crate::model::outdated::{self as templates, Outdated};
use crate::model::reference::{Recipe, Reference};
use crate::model::shape::Shape;
use crate::pg::clients::Clients;
use crate::pg::error::PgError;
use crate::reference::{self, Obtained, Site, Unbuilt};
use crate::report::Failure;

use super::shapes::{self, FEW, Sought, Whole};
use super::{Targets, databases, outdated, panicked, read};

/// What was seen.
#[derive(Debug)]
pub struct Looked {
    /// With the shapes of the selected tenants.
    pub observed: Observed,
    /// What the selected tenants should be like.
    pub measured: Vec<Measured>,
    /// What people should know of the references.
    pub notices: Vec<(ClusterName, String)>,
}

/// What to look at.
#[derive(Clone, Copy, Debug)]
pub struct Look<'a> {
    pub desired: &'a Desired,
    pub targets: &'a Targets,
    pub selected: &'a BTreeSet<TenantId>,
    /// Whether no others are looked at, not even for whose the schemas are; then it costs what the selected ones do.
    pub alone: bool,
    /// Where references are built, if not where the tenants live.
    pub elsewhere: Option<&'a Clients>,
}

/// Looks at all databases side by side. Nothing is left behind: what isn't READ ONLY is rolled back.
#[must_use]
pub fn look(look: Look<'_>) -> Looked {
    let only: Option<Vec<String>> = look
        .alone
        .then(|| look.selected.iter().map(ToString::to_string).collect());
    let seen = databases(look.targets, |cluster, clients| {
        let mut live = clients.with(|wire| read(look.desired, cluster, wire, only.as_deref()))?;
        let place = Place {
            look,
            cluster,
            clients,
        };
        let (measured, notices) = place.complete(&mut live);
        Ok((live, measured, notices))
    });
    let mut looked = Looked {
        observed: Observed {
            databases: BTreeMap::new(),
        },
        measured: Vec::new(),
        notices: Vec::new(),
    };
    for (cluster, seen) in seen {
        let live = seen.map(|(live, measured, notices)| {
            let notices = notices.into_iter();
            looked.measured.extend(measured);
            looked
                .notices
                .extend(notices.map(|words| (cluster.clone(), words)));
            live
        });
        looked.observed.databases.insert(cluster, live);
    }
    looked
}

/// Reads the schemas that are to be read one by one, and puts them in the place of their groups' shapes.
pub fn read_each(looked: &mut Looked, targets: &Targets, to_read: &ToRead) {
    for (cluster, schemas) in to_read {
        let live = looked.observed.databases.get(cluster);
        let (Some(Ok(live)), Some(Ok(target))) = (live, targets.get(cluster)) else {
            continue;
        };
        let mut sought = recorded(live, |_| true);
        sought.retain(|schema, _| schemas.contains(schema));
        let oids: Vec<u32> = sought.values().map(|place| place.oid).collect();
        let clients = Clients::new(target.clone());
        let read = shapes::whole(&clients, sought_in(live, &sought), &oids);
        let read = by_name(sought, read);
        drift::add_read(&mut looked.observed, cluster, read);
    }
}

/// What was read of each schema, in words where it wasn't.
fn by_name(
    schemas: Schemas,
    read: Result<Whole, PgError>,
) -> BTreeMap<SchemaName, Result<Shape, Unreadable>> {
    let (mut read, otherwise) = match read {
        Ok(read) => (read, PgError::own("it is gone")),
        Err(error) => (Whole::new(), error),
    };
    let of = |(schema, place): (SchemaName, shapes::Place)| {
        let shape = read.remove(&place.oid);
        (schema, shape.unwrap_or_else(|| Err((&otherwise).into())))
    };
    schemas.into_iter().map(of).collect()
}

/// One database that is looked at.
struct Place<'a> {
    look: Look<'a>,
    cluster: &'a ClusterName,
    clients: &'a Clients,
}

type Schemas = BTreeMap<SchemaName, shapes::Place>;

impl Place<'_> {
    /// Reads the shapes and gets the references, at the same time where a second connection is worth it.
    fn complete(&self, live: &mut LiveDatabase) -> (Vec<Measured>, Vec<String>) {
        let sought = recorded(live, |id| self.is_sought(id));
        let tenants = self.by_recipe(live);
        let outdated = self.outdated(live);
        let (shapes, obtained) = if sought.len() <= FEW {
            let shapes = self.shapes(live, &sought);
            (shapes, Ok(self.references(live, &tenants, &outdated)))
        } else {
            thread::scope(|scope| {
                let references = scope.spawn(|| self.references(live, &tenants, &outdated));
                let shapes = self.shapes(live, &sought);
                let obtained = references.join().map_err(|_| panicked().message);
                (shapes, obtained)
            })
        };
        live.shapes = Some(shapes);
        match obtained {
            Ok(obtained) => {
                let Obtained {
                    references,
                    notices,
                } = obtained;
                live.template_changes = outdated::changes(outdated, &references);
                (self.measured(live, tenants, &references), notices)
            }
            Err(words) => (Vec::new(), vec![words]),
        }
    }

    fn is_sought(&self, id: &TenantId) -> bool {
        let tenant = self.look.desired.tenants.get(id);
        self.look.selected.contains(id)
            && tenant.is_some_and(|tenant| tenant.cluster == *self.cluster)
    }

    fn shapes(&self, live: &LiveDatabase, sought: &Schemas) -> LiveShapes {
        shapes::read(self.clients, sought_in(live, sought)).unwrap_or_else(|error| {
            let schemas = sought.keys().cloned();
            LiveShapes {
                groups: Vec::new(),
                unreadable: schemas.map(|schema| (schema, (&error).into())).collect(),
            }
        })
    }

    /// The tenants by what they are made from; those of whom it isn't known under `None`.
    fn by_recipe(&self, live: &LiveDatabase) -> BTreeMap<Option<Recipe>, BTreeSet<TenantId>> {
        let mut tenants: BTreeMap<Option<Recipe>, BTreeSet<TenantId>> = BTreeMap::new();
        for (id, row) in live.tenants.iter().filter(|(id, _)| self.is_sought(id)) {
            let recipe = Recipe::of(row, live.history(row), &self.look.desired.search_path);
            tenants.entry(recipe).or_default().insert(id.clone());
        }
        tenants
    }

    fn outdated(&self, live: &LiveDatabase) -> Vec<Outdated> {
        let rows = live.tenants.iter();
        let sought =
            rows.filter(|(id, row)| self.is_sought(id) && live.schemas.contains_key(&row.schema));
        let sought = sought.map(|(id, row)| (id, row, live.history(row)));
        templates::outdated(self.look.desired, sought)
    }

    fn references(
        &self,
        live: &LiveDatabase,
        tenants: &BTreeMap<Option<Recipe>, BTreeSet<TenantId>>,
        outdated: &[Outdated],
    ) -> Obtained {
        let mut recipes = outdated::recipes(outdated);
        recipes.extend(tenants.keys().flatten().cloned());
        let desired = self.look.desired;
        let table = &desired.history_table;
        let site = Site {
            today: &desired.templates,
            ..Site::of(self.clients, live, table, self.look.elsewhere)
        };
        reference::obtain(&site, &recipes)
    }

    fn measured(
        &self,
        live: &LiveDatabase,
        tenants: BTreeMap<Option<Recipe>, BTreeSet<TenantId>>,
        references: &BTreeMap<Recipe, Result<Arc<Reference>, Unbuilt>>,
    ) -> Vec<Measured> {
        let measured = tenants.into_iter().map(|(recipe, tenants)| Measured {
            cluster: self.cluster.clone(),
            tenants,
            reference: match recipe.as_ref().and_then(|recipe| references.get(recipe)) {
                Some(Ok(reference)) => Ok(reference.without_usage_of(readers(live)).into()),
                Some(Err(why)) => Err(unmeasured(why)),
                None => Err(unknown()),
            },
        });
        measured.collect()
    }
}

/// The recorded tenants' schemas that are there.
fn recorded(live: &LiveDatabase, is_sought: impl Fn(&TenantId) -> bool) -> Schemas {
    let tenants = live.tenants.iter().filter(|(id, _)| is_sought(id));
    let schemas = tenants.filter_map(|(_, row): (_, &ControlTenant)| {
        let schema = live.schemas.get(&row.schema)?;
        let place = shapes::Place {
            oid: schema.oid,
            owner: schema.owner.clone(),
            history_table: row.history_table.clone(),
        };
        Some((row.schema.clone(), place))
    });
    schemas.collect()
}

fn sought_in<'a>(live: &'a LiveDatabase, schemas: &'a Schemas) -> Sought<'a> {
    Sought {
        schemas,
        readers: readers(live),
        server: live.server.version_num,
    }
}

fn readers(live: &LiveDatabase) -> &[RoleName] {
    match &live.control {
        ControlState::Present { readers, .. } => readers,
        ControlState::Absent | ControlState::Unreadable(_) => &[],
    }
}

fn unmeasured(why: &Unbuilt) -> Unmeasured {
    match why {
        Unbuilt::NoRight => Unmeasured {
            message: "no reference is kept for it, and this role can't build one here".to_owned(),
            hint: Some(
                "Apply once, which keeps references; or let `drift` build elsewhere: --reference-url URL."
                    .to_owned(),
            ),
        },
        Unbuilt::Failed(failure) => Unmeasured {
            message: format!("its reference can't be built: {}", placed(failure)),
            hint: failure.hint.clone(),
        },
    }
}

pub(super) fn placed(failure: &Failure) -> String {
    let place = failure.file.as_ref().map(|file| match failure.line {
        Some(line) => format!("{file}:{line}: "),
        None => format!("{file}: "),
    });
    place.unwrap_or_default() + &failure.message
}

fn unknown() -> Unmeasured {
    Unmeasured {
        message: "what ran on it isn't known: the ledger can't be read, or has no rows of it"
            .to_owned(),
        hint: Some("Run the SQL that `tenantry doctor --grants` prints.".to_owned()),
    }
}
