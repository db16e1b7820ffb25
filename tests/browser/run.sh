#!/usr/bin/env bash
# A report is written, opened from disk in headless Chromium without a network, and used; then the
# page of `swarmbed node play` is, with a seed of libtorrent behind it.
# Needs chromium, node and npm, ffmpeg, and libtorrent for Python; playwright-core is installed beside the build. Screenshots are left
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
cp tests/browser/*.mjs "$place/"
node "$place/report.mjs" "$place/results/report.html" "$place/shots"

rm -rf "$place/scratch"
mkdir "$place/scratch"
play=(node "$place/play.mjs" "$target/release/swarmbed" "$PWD/tests/interop/lt_peer.py" "$place/scratch" "$place/shots")
# Root gets a network with nothing but loopback, where no port is taken.
if [ "$(id -u)" = 0 ] && unshare --net true 2>/dev/null; then
  exec unshare --net sh -c 'ip link set lo up && exec "$@"' sh "${play[@]}"
fi
exec "${play[@]}"
