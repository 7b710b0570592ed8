//! Drift as JUnit's XML, the form that CI servers read test results in: a case a tenant.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use super::drift::waived;
use super::style::{harmless, harmless_lines};
use crate::drift::report::{DriftReport, Finding, Level};
use crate::model::name::TenantId;

type Xml = Writer<Vec<u8>>;

/// The whole report. `tenants` are all that were compared, or should have been; those without a finding pass.
///
/// What leads to the exit code 2 is a failure, a tenant that couldn't be compared an error; all else is output.
#[must_use]
pub fn drift(report: &DriftReport, tenants: &BTreeSet<TenantId>, strict: bool) -> String {
    let suite = Suite::of(report, tenants, strict);
    let mut xml = Writer::new_with_indent(Vec::new(), b' ', 2);
    suite.write(&mut xml).expect("a Vec takes all");
    let mut text = String::from_utf8(xml.into_inner()).expect("it is made of text");
    text.push('\n');
    text
}

/// A case by its name: a tenant's, or the fleet's own.
type Cases<'a> = BTreeMap<(bool, &'a str), Vec<&'a Finding>>;

struct Suite<'a> {
    report: &'a DriftReport,
    cases: Cases<'a>,
    strict: bool,
}

impl<'a> Suite<'a> {
    fn of(report: &'a DriftReport, tenants: &'a BTreeSet<TenantId>, strict: bool) -> Self {
        let mut cases: Cases<'a> = tenants
            .iter()
            .map(|id| ((false, id.as_str()), Vec::new()))
            .collect();
        for finding in &report.findings {
            let key = match &finding.tenant {
                Some(id) => (false, id.as_str()),
                None => (true, "fleet"),
            };
            cases.entry(key).or_default().push(finding);
        }
        Self {
            report,
            cases,
            strict,
        }
    }

    fn write(&self, xml: &mut Xml) -> io::Result<()> {
        xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
        let tests = self.cases.len().to_string();
        let cases_with = |wanted: &dyn Fn(&Finding) -> bool| {
            let cases = self.cases.values();
            let with = cases.filter(|findings| findings.iter().any(|one| wanted(one)));
            with.count().to_string()
        };
        let failures = cases_with(&|one| one.counts(self.strict));
        let errors = cases_with(&|one| one.level == Level::Unchecked);
        let counts = [
            ("tests", tests.as_str()),
            ("failures", failures.as_str()),
            ("errors", errors.as_str()),
        ];
        xml.create_element("testsuites")
            .with_attribute(("name", "tenantry drift"))
            .with_attributes(counts)
            .write_inner_content(|xml| {
                xml.create_element("testsuite")
                    .with_attribute(("name", self.report.fleet.as_str()))
                    .with_attributes(counts)
                    .write_inner_content(|xml| self.write_cases(xml))?;
                Ok(())
            })?;
        Ok(())
    }

    fn write_cases(&self, xml: &mut Xml) -> io::Result<()> {
        for ((_, name), findings) in &self.cases {
            let class = format!("{}.drift", self.report.fleet);
            let case = xml
                .create_element("testcase")
                .with_attribute(("classname", class.as_str()))
                .with_attribute(("name", *name));
            if findings.is_empty() {
                case.write_empty()?;
            } else {
                case.write_inner_content(|xml| self.write_findings(xml, findings))?;
            }
        }
        Ok(())
    }

    /// Failures and errors one by one; what else is to be said comes after them.
    fn write_findings(&self, xml: &mut Xml, findings: &[&Finding]) -> io::Result<()> {
        let mut others = Vec::new();
        for finding in findings {
            let element = match finding.level {
                Level::Unchecked => "error",
                _ if finding.counts(self.strict) => "failure",
                _ => {
                    others.push(format!("{}\n{}", finding.title(), details(finding)));
                    continue;
                }
            };
            xml.create_element(element)
                .with_attribute(("message", valid(&harmless(&finding.title())).as_str()))
                .with_attribute(("type", finding.kind.as_str()))
                .write_text_content(text(&details(finding)))?;
        }
        if !others.is_empty() {
            xml.create_element("system-out")
                .write_text_content(text(&others.concat()))?;
        }
        Ok(())
    }
}

fn details(finding: &Finding) -> String {
    let hint = finding.hint.as_ref().map(|hint| format!("hint: {hint}"));
    let why = finding.waived.as_ref().map(waived);
    let known = (finding.new == Some(false)).then(|| "known from the baseline".to_owned());
    let parts = [
        finding.message.clone(),
        why,
        known,
        hint,
        finding.diff.clone(),
    ];
    let mut text = String::new();
    for part in parts.into_iter().flatten() {
        text.push_str(part.trim_end_matches('\n'));
        text.push('\n');
    }
    text
}

fn text(text: &str) -> BytesText<'static> {
    BytesText::new(&valid(&harmless_lines(text))).into_owned()
}

/// Two characters that aren't controls have no place in XML either (XML 1.0, 2.2).
fn valid(text: &str) -> String {
    text.replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::drift::report::{FindingKind, Waived};
    use crate::model::name::{ClusterName, FleetName};

    fn id(text: &str) -> TenantId {
        TenantId::new(text).unwrap()
    }

    fn about(tenant: &str, finding: Finding) -> Finding {
        finding.about(&id(tenant), &ClusterName::new("main").unwrap())
    }

    fn xml(findings: Vec<Finding>, strict: bool) -> String {
        let tenants: BTreeSet<TenantId> = ["acme", "globex"].map(id).into();
        let fleet = FleetName::new("payments").unwrap();
        let report = DriftReport::new(fleet, true, &tenants, findings);
        drift(&report, &tenants, strict)
    }

    #[test]
    fn a_case_a_tenant_and_a_failure_a_finding() {
        let waived = Finding {
            waived: Some(Waived {
                reason: "because".to_owned(),
                owner: "ops".to_owned(),
                expires: None,
            }),
            ..Finding::new(FindingKind::Extra, "view v")
        };
        let findings = vec![
            about("acme", Finding::new(FindingKind::Missing, "index i")),
            about("acme", Finding::new(FindingKind::Changed, "view w")),
            about("acme", waived),
            about(
                "globex",
                Finding::new(FindingKind::ShapeUnchecked, "shape").saying("why"),
            ),
            Finding::new(FindingKind::UnmanagedSchema, "schema x"),
        ];
        let text = xml(findings.clone(), false);
        let document = roxmltree::Document::parse(&text).unwrap();
        let how_many = |name: &str| {
            document
                .descendants()
                .filter(|n| n.has_tag_name(name))
                .count()
        };
        let counted = ["testcase", "failure", "error", "system-out"].map(how_many);
        assert_eq!(counted, [3, 2, 1, 2], "{text}");
        let root = document.root_element();
        let counts = ["tests", "failures", "errors"].map(|name| root.attribute(name).unwrap());
        assert_eq!(counts, ["3", "1", "1"]);
        assert!(text.contains("waived by ops: because"), "{text}");
        assert_eq!(xml(findings, true).matches("<failure").count(), 3);
        let clean = xml(Vec::new(), true);
        assert!(
            clean.contains("<testcase classname=\"payments.drift\" name=\"globex\"/>"),
            "{clean}"
        );
    }

    #[test]
    fn text_of_strangers_is_text() {
        let evil = "a\u{0}\u{1b}[31m]]>&\"<\u{fffe}\n\t\u{202e}'--><!--";
        let finding = Finding {
            diff: Some(evil.to_owned()),
            ..Finding::new(FindingKind::Changed, evil)
                .saying(evil)
                .hint(evil)
        };
        let text = xml(vec![about("acme", finding)], false);
        let document = roxmltree::Document::parse(&text).unwrap();
        let failure = document
            .descendants()
            .find(|n| n.has_tag_name("failure"))
            .unwrap();
        let message = failure.attribute("message").unwrap();
        assert!(
            message.starts_with("a\\u{0}\\u{1b}[31m]]>&\"<"),
            "{message}"
        );
        assert_eq!(failure.children().count(), 1);
        assert!(!text.contains(|c: char| c.is_control() && c != '\n' && c != '\t'));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn whatever_is_said_it_is_well_formed(said in any::<String>(), object in any::<String>()) {
            let finding = Finding::new(FindingKind::Changed, object).saying(said);
            let text = xml(vec![about("acme", finding)], false);
            prop_assert!(roxmltree::Document::parse(&text).is_ok(), "{text}");
        }
    }
}
