//! What a database's extensions need: installs and updates in dependency order, and what can't be had.

use std::collections::{BTreeMap, BTreeSet};

use super::action::DatabaseAction;
use crate::model::desired::Extension;
use crate::model::name::{ExtensionName, SchemaName};
use crate::model::observed::{AvailableVersion, InstalledExtension, LiveDatabase};

/// What stands between a database and its declared extensions.
#[derive(Clone, Debug, Default)]
pub(super) struct Extensions {
    /// What an extension requires comes before it.
    pub(super) steps: Vec<DatabaseAction>,
    /// Why a required extension can't be had, one sentence each.
    pub(super) missing: Vec<String>,
    /// Code and message.
    pub(super) notices: Vec<(&'static str, String)>,
}

/// Compares the declared extensions with a database.
pub(super) fn plan(
    declared: &BTreeMap<ExtensionName, Extension>,
    live: &LiveDatabase,
) -> Extensions {
    let mut planner = Planner {
        declared,
        live,
        settled: BTreeSet::new(),
        optional: false,
        found: Extensions::default(),
    };
    for (name, extension) in declared {
        planner.settle_declared(name, extension);
    }
    planner.found
}

#[derive(Clone)]
struct Planner<'a> {
    declared: &'a BTreeMap<ExtensionName, Extension>,
    live: &'a LiveDatabase,
    /// Installed, or with its steps in `found`.
    settled: BTreeSet<&'a ExtensionName>,
    /// Whether what is being settled may be left out.
    optional: bool,
    found: Extensions,
}

impl<'a> Planner<'a> {
    fn settle_declared(&mut self, name: &'a ExtensionName, extension: &'a Extension) {
        // What was planned only for an extension that then can't be had is taken back.
        let before = self.clone();
        self.optional = extension.optional;
        let Err(why) = self.settle(name, &extension.schema) else {
            return;
        };
        *self = before;
        if extension.optional {
            let message = format!("optional {why}");
            self.found.notices.push(("extension_unavailable", message));
        } else {
            self.found.missing.push(why);
        }
    }

    /// Plans for `name`, which goes into `schema` when it isn't declared itself.
    fn settle(&mut self, name: &'a ExtensionName, schema: &'a SchemaName) -> Result<(), String> {
        // Marked before its requirements are, so that a circle of them ends.
        if !self.settled.insert(name) {
            return Ok(());
        }
        let declared = self.declared.get(name);
        let pin = declared.and_then(|extension| extension.version.as_deref());
        match (self.live.extensions.get(name), declared) {
            (Some(installed), Some(declared)) => {
                self.note_place(name, installed, &declared.schema);
                self.update(name, installed, declared)
            }
            (Some(_), None) => Ok(()),
            (None, Some(declared)) => self.install(name, &declared.schema, pin),
            (None, None) => self.install(name, schema, None),
        }
    }

    fn install(
        &mut self,
        name: &'a ExtensionName,
        schema: &'a SchemaName,
        pin: Option<&str>,
    ) -> Result<(), String> {
        let Some(available) = self.live.available.get(name) else {
            return Err(format!("extension {name} isn't available on the server"));
        };
        let Some(version) = pin.or(available.default_version.as_deref()) else {
            return Err(format!(
                "extension {name} has no default version; {}",
                self.offers(name)
            ));
        };
        self.settle_version(name, version, schema)?;
        self.found.steps.push(DatabaseAction::InstallExtension {
            name: name.clone(),
            version: pin.map(str::to_owned),
            schema: schema.clone(),
        });
        Ok(())
    }

    fn update(
        &mut self,
        name: &'a ExtensionName,
        installed: &InstalledExtension,
        declared: &'a Extension,
    ) -> Result<(), String> {
        let Some(pin) = declared
            .version
            .as_ref()
            .filter(|pin| **pin != installed.version)
        else {
            return Ok(());
        };
        let available = self.live.available.get(name);
        if !available.is_some_and(|available| available.update_targets.contains(pin)) {
            return Err(format!(
                "extension {name} has version {}, and no update path leads to the pinned {pin}",
                installed.version
            ));
        }
        self.settle_version(name, pin, &declared.schema)?;
        self.found.steps.push(DatabaseAction::UpdateExtension {
            name: name.clone(),
            from: installed.version.clone(),
            to: pin.clone(),
        });
        Ok(())
    }

    /// Plans what a version requires, and says what the server's catalog says against it.
    fn settle_version(
        &mut self,
        name: &ExtensionName,
        version: &str,
        schema: &'a SchemaName,
    ) -> Result<(), String> {
        let live = self.live;
        let available = live.available.get(name);
        let Some(found) = available.and_then(|available| available.versions.get(version)) else {
            return Err(format!(
                "extension {name} isn't available in version {version}; {}",
                self.offers(name)
            ));
        };
        for required in &found.requires {
            self.settle(required, schema)
                .map_err(|why| format!("extension {name} requires {required}: {why}"))?;
        }
        self.check_trust(name, found)
    }

    fn offers(&self, name: &ExtensionName) -> String {
        let versions = self
            .live
            .available
            .get(name)
            .map(|found| found.versions.keys());
        let versions: Vec<&str> = versions.into_iter().flatten().map(String::as_str).collect();
        format!("the server offers {}", versions.join(", "))
    }

    fn note_place(
        &mut self,
        name: &ExtensionName,
        installed: &InstalledExtension,
        declared: &SchemaName,
    ) {
        if installed.schema != *declared {
            let (is, wanted) = (installed.schema.as_str(), declared.as_str());
            let message = format!(
                "extension {name} is in schema {is:?}, declared for {wanted:?}; it isn't moved"
            );
            self.found.notices.push(("extension_elsewhere", message));
        }
    }

    /// Managed services allow more than the catalog says, so a required extension is tried; an optional one isn't,
    /// because a plan that is refused in the same way each time would never be empty.
    fn check_trust(
        &mut self,
        name: &ExtensionName,
        version: &AvailableVersion,
    ) -> Result<(), String> {
        let server = &self.live.server;
        if !version.superuser || version.trusted || server.superuser {
            return Ok(());
        }
        let why = format!(
            "extension {name} isn't trusted and role {:?} is no superuser; a managed service may allow it \
             (Amazon RDS: a member of rds_superuser and rds.allowed_extensions, Cloud SQL: a member of \
             cloudsqlsuperuser and the extension's flag, Azure: azure.extensions), elsewhere a superuser installs it",
            server.role.as_str()
        );
        if self.optional {
            return Err(format!("{why}; without `optional` it is tried"));
        }
        self.found.notices.push(("extension_untrusted", why));
        Ok(())
    }
}
