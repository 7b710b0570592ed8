//! tenantry keeps a fleet of PostgreSQL tenant schemas equal to a YAML file.
//!
//! The whole program is one sentence: parse the desired state, observe the live state, diff them into a plan,
//! then either render the plan or apply it and report. Every command is a prefix or a branch of that line, data
//! moves left to right once, and only the ends touch the world:
//!
//! ```text
//! desired/*.yaml ─ config ─► Desired ─┐                       ┌─► render ─► text, JSON
//!                                     ├─ plan::diff ─► Plan ──┤
//! live databases ─ observe ─► Observed┘                       └─► apply ─► Report ─► render
//! ```
//!
//! | module | job | touches the world |
//! |---|---|---|
//! | [`model`] | names, desired and observed state, migrations, templates | no |
//! | [`sql`] | lexer, statement splitter, refusals, placeholders | no |
//! | [`config`] | YAML and SQL files into `Desired`, or every problem at once | reads files |
//! | [`plan`] | difference, cohorts, hazards, waves, saved plans | no |
//! | [`drift`] | what tenants are, compared to what their histories made | no |
//! | [`report`] | outcomes and the events workers speak through | no |
//! | [`runs`] | runs as the journals keep them, and what is left of one | no |
//! | [`status`] | where every tenant stands | no |
//! | [`pg`] | connections, catalog queries, histories, refinery's runner over our transaction | databases |
//! | [`control`] | the `tenantry` schema: fleet, tenants, content, journal, ledger | databases |
//! | [`mod@reference`] | what histories produce: built in transactions that are rolled back, or kept | databases |
//! | [`observe`] | all databases side by side into `Observed` | databases |
//! | [`apply`] | run locks, database-wide steps, waves, one transaction a tenant | databases |
//! | [`doctor`] | what stands between a fleet and its next apply; the SQL that grants what is missing | databases, processes |
//! | [`render`] | plan, report, status, runs and drift as text, JSON, Markdown, JUnit and annotations | no |
//! | [`server`] | the throwaway PostgreSQL behind `demo` and the tests | processes |
//! | [`cli`] | the command line; owns stdout and stderr | everything |
//!
//! Imports point upward in this table. Three promises rank above every feature: nothing is lost, every tenant is
//! wholly at one version or absent, and the plan is the truth.

pub mod apply;
pub mod cli;
pub mod config;
pub mod control;
pub mod crash;
pub mod doctor;
pub mod drift;
pub mod error;
pub mod model;
pub mod observe;
pub mod pg;
pub mod plan;
pub mod reference;
pub mod render;
pub mod report;
pub mod runs;
pub mod server;
pub mod sql;
pub mod status;
