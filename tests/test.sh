#!/usr/bin/env bash
# Everything, in parts; prints the minutes of each part and the ten slowest tests.
set -euo pipefail
cd "$(dirname "$0")/.."
source tests/tools.sh
need git "Install git from your distribution."
need cargo "Install Rust with rustup; rust-toolchain.toml names the version."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
parts=()

# A part's commands are joined with `&&`: inside a condition the shell's -e does not hold.
part() {
  local name=$1 start=$SECONDS
  shift
  echo "== $name"
  if ! "$@"; then
    echo "== $name FAILED after $((SECONDS - start)) s" >&2
    exit 1
  fi
  local took=$((SECONDS - start))
  parts+=("$(printf '%-14s %3d min %02d s' "$name" $((took / 60)) $((took % 60)))")
}

# The test binaries are built once and then run by name, so that the runner's own timing can be
# asked for; the variable reaches the finished binaries only, never the compiler.
build() {
  cargo test --no-run --message-format=json "$@" 2>"$work/build.log" >"$work/build.json" || {
    cat "$work/build.log" >&2
    grep -o '"rendered":"[^"]*"' "$work/build.json" >&2 || echo "the build failed" >&2
    return 1
  }
  grep -o '"executable":"[^"]*"' "$work/build.json" | cut -d'"' -f4 | sort -u >>"$work/binaries"
}

# The one test binary of that name: two would mean that one is left out.
binary() {
  grep -E "/deps/$1-[0-9a-f]+\$" "$work/binaries"
}

run() {
  local path
  path=$(binary "$1") || { echo "no test binary $1 was built" >&2; return 1; }
  [[ $(wc -l <<<"$path") == 1 ]] || { printf 'several test binaries %s:\n%s\n' "$1" "$path" >&2; return 1; }
  shift
  RUSTC_BOOTSTRAP=1 "$path" -Z unstable-options --report-time "$@" | tee -a "$work/tests.log"
}

pure() {
  run tidegate && run architecture && run reference && cases
}

# Their harness is not the compiler's own, and knows nothing of its unstable flags.
cases() {
  "$(binary cases)" | tee -a "$work/tests.log"
}

part bed cargo run --quiet --example bed -- build
part build build --lib --test architecture --test reference --test cases --test upstream --test it
part lints tests/lint.sh
part book tests/book.sh
part pure pure
# Schedules and simulated fleets take what they are given: an optimized build, whose minutes they save.
part checked build --profile checked --test properties --test sim
part properties run properties
part simulation run sim
part upstream run upstream
part clusters run it --test-threads "${TIDEGATE_TEST_THREADS:-4}"

echo
echo "slowest tests:"
# awk reads to the end: a reader that leaves early (head) ends sort by SIGPIPE, and this script with it.
sed -n 's/^test \(.*\) \.\.\. ok <\([0-9.]*\)s>$/\2 \1/p' "$work/tests.log" | sort -rn | awk 'NR <= 10 { print "  " $0 }'
echo "parts:"
printf '  %s\n' "${parts[@]}"
passed=$(grep -cE '^test .* \.\.\. ok' "$work/tests.log")
ignored=$(grep -cE '^test .* \.\.\. ignored' "$work/tests.log" || true)
[[ "$ignored" == 0 ]] || { echo "$ignored tests were ignored: none may be skipped in silence" >&2; exit 1; }
echo "$passed passed, 0 failed"
