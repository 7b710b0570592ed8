//! What was measured, for people.

use std::io::{self, Write};
use std::time::Duration;

/// Both sides of one measurement, taken one right after the other.
#[derive(Clone, Copy, Debug)]
pub struct Pair {
    pub product: Duration,
    pub raw: Duration,
}

impl Pair {
    fn ratio(self) -> f64 {
        self.product.as_secs_f64() / self.raw.as_secs_f64()
    }
}

/// All pairs of one measurement.
#[derive(Debug)]
pub struct Measure {
    pub what: String,
    pub tenants: usize,
    pub pairs: Vec<Pair>,
    /// The ratio that is aimed at.
    pub goal: f64,
}

impl Measure {
    /// Prints every pair, the median ratio, and what a tenant costs.
    pub fn print(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "\n{}", self.what)?;
        writeln!(out, "  pair  product ms    raw ms   ratio")?;
        for (number, pair) in self.pairs.iter().enumerate() {
            writeln!(
                out,
                "  {:>4}  {:>10.1}  {:>8.1}  {:>6.3}",
                number + 1,
                millis(pair.product),
                millis(pair.raw),
                pair.ratio()
            )?;
        }
        let ratio = median(self.pairs.iter().map(|pair| pair.ratio()));
        writeln!(
            out,
            "  median ratio {ratio:.3}, goal {:.2}: {}; per tenant: product {:.2} ms, raw {:.2} ms",
            self.goal,
            if ratio <= self.goal { "met" } else { "MISSED" },
            self.per_tenant(|pair| pair.product),
            self.per_tenant(|pair| pair.raw),
        )
    }

    /// The median milliseconds of a side, per tenant.
    pub fn per_tenant(&self, side: fn(&Pair) -> Duration) -> f64 {
        median(self.pairs.iter().map(|pair| millis(side(pair)))) / float(self.tenants.max(1))
    }
}

/// Prints how many messages both sides sent, and what one costs.
pub fn messages(
    out: &mut impl Write,
    tenants: usize,
    [product, raw]: [usize; 2],
    round_trip: Duration,
) -> io::Result<()> {
    writeln!(
        out,
        "  messages per tenant: product {:.2}, raw {:.2}; in all {product} and {raw}; \
         a round trip takes {:.2} ms",
        float(product) / float(tenants),
        float(raw) / float(tenants),
        millis(round_trip),
    )
}

/// Prints what a process needed at most.
pub fn memory(out: &mut impl Write, what: &str, kib: u64, goal_mib: u64) -> io::Result<()> {
    let verdict = verdict(kib <= goal_mib * 1024);
    let mib = kib.div_ceil(1024);
    writeln!(
        out,
        "\n{what}\n  peak memory {mib} MiB, goal {goal_mib} MiB: {verdict}"
    )
}

/// Prints how long something took.
pub fn time(out: &mut impl Write, what: &str, took: Duration, goal: Duration) -> io::Result<()> {
    let verdict = verdict(took <= goal);
    let (took, goal) = (millis(took), millis(goal));
    writeln!(
        out,
        "\n{what}\n  {took:.1} ms, goal {goal:.0} ms: {verdict}"
    )
}

fn verdict(is_met: bool) -> &'static str {
    if is_met { "met" } else { "MISSED" }
}

fn float(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let upper = values.get(values.len() / 2).copied().unwrap_or(f64::NAN);
    if values.len() % 2 == 1 {
        return upper;
    }
    let lower = values.get((values.len() / 2).saturating_sub(1));
    f64::midpoint(lower.copied().unwrap_or(f64::NAN), upper)
}
