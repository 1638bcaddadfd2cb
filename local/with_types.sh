#!/bin/sh
# Run a command while mypy checks the types, then print what mypy found. Fails if either fails.
set -u
report=$(mktemp)
.venv/bin/mypy >"$report" 2>&1 &
types=$!
trap 'kill "$types" 2>/dev/null; rm -f "$report"' EXIT
trap 'exit 130' INT TERM

status=0
"$@" || status=$?
wait "$types" || status=$?
cat "$report"
exit "$status"
