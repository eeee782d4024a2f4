#!/usr/bin/env bash
# Everything that must hold, in one command; installs what it needs. What cannot be had is said and counted as skipped.
set -euo pipefail
cd "$(dirname "$0")"

step() { printf '\n== %s\n' "$*"; }

skipped=()
face() { # face NAME COMMAND...: exit code 77 says that its toolchain cannot be had here, and its last line why
  local name=$1 log=target/$1.log code=0
  step "$name"
  "${@:2}" 2>&1 | tee "$log" || code=$?
  case $code in
    0) ;;
    77) skipped+=("SKIPPED $name: $(tail -1 "$log")") ;;
    *) exit "$code" ;;
  esac
}

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
RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked --quiet --document-private-items

step tests
cargo test --workspace --locked

step conformance
cargo run --release --locked --quiet -p ensue-tests --bin conformance -- --mode all tests/cases

step "random cases against the oracle"
cargo run --release --locked --quiet -p ensue-tests --bin oracle -- --cases 3000 --seed 1

step "a store whose process is killed"
cargo run --release --locked --quiet -p ensue-tests --bin kill -- --rounds 60

instructions() { # what an event may cost beside more rules and more matches, counted, so that it holds on every machine
  command -v valgrind >/dev/null || { echo "valgrind is not installed: the promises about instructions were not counted"; return 77; }
  cargo bench --profile release --locked --quiet -p ensue-matcher --bench instructions -- --promises
}
face instructions instructions
face python python-rules/test.sh
face kotlin android/test.sh
face swift ios/test.sh

if [ ${#skipped[@]} -gt 0 ]; then printf '\n'; printf '%s\n' "${skipped[@]}" "skipped: ${#skipped[@]}"; fi
