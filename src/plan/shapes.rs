//! Notices about shapes: who has drifted, of whom nobody knows, and who is known in part only.

use std::collections::BTreeMap;

use super::Notice;
use crate::model::name::TenantId;
use crate::model::standing::{Standing, Unchecked};
use crate::model::words::{a_few, without};

/// All of them about these tenants, each folded by what it says.
pub(super) fn notices<'a>(
    tenants: impl Iterator<Item = (&'a TenantId, &'a Standing)>,
) -> Vec<Notice> {
    let mut found = Found::default();
    for (id, standing) in tenants {
        found.add(id, standing);
    }
    found.told()
}

#[derive(Default)]
struct Found<'a> {
    /// By what differs.
    drifted: BTreeMap<&'a [String], Vec<&'a TenantId>>,
    /// By the reason without the tenant's name, with the first's.
    unchecked: BTreeMap<String, (&'a str, Vec<&'a TenantId>)>,
    /// By what isn't compared.
    partial: BTreeMap<&'a [String], Vec<&'a TenantId>>,
}

impl<'a> Found<'a> {
    fn add(&mut self, id: &'a TenantId, standing: &'a Standing) {
        match &standing.shape {
            Ok(shape) if shape.has_drifted() => {
                self.drifted.entry(&shape.differences).or_default().push(id);
            }
            Ok(_) => {}
            Err(Unchecked(why)) => {
                let alike = self.unchecked.entry(without(why, id.as_str()));
                alike.or_insert((why, Vec::new())).1.push(id);
            }
        }
        if !standing.partial.is_empty() {
            self.partial.entry(&standing.partial).or_default().push(id);
        }
    }

    fn told(self) -> Vec<Notice> {
        let drifted = self.drifted.into_iter().map(|(differences, tenants)| {
            let said = format!("drifted: {}; `tenantry drift` shows it", a_few(differences));
            notice("drifted", ["has", "have"], &said, &tenants)
        });
        let unchecked = self.unchecked.into_iter().map(|(alike, (why, tenants))| {
            let is_same = tenants.len() == 1 || alike == why;
            let example = if is_same { "" } else { "for example: " };
            let said = format!("checked for drift: {example}{why}");
            notice("shape_unchecked", ["wasn't", "weren't"], &said, &tenants)
        });
        let partial = self.partial.into_iter().map(|(what, tenants)| {
            let said = format!("compared in part: {}", a_few(what));
            notice("partial", ["was", "were"], &said, &tenants)
        });
        drifted.chain(unchecked).chain(partial).collect()
    }
}

fn notice(code: &str, [one, many]: [&str; 2], said: &str, tenants: &[&TenantId]) -> Notice {
    let message = match tenants.len() {
        1 => format!("1 tenant {one} {said}"),
        number => format!("{number} tenants {many} {said}"),
    };
    Notice {
        code: code.to_owned(),
        cluster: None,
        tenants: tenants.iter().copied().cloned().collect(),
        message,
    }
}
