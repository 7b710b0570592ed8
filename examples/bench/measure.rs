//! The measurements themselves, in an order that grows one fleet as far as each needs it.

use std::cell::Cell;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;
use tenantry::plan::Plan;

use crate::database::Place;
use crate::drift::{self, Alike};
use crate::product::{self, Product, schemas};
use crate::proxy::{DELAY, Proxy};
use crate::raw::Raw;
use crate::table::{self, Measure, Pair};
use crate::workload::{Workload, workload};
use crate::{Failure, Options};

/// The command that works in a process of its own and prints what memory that took.
pub const PEAK: &str = "peak-memory";
/// What it works on.
pub const PLAN: &str = "plan";
pub const STATUS: &str = "status";
pub const DRIFT: &str = "drift";

/// The fleet that grows.
const GROWN: &str = "tenantry_bench";
/// The product's and the raw side's fresh database.
const SIDES: [&str; 2] = ["tenantry_bench_product", "tenantry_bench_raw"];

/// Everything that the measurements share.
pub struct Bench {
    place: Place,
    work: Workload,
    /// Holds every fleet's files.
    folder: TempDir,
    workers: usize,
    pairs: usize,
    /// What the growing fleet's numbers of tenants are divided by.
    scale: usize,
    /// Of the fleets whose tenants are compared.
    tenants: usize,
    /// The one measurement that is asked for; all without it.
    only: Option<String>,
}

/// What can be asked for alone.
pub const NAMES: [&str; 7] = [
    "provision",
    "latency",
    "migrate",
    "no-op",
    "markdown",
    "memory",
    "drift",
];

impl Bench {
    /// Six pairs, or four and a fifth of the growing fleet: each side comes first in half of them.
    pub fn open(options: Options) -> Result<Self, Failure> {
        let quick = options.quick;
        Ok(Self {
            place: Place::open(options.url)?,
            only: options.only,
            tenants: options.tenants,
            work: workload(),
            folder: tempfile::tempdir()?,
            workers: options.workers,
            pairs: if quick { 4 } else { 6 },
            scale: if quick { 5 } else { 1 },
        })
    }

    /// What the numbers were taken on.
    pub fn print_machine(&self, out: &mut impl Write) -> Result<(), Failure> {
        let cores = std::thread::available_parallelism()?;
        let server = self.place.describe()?;
        writeln!(out, "{cores} cores, {} workers, {server}", self.workers)?;
        Ok(())
    }

    /// Takes and prints every measurement.
    pub fn run(&self, out: &mut impl Write) -> Result<(), Failure> {
        // An earlier run that was ended may have left a fleet of another size.
        self.place.remove(GROWN)?;
        if self.wants("provision") {
            self.provision(200)?.print(out)?;
        }
        if self.wants("latency") {
            self.latency(out, 200)?;
        }
        let mut no_ops = Vec::new();
        for tenants in [500, 1000, 2000].map(|tenants| tenants / self.scale) {
            if self.wants("no-op") {
                self.grow_to(tenants)?;
                let no_op = self.no_op(tenants)?;
                no_op.print(out)?;
                no_ops.push(no_op);
            }
            if tenants == 1000 / self.scale && self.wants("migrate") {
                self.grow_to(tenants)?;
                self.migrate(tenants)?.print(out)?;
                for measure in self.promises(tenants)? {
                    measure.print(out)?;
                }
                // Two whole fleets are in nobody's way from here on.
                SIDES
                    .into_iter()
                    .try_for_each(|name| self.place.remove(name))?;
            }
        }
        print_growth(out, &no_ops)?;
        if self.wants("markdown") {
            self.markdown(out, 5000 / self.scale)?;
        }
        if self.wants("memory") {
            self.memory(out, 2000 / self.scale, 5000 / self.scale)?;
        }
        if self.wants("drift") {
            self.drift(out)?;
        }
        Ok(())
    }

    fn wants(&self, name: &str) -> bool {
        self.only.as_deref().is_none_or(|only| only == name)
    }

    /// Removes every database that was made.
    pub fn clean_up(&self) -> Result<(), Failure> {
        SIDES
            .into_iter()
            .chain([GROWN])
            .try_for_each(|name| self.place.remove(name))
    }

    /// Takes a measurement's pairs, after one that only warms up; which side comes first changes with each.
    fn pairs(
        &self,
        before: impl Fn() -> Result<(), Failure>,
        product: impl Fn() -> Result<Duration, Failure>,
        raw: impl Fn() -> Result<Duration, Failure>,
    ) -> Result<Vec<Pair>, Failure> {
        let pair = |number: usize| {
            before()?;
            if number.is_multiple_of(2) {
                let product = product()?;
                Ok(Pair {
                    product,
                    raw: raw()?,
                })
            } else {
                let raw = raw()?;
                Ok(Pair {
                    product: product()?,
                    raw,
                })
            }
        };
        let _warm: Pair = pair(0)?;
        (0..self.pairs).map(pair).collect()
    }

    /// Both sides' databases anew, made before either is timed.
    fn fresh(&self, copy_of: Option<&str>) -> Result<(), Failure> {
        for name in SIDES {
            self.place.create(name, copy_of)?;
        }
        Ok(())
    }

    fn raw(&self) -> Result<Raw, Failure> {
        self.raw_at(&self.place.url(SIDES[1])?)
    }

    fn raw_at(&self, url: &str) -> Result<Raw, Failure> {
        self.place.checkpoint()?;
        Raw::connect(url, self.workers)
    }

    fn apply(&self, folder: &Path) -> Result<Duration, Failure> {
        let fleet = Product::load(folder, &self.place.url(SIDES[0])?)?;
        self.apply_fleet(&fleet, &fleet.plan()?)
    }

    fn apply_fleet(&self, fleet: &Product, plan: &Plan) -> Result<Duration, Failure> {
        self.place.checkpoint()?;
        fleet.apply(plan, self.workers)
    }

    fn fleet(&self, tenants: usize, later: bool) -> Result<PathBuf, Failure> {
        let folder = self.folder.path().join(format!("{tenants}-{later}"));
        product::write(&folder, &self.work, tenants, later)?;
        Ok(folder)
    }

    fn provision(&self, tenants: usize) -> Result<Measure, Failure> {
        let folder = self.fleet(tenants, false)?;
        let pairs = self.pairs(
            || self.fresh(None),
            || self.apply(&folder),
            || self.provision_raw(self.raw()?, tenants),
        )?;
        Ok(Measure {
            what: format!("provision {tenants} tenants"),
            tenants,
            pairs,
            goal: 1.10,
        })
    }

    fn provision_raw(&self, mut raw: Raw, tenants: usize) -> Result<Duration, Failure> {
        let work = &self.work;
        raw.provision(&schemas(tenants), &work.template, &work.migrations)
    }

    /// Provisions over a slow line, and counts both sides' messages.
    fn latency(&self, out: &mut impl Write, tenants: usize) -> Result<(), Failure> {
        let folder = self.fleet(tenants, false)?;
        let [product, raw] = SIDES.map(|side| self.place.url(side));
        let (product, raw) = (product?, raw?);
        let proxy = Proxy::start(&raw)?;
        let sent = [Cell::new(0), Cell::new(0)];
        let pairs = self.pairs(
            || self.fresh(None),
            || {
                let fleet = Product::load(&folder, &proxy.url(&product)?)?;
                let plan = fleet.plan()?;
                proxy.counted(&sent[0], || self.apply_fleet(&fleet, &plan))
            },
            || {
                let raw = self.raw_at(&proxy.url(&raw)?)?;
                proxy.counted(&sent[1], || self.provision_raw(raw, tenants))
            },
        )?;
        let measure = Measure {
            what: format!("provision {tenants} tenants, {DELAY:?} each way between"),
            tenants,
            pairs,
            goal: 1.15,
        };
        measure.print(out)?;
        let round_trip = proxy.round_trip(&product)?;
        table::messages(out, tenants, sent.map(Cell::into_inner), round_trip)?;
        Ok(())
    }

    fn migrate(&self, tenants: usize) -> Result<Measure, Failure> {
        let folder = self.fleet(tenants, true)?;
        let pairs = self.pairs(
            || self.fresh(Some(GROWN)),
            || self.apply(&folder),
            || self.raw()?.migrate(&schemas(tenants), &self.work.later),
        )?;
        Ok(Measure {
            what: format!("one migration over {tenants} existing tenants"),
            tenants,
            pairs,
            goal: 1.15,
        })
    }

    /// The same migration by hand as tenantry's promises want it, against tenantry and against the bare one.
    fn promises(&self, tenants: usize) -> Result<[Measure; 2], Failure> {
        let folder = self.fleet(tenants, true)?;
        let ids: Vec<String> = product::ids(tenants).collect();
        let fresh = || self.fresh(Some(GROWN));
        let safely = |side| -> Result<Duration, Failure> {
            let mut raw = self.raw_at(&self.place.url(side)?)?;
            raw.migrate_safely(&ids, &self.work.later)
        };
        let bare = || self.raw()?.migrate(&schemas(tenants), &self.work.later);
        let measure = |what: &str, pairs| Measure {
            what: format!("the same migration, {what}"),
            tenants,
            pairs,
            goal: 1.15,
        };
        let of_all = self.pairs(fresh, || self.apply(&folder), || safely(SIDES[1]))?;
        let of_promises = self.pairs(fresh, || safely(SIDES[0]), bare)?;
        Ok([
            measure(
                "tenantry (raw: with its lock, checks and rows, by hand)",
                of_all,
            ),
            measure(
                "its lock, checks and rows by hand (raw: without them)",
                of_promises,
            ),
        ])
    }

    /// Provisions what the growing fleet lacks.
    fn grow_to(&self, tenants: usize) -> Result<(), Failure> {
        let url = self.place.ensure(GROWN)?;
        let fleet = Product::load(&self.fleet(tenants, false)?, &url)?;
        fleet.apply(&fleet.plan()?, self.workers)?;
        self.place.settle(GROWN)
    }

    fn no_op(&self, tenants: usize) -> Result<Measure, Failure> {
        let url = self.place.url(GROWN)?;
        let fleet = Product::load(&self.fleet(tenants, false)?, &url)?;
        let raw = || {
            let (took, rows) = Raw::connect(&url, 1)?.observe()?;
            let expected = tenants * self.work.migrations.len();
            if rows == expected {
                Ok(took)
            } else {
                Err(format!("{rows} history rows instead of {expected}").into())
            }
        };
        Ok(Measure {
            what: format!(
                "no-op plan on {tenants} tenants, but for shapes (raw: its queries by hand)"
            ),
            tenants,
            pairs: self.pairs(|| Ok(()), || fleet.no_op(), raw)?,
            goal: 1.5,
        })
    }

    fn markdown(&self, out: &mut impl Write, tenants: usize) -> Result<(), Failure> {
        let empty = self.place.create(SIDES[0], None)?;
        let took = Product::load(&self.fleet(tenants, false)?, &empty)?.markdown()?;
        let what =
            format!("plan of {tenants} tenants as Markdown, after observing, each its own cohort");
        table::time(out, &what, took, Duration::from_secs(1))?;
        Ok(())
    }

    /// The whole of `drift`, references and histories included, against one query by hand that tells who is alike.
    fn drift(&self, out: &mut impl Write) -> Result<(), Failure> {
        for (name, work) in drift::templates(&self.work) {
            let url = self.place.create(SIDES[0], None)?;
            let some = (self.tenants / 10).max(20);
            self.drift_of(out, &url, name, &work, some)?;
            self.drift_of(out, &url, name, &work, self.tenants)?;
        }
        Ok(())
    }

    fn drift_of(
        &self,
        out: &mut impl Write,
        url: &str,
        name: &str,
        work: &Workload,
        tenants: usize,
    ) -> Result<(), Failure> {
        let folder = self.folder.path().join(format!("{name} {tenants}"));
        product::write(&folder, work, tenants, false)?;
        let fleet = Product::load(&folder, url)?;
        fleet.apply(&fleet.plan()?, self.workers)?;
        self.place.settle(SIDES[0])?;
        let alike = Alike::find(url, tenants)?;
        let differing = |wanted: usize, of: usize| -> Result<Duration, Failure> {
            match fleet.drift(of)? {
                (took, found) if found == wanted => Ok(took),
                (_, found) => Err(format!("{found} tenants differ instead of {wanted}").into()),
            }
        };
        let clean = || differing(0, tenants);
        let print = |out: &mut _, how: &str, pairs, goal| -> Result<(), Failure> {
            let what = format!("drift of {tenants} tenants of {name}, {how}");
            let measure = Measure {
                what,
                tenants,
                pairs,
                goal,
            };
            Ok(measure.print(out)?)
        };
        let cold = self.pairs(|| Ok(()), clean, || alike.by_hand_cold())?;
        print(out, "references kept (raw: by hand, cold)", cold, 1.0)?;
        let warm = self.pairs(|| Ok(()), clean, || alike.by_hand_warm())?;
        print(out, "references kept (raw: by hand, warm)", warm, 1.0)?;
        let one = self.pairs(|| Ok(()), || differing(0, 1), clean)?;
        print(out, "one of them (raw: all)", one, 1.0)?;
        let what = format!("drift of {tenants} tenants of {name}");
        table::memory(out, &what, peak(DRIFT, &folder, url, 0)?, 64)?;
        let what = format!("{what}, largest server process");
        let largest = drift::memory(url, || clean().map(drop))?;
        table::memory(out, &what, largest, 256)?;

        let some = || differing(tenants.div_ceil(100), tenants);
        let to_and_fro = |on: bool| {
            alike.change(100, |schema, number| {
                let said = if on {
                    format!("'{number}'")
                } else {
                    "NULL".to_owned()
                };
                format!("COMMENT ON SCHEMA \"{schema}\" IS {said}")
            })
        };
        let few = self.pairs(
            || Ok(()),
            || to_and_fro(true).and_then(|()| some()),
            || to_and_fro(false).and_then(|()| clean()),
        )?;
        print(out, "one in a hundred different (raw: none)", few, 1.2)?;
        alike.change(1, |schema, number| {
            format!("COMMENT ON SCHEMA \"{schema}\" IS 'by hand, {number}'")
        })?;
        let all = || differing(tenants, tenants);
        let every = self.pairs(|| Ok(()), all, || drift::canonical(url, tenants))?;
        print(
            out,
            "all different (raw: each by a cached plan)",
            every,
            1.3,
        )?;
        let largest = drift::memory(url, || all().map(drop))?;
        table::memory(out, &format!("{what}, all different"), largest, 256)?;
        alike.change(1, |schema, _| {
            format!("COMMENT ON SCHEMA \"{schema}\" IS NULL")
        })?;
        let unbuilt = self.pairs(|| alike.forget(), clean, || alike.by_hand_cold())?;
        print(out, "references built (raw: by hand, cold)", unbuilt, 1.0)
    }

    /// A settled fleet of `some` tenants, and what `many` need.
    fn memory(&self, out: &mut impl Write, some: usize, many: usize) -> Result<(), Failure> {
        let folder = self.fleet(some, false)?;
        self.grow_to(some)?;
        let url = self.place.url(GROWN)?;
        for what in [PLAN, STATUS] {
            let kib = peak(what, &folder, &url, 0)?;
            table::memory(out, &format!("no-op {what} of {some} tenants"), kib, 64)?;
        }
        let folder = self.fleet(many, false)?;
        let empty = self.place.create(SIDES[0], None)?;
        let kib = peak(PLAN, &folder, &empty, many)?;
        table::memory(out, &format!("plan that creates {many} tenants"), kib, 200)?;
        self.grow_to(many)?;
        let kib = peak(PLAN, &folder, &url, 0)?;
        table::memory(out, &format!("no-op plan of {many} tenants"), kib, 64)?;
        Ok(())
    }
}

/// Whether a tenant costs the same however many there are.
fn print_growth(out: &mut impl Write, no_ops: &[Measure]) -> Result<(), Failure> {
    let costs: Vec<String> = no_ops
        .iter()
        .map(|one| {
            format!(
                "{:.3} ms at {}",
                one.per_tenant(|pair| pair.product),
                one.tenants
            )
        })
        .collect();
    if !costs.is_empty() {
        writeln!(out, "\nno-op plan, per tenant: {}", costs.join(", "))?;
    }
    Ok(())
}

/// The most memory, in KiB, of a process that looks at this fleet and finds `creates` tenants to create.
fn peak(what: &str, folder: &Path, url: &str, creates: usize) -> Result<u64, Failure> {
    let child = Command::new(std::env::current_exe()?)
        .args([PEAK, what])
        .arg(folder)
        .arg(url)
        .output()?;
    let text = String::from_utf8(child.stdout)?;
    let numbers: Vec<u64> = text
        .split_whitespace()
        .map(str::parse)
        .collect::<Result<_, _>>()?;
    match numbers[..] {
        [kib, planned, _] if usize::try_from(planned) == Ok(creates) => Ok(kib),
        _ => Err(format!(
            "{what} in a process of its own failed: {text}{}",
            String::from_utf8_lossy(&child.stderr)
        )
        .into()),
    }
}
