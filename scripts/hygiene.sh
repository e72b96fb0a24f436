#!/usr/bin/env bash
# What no compiler sees: machine paths, private hosts, left-over marks, build outputs and files that have grown too long.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

status=0
tell() {
  [[ -z $2 ]] && return
  printf '%s\n%s\n' "$1" "$2"
  status=1
}

files() {
  if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
    git ls-files --cached --others --exclude-standard
  else
    find . -type f -not -path './target/*' -not -path './data/*' | sed 's|^\./||'
  fi
}
mapfile -t all < <(files | sort | while read -r file; do [[ -f $file ]] && echo "$file"; done)
mapfile -t sources < <(printf '%s\n' "${all[@]}" | grep -E '\.(rs|mjs|js|py|sh|html|toml|md|json|txt)$|^\.ci/' | grep -v '^scripts/hygiene\.sh$')

tell "Paths of one machine:" "$(grep -nE '(^|[^a-zA-Z0-9_.])/(work|root|home|Users)/' "${sources[@]}")"
tell "Marks that need an end:" "$(printf '%s\n' "${sources[@]}" | grep -E '\.(rs|mjs|js|py|sh|html)$' |
  xargs grep -nE '(^|[^-A-Za-z])(TODO|FIXME|XXX|HACK)\b|\b(todo|unimplemented|dbg)!')"
tell "Packages locked to another host than the public registries:" "$(
  grep -nE '"resolved":|registry' scripts/e2e/package-lock.json
  grep -nE '^source = ' Cargo.lock | grep -v '"registry+https://github.com/rust-lang/crates.io-index"'
)"
tell "Build outputs among the sources:" "$(printf '%s\n' "${all[@]}" | grep -E '(^|/)(target|node_modules|__pycache__)/|\.(o|so|a|rlib|pyc|whl|log)$')"
tell "Scripts that cannot be run:" "$(for file in .ci/run scripts/*.sh; do [[ -x $file ]] || echo "$file"; done)"
tell "Scripts that bash cannot read:" "$(for file in .ci/run scripts/*.sh; do bash -n "$file" 2>&1; done)"

long=$(printf '%s\n' "${sources[@]}" | grep -E '\.(rs|mjs|py|sh|html)$' | xargs wc -l | awk '$2 != "total" && $1 > 500 {print "  " $1, $2}')
[[ -n $long ]] && printf 'warning: above 500 lines; would each be clearer as two?\n%s\n' "$long"
exit "$status"
