//! The only door through which messages go to a server.

use std::fmt;
use std::sync::{Arc, Mutex};

use postgres::types::{ToSql, Type};
use postgres::{Client, SimpleQueryMessage, SimpleQueryRow};

use crate::crash;
use crate::model::desired::Timeouts;

use super::error::PgError;

pub struct Wire {
    client: Client,
    notices: Arc<Mutex<Vec<PgNotice>>>,
}
impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wire")
    }
}
#[derive(Clone, Debug)]
pub struct PgNotice {
    pub severity: String,
    pub sqlstate: String,
    pub message: String,
}
#[derive(Debug, Default)]
pub struct ResultSet {
    pub rows: Vec<TextRow>,
}
#[derive(Debug)]
pub struct TextRow(SimpleQueryRow);
impl TextRow {
    pub fn get(&self, index: usize) -> Option<&str> {
        self.0.try_get(index).ok().flatten()
    }
}
impl Wire {
    pub fn new(client: Client, notices: Arc<Mutex<Vec<PgNotice>>>) -> Self {
        Self { client, notices }
    }
    pub fn run(&mut self, sql: &str) -> Result<(), PgError> {
        crash::point("before message");
        let r = self.client.batch_execute(sql);
        crash::point("after message");
        Ok(r?)
    }
    pub fn simple(&mut self, sql: &str) -> Result<Vec<ResultSet>, PgError> {
        crash::point("before message");
        let r = self.client.simple_query(sql);
        crash::point("after message");
        let mut sets: Vec<ResultSet> = Vec::new();
        for message in r? {
            match message {
                SimpleQueryMessage::RowDescription(_) => sets.push(ResultSet::default()),
                SimpleQueryMessage::Row(row) => sets
                    .last_mut()
                    .expect("a description comes first")
                    .rows
                    .push(TextRow(row)),
                _ => {}
            }
        }
        Ok(sets)
    }
    pub fn typed(
        &mut self,
        sql: &str,
        params: &[(&(dyn ToSql + Sync), Type)],
    ) -> Result<Vec<postgres::Row>, PgError> {
        crash::point("before message");
        let r = self.client.query_typed(sql, params);
        crash::point("after message");
        Ok(r?)
    }
    pub fn take_notices(&mut self) -> Vec<PgNotice> {
        std::mem::take(&mut self.notices.lock().unwrap())
    }
    pub fn cancel_token(&self) -> postgres::CancelToken {
        self.client.cancel_token()
    }
    pub fn is_closed(&self) -> bool {
        self.client.is_closed()
    }
}
pub fn guards(t: Timeouts) -> String {
    format!(
        "SET LOCAL lock_timeout = {}; SET LOCAL statement_timeout = {}; SET LOCAL idle_in_transaction_session_timeout = {}; SET LOCAL client_connection_check_interval = 500;",
        t.lock.0.as_millis(),
        t.statement.0.as_millis(),
        t.idle.0.as_millis()
    )
}
