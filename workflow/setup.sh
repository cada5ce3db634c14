#!/usr/bin/env bash
# Make a virtual environment from requirements.lock: workflow/setup.sh FOLDER. Nothing unpinned is fetched.
set -euo pipefail
venv=$(realpath -m "$1")
export VIRTUAL_ENV=$venv
lock=requirements.lock

fail() {
    echo "error: $1" >&2
    exit 2
}

suits() {
    "$1" -c 'import sys; raise SystemExit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null
}

# Lines of the lock that pin the named packages, hashes included.
pins() {
    awk -v names="^($1)==" '/^[^ ]/ { keep = $0 ~ names } keep' "$lock"
}

for python in "${PYTHON:-python3}" python3.13 python3.12 python3.11 ""; do
    [ -z "$python" ] && fail "no Python 3.11, 3.12 or 3.13 was found; install one, or name it with PYTHON=/path/to/python3"
    suits "$python" && break
done

rm -rf "$venv"
hash -r
if uv=$(command -v uv); then
    "$uv" venv --quiet --python "$(command -v "$python")" "$venv"
else
    "$python" -m venv "$venv" >/dev/null 2>&1 ||
        fail "$python cannot make a virtual environment; install its venv module (on Debian or Ubuntu: apt-get install python3-venv) or uv, then run again"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r <(pins uv)
    uv=$venv/bin/uv
fi

quiet=--quiet
[ -t 2 ] && quiet=  # a terminal gets uv's progress bars
echo "Installing $(grep -c '^[^ ].*==' "$lock") pinned packages into $1 (about 6 GB with CUDA libraries)"
# What builds the few packages that come as source, and this one, is pinned as well and comes first.
"$uv" pip install --quiet --no-deps --require-hashes -r <(pins 'setuptools')
# Compiled now: where Python keeps no bytecode (PYTHONDONTWRITEBYTECODE), each command would take twice as long.
"$uv" pip sync $quiet --compile-bytecode --require-hashes --no-build-isolation "$lock"
"$uv" pip install --quiet --no-deps --no-build-isolation --editable .
"$venv/bin/hyperseg" --version
