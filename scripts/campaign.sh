#!/usr/bin/env bash
# Plays random commands to the engine and to the plain reference book, which must answer alike, event by event.
#   ./scripts/campaign.sh [COMMANDS] [SEED]      100,000,000 commands and a random seed by default
#
# The commands are played in slices, each an exchange of its own with the seed after the one before, as many at a time as there are
# cores (JOBS sets another number). The same COMMANDS and SEED play the same campaign again.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

readonly COMMANDS=${1:-100000000} SEED=${2:-$((RANDOM * 32768 + RANDOM))}
readonly SLICE=${SLICE:-2000000} JOBS=${JOBS:-$(nproc)}
readonly TEST=the_engine_and_the_plain_book_never_part
for number in "$COMMANDS" "$SEED" "$SLICE" "$JOBS"; do
  [[ $number =~ ^[0-9]{1,15}$ ]] && continue
  echo "usage: $0 [COMMANDS] [SEED], whole numbers; $number is none" >&2
  exit 2
done
((COMMANDS >= 1 && SLICE >= 1 && JOBS >= 1)) || { echo "COMMANDS, SLICE and JOBS are at least 1" >&2; exit 2; }

logs=$(mktemp -d) || exit 1
trap 'rm -rf "$logs"' EXIT
trap 'echo; echo "stopped: $played of $COMMANDS commands played, seed $SEED"; kill "${!running[@]}" 2>/dev/null; exit 130' INT TERM
declare -A running=()
played=0

echo "campaign of $COMMANDS commands, seed $SEED: ./scripts/campaign.sh $COMMANDS $SEED"
binary=$(cargo test --release --locked -p hoga-engine --test campaign --no-run 2>&1 | tee /dev/stderr |
  sed -n 's/^ *Executable .*(\(.*\))$/\1/p') || exit 1
binary=$(realpath "$binary") || exit 1

# Waits for a slice, any of them, and ends the campaign where it failed.
collect() {
  local done_pid status slice commands
  wait -n -p done_pid "${!running[@]}"
  status=$?
  read -r slice commands <<<"${running[$done_pid]}"
  unset "running[$done_pid]"
  if ((status != 0)); then
    cat "$logs/$slice"
    echo "FAILED. To play this slice again:"
    echo "  CAMPAIGN_COMMANDS=$commands CAMPAIGN_SEED=$slice cargo test --release -p hoga-engine --test campaign $TEST -- --nocapture"
    ((${#running[@]})) && kill "${!running[@]}" 2>/dev/null
    exit 1
  fi
  # A slice whose test was not found passes without having played.
  grep -q "^CAMPAIGN_SEED=$slice CAMPAIGN_COMMANDS=$commands\$" "$logs/$slice" && grep -q ' 1 passed' "$logs/$slice" ||
    { cat "$logs/$slice"; echo "the test $TEST did not play the slice"; exit 1; }
  rm "$logs/$slice"
  played=$((played + commands))
  echo "$played of $COMMANDS commands clean, $((played * 100 / COMMANDS)) %, $SECONDS s"
}

given=0 slice=$SEED
while ((given < COMMANDS)); do
  commands=$((COMMANDS - given < SLICE ? COMMANDS - given : SLICE))
  CAMPAIGN_COMMANDS=$commands CAMPAIGN_SEED=$slice "$binary" --exact "$TEST" --nocapture >"$logs/$slice" 2>&1 &
  running[$!]="$slice $commands"
  given=$((given + commands)) slice=$((slice + 1))
  ((${#running[@]} < JOBS)) || collect
done
while ((${#running[@]})); do collect; done
echo "clean: $COMMANDS commands, seed $SEED, $SECONDS s"
