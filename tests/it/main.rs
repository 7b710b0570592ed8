//! All integration tests in one binary, so that they link once and share one server.
//!
//! `TENANTRY_TEST_DATABASE_URL` names a server to use instead of a throwaway one; its role must be a superuser.
//! With `TENANTRY_TEST_POOLED=1` the program reaches it through a PgBouncer in transaction mode; who prepares and
//! judges doesn't.

mod after_dump;
mod attack;
mod bytes;
mod capacity;
mod clusters;
mod completions;
mod connect;
mod crash;
mod doctor;
mod drift;
mod drift_live;
mod enum_values;
mod examples_ci;
mod exits;
mod extensions;
mod faults;
mod frozen;
mod groups;
mod history;
mod house;
mod kill;
mod locks;
mod main_line;
mod names;
mod outdated;
mod panic;
mod parallel;
mod plan_shapes;
mod pooling;
mod random;
mod reader;
mod readme;
mod reference;
mod resume;
mod runs;
mod safety;
mod saved_plan;
mod shape_random;
mod shapes;
mod status;
mod support;
mod tenants_from;
mod tls;
mod user;
mod validate;
mod wire;
