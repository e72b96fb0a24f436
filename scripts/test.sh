#!/usr/bin/env bash
# Every check of the project, from anywhere: ./scripts/test.sh [step…]
#
# Without arguments all steps run, and one that fails does not keep the others from running. What they need beyond Rust is put
# under target/tools. A tool that cannot be had is a skip on a person's machine and a failure where CI=true.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

readonly STEPS=(format lint test docs benches gate python node document page readme hygiene)
readonly E2E=$PWD/scripts/e2e TOOLS=$PWD/target/tools
readonly SKIPPED=77       # the status of a step whose tool is missing
readonly CLIENT_LIMIT=300 # seconds a client step may take

passed=0 failed=0 skipped=0
declare -a failures=()

# ---- the steps ----

step_format() { cargo fmt --all --check; }

step_lint() {
  cargo clippy --workspace --all-targets --locked -- -D warnings || return
  # The fuzz targets are a workspace of their own, which nothing else builds.
  command -v c++ >/dev/null || { echo "the fuzz targets are not looked at: libFuzzer needs a C++ compiler (package g++)"; return 0; }
  RUSTFLAGS="--cfg fuzzing" CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target}/fuzz/lint \
    cargo clippy --locked --manifest-path fuzz/Cargo.toml -- -D warnings
}

# Unit, scenario, property, documentation and end-to-end tests written in Rust. One of them sets the system's clock by libfaketime, and
# says that it is skipped where that is missing; where CI=true it fails.
step_test() {
  have faketime faketime || true
  cargo test --workspace --locked --no-fail-fast
}

step_docs() { RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked; }

# Criterion runs every bench once, as a test, when cargo does not pass --bench.
step_benches() { cargo test -p hoga-benches --benches --locked; }

# Instructions and allocations on an order's way, counted; it asks for valgrind itself.
step_gate() { ./scripts/gate.sh; }

step_python() {
  python_tools && build_hoga || return
  limited "$TOOLS/python/bin/python" "$E2E/python_client.py"
}

step_node() { node_tools && build_hoga && client node_clients; }

step_document() { node_tools && build_hoga && node_and_browser document; }

step_page() { node_tools && chromium_tool && build_hoga && client page; }

step_readme() { node_tools && have curl curl && build_hoga && node_and_browser readme; }

step_hygiene() { ./scripts/hygiene.sh; }

# ---- how client steps run ----

# Builds the binary that the clients start and names it in E2E_HOGA.
build_hoga() {
  [[ -n ${E2E_HOGA:-} ]] && return
  cargo build --locked -p hoga || return 1
  export E2E_HOGA=${CARGO_TARGET_DIR:-target}/debug/hoga
  E2E_HOGA=$(realpath "$E2E_HOGA")
}

client() {
  local flags=()
  # Node 20 and 21 keep their own WebSocket behind a flag.
  node -e 'process.exit(typeof WebSocket === "undefined" && process.allowedNodeEnvironmentFlags.has("--experimental-websocket") ? 0 : 1)' &&
    flags+=(--experimental-websocket)
  limited node "${flags[@]}" --test-reporter=spec "$E2E/$1.test.mjs"
}

# Clients of which those in Node run even where there is no Chromium; the step is then not whole.
node_and_browser() {
  local browser=0
  chromium_tool || browser=$?
  client "$1" && return "$browser"
}

limited() { timeout --signal=TERM --kill-after=20 "$CLIENT_LIMIT" "$@"; }

# ---- tools ----

skip() {
  echo "skipped: $1"
  return "$SKIPPED"
}

# A command that is there, or that Debian's package brings where this script may install it: as root, and never with a question.
have() {
  local command=$1 packages=("${@:2}")
  command -v "$command" >/dev/null && return
  if [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null; then
    echo "installing ${packages[*]}"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq </dev/null && apt-get install -y -qq --no-install-recommends "${packages[@]}" </dev/null
    command -v "$command" >/dev/null && return
  fi
  skip "$command is not installed (package ${packages[*]})"
}

python_tools() {
  have python3 python3 python3-venv || return
  python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { skip "Python 3.11 or newer is needed"; return; }
  is_current python requirements.txt && return
  python3 -m venv --clear "$TOOLS/python" || { skip "python3 cannot make a virtual environment (package python3-venv)"; return; }
  "$TOOLS/python/bin/pip" install --quiet --disable-pip-version-check -r "$E2E/requirements.txt" ||
    { skip "pip could not install scripts/e2e/requirements.txt"; return; }
  mark_current python requirements.txt
}

node_tools() {
  have node nodejs npm && have npm npm || return
  node -e 'process.exit(Number(process.versions.node.split(".")[0]) < 20 ? 1 : 0)' || { skip "Node 20 or newer is needed"; return; }
  export E2E_NODE_TOOLS=$TOOLS/node
  is_current node package-lock.json && return
  mkdir -p "$TOOLS/node" && cp "$E2E/package.json" "$E2E/package-lock.json" "$TOOLS/node/" || return 1
  npm ci --prefix "$TOOLS/node" --ignore-scripts --no-audit --no-fund --loglevel=error ||
    { skip "npm could not install scripts/e2e/package-lock.json"; return; }
  mark_current node package-lock.json
}

# The file that pins versions is copied once everything in it is installed; a difference means that the pins have moved.
is_current() { cmp -s "$E2E/$2" "$TOOLS/$1/installed"; }
mark_current() { cp "$E2E/$2" "$TOOLS/$1/installed"; }

chromium_tool() {
  [[ -n ${E2E_CHROMIUM:-} ]] && return
  local name
  for name in chromium chromium-browser google-chrome google-chrome-stable; do
    E2E_CHROMIUM=$(command -v "$name") && { export E2E_CHROMIUM; return; }
  done
  E2E_CHROMIUM=
  have chromium chromium || return
  E2E_CHROMIUM=$(command -v chromium)
  export E2E_CHROMIUM
}

# ---- one step after another ----

run_step() {
  local name=$1 start=$SECONDS status
  printf '\n== %s\n' "$name"
  ( "step_$name" )
  status=$?
  local took="$((SECONDS - start)) s"
  if ((status == 0)); then
    passed=$((passed + 1))
    echo "== $name: passed in $took"
  elif ((status == SKIPPED)) && [[ ${CI:-} != true ]]; then
    skipped=$((skipped + 1))
    echo "== $name: skipped"
  else
    failed=$((failed + 1))
    failures+=("$name")
    echo "== $name: FAILED after $took"
  fi
}

main() {
  local chosen=("$@") name
  ((${#chosen[@]})) || chosen=("${STEPS[@]}")
  for name in "${chosen[@]}"; do
    declare -F "step_$name" >/dev/null || { echo "no step $name; there are: ${STEPS[*]}" >&2; exit 2; }
  done
  for name in "${chosen[@]}"; do run_step "$name"; done
  printf '\n%s s' "$SECONDS"
  ((skipped)) && printf ', %s skipped' "$skipped"
  ((failed)) && printf ', failed: %s' "${failures[*]}"
  printf '\n%s passed, %s failed\n' "$passed" "$failed"
  ((failed == 0))
}

main "$@"
