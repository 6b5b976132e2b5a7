#!/usr/bin/env bash
# docs/ as a book, into target/book. A page that SUMMARY.md names and that is not there, and a link
# between pages that mdbook could not follow, end it.
set -euo pipefail
cd "$(dirname "$0")/.."
source tests/tools.sh
need cargo "Install Rust with rustup; rust-toolchain.toml names the version."

book=${1:-$PWD/target/book}
rm -rf "$book"
"$(mdbook)" build docs --dest-dir "$book" 2>&1 | tee "$book.log" | grep -E 'WARN|ERROR' >&2 && { echo "the book has warnings" >&2; exit 1; }
[[ -s "$book/index.html" ]] || { cat "$book.log" >&2; exit 1; }
# Links to pages become links to .html; one that stays .md leads out of the book.
if grep -rnoE 'href="[^":]*\.md(#[^"]*)?"' "$book" --include='*.html'; then
  echo "these links lead out of the book" >&2
  exit 1
fi
