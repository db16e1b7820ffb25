#!/usr/bin/env bash
# How soon a picture comes, side by side with other programs, in homes with lines of their own: the media
# play at 1 Mbit/s, the way is 40 ms there and back. Needs root. Arguments: runs of each (3), folder (results/node/picture).
# Installs by name: libtorrent (pip), ffmpeg and iproute2 (apt), WebTorrent and peerflix (npm). rqbit takes part
# if it is there (`cargo install rqbit --locked`: some ten minutes).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.."
[ "$(id -u)" = 0 ] || { echo "namespaces and TUN need root" >&2; exit 2; }
command -v ffmpeg >/dev/null && command -v ip >/dev/null ||
  { apt-get update -qq && apt-get install -y -qq --no-install-recommends ffmpeg iproute2; } >/dev/null
python3 -c 'import libtorrent' 2>/dev/null || python3 -m pip install --quiet libtorrent 2>/dev/null ||
  python3 -m pip install --quiet --break-system-packages libtorrent
tests/interop/install.sh
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
export SWARMBED_NPM=$target/interop
if [ ! -d "$SWARMBED_NPM/peerflix/node_modules/peerflix" ]; then
  npm install --prefix "$SWARMBED_NPM/peerflix" --ignore-scripts --no-audit --no-fund --silent peerflix@0.39.0 ||
    echo "not installable: peerflix"
fi
if [ -z "${SWARMBED:-}" ]; then
  cargo build --release --locked --quiet
  SWARMBED=$target/release/swarmbed
fi
SWARMBED=$(realpath "$SWARMBED")
export SWARMBED PYTHONDONTWRITEBYTECODE=1
# Names of namespaces are this run's own.
exec unshare --net --mount sh -c 'mount -t tmpfs run /run && exec python3 "$@"' sh \
  "$here/race.py" "${1:-3}" "${2:-results/node/picture}"
