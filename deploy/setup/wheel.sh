#!/bin/sh
# Builds the wheel twice, from copies in two places, and fails where the two differ by a byte.
# usage: wheel.sh PYTHON TARGET
set -eu

python=$1
target=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM

# Times in the archive: the last commit's, so that anybody who has the sources gets the same file.
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct 2>/dev/null || echo 1577836800)
export SOURCE_DATE_EPOCH
for turn in one two; do
    mkdir -p "$work/$turn/source" "$work/$turn/wheel"
    git ls-files -z | xargs -0 tar -cf - | tar -xf - -C "$work/$turn/source"
    (umask "$([ $turn = one ] && echo 022 || echo 077)" && cd "$work/$turn/source" &&
        TZ=$([ $turn = one ] && echo UTC || echo Asia/Tokyo) "$python" -m pip wheel --quiet --no-deps \
            --no-build-isolation --disable-pip-version-check --wheel-dir "$work/$turn/wheel" .)
done
for wheel in "$work"/one/wheel/*.whl; do
    cmp "$wheel" "$work/two/wheel/$(basename "$wheel")"
    mkdir -p "$target"
    cp "$wheel" "$target/"
    echo "$target/$(basename "$wheel"): the same twice, sha256 $(sha256sum "$wheel" | cut -d' ' -f1)"
done
