//! What a dump says of each of its schemas, as texts to compare.

use std::collections::BTreeMap;

/// Stands for a schema's own name in its statements.
const OWN: &str = "own";

/// By schema, what the dump says of it, without order.
///
/// Schemas' names must be words that stand for nothing else. What is left out of the comparison, all of it:
/// - the order of entries, and of grants on one object: neither says what an object is;
/// - the order of a table's columns and constraints, which depends on how the table came about: columns are found by
///   name, and a shape is the same when one was dropped and added again;
/// - the settings between entries, which belong to the entry after them and say `heap` and no tablespace here.
pub fn by_schema(dump: &str, schemas: &[String]) -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for entry in dump.split("\n--\n-- Name: ").skip(1) {
        let of = schemas
            .iter()
            .find(|schema| entry.contains(schema.as_str()));
        let of = of.unwrap_or_else(|| panic!("of no schema: {entry}"));
        let entry = neutral(entry).replace(of.as_str(), OWN);
        found.entry(of.clone()).or_default().push(entry);
    }
    for entries in found.values_mut() {
        entries.sort();
    }
    found
}

fn neutral(entry: &str) -> String {
    let end = "\n--\n-- PostgreSQL database dump complete";
    let entry = entry.split(end).next().unwrap_or_default();
    let is_setting = |line: &&str| line.starts_with("SET default_");
    let lines = entry.lines().filter(|line| !is_setting(line));
    let mut lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
    let kind = lines[0].split("; Type: ").nth(1).unwrap_or_default();
    let has_order = |one: &&str| kind.starts_with(one);
    if ["TABLE;", "FOREIGN TABLE;", "ACL;", "DEFAULT ACL;"]
        .iter()
        .any(has_order)
    {
        let bare = lines.iter().map(|line| line.trim_end_matches(','));
        lines = bare.collect();
        lines[1..].sort_unstable();
    }
    lines.join("\n")
}

/// The entries that only one of the two has.
pub fn difference(before: &[String], after: &[String]) -> Vec<String> {
    let only = |sign: char, of: &[String], other: &[String]| -> Vec<String> {
        let lines = of.iter().filter(|entry| !other.contains(entry));
        lines.map(|entry| format!("{sign} {entry}")).collect()
    };
    [only('-', before, after), only('+', after, before)].concat()
}

/// Whether the two are of the same objects.
pub fn same_objects(one: &[String], other: &[String]) -> bool {
    let names = |of: &[String]| -> Vec<String> {
        let name = |entry: &String| entry.lines().next().unwrap_or_default().to_owned();
        of.iter().map(name).collect()
    };
    names(one) == names(other)
}
