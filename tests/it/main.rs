//! All integration tests in one binary, so that they link once and share one server.
//!
//! `TENANTRY_TEST_DATABASE_URL` names a server to use instead of a throwaway one; its role must be a superuser.

mod attack;
mod clusters;
mod completions;
mod crash;
mod enum_values;
mod examples_ci;
mod exits;
mod extensions;
mod history;
mod house;
mod kill;
mod locks;
mod main_line;
mod names;
mod panic;
mod parallel;
mod readme;
mod safety;
mod saved_plan;
mod support;
mod user;
mod validate;
mod wire;
