#!/usr/bin/env bash
# Runs a command with a Swift 6 toolchain: ios/toolchain.sh COMMAND [ARGUMENT...], in the current folder.
#
# The machine's own `swift`, where it is version 6 or later. Else, on Debian and what has its packages configured: Swift from
# Debian trixie, put into a folder of the user's cache by apt itself (its mirror, its keys, nothing of the system is
# changed, 550 MB to load and 2.5 GB on disk, once). The command runs in that folder as its root, by unshare and chroot; where
# those are forbidden, by proot, more slowly. The repository and /tmp are there under their own names; nothing else is.
#
# Exit code 77: there is no such toolchain here, and the last line says why. Any other is the command's own.
set -euo pipefail

readonly SUITE=trixie EDITION=1 # a new edition is put in place beside the old one
readonly PACKAGES=(base-files bash coreutils libc-bin libc6-dev ca-certificates proot swiftlang)
readonly INSIDE=/usr/libexec/swift/bin:/usr/bin:/bin # trixie's swiftlang links `swift` only by its configuration

unavailable() { echo "$*" >&2; exit 77; }
said() { echo "swift toolchain: $*" >&2; }

main() {
  [ $# -gt 0 ] || { echo "usage: toolchain.sh COMMAND [ARGUMENT...]" >&2; exit 2; }
  if is_native; then exec "$@"; fi
  repository=$(cd "$(dirname "$0")/.." && pwd -P)
  architecture=$(dpkg --print-architecture 2>/dev/null) || unavailable "no swift 6, and this is no Debian to take it from"
  root=${XDG_CACHE_HOME:-$HOME/.cache}/ensue/swift-$SUITE-$architecture-$EDITION
  home=$root.home
  mkdir -p "$home"
  (
    flock 9
    [ -e "$root/.complete" ] || put_in_place
  ) 9>"$root.lock"
  enter "$@"
}

is_native() { # whether the machine's own swift will do
  local major
  major=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9]*\).*/\1/p' | head -1)
  [ "${major:-0}" -ge 6 ]
}

put_in_place() {
  local mirror keyring work=$root.partial log=$root.log
  # The mirror that this machine has for Debian itself, whatever it is called.
  mirror=$(mirrors 'Label: Debian' | head -1)
  [ -n "$mirror" ] || mirror=$(mirrors | sed -n '/\/debian\/*$/p' | head -1) # before the first apt-get update nothing has a label
  [ -n "$mirror" ] || unavailable "no swift 6, and apt has no Debian mirror to take it from"
  keyring=/usr/share/keyrings/debian-archive-keyring.gpg
  rm -rf "$work"
  mkdir -p "$work"/apt/{lists/partial,archives/partial} "$work/root"
  : >"$work/apt/status"
  echo "deb ${keyring:+$([ -e "$keyring" ] && echo "[signed-by=$keyring]")} $mirror $SUITE main" >"$work/apt/sources.list"
  said "taking Swift from Debian $SUITE into $root (once; a minute or two)"
  if ! load "$work/apt" >"$log" 2>&1; then
    tail -5 "$log" >&2
    unavailable "Debian $SUITE's swiftlang could not be loaded (log: $log)"
  fi
  unpack "$work" >"$log" 2>&1 || { tail -5 "$log" >&2; unavailable "Swift could not be unpacked (log: $log)"; }
  touch "$work/root/.complete"
  rm -rf "$root"
  mv "$work/root" "$root"
  rm -rf "$work" "$log"
}

mirrors() { # mirrors [FILTER]: those that apt has; without apt none
  apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Component: main' "$@" 2>/dev/null || true
}

load() { # load FOLDER: the packages and all that they need, by the machine's apt but with a state of its own
  local own=(-o Dir::State::lists="$1/lists" -o Dir::State::status="$1/status" -o Dir::Cache::archives="$1/archives"
    -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= -o Dir::State::extended_states="$1/extended"
    -o Dir::Etc::SourceList="$1/sources.list" -o Dir::Etc::SourceParts=/dev/null -o Dir::Etc::Preferences=/dev/null
    -o Dir::Etc::PreferencesParts=/dev/null -o APT::Install-Recommends=false -o APT::Sandbox::User=
    -o APT::Update::Post-Invoke-Success= -o APT::Update::Post-Invoke= -o Acquire::Languages=none)
  apt-get "${own[@]}" update && apt-get "${own[@]}" install --download-only --assume-yes "${PACKAGES[@]}"
}

unpack() { # unpack FOLDER: no package is configured, for a compiler needs none of it
  local package
  dpkg-deb -x "$1"/apt/archives/base-files_*.deb "$1/root" # /bin and /lib, as links, come first
  for package in "$1"/apt/archives/*.deb; do dpkg-deb -x "$package" "$1/root"; done
  echo "root:x:0:0:root:$home:/bin/bash" >"$1/root/etc/passwd"
  ln -sf /usr/libexec/swift/bin/swift "$1/root/usr/bin/swift"
}

enter() { # enter COMMAND...: with the root changed, at the same place
  local clean=(/usr/bin/env -i "PATH=$INSIDE" "HOME=$home" LANG=C.UTF-8 "ENSUE_REPOSITORY=$repository" /bin/bash -c
    'cd "$0" && exec "$@"' "$PWD" "$@") as
  for as in "" --map-root-user; do
    # shellcheck disable=SC2086 # an empty word is no option
    if unshare $as --mount true 2>/dev/null; then
      # shellcheck disable=SC2016 # the inner shell's own
      exec unshare $as --mount --propagation private /bin/bash -c '
        root=$0 repository=$1 home=$2; shift 2
        bind() { mkdir -p "$root$1" && mount --rbind "$1" "$root$1"; }
        bind /proc && bind /dev && bind /tmp && bind "$home" && bind "$repository" || exit
        exec /usr/sbin/chroot "$root" "$@"' "$root" "$repository" "$home" "${clean[@]}"
    fi
  done
  by_proot /usr/bin/true 2>/dev/null || unavailable "Swift is in $root, but unshare, chroot and proot are forbidden here"
  by_proot "${clean[@]}"
}

by_proot() { # proot is trixie's own, and so is started by trixie's loader
  local loader
  loader=$(echo "$root"/lib*/ld-linux-*.so.*)
  "${loader%% *}" --library-path "$(echo "$root"/usr/lib/*-linux-gnu | tr ' ' ':')" "$root/usr/bin/proot" \
    -r "$root" -b /proc -b /dev -b /tmp -b "$home" -b "$repository" -w / "$@"
}

main "$@"
