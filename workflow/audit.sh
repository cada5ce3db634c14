#!/usr/bin/env bash
# Look every package that requirements.lock and workflow/*.lock pin up in a database of known vulnerabilities (OSV):
# workflow/audit.sh [OPTIONS OF pip-audit]. Nothing is installed; packages for other systems and Pythons count too.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# Unpickles files of a cache folder, so who can write there can run code. DVC brings it and keeps it in a folder of the
# user's own; no version is fixed.
known=(--ignore-vuln GHSA-w8v5-vhqr-4h9v) # diskcache

# Without markers. pip-audit takes one version of a package at a time: of two, the second goes into another file.
awk -v folder="$folder" '
    /^[^ #]/ { split($0, pin, "=="); file = folder "/" seen[pin[1]]++ ".txt"; sub(/ ;.*/, " \\") }
    { print > file }' requirements.lock workflow/*.lock

code=0
for file in "$folder"/*.txt; do
    echo "Looking up $(grep -c '^[^ ]' "$file") packages"
    python -m pip_audit --vulnerability-service osv --strict --disable-pip --progress-spinner off "${known[@]}" \
        --requirement "$file" "$@" 2>"$folder/said" || code=$?
    if grep -q '^Traceback' "$folder/said"; then
        echo "error: the audit did not end: $(tail -n 1 "$folder/said"); name a server that can be reached with OSV=URL" >&2
        exit 2
    fi
    cat "$folder/said" >&2
done
exit "$code"
