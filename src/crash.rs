//! Crash points: places where a test can end the process, to prove that nothing is left half done.
//!
//! They stand before and after every message to a server and every file operation of an apply.
//! Builds without debug assertions have none.

/// Ends the process here when `TENANTRY_CRASH_AT` names this point's number.
///
/// Points are numbered from 1 in the order they are passed. With `TENANTRY_CRASH_LOG` each point
/// passed is added to that file, a line each.
#[inline]
pub fn point(name: &str) {
    #[cfg(debug_assertions)]
    enabled::pass(name);
    #[cfg(not(debug_assertions))]
    let _ = name;
}

/// Panics here when `TENANTRY_PANIC_AT` names this place: how a test makes a worker fail inside tenantry.
#[inline]
pub fn panic_at(name: &str) {
    #[cfg(debug_assertions)]
    assert!(
        std::env::var("TENANTRY_PANIC_AT").as_deref() != Ok(name),
        "asked to panic at {name}"
    );
    #[cfg(not(debug_assertions))]
    let _ = name;
}

#[cfg(debug_assertions)]
mod enabled {
    use std::io::Write;
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicUsize, Ordering};

    static PASSED: AtomicUsize = AtomicUsize::new(0);
    static CRASH_AT: LazyLock<Option<usize>> = LazyLock::new(|| {
        std::env::var("TENANTRY_CRASH_AT")
            .ok()
            .and_then(|n| n.parse().ok())
    });
    static LOG: LazyLock<Option<std::path::PathBuf>> =
        LazyLock::new(|| std::env::var_os("TENANTRY_CRASH_LOG").map(Into::into));

    pub(super) fn pass(name: &str) {
        let number = PASSED.fetch_add(1, Ordering::SeqCst) + 1;
        if let Some(path) = &*LOG {
            note(path, number, name);
        }
        if *CRASH_AT == Some(number) {
            std::process::abort();
        }
    }

    fn note(path: &std::path::Path, number: usize, name: &str) {
        let line = format!("{number} {name}\n");
        let file = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(path);
        // A test that can't read its log fails by itself.
        let _ = file.and_then(|mut file| file.write_all(line.as_bytes()));
    }
}
