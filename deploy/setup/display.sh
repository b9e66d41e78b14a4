#!/bin/sh
# Installs Grafana's libraries for tests/display from its lock file and bundles them; does nothing
# where that is done already.
set -eu
cd "$(dirname "$0")/../../tests/display"
if ! command -v npm >/dev/null; then
    echo "headroom: npm is not installed; the tests that draw panels will be skipped"
    exit 0
fi
made() { cat package.json package-lock.json main.jsx | cksum; }
if [ -f build/main.js ] && [ "$(cat build/.made-of 2>/dev/null)" = "$(made)" ]; then
    exit 0
fi
if [ "$(cat node_modules/.made-of 2>/dev/null)" != "$(cksum <package-lock.json)" ]; then
    echo "headroom: installing Grafana's libraries for the tests (about a minute the first time)"
    npm ci --silent --no-progress
    cksum <package-lock.json >node_modules/.made-of
fi
npm run --silent bundle
made >build/.made-of
