#!/usr/bin/env bash
# A release reaches three real clusters: staging with its tests, an approval, two clusters of
# production. Everything happens in a folder that is thrown away; the clusters end with this script.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
source tests/tools.sh
need git "Install git from your distribution."
need cargo "Install Rust with rustup; rust-toolchain.toml names the version."

say() { printf '\n\033[1m%s\033[0m\n' "$*" >&2; }
# Shows a command as it would be typed, and runs it.
run() { printf '$ %s\n' "$*" >&2; "$@"; }

say "Building tidegate and its test clusters (the first time takes some minutes)"
cargo build --quiet --bin tidegate --example bed
cargo run --quiet --example bed -- build
helm=$(cargo run --quiet --example bed -- path helm)
target=${CARGO_TARGET_DIR:-$root/target}

work=$(mktemp -d)
bed=
cleanup() {
  [[ -z "$bed" ]] || { kill "$bed" 2>/dev/null || true; wait "$bed" 2>/dev/null || true; }
  rm -rf "$work"
}
trap cleanup EXIT

say "Starting three Kubernetes clusters: staging-1, payments-eu, payments-us"
mkdir -p "$work/kube"
# Opened for both, so that opening waits for nobody; the bed ends when this script's end closes.
mkfifo "$work/hold"
exec 9<>"$work/hold"
"$target/debug/examples/bed" up --dir "$work/kube" --clusters staging-1,payments-eu,payments-us --nodes 2 <"$work/hold" >"$work/bed.log" 2>&1 9>&- &
bed=$!
until [[ -s "$work/kube/payments-us.kubeconfig" && -s "$work/kube/payments-eu.kubeconfig" && -s "$work/kube/staging-1.kubeconfig" ]] && grep -q ready "$work/bed.log"; do
  kill -0 "$bed" 2>/dev/null || { cat "$work/bed.log" >&2; exit 1; }
  sleep 0.2
done

say "A repository of your own: the sample platform with a fleet of three"
mkdir -p "$work/repo/pipelines"
cd "$work/repo"
cp -R "$root/products" "$root/releases" .
cat >pipelines/fleet.yaml <<FLEET
apiVersion: tidegate.dev/v1
kind: Fleet
metadata: { name: demo }
spec:
  environments:
    prod:
      values:
        shop: { replicas: 3 }
  clusters:
    - name: staging-1
      labels: { env: staging, pool: staging }
      kubeconfig: { path: $work/kube/staging-1.kubeconfig }
    - name: payments-eu
      labels: { env: prod, pool: prod-1 }
      kubeconfig: { path: $work/kube/payments-eu.kubeconfig }
    - name: payments-us
      labels: { env: prod, pool: prod-2 }
      kubeconfig: { path: $work/kube/payments-us.kubeconfig }
FLEET
cat >pipelines/main.yaml <<PIPELINE
apiVersion: tidegate.dev/v1
kind: Pipeline
metadata: { name: main }
spec:
  waves:
    - name: staging
      selector: { env: staging }
      tests: all
      canary: true
    - name: prod
      selector: { env: prod }
      atOnce: 2
      soak: { for: 5s }
      gates:
        before:
          - approval: { by: platform-leads, author: allowed }
PIPELINE
export PATH="$target/debug:$PATH" TIDEGATE_HELM="$helm" TIDEGATE_JOURNAL="$work/journal.db"
git init --quiet --initial-branch=main
git config user.name "${USER:-demo}"
git config user.email "${USER:-demo}@example.com"
git add .
git commit --quiet -m "platform: products, a fleet, a pipeline"

run tidegate product tag --all
run tidegate release cut R41
git commit --quiet --all -m "release: R41"
run tidegate plan R41 --out "$work/r41.plan"

say "The release goes to staging, is tested there, and stops before production"
code=0
run tidegate rollout start "$work/r41.plan" --until blocked || code=$?
[[ "$code" == 11 ]] || { echo "expected the rollout to wait for an approval (11), it ended with $code" >&2; exit 1; }
run tidegate rollout why R41 --wave prod

approve=(tidegate rollout approve R41 --wave prod)
if [[ -t 0 ]]; then
  say "Type the command that the screen named, or press Enter to have it typed for you"
  read -r -p '$ ' line || line=
  if [[ -n "$line" ]]; then eval "$line"; else run "${approve[@]}"; fi
else
  say "Nobody is here to say yes, so the demo does"
  run "${approve[@]}"
fi
run tidegate rollout run R41
run tidegate rollout status R41

say "What stays: a tag for each wave, and a journal that can be verified"
run git tag --list 'release/*' -n1
run tidegate journal verify
