#!/usr/bin/env bash
# Coverage-guided fuzzing with libFuzzer on the stable compiler: any bytes as a journal record (codec), as a flow of orders judged by
# the plain reference book (apply), as an engine's image (engine_image), as the views' (views_image), as an HTTP request and its
# handshake (http), as a client's WebSocket frames (websocket), as order entry in each format (request), as the body of an order
# or of an operator's command (body), or as credentials (auth).
# ./scripts/fuzz.sh [MINUTES] [TARGET…]     a minute each by default
#
# What it finds worth keeping stays under target/fuzz/corpus, and the next run starts from it and from fuzz/seeds. Input that fails
# is written to target/fuzz/failures and its name printed. A C++ compiler is needed once, for libFuzzer itself.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

readonly MINUTES=${1:-1} OUT=$PWD/target/fuzz
targets=("${@:2}")
((${#targets[@]})) || targets=(codec apply engine_image views_image http websocket request body auth)
[[ $MINUTES =~ ^[0-9]{1,5}$ && $MINUTES != 0 ]] || { echo "usage: $0 [MINUTES] [codec|apply|engine_image|views_image|http|websocket|request|body|auth…]; $MINUTES is no number of minutes" >&2; exit 2; }
command -v c++ >/dev/null || { echo "skipped: a C++ compiler is needed (package g++)"; exit 77; }

# The flags by which cargo-fuzz has every edge and comparison counted; all of them are stable. A target triple keeps them away
# from build scripts.
host=$(rustc -vV | sed -n 's/^host: //p')
export CARGO_TARGET_DIR=${FUZZ_TARGET_DIR:-$OUT/build}
export RUSTFLAGS="--cfg fuzzing -C panic=abort -C passes=sancov-module -C llvm-args=-sanitizer-coverage-level=4 \
-C llvm-args=-sanitizer-coverage-inline-8bit-counters -C llvm-args=-sanitizer-coverage-pc-table \
-C llvm-args=-sanitizer-coverage-trace-compares"
cargo build --release --locked --manifest-path fuzz/Cargo.toml --target "$host" || exit 1

status=0
for target in "${targets[@]}"; do
  binary=$CARGO_TARGET_DIR/$host/release/$target
  [[ -x $binary ]] || { echo "no target $target; there are codec, apply, engine_image, views_image, http, websocket, request, body and auth" >&2; exit 2; }
  mkdir -p "$OUT/corpus/$target" "$OUT/failures"
  printf '\n== %s, %s min\n' "$target" "$MINUTES"
  "$binary" -max_total_time=$((MINUTES * 60)) -max_len=1024 -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
    -artifact_prefix="$OUT/failures/$target-" "$OUT/corpus/$target" "fuzz/seeds/$target" >"$OUT/$target.log" 2>&1
  code=$?
  grep -E '^(stat::number_of_executed_units|stat::average_exec_per_sec|stat::peak_rss_mb)' "$OUT/$target.log"
  grep -E ' cov: ' "$OUT/$target.log" | tail -n 1 | sed 's/^.*\(cov: [0-9]*\).*\(corp: [^ ]*\).*/\1 edges, \2/'
  if ((code == 0)); then
    echo "== $target: nothing failed"
  else
    status=1
    grep -E "panicked at|ERROR: libFuzzer|^SUMMARY|Test unit written to" -A 2 "$OUT/$target.log" | tail -n 25
    echo "== $target: FAILED. The log is $OUT/$target.log; to play the input again: $binary FILE"
  fi
done
exit "$status"
