//! A fleet's status for people: tenants that stand alike are one block.

use std::collections::BTreeMap;

use super::entry;
use super::page::Page;
use super::runs;
use super::style::{Label, harmless, paint};
use super::time::{ago, span};
use crate::model::count;
use crate::model::words::without;
use crate::plan::BlockedCode;
use crate::report::{Status, short_run};
use crate::status::{FleetStatus, Last, Standing, StandingState};

/// How many blocks are shown, unless the page is verbose.
const BLOCKS_SHOWN: usize = 20;

/// How many pending migrations of a block are listed, unless the page is verbose.
const PENDING_SHOWN: usize = 10;

/// The whole status; `verbose` gives every tenant a line of its own.
#[must_use]
pub fn status(status: &FleetStatus, verbose: bool) -> String {
    let mut page = Page::new(verbose);
    let blocks = fold(&status.tenants);
    let shown = if verbose {
        blocks.len()
    } else {
        BLOCKS_SHOWN.min(blocks.len())
    };
    for tenants in &blocks[..shown] {
        block(&mut page, tenants);
    }
    if shown < blocks.len() {
        let rest = blocks[shown..].iter().flatten();
        let rest: Vec<String> = rest.map(|standing| name(standing)).collect();
        let more = count(rest.len(), "more tenant");
        page.section(&format!("and {more}, shown by -v"));
        page.names(2, &rest);
    }
    if !status.runs.is_empty() {
        page.section("Last runs");
        for run in &status.runs {
            runs::line(&mut page, run);
        }
    }
    runs::unread(&mut page, &status.unread);
    page.gap();
    end(&mut page, status);
    page.finish()
}

/// Nothing but the numbers.
#[must_use]
pub fn brief(status: &FleetStatus) -> String {
    let mut page = Page::new(false);
    end(&mut page, status);
    page.finish()
}

fn end(page: &mut Page, status: &FleetStatus) {
    if !status.complete {
        let what = "This status is incomplete: not everything could be read.";
        page.line(&paint(Label::Warning, what));
    }
    let label = if status.summary.is_settled() {
        Label::Good
    } else {
        Label::Heading
    };
    page.item(0, &paint(label, &summary(status)));
}

/// The status in one sentence.
fn summary(status: &FleetStatus) -> String {
    let numbers = &status.summary;
    let parts = [
        (numbers.up_to_date, "up to date"),
        (numbers.pending, "pending"),
        (numbers.new, "to create"),
        (numbers.blocked, "blocked"),
        (numbers.withheld, "withheld"),
        (numbers.absent, "absent"),
        (numbers.suspended, "suspended"),
        (numbers.unmanaged, "unmanaged"),
    ];
    let mut parts: Vec<String> = parts
        .into_iter()
        .filter(|(number, word)| *number > 0 || *word == "up to date")
        .map(|(number, word)| format!("{number}\u{a0}{}", word.replace(' ', "\u{a0}")))
        .collect();
    if numbers.failed > 0 {
        parts.push(format!("{} failed last", numbers.failed));
    }
    let managed = |one: &&Standing| one.state != StandingState::Unmanaged;
    let tenants = count(status.tenants.iter().filter(managed).count(), "tenant");
    format!("Fleet {}: {tenants}, {}.", status.fleet, parts.join(", "))
}

/// Equal for tenants that stand alike.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Key<'a> {
    state: StandingState,
    code: Option<BlockedCode>,
    version: Option<i64>,
    pending: &'a [String],
    last: Option<Status>,
    /// What is said of the block, with the tenant's name taken out.
    words: String,
}

impl<'a> Key<'a> {
    fn of(standing: &'a Standing) -> Self {
        let name = standing.tenant.as_ref().map_or("", |id| id.as_str());
        let blocked = standing.blocked.as_ref();
        let failure = standing.last.as_ref().and_then(|last| last.error.as_ref());
        let said = [
            blocked.map(|block| &block.message),
            blocked.map(|block| &block.hint),
            failure.map(|failure| &failure.message),
        ];
        let said = said.into_iter().flatten().map(|text| match name {
            "" => text.clone(),
            name => without(text, name),
        });
        Self {
            state: standing.state,
            code: blocked.map(|block| block.code),
            version: standing.version,
            pending: &standing.pending,
            last: standing.last.as_ref().map(|last| last.status),
            words: said.collect::<Vec<String>>().join("\n"),
        }
    }
}

fn fold(tenants: &[Standing]) -> Vec<Vec<&Standing>> {
    let mut blocks: BTreeMap<Key<'_>, Vec<&Standing>> = BTreeMap::new();
    for standing in tenants {
        blocks.entry(Key::of(standing)).or_default().push(standing);
    }
    blocks.into_values().collect()
}

fn block(page: &mut Page, tenants: &[&Standing]) {
    let Some(first) = tenants.first() else {
        return;
    };
    page.section(&title(first, tenants.len()));
    if page.is_verbose() {
        for standing in tenants {
            page.item(2, &own_line(standing));
        }
    } else {
        let names: Vec<String> = tenants.iter().map(|standing| name(standing)).collect();
        page.names(2, &names);
    }
    pending(page, &first.pending);
    let example = if tenants.len() > 1 {
        "for example: "
    } else {
        ""
    };
    if let Some(block) = &first.blocked {
        page.item(2, &format!("{example}{}", harmless(&block.message)));
        page.hint(2, &harmless(&block.hint));
    }
    last(page, tenants, example);
}

fn title(first: &Standing, tenants: usize) -> String {
    let tenants = match first.state {
        StandingState::Unmanaged => count(tenants, "schema"),
        _ => count(tenants, "tenant"),
    };
    let version = first.version;
    let version = version.map_or(String::new(), |version| format!(", at V{version}"));
    let migrations = count(first.pending.len(), "migration");
    match first.state {
        StandingState::UpToDate => format!("{tenants} up to date{version}"),
        StandingState::Pending => format!("{tenants} with {migrations} pending{version}"),
        StandingState::New => format!("{tenants} to create"),
        StandingState::Blocked => {
            let code = first
                .blocked
                .as_ref()
                .map_or("", |block| block.code.as_str());
            format!("{tenants} blocked: {code}{version}")
        }
        StandingState::Withheld => format!("{tenants} withheld: absent in the file, still there"),
        StandingState::Absent => format!("{tenants} absent, as the file says"),
        StandingState::Suspended => format!("{tenants} suspended{version}"),
        StandingState::Unmanaged => format!("{tenants} unmanaged: live, and not in the file"),
    }
}

/// The tenant's id, or the schema's name where no tenant is known.
fn name(standing: &Standing) -> String {
    match &standing.tenant {
        Some(tenant) => tenant.to_string(),
        None => harmless(standing.schema.as_str()),
    }
}

fn own_line(standing: &Standing) -> String {
    let place = format!(
        "{}: cluster {}, schema {}",
        name(standing),
        standing.cluster,
        harmless(standing.schema.as_str())
    );
    match &standing.last {
        Some(last) => format!(
            "{place}, {} {} in run {}",
            last.status.as_str(),
            ago(last.age),
            short_run(last.run)
        ),
        None => place,
    }
}

fn pending(page: &mut Page, pending: &[String]) {
    let shown = if page.is_verbose() {
        pending.len()
    } else {
        PENDING_SHOWN.min(pending.len())
    };
    for migration in &pending[..shown] {
        let sign = paint(Label::Change, "~");
        page.item(2, &format!("{sign}\u{a0}{}", harmless(migration)));
    }
    if shown < pending.len() {
        page.item(2, &format!("… and {} more", pending.len() - shown));
    }
}

/// What became of the block's tenants last, with the newest error.
fn last(page: &mut Page, tenants: &[&Standing], example: &str) {
    let lasts = || tenants.iter().filter_map(|standing| standing.last.as_ref());
    let (Some(newest), Some(oldest)) = (
        lasts().min_by_key(|last| last.age),
        lasts().max_by_key(|last| last.age),
    ) else {
        return;
    };
    page.item(2, &format!("last: {}", when(newest, oldest)));
    let Some(failure) = &newest.error else {
        return;
    };
    page.item(4, &format!("{example}{}", harmless(&failure.message)));
    entry::write_place(page, failure);
    if let Some(hint) = &failure.hint {
        page.hint(4, &harmless(hint));
    }
}

fn when(newest: &Last, oldest: &Last) -> String {
    let status = paint(runs::label(newest.status), newest.status.as_str());
    if newest.run == oldest.run {
        let (ago, run) = (ago(newest.age), short_run(newest.run));
        return format!("{status} {ago} in run {run}");
    }
    let (newest, oldest) = (span(newest.age), span(oldest.age));
    if newest == oldest {
        format!("{status} {newest}\u{a0}ago in several runs")
    } else {
        format!("{status} between {newest} and {oldest}\u{a0}ago in several runs")
    }
}

#[cfg(test)]
mod tests;
