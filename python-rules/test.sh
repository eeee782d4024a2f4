#!/usr/bin/env bash
# Installs the package in a virtual environment of its own and tests it: pytest, the stubs, and the types of all Python
# here. Exit code 77: there is no Python with venv; the last line says why.
set -euo pipefail
cd "$(dirname "$0")"

skipped() { echo "$*"; exit 77; }

python=$(command -v python3 || true)
[ -n "$python" ] || skipped "no python3"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' || skipped "$("$python" --version) is older than 3.10"
"$python" -c 'import ensurepip, venv' 2>/dev/null || skipped "python3 has no venv"

build=$(cd .. && pwd)/target
venv=$build/python-venv
export PATH="$venv/bin:$PATH" # maturin
[ -x "$venv/bin/pip" ] || "$python" -m venv --clear "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check 'maturin>=1.16,<2' 'pytest>=8' 'mypy>=2' typing_extensions
# What a user does, but for the build isolation, which would download maturin every time.
"$venv/bin/pip" install --quiet --disable-pip-version-check --no-build-isolation --force-reinstall .

"$venv/bin/python" -m pytest
"$venv/bin/python" -m mypy --strict python/ensue tests examples bench ../examples/rental-python/scripts
# From elsewhere, so that the installed package is looked at.
(cd "$build" && "$venv/bin/python" -m mypy.stubtest ensue)
