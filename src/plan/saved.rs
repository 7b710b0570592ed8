//! saved
