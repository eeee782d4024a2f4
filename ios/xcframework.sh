#!/usr/bin/env bash
# Makes what an iOS app takes: a Swift package with the library as an XCFramework, in target/swift/package, and the same
# XCFramework zipped with its checksum, for a package that names it by its address.
#
# ios/xcframework.sh: on a Mac with Xcode and the Rust targets below (rustup target add). This has not been run by the
# project's own checks, which have no Mac: what they do run is the same package on Linux (test.sh).
set -euo pipefail
cd "$(dirname "$0")/.."

[ "$(uname)" = Darwin ] || { echo "xcframework.sh: an XCFramework is made on a Mac, with Xcode" >&2; exit 2; }
readonly DEVICE=aarch64-apple-ios SIMULATORS=(aarch64-apple-ios-sim x86_64-apple-ios)
readonly DESKTOPS=(aarch64-apple-darwin x86_64-apple-darwin)
export IPHONEOS_DEPLOYMENT_TARGET=16.0 MACOSX_DEPLOYMENT_TARGET=13.0

mkdir -p "${CARGO_TARGET_DIR:-target}"
target=$(cd "${CARGO_TARGET_DIR:-target}" && pwd -P)
made=$target/swift/xcframework package=$target/swift/package
rm -rf "$made" "$package"
mkdir -p "$made"/{headers,simulator,desktop}

for triple in "$DEVICE" "${SIMULATORS[@]}" "${DESKTOPS[@]}"; do
  cargo build --locked --release --package ensue-ffi --target "$triple"
done
one() { # one FOLDER TRIPLE...: a library for all these processors
  local into=$made/$1/libensue_ffi.a triple each=()
  for triple in "${@:2}"; do each+=("$target/$triple/release/libensue_ffi.a"); done
  lipo -create -output "$into" "${each[@]}"
}
one simulator "${SIMULATORS[@]}"
one desktop "${DESKTOPS[@]}"

ios/generate.sh --release
cp ios/Generated/EnsueFFIC/EnsueFFIC.h "$made/headers"
# In an XCFramework the library is linked by itself.
printf 'module EnsueFFIC {\n    header "EnsueFFIC.h"\n    export *\n}\n' >"$made/headers/module.modulemap"
xcodebuild -create-xcframework \
  -library "$target/$DEVICE/release/libensue_ffi.a" -headers "$made/headers" \
  -library "$made/simulator/libensue_ffi.a" -headers "$made/headers" \
  -library "$made/desktop/libensue_ffi.a" -headers "$made/headers" \
  -output "$made/EnsueFFIC.xcframework"

mkdir -p "$package/Generated"
cp -RL ios/Package.swift ios/Sources ios/Tests LICENSE "$package"
cp -R ios/Generated/EnsueFFI "$made/EnsueFFIC.xcframework" "$package/Generated"

(cd "$made" && ditto -c -k --keepParent EnsueFFIC.xcframework EnsueFFIC.xcframework.zip)
echo "package:  $package"
echo "zip:      $made/EnsueFFIC.xcframework.zip"
echo "checksum: $(swift package compute-checksum "$made/EnsueFFIC.xcframework.zip")"
