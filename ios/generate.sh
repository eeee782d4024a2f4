#!/usr/bin/env bash
# Makes the generated part of the package, ios/Generated, out of the library: the Swift file, the C header, the module map.
#
# ios/generate.sh [--release]: builds the library with that profile first. Nothing of it is committed.
set -euo pipefail
cd "$(dirname "$0")/.."

profile=debug
target=${CARGO_TARGET_DIR:-target}
case $(uname) in Darwin) suffix=dylib ;; *) suffix=so ;; esac

# One after the other: in one build with the generator the library would carry it.
cargo build --locked --quiet --package ensue-ffi
cargo build --locked --quiet --package ensue-bindgen
if [ "${1:-}" = --release ]; then
  profile=release
  cargo build --locked --quiet --package ensue-ffi --release
fi
made=$target/swift/generated
rm -rf "$made"
"$target/debug/uniffi-bindgen" generate "$target/$profile/libensue_ffi.$suffix" \
  --metadata-no-deps --no-format --language swift --out-dir "$made"

# Files that did not change keep their time, so that Swift does not build them again.
put() { mkdir -p "$(dirname "$2")"; cmp --silent "$1" "$2" || cp "$1" "$2"; }
put "$made/EnsueFFI.swift" ios/Generated/EnsueFFI/EnsueFFI.swift
put "$made/EnsueFFIC.h" ios/Generated/EnsueFFIC/EnsueFFIC.h
printf 'module EnsueFFIC {\n    header "EnsueFFIC.h"\n    link "ensue_ffi"\n    export *\n}\n' >"$made/module.modulemap"
put "$made/module.modulemap" ios/Generated/EnsueFFIC/module.modulemap
