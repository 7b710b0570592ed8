//! The product's side, by its library: load, observe, plan, apply.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use tenantry::apply::cancel::Cancel;
use tenantry::apply::locks::Locks;
use tenantry::apply::{self, Request};
use tenantry::config;
use tenantry::control::runs::{self, Source};
use tenantry::drift::{self, Scene};
use tenantry::model::desired::Desired;
use tenantry::observe::look::Look;
use tenantry::observe::settled::settled;
use tenantry::observe::{self, Targets};
use tenantry::pg::settings;
use tenantry::plan::diff::{self, Options};
use tenantry::plan::{Cohort, Plan};
use tenantry::render;
use tenantry::report::Silent;
use tenantry::status::{self, FleetStatus, RUNS_SHOWN, Sources};

use crate::Failure;
use crate::workload::{File, Workload};

/// A fleet in files, and where it lives.
pub struct Product {
    desired: Desired,
    targets: Targets,
}

/// The ids of a fleet of this size.
pub fn ids(tenants: usize) -> impl Iterator<Item = String> {
    (0..tenants).map(|number| format!("t{number:05}"))
}

/// The schemas of a fleet of this size.
pub fn schemas(tenants: usize) -> Vec<String> {
    ids(tenants).map(|id| format!("tenant_{id}")).collect()
}

/// Writes a fleet of this size into a folder; with `later`, its last migration too.
pub fn write(folder: &Path, work: &Workload, tenants: usize, later: bool) -> Result<(), Failure> {
    let files = |name: &str, files: &[File]| -> Result<(), Failure> {
        let folder = folder.join(name);
        fs::create_dir_all(&folder)?;
        for (name, text) in files {
            fs::write(folder.join(name), text)?;
        }
        Ok(())
    };
    files("template", &work.template)?;
    files("migrations", &work.migrations)?;
    if later {
        files("migrations", std::slice::from_ref(&work.later))?;
    }
    let tenants: Vec<String> = ids(tenants).map(|id| format!("  {id}: {{}}\n")).collect();
    fs::write(
        folder.join("fleet.yaml"),
        format!(
            "version: 1\nfleet: bench\ndefaults:\n  template: w\n  schema: \"tenant_{{tenant}}\"\n\
             templates:\n  w:\n    path: template\n    migrations: migrations\ntenants:\n{}",
            tenants.concat()
        ),
    )?;
    Ok(())
}

impl Product {
    /// Reads the fleet in a folder, to live where `url` leads.
    pub fn load(folder: &Path, url: &str) -> Result<Self, Failure> {
        let file = folder.join("fleet.yaml");
        let desired = config::load(&file, &|_| None)
            .and_then(|files| files.desired(&[]))
            .map_err(|problems| {
                let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
                format!("{} is invalid:\n{}", file.display(), lines.join("\n"))
            })?;
        let target = |cluster| settings::resolve(Some(url), cluster, &|_| None);
        let clusters = desired.clusters.iter();
        let targets = clusters
            .map(|(name, cluster)| (name.clone(), target(cluster)))
            .collect();
        Ok(Self { desired, targets })
    }

    /// Observes and plans.
    pub fn plan(&self) -> Result<Plan, Failure> {
        let observed = observe::observe(&self.desired, &self.targets);
        Ok(diff::plan(&self.desired, &observed, &Options::default())?)
    }

    /// Where every tenant stands.
    pub fn status(&self) -> Result<FleetStatus, Failure> {
        let observed = observe::observe(&self.desired, &self.targets);
        let plan = diff::plan(&self.desired, &observed, &Options::default())?;
        let fleet = &self.desired.fleet;
        let read = observe::side_by_side(&self.targets, |cluster, wire| {
            runs::journal(wire, Source { cluster, fleet }, RUNS_SHOWN)
        });
        let journals = read
            .into_iter()
            .map(|(cluster, journal)| Ok((cluster, journal.map_err(|why| why.message)?)))
            .collect::<Result<_, String>>()?;
        Ok(status::of(&Sources {
            desired: &self.desired,
            observed: &observed,
            plan: &plan,
            selected: &self.desired.tenants.keys().cloned().collect(),
            journals: &journals,
            unread: &[],
        }))
    }

    /// Observes and plans a fleet that is as it should be.
    pub fn no_op(&self) -> Result<Duration, Failure> {
        let started = Instant::now();
        let plan = self.plan()?;
        let took = started.elapsed();
        if plan.differs() {
            return Err(format!("the fleet should be settled: {:?}", plan.summary).into());
        }
        Ok(took)
    }

    /// How many tenants it has.
    pub fn tenants(&self) -> usize {
        self.desired.tenants.len()
    }

    /// Compares the first so many tenants with what their histories say; how long it took, and how many differ.
    pub fn drift(&self, tenants: usize) -> Result<(Duration, usize), Failure> {
        let started = Instant::now();
        let selected = self.desired.tenants.keys().take(tenants).cloned().collect();
        let look = Look {
            desired: &self.desired,
            targets: &self.targets,
            selected: &selected,
            alone: tenants < self.desired.tenants.len(),
            elsewhere: None,
        };
        let (_, checked) = settled(look, |looked, changing| {
            drift::check(&Scene {
                desired: &self.desired,
                observed: &looked.observed,
                unmanaged: &[],
                selected: &selected,
                changing,
                references: &looked.measured,
                today: jiff::civil::date(2026, 1, 1),
            })
        });
        let summary = &checked.report.summary;
        if summary.tenants_checked == tenants {
            Ok((started.elapsed(), summary.drifted))
        } else {
            Err(format!("not every tenant was compared: {summary:?}").into())
        }
    }

    /// Plans what was observed and writes it as Markdown, with no two tenants in one cohort.
    pub fn markdown(&self) -> Result<Duration, Failure> {
        let observed = observe::observe(&self.desired, &self.targets);
        let started = Instant::now();
        let mut plan = diff::plan(&self.desired, &observed, &Options::default())?;
        let folded = std::mem::take(&mut plan.cohorts);
        for cohort in &folded {
            plan.cohorts
                .extend(cohort.tenants.iter().map(|tenant| Cohort {
                    tenants: vec![tenant.clone()],
                    ..cohort.clone()
                }));
        }
        let text = render::markdown::plan(&plan);
        let took = started.elapsed();
        match text.chars().count() {
            0..=65_536 => Ok(took),
            many => Err(format!("{many} characters are too many for a comment").into()),
        }
    }

    /// Carries a plan out; every one of its tenants must be applied.
    pub fn apply(&self, plan: &Plan, workers: usize) -> Result<Duration, Failure> {
        let request = Request {
            desired: &self.desired,
            plan,
            plan_id: None,
            resumes: None,
            targets: &self.targets,
            parallel: Some(workers),
            lock_wait: Duration::ZERO,
        };
        let started = Instant::now();
        let report = apply::apply(&request, Locks::none(), &Cancel::default(), &Silent)?;
        let took = started.elapsed();
        let faults = report.databases.iter().map(|one| &one.error);
        let faults = faults.chain(report.outcomes.iter().map(|one| &one.error));
        match faults.flatten().next() {
            Some(failure) => Err(failure.message.clone().into()),
            None if report.exit != 0 => Err(format!("apply ended with {}", report.exit).into()),
            None => Ok(took),
        }
    }
}
