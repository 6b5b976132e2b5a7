#!/usr/bin/env bash
# Builds tidegate, and plays the demo: a release goes through a simulated fleet of 24 clusters. It needs
# no cluster and no network. Flags of `tidegate demo` may follow.
set -euo pipefail
cd "$(dirname "$0")/.."
source tests/tools.sh
need git "Install git from your distribution."
need cargo "Install Rust with rustup; rust-toolchain.toml names the version."

# Not `--release`: that build takes longer than the whole demo.
echo "Building tidegate (the first time takes some minutes)" >&2
cargo build --quiet --locked --bin tidegate
exec "${CARGO_TARGET_DIR:-target}/debug/tidegate" demo "$@"
