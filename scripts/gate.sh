#!/usr/bin/env bash
# Counts the instructions and allocations of Engine::apply on small generated flows with callgrind, and compares them with
# benches/gate.txt: more than 3 % off, either way, fails and names where they went.   ./scripts/gate.sh [--update]
#
# Counts, unlike times, are the same in every run on a machine. Another compiler or C library moves them; so does every change
# of the engine. --update writes the file anew, for a change to be seen in review.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

readonly FLOWS=(a c-normal d) MESSAGES=100000 BASELINE=benches/gate.txt
readonly TOLERANCE=3 # percent
readonly SKIPPED=77  # the status where a tool is missing, as scripts/test.sh reads it
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

have_valgrind() {
  command -v valgrind >/dev/null && command -v callgrind_annotate >/dev/null && return
  if [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null; then
    echo "installing valgrind"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq </dev/null && apt-get install -y -qq --no-install-recommends valgrind </dev/null
    command -v valgrind >/dev/null && return
  fi
  echo "skipped: valgrind is not installed (package valgrind)"
  [[ ${CI:-} != true ]] && return "$SKIPPED"
  return 1
}

# One flow under callgrind: leaves FLOW.line (flow, messages, instructions and allocations per message) and FLOW.where (the
# functions with their instructions per message) in the work folder.
count() {
  local flow=$1 out=$work/$1 said total
  said=$(valgrind --tool=callgrind --quiet --callgrind-out-file="$out.callgrind" --toggle-collect='gate::measured' \
    "$gate" "$flow" "$MESSAGES" 2>"$out.stderr") || { cat "$out.stderr"; return 1; }
  total=$(awk '$1 == "totals:" { print $2 }' "$out.callgrind")
  [[ ${total:-0} -gt 0 ]] || { echo "$flow: callgrind saw no call of gate::measured"; return 1; }
  awk -v flow="$flow" -v total="$total" '{ printf "%s %d %.1f %.4f\n", flow, $2, total / $2, $4 / $2 }' <<<"$said" >"$out.line"
  callgrind_annotate --auto=no --threshold=99 "$out.callgrind" 2>>"$out.stderr" | functions "$flow" >"$out.where"
}

# callgrind_annotate's lines, as "FLOW INSTRUCTIONS-PER-MESSAGE FILE:FUNCTION". Code of another file that was inlined into a
# function has a line of its own.
functions() {
  awk -v flow="$1" -v messages="$MESSAGES" '
    match($0, /^ *[0-9,]+ \( *[0-9.]+%\) +/) {
      cost = $1; gsub(",", "", cost)
      name = substr($0, RSTART + RLENGTH); sub(/ \[[^]]*\]$/, "", name)
      sub(/^.*\/rustc\/[0-9a-f]+\//, "", name); sub(/^.*\/(registry\/src|git\/checkouts)\/[^\/]*\//, "", name)
      sub(/^\.?\/[^:]*\/engine\/src\//, "engine/src/", name); gsub(/ /, "_", name)
      if (name !~ /PROGRAM_TOTALS/ && ++lines <= 25) printf "%s %.1f %s\n", flow, cost / messages, name
    }'
}

write() {
  {
    echo "# Instructions and allocations per command inside Engine::apply: written by scripts/gate.sh --update"
    echo "# with $(rustc --version), $(valgrind --version)"
    echo "# flow messages instructions allocations"
    for flow in "${FLOWS[@]}"; do cat "$work/$flow.line"; done
    echo "# where: flow instructions file:function"
    for flow in "${FLOWS[@]}"; do sed 's/^/at /' "$work/$flow.where"; done
  } >"$BASELINE"
  echo "wrote $BASELINE"
}

# Status 1 where a figure is further off than the tolerance; fewer is a fault of the file, which then hides the next loss.
compare() {
  local flow=$1 known
  known=$(awk -v flow="$flow" '$1 == flow' "$BASELINE")
  [[ -n $known ]] || { echo "$flow: not in $BASELINE; write it with ./scripts/gate.sh --update"; return 1; }
  awk -v tolerance="$TOLERANCE" -v known="$known" '
    function off(got, want, least,    change) {
      if (got - want < least && want - got < least) return 0
      change = want > 0 ? (got - want) * 100 / want : 100
      return change > tolerance || change < -tolerance
    }
    {
      split(known, want, " ")
      same = $2 == want[2]
      bad = !same || off($3, want[3], 0.1) || off($4, want[4], 0.001)
      printf "%-9s %8.1f instructions per command (%.1f known, %+.1f %%), %.4f allocations (%.4f known)%s\n", \
        $1, $3, want[3], ($3 - want[3]) * 100 / want[3], $4, want[4], bad ? "  <- OFF" : ""
      exit bad
    }' "$work/$flow.line"
}

# The functions whose instructions changed most against the file.
culprits() {
  echo "  where $1 changed, in instructions per command:"
  awk -v flow="$1" '
    FNR == NR { if ($1 == "at" && $2 == flow) was[$4] = $3; next }
    { now[$3] = $2 }
    END {
      for (name in now) printf "%+.1f %s (%.1f)\n", now[name] - was[name], name, now[name]
      for (name in was) if (!(name in now)) printf "%+.1f %s (gone)\n", -was[name], name
    }' "$BASELINE" "$work/$1.where" |
    awk '{ size = $1 < 0 ? -$1 : $1; if (size >= 0.5) print size, $0 }' | sort -rn | sed -n '1,8s/^[^ ]* /    /p'
}

main() {
  have_valgrind || exit
  cargo build --release --locked -p hoga-benches --bin gate || exit 1
  gate=${CARGO_TARGET_DIR:-target}/release/gate
  local flow off=0 jobs=()
  for flow in "${FLOWS[@]}"; do
    count "$flow" &
    jobs+=($!)
  done
  for job in "${jobs[@]}"; do wait "$job" || exit 1; done
  if [[ ${1:-} == --update ]]; then
    write
    exit
  fi
  [[ -f $BASELINE ]] || { echo "$BASELINE is missing; write it with ./scripts/gate.sh --update"; exit 1; }
  for flow in "${FLOWS[@]}"; do
    compare "$flow" && continue
    off=1
    culprits "$flow"
  done
  if ((off)); then
    local compiler
    compiler=$(rustc --version)
    grep -qF "$compiler" "$BASELINE" || echo "this is $compiler; $(sed -n 2p "$BASELINE")"
    echo "where the change is meant, write it down with ./scripts/gate.sh --update"
  fi
  exit "$off"
}

main "$@"
