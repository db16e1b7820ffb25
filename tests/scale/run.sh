#!/usr/bin/env bash
# Seeding at scale, beside libtorrent: a hundred torrents and five hundred connections in one process, and what a
# GiB over loopback costs. Needs root and 4 GiB of memory (files lie in a tmpfs). Argument: folder (results/node/scale).
# Installs by name: libtorrent (pip), iproute2 (apt). Asserts the memory; reports the rest.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.."
[ "$(id -u)" = 0 ] || { echo "a network and mounts of its own need root" >&2; exit 2; }
command -v ip >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends iproute2; } >/dev/null
python3 -c 'import libtorrent' 2>/dev/null || python3 -m pip install --quiet libtorrent 2>/dev/null ||
  python3 -m pip install --quiet --break-system-packages libtorrent
if [ -z "${SWARMBED:-}" ]; then
  cargo build --release --locked --quiet
  SWARMBED=${CARGO_TARGET_DIR:-target}/release/swarmbed
fi
SWARMBED=$(realpath "$SWARMBED")
export SWARMBED PYTHONDONTWRITEBYTECODE=1
exec unshare --net --mount sh -c 'ip link set lo up && ip addr add 10.77.0.1/16 dev lo &&
  mount -t tmpfs tmpfs /mnt && exec python3 "$@"' sh "$here/scale.py" "${1:-results/node/scale}"
