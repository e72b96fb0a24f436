#!/usr/bin/env bash
# Plays order flows through the live pipeline (ring, journal, matcher, ring; checkpoints; a follower that makes snapshots) and compares
# what it came to with everything that can be had from its journal afterwards: a replay, a replay from a snapshot, and both again by
# a debug build.   ./scripts/digests.sh [MILLIONS OF COMMANDS] [FOLDER]     100 by default, in a folder of the current one
#
# Live events are digested as they leave the output ring. The live matcher's state is digested at each checkpoint, and the next one
# carries that digest into the journal, so every replay below compares its own with it some thousand times. Takes about 15 minutes,
# and 60 bytes of disk a command; everything is removed at the end, or kept where something differs.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

readonly MILLIONS=${1:-100} FOLDER=$(realpath -m "${2:-target/digests}")
readonly FLOWS=(a b100k c-normal d e)
readonly PIECE=2000000 # commands of a flow, played again and again
[[ $MILLIONS =~ ^[1-9][0-9]{0,3}$ ]] || { sed -n 4p "$0"; exit 2; }
readonly REPEAT=$(((MILLIONS * 1000000 / ${#FLOWS[@]} + PIECE - 1) / PIECE))

cargo build --release --locked -p hoga -p hoga-perf && cargo build --locked -p hoga || exit 1
readonly RELEASE=$PWD/target/release/hoga DEBUG=$PWD/target/debug/hoga PERF=$PWD/target/release/hoga-perf

field() { sed -n "s/.*\"$1\":\"\{0,1\}\([^\",}]*\).*/\1/p" | head -n 1; }

failed=0 total=0
differ() { echo "DIFFERS: $*"; failed=1; }

printf '| flow | commands | checkpoints every | snapshots | live = replay, events | state and views: genesis = snapshot + tail = follower | release = debug | replay, commands/s |\n'
printf '|---|---:|---:|---:|---|---|---|---:|\n'
for flow in "${FLOWS[@]}"; do
  dir=$FOLDER/$flow
  rm -rf "$dir"
  mkdir -p "$FOLDER"
  live=$("$PERF" pipeline --dir "$dir" --keep --json --digest --durability page-cache --flow "$flow" --commands "$PIECE" \
    --repeat "$REPEAT" --snapshots $((PIECE * REPEAT * 2 / 5))) || { differ "$flow: the live run failed"; continue; }
  data=$dir/page-cache
  whole=$("$RELEASE" replay --json --data-dir "$data") || { differ "$flow: replay"; continue; }
  fast=$("$RELEASE" replay --json --no-events-digest --data-dir "$data")
  tail=$("$RELEASE" replay --json --from-snapshot --data-dir "$data")
  debug=$("$DEBUG" replay --json --data-dir "$data")
  debug_tail=$("$DEBUG" replay --json --from-snapshot --data-dir "$data")
  events=ok state=ok builds=ok
  [[ $(field events_digest <<<"$live") == "$(field events_digest <<<"$whole")" ]] || events=DIFFERS
  for digest in state_digest views_digest last_sequence; do
    [[ $(field $digest <<<"$whole") == "$(field $digest <<<"$tail")" ]] || state=DIFFERS
    [[ $(field $digest <<<"$whole") == "$(field $digest <<<"$debug")" ]] || builds=DIFFERS
    [[ $(field $digest <<<"$whole") == "$(field $digest <<<"$debug_tail")" ]] || builds=DIFFERS
  done
  [[ $(field events_digest <<<"$whole") == "$(field events_digest <<<"$debug")" ]] || builds=DIFFERS
  [[ $(field snapshot <<<"$tail") -gt 0 && $(field records <<<"$tail") -gt 0 ]] || state="DIFFERS (no snapshot, or no tail)"
  [[ $events$state$builds == okokok ]] || differ "$flow: events $events, state $state, builds $builds"
  commands=$(field last_sequence <<<"$whole")
  total=$((total + commands))
  printf '| %s | %s | 20,000 | %s | %s | %s | %s | %s |\n' "$flow" "$commands" "$(field snapshots <<<"$live")" "$events" "$state" "$builds" \
    "$(field records_per_second <<<"$fast")"
  ((failed)) || rm -rf "$dir"
done
echo "$total commands"
((failed)) && { echo "kept for a look: $FOLDER"; exit 1; }
rmdir "$FOLDER" 2>/dev/null
exit 0
