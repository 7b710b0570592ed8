//! All integration tests in one binary, so that they link once and share one server.
//!
//! `TENANTRY_TEST_DATABASE_URL` names a server to use instead of a throwaway one; its role must be a superuser.

mod attack;
mod bytes;
mod clusters;
mod crash;
mod exits;
mod extensions;
mod faults;
mod frozen;
mod history;
mod house;
mod kill;
mod locks;
mod main_line;
mod names;
mod panic;
mod parallel;
mod random;
mod readme;
mod safety;
mod saved_plan;
mod support;
mod user;
mod validate;
mod wire;
