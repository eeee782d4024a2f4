#!/usr/bin/env bash
# What `record` costs the thread that calls it, in Swift: ios/bench.sh. A line of JSON per variant; exit code 1 where a
# promise is not kept, 77 where there is no Swift 6.
set -euo pipefail
cd "$(dirname "$0")/.."

ios/toolchain.sh swift --version >/dev/null
ios/generate.sh --release
target=$(cd "${CARGO_TARGET_DIR:-target}" && pwd -P)
linked=(-Xlinker "-L$target/release" -Xlinker "-rpath=$target/release")
ios/toolchain.sh swift run --package-path ios --scratch-path "$target/swift/build" --configuration release \
  "${linked[@]}" EnsueBench "$@"
