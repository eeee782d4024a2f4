#!/usr/bin/env bash
# Makes a library (an ELF file) look like one of another version: the number that stands for one of its calls becomes that of
# another call. For the tests of what the faces say to that: other-version.sh LIBRARY
set -euo pipefail
library=$1
call=checksum_method_engine_apply other=checksum_method_engine_flush

table=$(readelf --wide --section-headers "$library" | sed -n 's/.* \.dynsym  *DYNSYM  *[0-9a-f]*  *\([0-9a-f]*\) .*/\1/p')
entry() { # entry NAME: its place in the table, and its address
  readelf --wide --dyn-syms "$library" | awk -v name="uniffi_ensue_ffi_$1" '$8 == name { print $1 + 0, $2 }'
}
read -r place _ <<<"$(entry "$call")"
read -r _ address <<<"$(entry "$other")"
# An entry has 24 bytes, of which the last 16 begin with the address, its lowest byte first.
bytes=$(sed 's/../\\x&\n/g' <<<"$address" | tac | tr -d '\n')
printf '%b' "$bytes" | dd of="$library" bs=1 seek=$((16#$table + 24 * place + 8)) conv=notrunc status=none
[ "$(entry "$call" | cut -d' ' -f2)" = "$address" ] || { echo "$library: cannot be changed" >&2; exit 1; }
