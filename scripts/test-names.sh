#!/usr/bin/env bash
# The names of all test cases, one `target::name` a line, sorted, so that a change that moves code can be shown to lose no test.
#   ./scripts/test-names.sh [OPTION…]                         OPTIONs are those of `cargo test`; --workspace where there is none
#   ./scripts/test-names.sh --missing OLD_LIST [OPTION…]      the names of OLD_LIST that are gone; ends with an error if there are some
#
# Builds every test and runs none. A target is the test program, such as `hoga_gateway` for unit tests and `orders` for
# gateway/tests/orders.rs; that of documentation tests is the crate and `doc`. Lines of documentation tests are left out of their names.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

old=
if [[ ${1:-} == --missing ]]; then
  [[ -r ${2:-} ]] || { echo "usage: $0 --missing OLD_LIST [OPTION…], where OLD_LIST is what it has printed before" >&2; exit 2; }
  old=$2
  shift 2
fi
[[ $# -gt 0 ]] || set -- --workspace

# Cargo names the program on one stream and the program its tests on the other, so both are read together.
names=$(cargo test --locked "$@" -- --list 2>&1 | awk '
  $1 == "Running" { target = $NF; sub(/^\(.*\//, "", target); sub(/-[0-9a-f]+\)$/, "", target) }
  $1 == "Doc-tests" { target = $2 "::doc" }
  /^error/ { print > "/dev/stderr" }
  sub(/( - compile( fail)?)?: (test|benchmark)$/, "") { sub(/ \(line [0-9]+\)/, ""); print target "::" $0 }
' | LC_ALL=C sort)

if [[ -z $old ]]; then
  echo "$names"
else
  missing=$(LC_ALL=C comm -23 <(LC_ALL=C sort "$old") <(echo "$names"))
  [[ -z $missing ]] || { echo "$missing"; exit 1; }
fi
