#!/usr/bin/env bash
# What Kotlin costs, by JMH, over the release library: `record` on the caller's thread while the worker is busy beside a JNI
# call that does nothing, and how long `Ensue.initialize` keeps its caller, the first call of a process too. A line of JSON per
# variant; exit code 1 where a promise is not kept. Takes a few minutes; give it a quiet machine.
#
# android/bench.sh [VARIANT...]: jni wanted wanted_5 wanted_bare unwanted initialize
set -euo pipefail
cd "$(dirname "$0")"
mvn --batch-mode --no-transfer-progress --quiet -P bench -Densue.profile=release -DskipTests package
path=
for module in kotlin native-jvm bindings bench; do path=$path:$(ls "$PWD/ensue-$module/target/ensue-$module"*.jar | grep -v original | head -1); done
exec java -Densue.bench.path="${path#:}" -jar ensue-bench/target/ensue-bench.jar "$@"
