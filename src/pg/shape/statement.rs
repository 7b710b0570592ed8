//! The one statement that reads shapes, put together for a server.

/// What surrounds the legs, and gives comments, owners and grants to what they find.
const FRAME: &str = include_str!("../queries/shape/frame.sql");

/// A leg finds some kinds of objects.
const LEGS: [&str; 10] = [
    include_str!("../queries/shape/schema.sql"),
    include_str!("../queries/shape/relations.sql"),
    include_str!("../queries/shape/columns.sql"),
    include_str!("../queries/shape/constraints.sql"),
    include_str!("../queries/shape/indexes.sql"),
    include_str!("../queries/shape/parts.sql"),
    include_str!("../queries/shape/functions.sql"),
    include_str!("../queries/shape/types.sql"),
    include_str!("../queries/shape/operators.sql"),
    include_str!("../queries/shape/text_search.sql"),
];

/// Phrases of several places, `{word:argument…}` there.
const PHRASES: [(&str, &str); 5] = [
    // A role, the schema's owner by its part: `owner` is no name of anybody then.
    (
        "role",
        "CASE {0} WHEN 0 THEN 'PUBLIC' WHEN s.nspowner THEN 'owner' \
         ELSE COALESCE(NULLIF(quote_ident(pg_get_userbyid({0})), 'owner'), '\"owner\"') END",
    ),
    (
        "options",
        "(SELECT string_agg(quote_ident(o.option_name) || '=' || quote_literal(o.option_value), ', ' \
         ORDER BY o.option_name COLLATE \"C\") FROM pg_options_to_table({0}) o)",
    ),
    // A catalog without its prefix, and an object of it.
    (
        "extensions",
        "(SELECT 'DEPENDS ON EXTENSION ' || string_agg(quote_ident(e.extname), ', ' ORDER BY e.extname COLLATE \"C\") \
         FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid \
         WHERE d.classid = 'pg_{0}'::regclass AND d.objid = {1} AND d.objsubid = 0 \
         AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'x')",
    ),
    // A row's name, its catalog's prefix, and its kind: for what has no reg… type.
    (
        "qualified",
        "CASE WHEN NOT pg_{2}_is_visible({0}.oid) THEN (SELECT quote_ident(n.nspname) || '.' FROM pg_namespace n \
         WHERE n.oid = {0}.{1}namespace) ELSE '' END || quote_ident({0}.{1}name)",
    ),
    // Operators and functions of an operator family, and a condition.
    (
        "members",
        "(SELECT string_agg(m.line, E'\\n' ORDER BY m.line COLLATE \"C\") FROM (\
         SELECT concat_ws(' ', 'OPERATOR', a.amopstrategy, a.amopopr::regoperator, 'FOR ORDER BY ' || \
         (SELECT {qualified:z:opf:opfamily} FROM pg_opfamily z WHERE z.oid = a.amopsortfamily)) AS line, \
         a.amoplefttype AS lefttype, a.amoprighttype AS righttype FROM pg_amop a WHERE a.amopfamily = {0} \
         UNION ALL \
         SELECT concat('FUNCTION ', p.amprocnum, ' (', format_type(p.amproclefttype, NULL), ', ', \
         format_type(p.amprocrighttype, NULL), ') ', p.amproc::regprocedure), p.amproclefttype, p.amprocrighttype \
         FROM pg_amproc p WHERE p.amprocfamily = {0}) m WHERE true {1})",
    ),
];

/// What came later: its word, the first server that has it, how to ask for it, and what holds before.
const LATER: [(&str, i32, &str, &str); 6] = [
    (
        "{nulls_not_distinct}",
        150_000,
        "i.indnullsnotdistinct",
        "false",
    ),
    (
        "{published_schema}",
        150_000,
        "EXISTS (SELECT FROM pg_publication_namespace p WHERE p.pnnspid = t.oid)",
        "false",
    ),
    (
        "{published_schema_class}",
        150_000,
        ", 'pg_publication_namespace'::regclass",
        "",
    ),
    ("{collation_rules}", 160_000, "c.collicurules", "NULL"),
    ("{collation_locale}", 170_000, "c.colllocale", "{iculocale}"),
    ("{iculocale}", 150_000, "c.colliculocale", "NULL"),
];

/// The statement for a server of this `server_version_num`.
pub(super) fn of(server: i32) -> String {
    let mut sql = FRAME.replace("{legs}", &LEGS.join("UNION ALL\n"));
    for (word, since, now, before) in LATER {
        sql = sql.replace(word, if server >= since { now } else { before });
    }
    // One phrase is made of another, which stands before it.
    for (word, phrase) in PHRASES.into_iter().rev() {
        sql = said(&sql, word, phrase);
    }
    sql
}

/// The text with a phrase in each place that names it.
fn said(sql: &str, word: &str, phrase: &str) -> String {
    let begin = format!("{{{word}:");
    let mut pieces = sql.split(&begin);
    let mut said = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (arguments, rest) = piece.split_once('}').unwrap_or((piece, ""));
        let filled = arguments
            .split(':')
            .enumerate()
            .fold(phrase.to_owned(), |phrase, (index, argument)| {
                phrase.replace(&format!("{{{index}}}"), argument)
            });
        said.push_str(&filled);
        said.push_str(rest);
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_to_be_filled_in() {
        for server in [140_000, 150_000, 160_000, 170_000, 180_000] {
            let sql = of(server);
            let left: Vec<&str> = sql.split('{').skip(1).map(|left| &left[..20]).collect();
            assert_eq!(left, [""; 0], "{server}");
        }
    }
}
