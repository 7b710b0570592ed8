//! The checks of a database, each a function from facts to findings. Pure.

use std::collections::BTreeMap;

use super::Request;
use super::checkup::Finding;
use super::facts::{Facts, owners, tenants_on};
use super::tools::Tools;
use crate::apply::DEFAULT_PARALLEL;
use crate::model::count;
use crate::model::desired::{Desired, TenantState};
use crate::model::name::{ClusterName, SqlName, quote_ident_visibly};
use crate::model::near::list;
use crate::model::observed::{ControlState, LiveDatabase, LiveHistory, Observed};
use crate::pg::headroom;
use crate::plan::{CONTROL_VERSION, lacking_extensions};

/// Major versions that the program is tested with.
const TESTED: std::ops::RangeInclusive<i32> = 14..=18;

/// How far clocks may be apart, in seconds, before it is worth a word.
const CLOCKS_APART: f64 = 60.0;

/// One database, and everything that is known of it.
pub(super) struct Scene<'a> {
    desired: &'a Desired,
    cluster: &'a ClusterName,
    live: &'a LiveDatabase,
    facts: &'a Facts,
    tools: &'a Tools,
    parallel: i64,
}

type Look = fn(&Scene<'_>) -> Vec<Finding>;

/// Every check of a database, in the order they are told.
const CHECKS: [(&str, Look); 15] = [
    ("connection", connection),
    ("encryption", encryption),
    ("server_version", server_version),
    ("writable", writable),
    ("role", role),
    ("create", create),
    ("owners", reach_owners),
    ("search_path", search_path),
    ("control_schema", control_schema),
    ("histories", histories),
    ("extensions", extensions),
    ("connections", connections),
    ("locks", locks),
    ("client_tools", client_tools),
    ("clock", clock),
];

impl<'a> Scene<'a> {
    pub(super) fn new(
        request: &Request<'a>,
        cluster: &'a ClusterName,
        live: &'a LiveDatabase,
        facts: &'a Facts,
        tools: &'a Tools,
    ) -> Self {
        let declared = request.desired.clusters.get(cluster);
        let declared = declared.and_then(|cluster| cluster.parallel);
        let parallel = request.parallel.or(declared).unwrap_or(DEFAULT_PARALLEL);
        Self {
            desired: request.desired,
            cluster,
            live,
            facts,
            tools,
            parallel: i64::try_from(parallel).unwrap_or(i64::MAX),
        }
    }

    /// What the checks find, each with its word.
    pub(super) fn look(&self) -> Vec<(&'static str, Finding)> {
        CHECKS
            .iter()
            .flat_map(|(check, look)| look(self).into_iter().map(move |found| (*check, found)))
            .collect()
    }

    fn role(&self) -> String {
        quoted(&self.live.server.role)
    }

    fn database(&self) -> String {
        quote_ident_visibly(&self.live.server.database)
    }
}

fn quoted(name: &impl SqlName) -> String {
    quote_ident_visibly(name.as_str())
}

fn connection(scene: &Scene<'_>) -> Vec<Finding> {
    let facts = scene.facts;
    let password = if facts.has_password {
        "with"
    } else {
        "without"
    };
    let mut found = vec![Finding::ok(format!(
        "{}, {password} a password",
        facts.place
    ))];
    if let Some(words) = &facts.cannot_watch {
        let message =
            format!("the server can't watch whether its clients are still there: {words}");
        let hint =
            "Run the server on a system with client_connection_check_interval, such as Linux.";
        found.push(Finding::failed(message, hint));
    }
    found
}

fn encryption(scene: &Scene<'_>) -> Vec<Finding> {
    let is_local = |address: &str| address == "::1" || address.starts_with("127.");
    vec![match (&scene.facts.encryption, &scene.facts.client) {
        (Some(protocol), _) => Finding::ok(protocol.clone()),
        (None, None) => Finding::ok("none, by a socket of this machine"),
        (None, Some(address)) if is_local(address) => Finding::ok("none, within this machine"),
        (None, Some(_)) => Finding::warning(
            "the connection leaves this machine in plain text",
            "Give sslmode=verify-full; `prefer` falls back to plain text.",
        ),
    }]
}

fn server_version(scene: &Scene<'_>) -> Vec<Finding> {
    let (major, version) = (scene.live.server.major(), &scene.facts.version);
    let (first, last) = (TESTED.start(), TESTED.end());
    vec![match major {
        major if major < *first => Finding::failed(
            format!("PostgreSQL {version} isn't supported"),
            format!("Upgrade the server to PostgreSQL {first} or later."),
        ),
        major if major > *last => Finding::warning(
            format!("PostgreSQL {version} is newer than this tenantry was tested with"),
            format!("Try it on a copy first; {first} to {last} are tested."),
        ),
        _ => Finding::ok(format!("PostgreSQL {version}")),
    }]
}

fn writable(scene: &Scene<'_>) -> Vec<Finding> {
    vec![
        match (scene.facts.in_recovery, scene.live.server.read_only) {
            (true, _) => Finding::failed(
                "the server is a standby: it can be planned for, not changed",
                "Connect to the primary, or give target_session_attrs=read-write.",
            ),
            (_, true) => Finding::failed(
                "default_transaction_read_only is on: it can be planned for, not changed",
                format!(
                    "BEGIN READ WRITE; ALTER ROLE {} IN DATABASE {} SET default_transaction_read_only = off; COMMIT;",
                    scene.role(),
                    scene.database()
                ),
            ),
            _ => Finding::ok("transactions may write"),
        },
    ]
}

fn role(scene: &Scene<'_>) -> Vec<Finding> {
    let role = scene.role();
    let too_much = match (scene.live.server.superuser, scene.facts.bypasses_rls) {
        (true, _) => "a superuser",
        (_, true) => "BYPASSRLS",
        _ => return vec![Finding::ok(format!("{role} is no superuser"))],
    };
    vec![Finding::warning(
        format!("role {role} is {too_much}, which is more than tenantry needs"),
        "Connect as the role that `tenantry doctor --grants` makes.",
    )]
}

fn create(scene: &Scene<'_>) -> Vec<Finding> {
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

fn reach_owners(scene: &Scene<'_>) -> Vec<Finding> {
    let role = scene.role();
    let how = membership(scene.live.server.major(), Membership::Become);
    let lacking = scene.facts.owners.iter().filter(|owner| !owner.reachable);
    let lacking: Vec<Finding> = lacking
        .map(|owner| {
            let name = quoted(&owner.name);
            let grant = format!("GRANT {name} TO {role}{how};");
            if owner.exists {
                let message = format!("role {role} can't become {name}, who owns tenants");
                Finding::failed(message, grant)
            } else {
                let message = format!("role {name}, who is to own tenants, doesn't exist");
                Finding::failed(message, format!("CREATE ROLE {name} NOLOGIN; {grant}"))
            }
        })
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

/// What a member may do with its membership.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Membership {
    /// Becomes the role where it says so, and has none of its rights otherwise.
    Become,
    /// Has the role's rights as they are.
    Inherit,
}

/// The end of a GRANT of a role; before 16 a member has what its own INHERIT says.
pub(super) fn membership(major: i32, kind: Membership) -> &'static str {
    match kind {
        _ if major < 16 => "",
        Membership::Become => " WITH INHERIT FALSE, SET TRUE",
        Membership::Inherit => " WITH INHERIT TRUE, SET TRUE",
    }
}

fn search_path(scene: &Scene<'_>) -> Vec<Finding> {
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

fn control_schema(scene: &Scene<'_>) -> Vec<Finding> {
    let fleet = &scene.desired.fleet;
    let owner = scene
        .facts
        .control_owner
        .as_deref()
        .map(quote_ident_visibly)
        .unwrap_or_default();
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
                format!("role {role} can't write the schema tenantry, which {owner} owns"),
                format!(
                    "GRANT {owner} TO {role}{};",
                    membership(scene.live.server.major(), Membership::Inherit)
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

fn histories(scene: &Scene<'_>) -> Vec<Finding> {
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

fn extensions(scene: &Scene<'_>) -> Vec<Finding> {
    let (missing, doubtful) = lacking_extensions(scene.desired, scene.live);
    let hint = "Install the extension's package on the server, pin a version that it offers, or declare it `optional: true`.";
    let missing = missing.into_iter().map(|why| Finding::failed(why, hint));
    let doubtful = doubtful
        .into_iter()
        .map(|why| Finding::warning(why, "Let a superuser install it, or declare where it is."));
    let found: Vec<Finding> = missing.chain(doubtful).collect();
    if !found.is_empty() {
        return found;
    }
    let declared = scene.desired.extensions.len();
    vec![Finding::ok(format!(
        "{} there or available",
        count(declared, "extension")
    ))]
}

fn connections(scene: &Scene<'_>) -> Vec<Finding> {
    let (room, wanted) = (scene.facts.headroom.by_connections(), scene.parallel);
    vec![if room >= wanted {
        Finding::ok(format!("room for {room} workers, {wanted} wanted"))
    } else {
        Finding::warning(
            format!(
                "room for {room} workers, {wanted} wanted: connections are in use, reserved or limited"
            ),
            format!(
                "Close connections, raise max_connections or the role's CONNECTION LIMIT, or give --parallel {}.",
                room.max(1)
            ),
        )
    }]
}

fn locks(scene: &Scene<'_>) -> Vec<Finding> {
    let files = |name| {
        let template = scene.desired.templates.get(name)?;
        let due = template
            .migrations
            .0
            .values()
            .map(|migration| &migration.up);
        let files = template.files.iter().chain(due);
        Some(headroom::locks_of(files.map(|file| file.text.as_str())))
    };
    let used =
        tenants_on(scene.desired, scene.cluster).filter_map(|tenant| files(&tenant.template));
    let Some(each) = used.max() else {
        return vec![Finding::ok("no tenant needs any")];
    };
    let (headroom, wanted) = (&scene.facts.headroom, scene.parallel);
    let room = headroom.by_locks(each);
    vec![if room >= wanted {
        Finding::ok(format!(
            "a new tenant takes about {each}: room for {room} workers, {wanted} wanted"
        ))
    } else {
        Finding::warning(
            format!(
                "a new tenant takes about {each}, and half of the lock table bears {room} workers, {wanted} wanted"
            ),
            format!(
                "ALTER SYSTEM SET max_locks_per_transaction = {}; and restart the server, or give --parallel {}.",
                headroom.locks_needed(wanted, each),
                room.max(1)
            ),
        )
    }]
}

fn client_tools(scene: &Scene<'_>) -> Vec<Finding> {
    let server = scene.live.server.major();
    let hint = format!(
        "apt-get install postgresql-client-{server}, or name its folder in TENANTRY_PG_BIN."
    );
    let needed = scene.desired.backups.is_some();
    let judge = |(program, major): &(&str, Option<i32>)| match major {
        Some(major) if *major >= server => None,
        Some(major) => {
            let message = format!(
                "{program} {major} is older than the server, {server}: it can't back it up"
            );
            Some(if needed {
                Finding::failed(message, &hint)
            } else {
                Finding::warning(message, &hint)
            })
        }
        None => Some(Finding::warning(
            format!("{program} isn't found; backups need it"),
            &hint,
        )),
    };
    let found: Vec<Finding> = scene.tools.0.iter().filter_map(judge).collect();
    if found.is_empty() {
        let versions = scene.tools.0.iter();
        let versions: Vec<String> = versions
            .map(|(program, major)| format!("{program} {}", major.unwrap_or_default()))
            .collect();
        return vec![Finding::ok(versions.join(", "))];
    }
    found
}

fn clock(scene: &Scene<'_>) -> Vec<Finding> {
    let ahead = scene.facts.clock_ahead;
    let message = match ahead {
        -1.0..=1.0 => "the server's and this machine's tell the same time".to_owned(),
        _ if ahead > 0.0 => format!("the server's is {ahead:.0} s ahead of this machine's"),
        _ => format!("the server's is {:.0} s behind this machine's", -ahead),
    };
    vec![if ahead.abs() < CLOCKS_APART {
        Finding::ok(message)
    } else {
        Finding::warning(message, "Let both take their time from one source (NTP).")
    }]
}

/// Two clusters on one database would each plan the other's tenants.
pub(super) fn one_database_each(observed: &Observed) -> Vec<(&'static str, Finding)> {
    let mut seen = BTreeMap::new();
    let mut found = Vec::new();
    for (cluster, live) in &observed.databases {
        let Ok(LiveDatabase { server, .. }) = live else {
            continue;
        };
        if server.system_identifier.is_empty() {
            let message =
                format!("cluster {cluster}: the server hides its identity from this role");
            let hint = "GRANT EXECUTE ON FUNCTION pg_catalog.pg_control_system() TO the role, where the service lets you.";
            found.push(("identity", Finding::unknown(message, hint)));
            continue;
        }
        let identity = (&server.system_identifier, server.database_oid);
        if let Some(first) = seen.insert(identity, cluster) {
            let message = format!("clusters {first} and {cluster} lead to one database");
            let hint = "Keep one of the two clusters and declare its tenants there.";
            found.push(("identity", Finding::failed(message, hint)));
        }
    }
    found
}
