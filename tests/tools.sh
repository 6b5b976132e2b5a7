# Sourced by the scripts beside it: finds or installs the tools of the tests, outside the tree.
# A tool's folder is named by its version, so that raising one installs it anew.

tools_cache=${TIDEGATE_TOOLS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tidegate/tools}

# need NAME HINT: one line that says what is missing, and how to get it.
need() {
  command -v "$1" >/dev/null 2>&1 || { echo "missing: $1. $2" >&2; exit 1; }
}

# cargo_tool CRATE VERSION BINARY: prints the path of a tool from the crate registry.
cargo_tool() {
  local root="$tools_cache/$1-$2"
  if [[ ! -x "$root/bin/$3" ]]; then
    echo "installing $1 $2 (once, into $root)" >&2
    cargo install --quiet --locked --root "$root" --version "=$2" "$1" >&2
  fi
  echo "$root/bin/$3"
}
