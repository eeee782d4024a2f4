#!/usr/bin/env bash
# Builds and tests the Kotlin SDK on a JVM. Needs a JDK (11 or later) and Maven; takes them from Debian's packages where
# they are missing and that is allowed. Exit 77, the reason in the last line: skipped.
set -euo pipefail
cd "$(dirname "$0")"

skipped() { echo "$*"; exit 77; }

have() { command -v "$1" >/dev/null 2>&1; }
need() { # need COMMAND PACKAGE
  have "$1" && return
  [ "$(id -u)" = 0 ] && have apt-get || skipped "no $1 (Debian: $2), and no right to install it"
  { apt-get update -qq && apt-get install -y -qq --no-install-recommends "$2"; } >/dev/null 2>&1 || skipped "$2 cannot be installed"
}
need javac default-jdk-headless
need mvn maven

mvn --batch-mode --no-transfer-progress verify "$@"
