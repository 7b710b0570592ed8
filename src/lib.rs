//! tenantry keeps a fleet of PostgreSQL tenant schemas equal to a YAML file.
pub mod crash;
pub mod error;
pub mod model;
pub mod plan;
pub mod report;
