# Sourced by the scripts beside it: finds or installs the tools of the tests, outside the tree.
# A tool's folder is named by its version, so that raising one installs it anew.

tools_cache=${TIDEGATE_TOOLS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/tidegate/tools}

# need NAME HINT: one line that says what is missing, and how to get it.
need() {
  command -v "$1" >/dev/null 2>&1 || { echo "missing: $1. $2" >&2; exit 1; }
}

# cargo_tool CRATE VERSION BINARY [FLAG...]: prints the path of a tool from the crate registry.
cargo_tool() {
  local crate=$1 version=$2 binary=$3 root="$tools_cache/$1-$2"
  shift 3
  if [[ ! -x "$root/bin/$binary" ]]; then
    echo "installing $crate $version (once, into $root)" >&2
    cargo install --quiet --locked --root "$root" --version "=$version" "$@" "$crate" >&2
  fi
  echo "$root/bin/$binary"
}

# What turns docs/ into a book. Its server and its watcher are left out: they are most of the build.
mdbook() {
  cargo_tool mdbook 0.5.4 mdbook --no-default-features --features search
}
