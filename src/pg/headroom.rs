//! How much room a server has for tenants that are changed side by side.

use super::error::PgError;
use super::wire::Wire;
use crate::sql;

/// Connections that are left to others.
const SPARE: i64 = 3;

/// Entries of the lock table for our own tables, locks and catalogs.
const OWN_LOCKS: i64 = 20;

/// What a server has left; this session counts as room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Headroom {
    /// Connections that are neither used nor reserved.
    pub free: i64,
    /// What the connecting role's CONNECTION LIMIT leaves, if it has one.
    pub free_of_role: Option<i64>,
    /// What the database's CONNECTION LIMIT leaves, if it has one.
    pub free_in_database: Option<i64>,
    /// `max_locks_per_transaction`; times `lock_holders` it is the size of the lock table.
    pub max_locks: i64,
    /// `max_connections` and `max_prepared_transactions` together.
    pub lock_holders: i64,
}

/// Reads what a server has left; behind a pooler its own bounds come on top.
pub fn read(wire: &mut Wire) -> Result<Headroom, PgError> {
    let rows = wire.typed(include_str!("queries/headroom.sql"), &[])?;
    let row = rows
        .first()
        .ok_or_else(|| PgError::own("the server doesn't know its own role"))?;
    Ok(Headroom {
        free: row.get(0),
        free_of_role: row.get(1),
        free_in_database: row.get(2),
        max_locks: row.get(3),
        lock_holders: row.get(4),
    })
}

impl Headroom {
    /// Workers that find a connection; three are left to others, but of a role's own limit none.
    #[must_use]
    pub fn by_connections(&self) -> i64 {
        let shared = [Some(self.free), self.free_in_database];
        let shared = shared.into_iter().flatten().map(|free| free - SPARE);
        let all = shared.chain(self.free_of_role);
        all.min().unwrap_or_default().max(0)
    }

    /// Workers whose tenants fit into half of the lock table, each with so many entries.
    #[must_use]
    pub fn by_locks(&self, locks: i64) -> i64 {
        self.max_locks * self.lock_holders / 2 / locks.max(1)
    }

    /// What `max_locks_per_transaction` must be for so many workers.
    #[must_use]
    pub fn locks_needed(&self, workers: i64, locks: i64) -> i64 {
        let entries = 2 * workers * locks;
        (entries + self.lock_holders - 1) / self.lock_holders.max(1)
    }
}

/// Entries of the lock table that these files take, about: a table and what belongs to it 12, an index 2.
#[must_use]
pub fn locks_of<'a>(files: impl Iterator<Item = &'a str>) -> i64 {
    OWN_LOCKS + files.map(locks_of_file).sum::<i64>()
}

fn locks_of_file(text: &str) -> i64 {
    let statements = sql::statements(text).into_iter();
    let weight = |statement: &str| {
        let head = statement.split_whitespace().take(3);
        let head: Vec<String> = head.map(str::to_ascii_uppercase).collect();
        let makes = |object: &str| head.iter().skip(1).any(|word| word == object);
        match head.first().map(String::as_str) {
            Some("CREATE") if makes("TABLE") => 12,
            Some("CREATE") if makes("INDEX") => 2,
            _ => 1,
        }
    };
    statements
        .map(|statement| weight(&text[statement.range]))
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// PostgreSQL's defaults, with nobody else connected.
    const DEFAULTS: Headroom = Headroom {
        free: 97,
        free_of_role: None,
        free_in_database: None,
        max_locks: 64,
        lock_holders: 100,
    };

    #[test]
    fn the_tightest_bound_counts() {
        let with = |free, free_of_role, free_in_database| {
            let room = Headroom {
                free,
                free_of_role,
                free_in_database,
                ..DEFAULTS
            };
            room.by_connections()
        };
        assert_eq!(with(97, None, None), 94);
        assert_eq!(with(97, Some(5), None), 5);
        assert_eq!(with(97, None, Some(5)), 2);
        assert_eq!(with(2, Some(5), Some(5)), 0);
    }

    #[test]
    fn half_of_the_lock_table_is_left_to_others() {
        assert_eq!(DEFAULTS.by_locks(240), 13);
        assert_eq!(DEFAULTS.by_locks(4000), 0);
        let needed = DEFAULTS.locks_needed(20, 240);
        let with = |max_locks| {
            Headroom {
                max_locks,
                ..DEFAULTS
            }
            .by_locks(240)
        };
        assert!(with(needed) >= 20 && with(needed - 1) < 20, "{needed}");
    }

    #[test]
    fn tables_weigh_most() {
        let files = [
            "CREATE TABLE a (x int); CREATE UNIQUE INDEX i ON a (x);",
            "SELECT 1",
        ];
        assert_eq!(locks_of(files.into_iter()), 20 + 12 + 2 + 1);
    }
}
