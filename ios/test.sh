#!/usr/bin/env bash
# Builds the Swift package on this machine and tests it, with generated bindings compiled anew. Exit code 77: there is no
# Swift 6 here and none to be had; the last line says why.
#
# ios/test.sh [ARGUMENT...]: arguments go to `swift test`, as in `ios/test.sh --filter Replay`.
set -euo pipefail
cd "$(dirname "$0")/.."

ios/toolchain.sh swift --version >/dev/null
ios/generate.sh
target=$(cd "${CARGO_TARGET_DIR:-target}" && pwd -P)
# The conformance cases that all faces run, out of the same files.
cargo run --locked --quiet --package ensue-tests --bin recorded -- --every 5 tests/cases >ios/Generated/recorded.jsonl
linked=(-Xlinker "-L$target/debug" -Xlinker "-rpath=$target/debug")
ios/toolchain.sh swift test --package-path ios --scratch-path "$target/swift/build" "${linked[@]}" "$@"
