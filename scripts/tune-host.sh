#!/usr/bin/env bash
# Tunes this machine for a pinned exchange:   ./scripts/tune-host.sh [--dry-run|--undo|--status] [--cores LIST] [--data-dir DIR]
#
#   --cores LIST     the cores of threads.cores in its order, the journaler's first, such as 1-3 or 2,4,6. Without it nothing is
#                    done about single cores' siblings and interrupts, and the governor and idle states are those of all cores
#   --data-dir DIR   the exchange's data folder: the disk under it goes on interrupting the journaler's core
#   --user NAME      whose limits on locked memory and open files are lifted; hoga unless named
#   --state FILE     where the values from before are kept; /var/lib/hoga-tune/state unless named
#   --dry-run        says what would be written where, and writes nothing
#   --status         says how everything stands
#   --undo           writes back every value from before, and forgets them
#
# Each old value is saved before it is changed, and the first one saved stays. What cannot be written is said, and the rest
# goes on; the exit status is 1 then. Nothing outlives a restart of the machine but the limits. HOGA_TUNE_ROOT is the root for tests.
set -uo pipefail

readonly ROOT=${HOGA_TUNE_ROOT:-}
readonly CPUS=$ROOT/sys/devices/system/cpu
readonly DEEP=10 # microseconds of a wake-up from an idle state, above which it is turned off

mode=apply cores=() data_dir='' user=hoga state=$ROOT/var/lib/hoga-tune/state
changed=0 standing=0 failed=0

# ---- one value ----

# What a file holds; of a choice (always [madvise] never) the word in brackets.
read_value() {
  local text
  { text=$(<"$1"); } 2>/dev/null || return 1
  [[ $text =~ \[([^]]*)\] ]] && text=${BASH_REMATCH[1]}
  printf '%s' "$text"
}

# want FILE VALUE: has the file hold the value, as the mode says.
want() {
  local file=$1 value=$2 name=${1#"$ROOT"} old error
  old=$(read_value "$file") || { complain "$name: cannot be read"; return; }
  if [[ $old == "$value" ]]; then
    standing=$((standing + 1))
    [[ $mode == status ]] && echo "as wanted   $name: $old"
    return
  fi
  case $mode in
    dry-run) echo "would write $value to $name (now $old)" ;;
    status) echo "differs     $name: $old, wanted $value" ;;
    apply)
      save value "$name" "$old" || exit 1
      if error=$(put "$file" "$value"); then
        changed=$((changed + 1))
        echo "$name: $old -> $value"
      else
        forget_last "$name"
        complain "$name: stays $old: ${error:-it does not take $value}"
      fi
      ;;
  esac
}

# Writes, and reads again what has come of it. Prints why not.
put() {
  local error
  error=$({ printf '%s\n' "$2" >"$1"; } 2>&1) || { echo "${error##*: }"; return 1; }
  [[ $(read_value "$1") == "$2" ]]
}

complain() {
  failed=$((failed + 1))
  echo "$1" >&2
}

# ---- what was before ----

# A line is: value or file, a tab, the path, a tab, the old value; of a file its bytes in base64, or "absent".
save() {
  { mkdir -p "${state%/*}" && touch "$state"; } || { echo "the old values cannot be kept in $state, so nothing is changed" >&2; return 1; }
  cut -f2 "$state" | grep -qxF -- "$2" && return
  printf '%s\t%s\t%s\n' "$1" "$2" "$3" >>"$state" && sync "$state" 2>/dev/null
  [[ $(tail -n 1 "$state") == "$1"$'\t'"$2"$'\t'"$3" ]] || { echo "$state cannot be written, so nothing is changed" >&2; return 1; }
}

# Nothing was changed after all: there is nothing to write back, unless an earlier run changed it.
forget_last() {
  [[ $(tail -n 1 "$state" | cut -f2) == "$1" ]] && sed -i '$d' "$state"
}

undo() {
  [[ -f $state ]] || { echo "nothing to undo: $state is not there"; return; }
  local kept=() lines kind name old file
  mapfile -t lines <"$state"
  # The last change first: a core must be back before what concerns it.
  local at
  for ((at = ${#lines[@]} - 1; at >= 0; at--)); do
    IFS=$'\t' read -r kind name old <<<"${lines[at]}"
    file=$ROOT$name
    case $kind in
      value) undo_value "$file" "$name" "$old" ;;
      file) undo_file "$file" "$name" "$old" ;;
    esac || kept=("${lines[at]}" "${kept[@]}")
  done
  if ((${#kept[@]})); then
    printf '%s\n' "${kept[@]}" >"$state"
  else
    rm -f "$state" && rmdir "${state%/*}" 2>/dev/null
  fi
}

undo_value() {
  local error
  [[ $(read_value "$1") == "$3" ]] && return
  if error=$(put "$1" "$3"); then
    echo "$2: back to $3"
  else
    complain "$2: cannot be written back to $3: ${error:-it reads otherwise}"
    return 1
  fi
}

undo_file() {
  if [[ $3 == absent ]]; then rm -f "$1"; else base64 -d <<<"$3" >"$1"; fi || { complain "$2: cannot be put back"; return 1; }
  echo "$2: back to what it was"
}

# ---- what is wanted ----

governors() {
  local core file seen=
  for core in "${tuned[@]}"; do
    file=$CPUS/cpu$core/cpufreq/scaling_governor
    [[ -f $file ]] && { seen=1; want "$file" performance; }
  done
  [[ $seen ]] || echo "governor: there is none here; the hypervisor or the firmware decides how fast cores run"
}

idle_states() {
  local core latency seen=
  for core in "${tuned[@]}"; do
    for latency in "$CPUS/cpu$core"/cpuidle/state*/latency; do
      [[ -f $latency ]] || continue
      seen=1
      (($(<"$latency") > DEEP)) && want "${latency%latency}disable" 1
    done
  done
  [[ $seen ]] || echo "idle states: there are none here; the hypervisor or the firmware decides how deep cores sleep"
}

siblings() {
  local core sibling file
  for core in "${cores[@]}"; do
    file=$CPUS/cpu$core/topology/thread_siblings_list
    [[ -f $file ]] || continue
    for sibling in $(expand "$(<"$file")"); do
      if [[ $sibling == "$core" ]]; then continue; fi
      if is_pinned "$sibling"; then
        echo "cores $core and $sibling share their units and are both named: choose others" >&2
      elif [[ -f $CPUS/cpu$sibling/online ]]; then
        want "$CPUS/cpu$sibling/online" 0
      else
        echo "core $sibling shares the units of core $core and cannot be taken offline: choose another than $core" >&2
      fi
    done
  done
}

interrupts() {
  local file number now rest disk place=''
  read -r -a disk <<<"$(disk_interrupts)"
  if ((${#disk[@]})); then
    place=$(interrupted "${disk[@]}")
    echo "the disk under $data_dir interrupts core ${place:-?}; the journaler's, ${cores[0]}, is best: a sync is shorter there"
  elif [[ $data_dir ]]; then
    echo "interrupts: those of the disk under $data_dir are not shown"
  fi
  for file in "$ROOT"/proc/irq/*/smp_affinity_list; do
    [[ -f $file ]] || continue
    number=${file%/*} number=${number##*/}
    if [[ " ${disk[*]} " == *" $number "* ]]; then
      # A disk with a queue for each core has one on the journaler's already.
      [[ " $(expand "$place") " == *" ${cores[0]} "* ]] || want "$file" "${cores[0]}"
      continue
    fi
    now=$(expand "$(<"$file")")
    rest=$(without_pinned "$now")
    [[ $rest ]] || rest=$(without_pinned "$(expand "$(<"$CPUS/online")")")
    [[ $rest ]] || { echo "interrupts: no core is left for them beside $(join "${cores[*]}")"; break; }
    [[ $rest == "$(join "$now")" ]] || want "$file" "$rest"
  done
  if grep -qsx irqbalance "$ROOT"/proc/[0-9]*/comm; then
    echo "irqbalance runs and moves interrupts again: IRQBALANCE_BANNED_CPULIST=$(join "${cores[*]}") in its environment, or stop it"
  fi
}

# The numbers of the interrupts of the disk that the data folder lies on; not those that it has for the odd occasion.
disk_interrupts() {
  [[ $data_dir ]] || return
  local device path name numbers=''
  device=$(awk -v dir="$data_dir/" '{
    point = $5; sub(/\/*$/, "/", point)
    if (index(dir, point) == 1 && length(point) >= longest) { longest = length(point); found = $3 }
  } END { print found }' "$ROOT/proc/self/mountinfo" 2>/dev/null)
  path=$(readlink -e "$ROOT/sys/dev/block/$device") || return
  while [[ -z $numbers && $path == "$ROOT"/sys/devices/?* ]]; do
    name=${path##*/}
    if [[ -d $path/msi_irqs ]]; then
      numbers=$(ls "$path/msi_irqs")
    elif [[ $name == virtio* ]]; then
      numbers=$(awk -v name="$name" '$NF == name || index($NF, name "-") == 1 { sub(":", "", $1); print $1 }' "$ROOT/proc/interrupts")
    fi
    path=${path%/*}
  done
  awk -v numbers="$numbers" '
    BEGIN { split(numbers, list); for (at in list) wanted[list[at] ":"] = 1 }
    NR == 1 { cores = NF; next }
    $1 in wanted { for (core = 2; core <= cores + 1; core++) count[$1] += $core; if (count[$1] > most) most = count[$1] }
    END { for (number in count) if (count[number] * 100 >= most) { sub(":", "", number); print number } }
  ' "$ROOT/proc/interrupts" | sort -n | tr '\n' ' '
}

# The cores on which these interrupts arrive.
interrupted() {
  local number file all=''
  for number in "$@"; do
    for file in effective_affinity_list smp_affinity_list; do
      file=$ROOT/proc/irq/$number/$file
      [[ -f $file ]] && { all+=" $(expand "$(<"$file")")"; break; }
    done
  done
  join "$(tr ' ' '\n' <<<"$all" | sort -un | tr '\n' ' ')"
}

memory() {
  local file=$ROOT/sys/kernel/mm/transparent_hugepage/enabled
  # Where huge pages are never made that is as good.
  [[ -f $file && $(read_value "$file") != never ]] && want "$file" madvise
  [[ -f $ROOT/proc/sys/vm/swappiness ]] && want "$ROOT/proc/sys/vm/swappiness" 1
  file=$ROOT/proc/sys/kernel/numa_balancing
  [[ -f $file ]] && want "$file" 0
}

limits() {
  local file=$ROOT/etc/security/limits.d/90-hoga.conf name=/etc/security/limits.d/90-hoga.conf text old=absent
  [[ -d ${file%/*} ]] || { echo "limits: there is no ${name%/*} here; the unit's LimitMEMLOCK and LimitNOFILE do without"; return; }
  text=$(printf '%s\n' "# Written by hoga's tune-host.sh; --undo takes it away." "$user - memlock unlimited" "$user - nofile 1048576")
  if [[ -f $file && $(<"$file") == "$text" ]]; then
    standing=$((standing + 1))
    [[ $mode == status ]] && echo "as wanted   $name"
    return
  fi
  [[ -f $file ]] && old=$(base64 -w0 <"$file")
  case $mode in
    dry-run) printf 'would write to %s:\n%s\n' "$name" "$text" ;;
    status) echo "differs     $name" ;;
    apply)
      save file "$name" "$old" || exit 1
      if printf '%s\n' "$text" >"$file"; then
        changed=$((changed + 1))
        echo "$name: written; it counts from the next login of $user"
      else
        forget_last "$name"
        complain "$name: cannot be written"
      fi
      ;;
  esac
}

command_line() {
  ((${#cores[@]})) || return
  local list
  list=$(join "${cores[*]}")
  [[ $(without_pinned "$(expand "$(<"$CPUS/online")")") ]] || { echo "no core is left for the system beside $list: isolate none"; return; }
  grep -qs "isolcpus=[^ ]*$list" "$ROOT/proc/cmdline" && return
  echo "for the kernel's command line, by your boot loader: isolcpus=$list nohz_full=$list rcu_nocbs=$list"
}

# ---- lists of cores ----

# 1-3,6 -> 1 2 3 6
expand() {
  local part
  for part in ${1//,/ }; do
    if [[ $part == *-* ]]; then seq -s ' ' "${part%-*}" "${part#*-}"; else echo "$part"; fi
  done | tr '\n' ' ' | sed 's/ $//'
}

# 1 2 3 6 -> 1-3,6
join() {
  local text='' core first='' last='' sorted
  mapfile -t sorted < <(tr ' ' '\n' <<<"$1" | sort -n)
  for core in "${sorted[@]}" end; do
    [[ $core ]] || continue
    if [[ $first && $core == "$((last + 1))" ]]; then last=$core; continue; fi
    if [[ $first == "$last" ]]; then text+=,$first; else text+=,$first-$last; fi
    first=$core last=$core
  done
  text=${text#,}
  echo "${text#,}"
}

is_pinned() { [[ " ${cores[*]} " == *" $1 "* ]]; }

without_pinned() {
  local core rest=()
  for core in $1; do is_pinned "$core" || rest+=("$core"); done
  join "${rest[*]}"
}

# ---- the whole ----

usage() {
  sed -n '2,/^set/p' "$0" | sed -n 's/^# \{0,1\}//p' >&2
  exit 2
}

arguments() {
  while (($#)); do
    case $1 in
      --dry-run | --undo | --status) mode=${1#--} ;;
      --cores | --data-dir | --user | --state)
        (($# > 1)) || usage
        case $1 in
          --cores)
            [[ $2 =~ ^[0-9]{1,4}(-[0-9]{1,4})?(,[0-9]{1,4}(-[0-9]{1,4})?)*$ ]] || usage
            read -r -a cores <<<"$(expand "$2")"
            ;;
          --data-dir) data_dir=$(realpath -m -- "$2") ;;
          --user)
            [[ $2 =~ ^[@A-Za-z_][A-Za-z0-9_.-]*$ ]] || usage
            user=$2
            ;;
          --state) state=$(realpath -m -- "$2") ;;
        esac
        shift
        ;;
      *) usage ;;
    esac
    shift
  done
}

main() {
  arguments "$@"
  [[ -z $ROOT && $mode != dry-run && $mode != status && $(id -u) != 0 ]] && { echo "this takes root; --dry-run and --status do not" >&2; exit 1; }
  if [[ $mode == undo ]]; then
    undo
    ((failed == 0))
    exit
  fi
  local core
  for core in "${cores[@]}"; do
    [[ -d $CPUS/cpu$core ]] || { echo "there is no core $core; online: $(<"$CPUS/online")" >&2; exit 2; }
  done
  tuned=("${cores[@]}")
  ((${#cores[@]})) || read -r -a tuned <<<"$(expand "$(<"$CPUS/online")")"
  governors
  idle_states
  if ((${#cores[@]})); then
    siblings
    interrupts
  else
    echo "without --cores nothing is done about hyper-threads and interrupts"
  fi
  memory
  limits
  command_line
  [[ $mode == apply ]] && echo "$changed changed, $standing as wanted already, $failed cannot be changed"
  ((changed + standing + failed)) || [[ $mode != apply ]] || echo "nothing here can be tuned"
  [[ $mode == status && -f $state ]] && echo "$(wc -l <"$state") values from before are kept in ${state#"$ROOT"}; --undo writes them back"
  ((failed == 0))
}

main "$@"
