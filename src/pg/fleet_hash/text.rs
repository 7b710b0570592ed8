//! The text of the queries: parts that several share, and what differs from one major version to the next.

/// An OID that isn't one of PostgreSQL's own, as digits in a list.
const USER_OID: &str = r"(1638[4-9]|1639\d|16[4-9]\d\d|1[7-9]\d{3}|[2-9]\d{4}|[1-9]\d{5})";

/// A tree's text without its places. They tell where in a message an expression stood, and since 17 aren't kept.
const STRIPPED: &str = r"regexp_replace(l.t, ':location -?\d+', '', 'g')";

/// The pattern of a schema's name as a whole word.
const WORD: &str = r"'(?<![A-Za-z0-9_$\u0080-\uffff])' || regexp_replace(nspname, '([^A-Za-z0-9_])', '\\\1', 'g') || '(?![A-Za-z0-9_$\u0080-\uffff])'";

/// A part that isn't the same in all versions.
struct Part {
    name: &'static str,
    /// What stands there since which major version, newest first.
    texts: &'static [(i32, &'static str)],
}

const PARTS: [Part; 9] = [
    Part {
        name: "{stripped}",
        texts: &[(17, "l.t"), (0, STRIPPED)],
    },
    Part {
        name: "{confdelsetcols}",
        texts: &[(15, "k.confdelsetcols"), (0, "NULL::int2[]")],
    },
    Part {
        name: "{conenforced}",
        texts: &[(18, "k.conenforced"), (0, "true")],
    },
    Part {
        name: "{conperiod}",
        texts: &[(18, "k.conperiod"), (0, "false")],
    },
    Part {
        name: "{indnullsnotdistinct}",
        texts: &[(15, "i.indnullsnotdistinct"), (0, "false")],
    },
    Part {
        name: "{colllocale}",
        texts: &[
            (17, "c.colllocale"),
            (15, "c.colliculocale"),
            (0, "NULL::text"),
        ],
    },
    Part {
        name: "{collicurules}",
        texts: &[(16, "c.collicurules"), (0, "NULL::text")],
    },
    Part {
        name: "{publication_details}",
        texts: &[
            (
                15,
                ", COALESCE(r.prattrs::text, '-'), COALESCE(r.prqual::text, '-')",
            ),
            (0, ""),
        ],
    },
    Part {
        name: "{published_schemas}",
        texts: &[
            (
                15,
                "UNION ALL SELECT 'publication of schema', r.pnnspid, p.pubname \
                 FROM pg_publication_namespace r JOIN pg_publication p ON p.oid = r.pnpubid",
            ),
            (0, ""),
        ],
    },
];

/// Fills in what a query leaves open but for its own parts.
pub fn complete(sql: &str, server: i32) -> String {
    let shared = sql
        .replace("{local}", include_str!("../queries/fleet_hash/local.sql"))
        .replace(
            "{neutral}",
            include_str!("../queries/fleet_hash/neutral.sql"),
        )
        .replace("{user_oid}", USER_OID)
        .replace("{word}", WORD);
    PARTS.iter().fold(shared, |sql, part| {
        let text = part
            .texts
            .iter()
            .find(|(since, _)| server / 10_000 >= *since);
        sql.replace(part.name, text.map_or("", |(_, text)| text))
    })
}

#[cfg(test)]
mod tests {
    use super::super::legs::LEGS;
    use super::*;

    #[test]
    fn nothing_stays_open() {
        for server in [140_000, 150_018, 160_000, 170_000, 180_006] {
            let sweeps = LEGS.iter().map(|leg| leg.sweep(server));
            for sql in sweeps.chain([complete(
                include_str!("../queries/fleet_hash/deparse.sql"),
                server,
            )]) {
                let open = PARTS.iter().find(|part| sql.contains(part.name));
                assert!(open.is_none(), "{sql}");
                assert!(!sql.contains("{tree}") && !sql.contains("{leg}"), "{sql}");
            }
        }
    }

    #[test]
    fn a_part_is_that_of_the_newest_version_up_to_the_servers() {
        let of = |server| complete("{colllocale}", server);
        assert_eq!(
            [
                of(140_001),
                of(150_000),
                of(169_999),
                of(170_000),
                of(180_001)
            ],
            [
                "NULL::text",
                "c.colliculocale",
                "c.colliculocale",
                "c.colllocale",
                "c.colllocale"
            ]
        );
    }
}
