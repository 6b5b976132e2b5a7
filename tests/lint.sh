#!/usr/bin/env bash
# Format, lints, documentation, licences and sources of dependencies.
set -euo pipefail
cd "$(dirname "$0")/.."
source tests/tools.sh
need cargo "Install Rust with rustup; rust-toolchain.toml names the version."

cargo fmt --check
cargo clippy --quiet --all-targets -- -D warnings
RUSTDOCFLAGS="-D warnings" cargo doc --quiet --no-deps --document-private-items
deny=$(cargo_tool cargo-deny 0.20.2 cargo-deny)
"$deny" --log-level error check bans licenses sources
