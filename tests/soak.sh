#!/usr/bin/env bash
# Schedules and stories that nobody has seen: SEEDS of each (5, if absent), from the seed FIRST on (by
# chance, if absent). A failure prints its seed, the commit and the smallest story that still shows it.
set -euo pipefail
cd "$(dirname "$0")/.."
seeds=${SEEDS:-5}
first=${FIRST:-$((RANDOM * 32768 + RANDOM))}

cargo test --profile checked --no-run --test properties --test sim
for ((n = 0; n < seeds; n += 200)); do
  TIDEGATE_SEED=fresh cargo test --quiet --profile checked --test properties the_rules
done
echo "stories $first to $((first + seeds - 1)), of ${CLUSTERS:-50} clusters and more"
TIDEGATE_SIM_FIRST=$first TIDEGATE_SIM_SEEDS=$seeds TIDEGATE_SIM_CLUSTERS=${CLUSTERS:-50} \
  cargo test --quiet --profile checked --test sim stories_made_up -- --nocapture
