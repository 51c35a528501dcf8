#!/bin/sh
# Makes .venv from a hashed lock file: wheels only, so no compiler is needed. Usage: make-venv.sh PYTHON LOCK
set -eu
python=$1
lock=$2

command -v "$python" >/dev/null || {
    echo "$python is not installed. Install Python 3.11 or newer, or name yours: make PYTHON=python3.12 ..." >&2
    exit 1
}
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "$python is $("$python" -V), and 3.11 or newer is needed: make PYTHON=python3.12 ..." >&2
    exit 1
}
"$python" -c 'import ensurepip' 2>/dev/null || {
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    echo "This Python cannot make virtual environments (ensurepip is missing). On Debian and Ubuntu:" >&2
    echo "    sudo apt install python$version-venv" >&2
    exit 1
}

[ -x .venv/bin/python ] || "$python" -m venv .venv
echo "Installing $lock into .venv (once; the next start is offline and quick) ..."
.venv/bin/pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r "$lock"
.venv/bin/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index -e .
