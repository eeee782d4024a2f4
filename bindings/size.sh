#!/usr/bin/env bash
# The size of the native library: stripped, and by part. A part's share is the sum of its symbols before stripping
# (text and data), so the parts add up to a little less than the file: tables of the linker, unwinding and padding are "rest".
set -euo pipefail
cd "$(dirname "$0")/.."
profile=${1:-release}
library=$(android/native.sh build "$profile")
stripped=$(mktemp)
trap 'rm -f "$stripped"' EXIT
strip --strip-unneeded -o "$stripped" "$library"
total=$(stat -c %s "$stripped")
echo "library (stripped, $profile): $total bytes"
nm --print-size --size-sort --radix=d --demangle=rust "$library" | awk -v total="$total" '
  { size = $2 + 0; name = $0; sub(/^[0-9]+ [0-9]+ . /, "", name); kind = $3; if (kind ~ /[bB]/) next
    if (name ~ /^anon\./) part = "Rust constants without a name"
    else if (name !~ /::|<|^_R|^Java_|^uniffi|^ffi_|rust/) part = "SQLite, and the little other C"
    else if (name ~ /uniffi/) part = "UniFFI (runtime and scaffolding)"
    else if (name ~ /ensue_ffi|Java_/) part = "ensue-ffi"
    else if (name ~ /ensue_engine/) part = "ensue-engine"
    else if (name ~ /ensue_matcher/) part = "ensue-matcher"
    else if (name ~ /ensue_dsl/) part = "ensue-dsl"
    else if (name ~ /ensue_rule/) part = "ensue-rule"
    else if (name ~ /rusqlite|libsqlite3/) part = "rusqlite"
    else if (name ~ /serde/) part = "serde"
    else if (name ~ /regex_lite/) part = "regex-lite"
    else if (name ~ /nom::|nom\[/) part = "nom"
    else if (name ~ /jni|cesu8/) part = "jni"
    else if (name ~ /core::|alloc::|std::|core\[|alloc\[|std\[|gimli|addr2line|rustc_demangle|rust_|hashbrown|miniz|object::/) part = "Rust std"
    else if (name ~ /::/) part = "other crates"
    sum[part] += size; all += size }
  END { for (p in sum) printf "%9d  %s\n", sum[p], p; printf "%9d  rest (relocations, unwinding, strings without a symbol)\n", total - all }' | sort -rn
