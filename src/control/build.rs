//! Builds again when an embedded file appears, which `embed_migrations!` (rust-db/refinery#309) and
//! `include_dir!` alone miss.

fn main() {
    println!("cargo:rerun-if-changed=src/control/migrations");
    for sample in ["desired", "templates", "tenant_migrations"] {
        println!("cargo:rerun-if-changed={sample}");
    }
    println!("cargo:rerun-if-changed=src/control/build.rs");
}
