#!/usr/bin/env bash
# Crashes a trading exchange again and again and checks after each recovery that nothing was lost of what clients were told:
# kill -9, then power cuts on ext4, then on XFS, then calls that fail.   ./scripts/torture.sh [ROUNDS] [SEED]   (200 rounds: 5 minutes)
#
# A power cut is the file system's own shutdown ioctl, on a loop device. It takes root; without it there are the kills only. What
# a failed stage leaves (disk images, data folders) is kept and named.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

readonly ROUNDS=${1:-200} SEED=${2:-$RANDOM}
[[ $ROUNDS =~ ^[1-9][0-9]{0,4}$ && $SEED =~ ^[0-9]{1,18}$ ]] || { sed -n 3p "$0"; exit 2; }
readonly LIMIT=$((300 + ROUNDS * 2)) # seconds for one stage
readonly STAGES=(a_kill a_power_cut_on_ext4 a_power_cut_on_xfs)

work=$(mktemp -d) || exit 1
job='' failed=''

# Every process of a stage is in the group of its job. Its mounts are in a namespace of their own and go with the last of them,
# and the loop devices go with the mounts.
clean_up() {
  if [[ -n $job ]]; then
    kill -KILL -- "-$job" 2>/dev/null
    wait "$job" 2>/dev/null
  fi
  if [[ -n $failed ]]; then
    echo "kept for a look: $work"
    return
  fi
  local tries
  for tries in {1..100}; do
    attached || break
    ((tries < 100)) && sleep 0.1
  done
  rm -rf --one-file-system "$work"
}

attached() { command -v losetup >/dev/null && losetup --noheadings --output BACK-FILE | grep -qF "$work"; }

trap clean_up EXIT
trap 'exit 130' INT TERM HUP

# Power cuts need root and the tools of the file systems; Debian's packages bring them where this script may install.
can_cut() {
  [[ $(id -u) == 0 ]] || { echo "skipped: power cuts take root, to mount loop devices"; return 1; }
  if ! { command -v mkfs.ext4 && command -v mkfs.xfs && command -v xfs_io; } >/dev/null && command -v apt-get >/dev/null; then
    echo "installing e2fsprogs, xfsprogs"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq </dev/null && apt-get install -y -qq --no-install-recommends e2fsprogs xfsprogs </dev/null
  fi
  unshare --mount true || { echo "skipped: power cuts take a mount namespace (unshare --mount)"; return 1; }
}

# One stage, by the first words of its test's name. The background job has a process group of its own (set -m).
stage() {
  local name=$1_loses_nothing_that_was_acknowledged_or_shown log=$work/$1.log apart=() status shown
  [[ $1 != a_kill ]] && apart=(unshare --mount)
  : >"$log"
  set -m
  RUST_BACKTRACE=0 TORTURE_DIR=$work TORTURE_ROUNDS=$ROUNDS TORTURE_SEED=$SEED "${apart[@]}" timeout --foreground --signal=KILL "$LIMIT" \
    "$binary" --exact "$name" --nocapture </dev/null >>"$log" 2>&1 &
  job=$!
  set +m
  tail --pid="$job" --sleep-interval=0.2 -n +1 -f "$log" | grep --line-buffered -vE '^(running|test|\|)|^$' &
  shown=$!
  wait "$job"
  status=$?
  wait "$shown"
  kill -KILL -- "-$job" 2>/dev/null # what a test that ran past its limit leaves
  job=''
  grep '^|' "$log" >>"$work/table"
  ((status == 0)) || failed+=" $1"
}

# One call in ROUNDS / 10 fails in each of three ways, beneath the journal and beneath the snapshots; then system calls by strace.
faults() {
  local log=$work/faults.log
  FAULT_CALLS=$((ROUNDS / 10 + 8)) FAULT_SEED=$SEED cargo test --release --locked -p hoga --test faults --test faults_outside -- \
    --nocapture --test-threads=1 >"$log" 2>&1 || failed+=" faults"
  grep -E '(lost|skipped: .*)$' "$log"
}

main() {
  local stages=(a_kill) name
  can_cut && stages=("${STAGES[@]}")
  binary=$(cargo test --release --locked -p hoga --test torture --no-run --message-format=json |
    sed -n 's/.*"executable":"\([^"]*\/torture-[^"]*\)".*/\1/p')
  [[ -x $binary ]] || { echo "cargo built no test"; exit 1; }
  ulimit -c 0
  for name in "${stages[@]}"; do stage "$name"; done
  faults
  echo
  echo '| crash | rounds | and at a start | acknowledged orders | acknowledged cancels | shown executions | lost | torn tails cut | refused starts | starts from a snapshot | snapshots verified | seed | took |'
  echo '|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|'
  cat "$work/table"
  [[ -z $failed ]] || { echo "FAILED:$failed"; exit 1; }
}

main
