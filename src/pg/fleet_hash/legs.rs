//! The kinds of objects that are swept, each by a query of its own.

use super::text;

/// One kind of objects.
#[derive(Debug)]
pub struct Leg {
    /// Stands in its rows, and tells `deparse.sql` what to do with them.
    pub number: i32,
    /// Gives `r`, a record with the full identity of a row; two hashes of its node tree, if it has one; whether it must
    /// be deparsed; a text whose own names are neutralised; the schemas, and the objects in the same order.
    rows: &'static str,
    /// The text of the node tree of the object `o`.
    tree: &'static str,
}

const NO_TREE: &str = "NULL::text";

macro_rules! leg {
    ($number:literal, $file:literal, $tree:expr) => {
        Leg {
            number: $number,
            rows: include_str!(concat!("../queries/fleet_hash/legs/", $file, ".sql")),
            tree: $tree,
        }
    };
}

/// All of them, the ones that take longest first.
pub const LEGS: [Leg; 22] = [
    leg!(3, "columns", NO_TREE),
    leg!(
        6,
        "indexes",
        "SELECT concat(i.indexprs::text, i.indpred::text) FROM pg_index i WHERE i.indexrelid = o"
    ),
    leg!(
        5,
        "constraints",
        "SELECT c.conbin::text FROM pg_constraint c WHERE c.oid = o"
    ),
    leg!(
        4,
        "defaults",
        "SELECT d.adbin::text FROM pg_attrdef d WHERE d.oid = o"
    ),
    leg!(
        1,
        "relations",
        "SELECT c.relpartbound::text FROM pg_class c WHERE c.oid = o"
    ),
    leg!(9, "sequences", NO_TREE),
    leg!(
        10,
        "types",
        "SELECT t.typdefaultbin::text FROM pg_type t WHERE t.oid = o"
    ),
    leg!(17, "comments", NO_TREE),
    leg!(
        7,
        "triggers",
        "SELECT t.tgqual::text FROM pg_trigger t WHERE t.oid = o"
    ),
    leg!(19, "rare", NO_TREE),
    leg!(8, "functions", NO_TREE),
    leg!(21, "index_columns", NO_TREE),
    leg!(2, "toast", NO_TREE),
    leg!(11, "enums", NO_TREE),
    leg!(13, "inheritance", NO_TREE),
    leg!(
        12,
        "policies",
        "SELECT concat(p.polqual::text, p.polwithcheck::text) FROM pg_policy p WHERE p.oid = o"
    ),
    leg!(18, "rules", NO_TREE),
    leg!(
        14,
        "partitions",
        "SELECT p.partexprs::text FROM pg_partitioned_table p WHERE p.partrelid = o"
    ),
    leg!(
        15,
        "statistics",
        "SELECT s.stxexprs::text FROM pg_statistic_ext s WHERE s.oid = o"
    ),
    leg!(16, "schemas", NO_TREE),
    leg!(20, "marks", NO_TREE),
    leg!(22, "extensions", NO_TREE),
];

impl Leg {
    /// The query that sweeps it, on a server of this `server_version_num`.
    pub fn sweep(&self, server: i32) -> String {
        let sql = include_str!("../queries/fleet_hash/sweep.sql")
            .replace("{leg}", self.rows)
            .replace("{tree}", self.tree);
        text::complete(&sql, server)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn rows_of_two_legs_are_never_the_same() {
        let numbers: BTreeSet<i32> = LEGS.iter().map(|leg| leg.number).collect();
        assert_eq!(numbers, (1..=22).collect());
        for leg in &LEGS {
            let row = format!("SELECT ROW({},", leg.number);
            let alone = format!("SELECT ROW({}, e.kind", leg.number);
            assert!(
                leg.rows.contains(&row) || leg.rows.contains(&alone),
                "{}",
                leg.rows
            );
        }
    }
}
