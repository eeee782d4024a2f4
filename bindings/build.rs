//! What the linker is told, for the size of the release library (docs/adr/0010-what-the-library-weighs.md): functions that
//! came out the same are kept once. Of the linkers only lld can; where another one links, nothing is said.

use std::env;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if env::var("PROFILE").as_deref() != Ok("release") {
        return;
    }
    // The NDK has no other linker.
    let android = env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("android");
    if android || is_lld_the_default() {
        println!("cargo::rustc-cdylib-link-arg=-Wl,--icf=all");
    }
    if android {
        // Read by Android 6 and later.
        println!("cargo::rustc-cdylib-link-arg=-Wl,--pack-dyn-relocs=android");
    }
}

/// Rust 1.90 brought lld to this target; who names another linker is let be.
fn is_lld_the_default() -> bool {
    let flags = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    env::var("TARGET").as_deref() == Ok("x86_64-unknown-linux-gnu")
        && env::var_os("RUSTC_LINKER").is_none()
        && !flags.contains("link")
        && minor_version().is_some_and(|minor| minor >= 90)
}

/// The second number of the compiler's version.
fn minor_version() -> Option<u32> {
    let said = Command::new(env::var_os("RUSTC")?).arg("--version").output().ok()?.stdout;
    String::from_utf8(said).ok()?.split_whitespace().nth(1)?.split('.').nth(1)?.parse().ok()
}
