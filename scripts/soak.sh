#!/usr/bin/env bash
# An exchange under all kinds of clients that come and go: subscribers of every format, compressed and not, some of whom never read;
# order sessions, HTTP pollers, floods of pings, handshakes that never end.   ./scripts/soak.sh [MINUTES] [SEED]   (60 minutes)
#
# Prints memory, descriptors, threads, stalls and connections each minute. Ends with PASS when memory and descriptors stayed flat
# (the last quarter's most within 5 % and a small constant of the second quarter's), descriptors came back to what they were, the
# matcher never waited for the gateway, and every reader heard what was executed without a gap or a repeat.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly MINUTES=${1:-60} SEED=${2:-}
[[ $MINUTES =~ ^[1-9][0-9]{0,3}$ && $SEED =~ ^[0-9]{0,18}$ ]] || { sed -n 3p "$0"; exit 2; }

cargo build --release --locked -p hoga -p hoga-perf
target=${CARGO_TARGET_DIR:-target}/release
exec "$target/hoga-perf" soak --minutes "$MINUTES" ${SEED:+--seed "$SEED"}
