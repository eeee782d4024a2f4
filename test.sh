#!/usr/bin/env bash
# Everything that must hold, in one command; installs what it needs. What cannot be had is said and counted as skipped.
set -euo pipefail
cd "$(dirname "$0")"

step() { printf '\n== %s\n' "$*"; }

need() { # need COMPONENT SUBCOMMAND: a component of the Rust toolchain
  cargo "$2" --version >/dev/null 2>&1 || rustup component add "$1"
}
need rustfmt fmt
need clippy clippy

step formatting
cargo fmt --all --check

step lints
cargo clippy --workspace --all-targets --locked -- -D warnings

step documentation
RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked --quiet

step tests
cargo test --workspace --locked

step conformance
cargo run --release --locked --quiet -p ensue-tests --bin conformance -- --mode all tests/cases

step "random cases against the oracle"
cargo run --release --locked --quiet -p ensue-tests --bin oracle -- --cases 3000 --seed 1

step python
python-rules/test.sh
