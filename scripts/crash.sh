#!/usr/bin/env bash
# Kills a trading exchange with -9 again and again and checks after each recovery that no acknowledged order is lost, no
# shown execution missing, and that two replays agree.   ./scripts/crash.sh [KILLS] [SEED]   (200 kills take about 2 minutes)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export CRASH_KILLS=${1:-200} CRASH_SEED=${2:-$RANDOM}
echo "$CRASH_KILLS kills, seed $CRASH_SEED"
exec cargo test --release --locked -p hoga --test crash -- --nocapture
