#!/usr/bin/env bash
# What the worst that clients and operators may do costs the others.   ./scripts/bounds.sh [beside [OPTION…]]
#
# Without an argument: fills a venue to all default limits (200,000 resting orders on 20,000 levels, 100,000 accounts, a million client
# order ids, a million executions), and prints for every operation the work that was counted beside its bound; ends with an error where a
# count is above. Times are printed and not judged. Takes a minute and 4 GB of memory once built, on a quiet machine.
#
# beside: an exchange under one attack after the other; the latency of a client that behaves beside each and alone, in turns, with
# a verdict. Takes a quarter of an hour once built (9 attacks, 5 pairs of rounds of 10 s). Options are those of `hoga-perf beside`,
# such as --only fok,market --pairs 9 --durability fsync. Ends with PASS or FAIL.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

case ${1:-} in
  "")
    export BOUNDS=full
    exec cargo test --release --locked -p hoga-gateway --test bounds -- --nocapture --test-threads=1
    ;;
  beside)
    cargo build --release --locked -p hoga -p hoga-perf
    exec "${CARGO_TARGET_DIR:-target}/release/hoga-perf" beside "${@:2}"
    ;;
  --help | -h) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0" ;;
  *)
    sed -n '2s/^# //p' "$0" >&2
    exit 2
    ;;
esac
