//! All integration tests in one binary, so that they link once and share one server.
//!
//! `TENANTRY_TEST_DATABASE_URL` names a server to use instead of a throwaway one; its role must be a superuser.

mod attack;
mod crash;
mod kill;
mod locks;
mod main_line;
mod panic;
mod parallel;
mod support;
mod wire;
