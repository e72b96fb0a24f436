#!/usr/bin/env bash
# Counts the instructions and allocations of every operation on an order's way, and compares them with benches/gate.txt:
# more than 3 % off, either way, fails and names where they went.   ./scripts/gate.sh [--update] [--only NAME]
#
# A door to `hoga-perf gate`, which builds and counts; here valgrind is looked for.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

readonly SKIPPED=77 # the status where a tool is missing, as scripts/test.sh reads it

have_valgrind() {
  command -v valgrind >/dev/null && return
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

have_valgrind || exit
exec cargo run --locked -p hoga-perf -- gate "$@"
