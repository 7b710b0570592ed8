//! What the connecting role and the owners may do, and what the control schema lets them.

use std::collections::BTreeMap;

use super::{Scene, quoted};
use crate::doctor::checkup::Finding;
use crate::doctor::facts::{Role, owners, tenants_on};
use crate::model::count;
use crate::model::desired::TenantState;
use crate::model::membership::{self, Membership};
use crate::model::name::{SqlName, quote_ident_visibly};
use crate::model::near::list;
use crate::model::observed::{ControlState, LiveHistory, ServerFacts};
use crate::plan::CONTROL_VERSION;

pub(super) fn create(scene: &Scene<'_>) -> Vec<Finding> {
    let (database, role) = (scene.database(), scene.role());
    vec![if scene.live.server.may_create {
        Finding::ok(format!("CREATE on database {database}"))
    } else {
        Finding::failed(
            format!("role {role} has no CREATE on database {database}"),
            format!("GRANT CREATE ON DATABASE {database} TO {role};"),
        )
    }]
}

pub(super) fn reach_owners(scene: &Scene<'_>) -> Vec<Finding> {
    let role = scene.role();
    let lacking = scene.facts.owners.iter().filter(|owner| !owner.reachable);
    let lacking: Vec<Finding> = lacking
        .map(|owner| unreachable_owner(owner, &scene.live.server))
        .collect();
    if !lacking.is_empty() {
        return lacking;
    }
    let names: Vec<&str> = scene
        .facts
        .owners
        .iter()
        .map(|owner| owner.name.as_str())
        .collect();
    vec![match names.as_slice() {
        [] => Finding::ok(format!("tenants are owned by the connecting role {role}")),
        names => Finding::ok(format!("can become {}", list(names))),
    }]
}

/// An owner that the role which `server` was asked as can't become.
pub(super) fn unreachable_owner(owner: &Role, server: &ServerFacts) -> Finding {
    let (name, role) = (quoted(&owner.name), quoted(&server.role));
    let message = if owner.exists {
        format!("role {role} can't become {name}, who owns tenants")
    } else {
        format!("role {name}, who is to own tenants, doesn't exist")
    };
    let (owner, exists) = (owner.name.as_str(), owner.exists);
    let sql = membership::let_become(owner, exists, server.role.as_str(), server.major());
    Finding::failed(message, sql)
}

pub(super) fn search_path(scene: &Scene<'_>) -> Vec<Finding> {
    let made = scene
        .desired
        .extensions
        .values()
        .map(|extension| &extension.schema);
    let mut found = Vec::new();
    let made: Vec<_> = made.collect();
    for schema in &scene.desired.search_path {
        if !scene.live.schemas.contains_key(schema)
            && !made.contains(&schema)
            && schema.as_str() != "pg_catalog"
        {
            let name = quoted(schema);
            let message = format!("schema {name} of `search_path` doesn't exist");
            let hint = format!("CREATE SCHEMA {name}; GRANT USAGE ON SCHEMA {name} TO PUBLIC;");
            found.push(Finding::warning(message, hint));
        }
    }
    let owners = owners(scene.desired, scene.cluster);
    for (schema, role) in &scene.facts.unusable {
        let is_owner = owners.iter().any(|owner| owner.as_str() == role);
        let owns_some =
            tenants_on(scene.desired, scene.cluster).any(|tenant| tenant.owner.is_none());
        if is_owner || owns_some {
            let (schema, role) = (quote_ident_visibly(schema), quote_ident_visibly(role));
            let message = format!(
                "role {role}, who owns tenants, has no USAGE on schema {schema} of `search_path`"
            );
            found.push(Finding::failed(
                message,
                format!("GRANT USAGE ON SCHEMA {schema} TO {role};"),
            ));
        }
    }
    if found.is_empty() {
        let names: Vec<&str> = scene
            .desired
            .search_path
            .iter()
            .map(SqlName::as_str)
            .collect();
        found.push(match names.as_slice() {
            [] => Finding::ok("tenants share no schema"),
            names => Finding::ok(format!("owners may use {}", list(names))),
        });
    }
    found
}

pub(super) fn control_schema(scene: &Scene<'_>) -> Vec<Finding> {
    let fleet = &scene.desired.fleet;
    let owner = scene.facts.control_owner.as_deref().unwrap_or_default();
    let role = scene.role();
    vec![match &scene.live.control {
        ControlState::Absent => Finding::ok("isn't there yet; the first apply makes it"),
        ControlState::Unreadable(words) => Finding::failed(
            words.clone(),
            format!(
                "GRANT USAGE ON SCHEMA tenantry TO {role}; GRANT SELECT ON ALL TABLES IN SCHEMA tenantry TO {role};"
            ),
        ),
        ControlState::Present { fleet: found, .. } if found != fleet => Finding::failed(
            format!("the database belongs to fleet {found}, not to {fleet}"),
            format!(
                "Point cluster {} at a database of fleet {fleet}, or correct `fleet:`.",
                scene.cluster
            ),
        ),
        ControlState::Present { version, .. } if *version > CONTROL_VERSION => Finding::failed(
            format!("has version {version}; this tenantry knows versions up to {CONTROL_VERSION}"),
            format!("Use a tenantry that knows control schema version {version}."),
        ),
        ControlState::Present { .. } if scene.facts.control_writable == Some(false) => {
            Finding::failed(
                format!(
                    "role {role} can't write the schema tenantry, which {} owns",
                    quote_ident_visibly(owner)
                ),
                membership::grant(
                    owner,
                    scene.live.server.role.as_str(),
                    Membership::Inherit,
                    scene.live.server.major(),
                ),
            )
        }
        ControlState::Present { version, .. } if *version < CONTROL_VERSION => {
            Finding::ok(format!(
                "version {version} of fleet {fleet}; the next apply makes it version {CONTROL_VERSION}"
            ))
        }
        ControlState::Present { version, .. } => {
            Finding::ok(format!("version {version} of fleet {fleet}"))
        }
    }]
}

pub(super) fn histories(scene: &Scene<'_>) -> Vec<Finding> {
    let mut unreadable = BTreeMap::new();
    let mut readable = 0_usize;
    for (id, row) in &scene.live.tenants {
        let declared = scene.desired.tenants.get(id);
        if !declared.is_some_and(|tenant| tenant.state != TenantState::Absent) {
            continue;
        }
        let schema = scene.live.schemas.get(&row.schema);
        match schema.map(|schema| &schema.history) {
            Some(LiveHistory::Unreadable(words)) => {
                unreadable.insert(id.as_str(), words);
            }
            Some(LiveHistory::Rows(_)) => readable += 1,
            _ => {}
        }
    }
    let Some(words) = unreadable.values().next() else {
        let tenants = count(readable, "tenant");
        return vec![Finding::ok(format!("those of {tenants} can be read"))];
    };
    let ids: Vec<&str> = unreadable.keys().copied().collect();
    let (tenants, ids) = (count(ids.len(), "tenant"), list(&ids));
    vec![Finding::failed(
        format!("those of {tenants} ({ids}) can't be read: {words}"),
        "Run the SQL that `tenantry doctor --grants` prints, or repair the row that is named.",
    )]
}
