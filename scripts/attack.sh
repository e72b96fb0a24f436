#!/usr/bin/env bash
# What a stranger may try, line by line as docs/attacks.md has it, against two exchanges started for it on this machine:
# signatures, heads, bodies, paths, WebSockets, web pages, administration, slowness, floods.   ./scripts/attack.sh [SECTION,…]
#
# Prints what was expected and what came for each line, and FAIL where they differ. Beside it all a well-behaved client trades, and
# must be answered whole. Takes a quarter of a minute, connects to nothing but 127.0.0.0/8, and ends with PASS or FAIL.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly SECTIONS=${1:-}
[[ $# -le 1 && $SECTIONS =~ ^[A-Za-z\ ,]*$ ]] || { sed -n 3p "$0"; exit 2; }

cargo build --release --locked -p hoga -p hoga-perf
target=${CARGO_TARGET_DIR:-target}/release
exec "$target/hoga-perf" attack ${SECTIONS:+--only "$SECTIONS"}
