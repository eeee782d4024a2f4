#!/usr/bin/env bash
# The native library, by cargo: `native.sh generate PROFILE DIR` writes the Kotlin bindings of it to DIR, `native.sh library
# PROFILE DIR` puts it, stripped, into DIR/PLATFORM, and `native.sh build PROFILE` prints where it is.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
what=$1 profile=$2 dir=${3-}
target=${CARGO_TARGET_DIR:-$root/target}
case $(uname -s) in
  Darwin) name=libensue_ffi.dylib platform=darwin ;;
  *) name=libensue_ffi.so platform=linux ;;
esac
case $(uname -m) in
  x86_64 | amd64) platform=$platform-x86-64 ;;
  *) platform=$platform-aarch64 ;;
esac
cd "$root"
cargo build --quiet --locked -p ensue-ffi --profile "$profile"
folder=$profile
[ "$profile" != dev ] || folder=debug
library=$target/$folder/$name

case $what in
  build) echo "$library" ;;
  generate)
    cargo build --quiet --locked -p ensue-bindgen
    rm -rf "$dir"
    "$target/debug/uniffi-bindgen" generate "$library" --metadata-no-deps --no-format --language kotlin --out-dir "$dir"
    ;;
  library)
    mkdir -p "$dir/$platform"
    cp "$library" "$dir/$platform/$name"
    strip --strip-unneeded "$dir/$platform/$name" 2>/dev/null || strip -x "$dir/$platform/$name"
    ;;
esac
