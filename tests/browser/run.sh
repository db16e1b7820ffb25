#!/usr/bin/env bash
# A report is written, opened from disk in headless Chromium without a network, and used.
# Needs chromium, node and npm; playwright-core is installed beside the build. Screenshots are left
# in $target/browser/shots.
set -euo pipefail
cd "$(dirname "$0")/../.."
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
place=$target/browser
mkdir -p "$place/shots"
if [ ! -d "$place/node_modules/playwright-core" ]; then
  npm install --prefix "$place" --no-save --no-audit --no-fund --silent playwright-core@1
fi
cargo build --release --locked --quiet
# A source too slow for its viewers, so that there are stalls to explain.
"$target/release/swarmbed" run scenarios/quickstart.toml --quiet --seeds 2 --out "$place/results" \
  --set swarm.viewers=60 --set 'content.duration=1 min' --set 'class.seed.uplink=600 kbit/s' --set 'run.horizon=20 min'
cp tests/browser/report.mjs "$place/report.mjs"
node "$place/report.mjs" "$place/results/report.html" "$place/shots"
