#!/bin/sh
# Install everything that the project's commands need: .venv from the lock file with hashes, the environments of the
# emulator and of the Lambda runtime, and the CDK command line. Running it again does nothing. If it cannot install
# something, it prints what is missing and how to get it.
set -eu
cd "$(dirname "$0")/.."
PYTHON=${PYTHON:-python3}

missing() {
    echo "missing: $1" >&2
    exit 1
}

may_use_apt() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; }

command -v "$PYTHON" >/dev/null || missing "Python 3.11, 3.12 or 3.13 (run apt-get install python3, or make PYTHON=...)"
"$PYTHON" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' ||
    missing "Python 3.11, 3.12 or 3.13, but $PYTHON is $("$PYTHON" --version) (run make PYTHON=python3.11)"
command -v node >/dev/null || missing "Node.js 20 or later, with npm (https://nodejs.org)"
[ "$(node -p 'parseInt(process.versions.node)')" -ge 20 ] || missing "Node.js 20 or later, but node is $(node --version) (https://nodejs.org)"
command -v npm >/dev/null || missing "npm, which comes with Node.js 20 or later"

if may_use_apt && [ -z "$(find /var/lib/apt/lists -name '*Packages*' -print -quit 2>/dev/null)" ]; then
    apt-get update -qq || echo "warning: apt-get update failed, so Debian packages may be missing" >&2
fi

if [ ! -x .venv/bin/uv ]; then
    rm -rf .venv
    if ! "$PYTHON" -m venv .venv >/dev/null 2>&1; then
        rm -rf .venv
        may_use_apt || missing "python3-venv (run apt-get install python3-venv as root)"
        apt-get install -y -qq python3-venv >/dev/null || missing "python3-venv (run apt-get install python3-venv)"
        "$PYTHON" -m venv .venv
    fi
    .venv/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/uv.txt
fi

UV=.venv/bin/uv
sync() { # sync ENVIRONMENT LOCKFILE [OPTION]: install exactly the packages of the lock file
    [ -x "$1/bin/python" ] || "$UV" venv -q --python .venv/bin/python "$1"
    "$UV" pip sync -q --require-hashes --python "$1/bin/python" "$2" ${3:-}
}
sync .venv requirements/dev.txt
"$UV" pip install -q --no-deps --no-build-isolation --python .venv/bin/python -e . # provides the command `loader`
sync build/venvs/emulator requirements/emulator.txt
sync build/venvs/lambda requirements/lambda.txt --compile-bytecode
npm ci --silent
