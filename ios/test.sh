#!/usr/bin/env bash
# Builds the Swift package on this machine and tests it, with generated bindings compiled anew. Exit code 77: there is no
# Swift 6 here and none to be had; the last line says why.
#
# ios/test.sh [ARGUMENT...]: arguments go to `swift test`, as in `ios/test.sh --filter Replay`.
set -euo pipefail
cd "$(dirname "$0")/.."

ios/toolchain.sh swift --version >/dev/null
ios/toolchain.sh swift format lint --strict --configuration ios/.swift-format --recursive ios/Package.swift ios/Sources ios/Tests
ios/generate.sh
target=$(cd "${CARGO_TARGET_DIR:-target}" && pwd -P)
symbols=$target/swift/symbols
mkdir -p "$symbols"
flags=(-Xlinker "-L$target/debug" -Xlinker "-rpath=$target/debug"
  -Xswiftc -emit-symbol-graph -Xswiftc -emit-symbol-graph-dir -Xswiftc "$symbols")
ios/toolchain.sh swift test --package-path ios --scratch-path "$target/swift/build" "${flags[@]}" "$@"

# The program of the README decides.
first=$(mktemp -d)
trap 'rm -rf "$first"' EXIT
cp examples/first/tasks.json "$first"
said=$(cd "$first" && "$OLDPWD/ios/toolchain.sh" "$target/swift/build/debug/First")
[ "$said" = "coupon_popup 42" ] || { echo "examples/first/main.swift said: $said" >&2; exit 1; }

# With a library of another version it ends at start, and says why.
if [ "$(uname)" = Linux ]; then
  cp "$target/debug/libensue_ffi.so" "$first/other.so"
  bindings/other-version.sh "$first/other.so"
  if said=$(cd "$first" && "$OLDPWD/ios/toolchain.sh" /usr/bin/env LD_PRELOAD="$first/other.so" \
    "$target/swift/build/debug/First" 2>&1); then
    echo "a library of another version was taken: $said" >&2
    exit 1
  fi
  grep -q "UniFFI API checksum mismatch" <<<"$said" || { echo "of a library of another version is said: $said" >&2; exit 1; }
fi

# The documentation says nothing that is not there.
rm -rf "$target/swift/public" && mkdir "$target/swift/public"
cp "$symbols"/Ensue.symbols.json "$symbols"/Ensue@*.symbols.json "$target/swift/public"
ios/toolchain.sh docc convert ios/Sources/Ensue/Ensue.docc --additional-symbol-graph-dir "$target/swift/public" \
  --fallback-display-name Ensue --fallback-bundle-identifier dev.ensue.Ensue \
  --output-path "$target/swift/Ensue.doccarchive" --warnings-as-errors
