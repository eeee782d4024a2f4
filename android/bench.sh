#!/usr/bin/env bash
# What Kotlin costs, by JMH, over the release library: `record` on the caller's thread while the worker is busy, and how
# long `Ensue.initialize` keeps its caller. Takes a few minutes; give it a quiet machine.
set -euo pipefail
cd "$(dirname "$0")"
mvn --batch-mode --no-transfer-progress --quiet -P bench -Densue.profile=release -DskipTests package
exec java -jar ensue-bench/target/ensue-bench.jar "$@"
