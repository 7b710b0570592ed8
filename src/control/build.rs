//! Builds again when a control migration appears or changes, which `embed_migrations!` alone misses
//! (rust-db/refinery#309).

fn main() {
    println!("cargo:rerun-if-changed=src/control/migrations");
    println!("cargo:rerun-if-changed=src/control/build.rs");
}
