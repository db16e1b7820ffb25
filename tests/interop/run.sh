#!/usr/bin/env bash
# Real clients against swarmbed, on loopback addresses in a network of their own.
# Installs what it needs by name: libtorrent (pip), ffmpeg (apt). Arguments: tests to run, as
# `python3 -m unittest` names them (none: all). Ends with "N passed, N failed"; exit code 1 if any did.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.."

if ! python3 -c 'import libtorrent' 2>/dev/null; then
  python3 -m pip --version >/dev/null 2>&1 || { apt-get update -qq && apt-get install -y -qq python3-pip >/dev/null; }
  # Debian's own Python refuses to be added to unless told that this is meant.
  python3 -m pip install --quiet libtorrent 2>/dev/null ||
    python3 -m pip install --quiet --break-system-packages libtorrent
fi
command -v ffmpeg >/dev/null && command -v ffprobe >/dev/null ||
  { apt-get update -qq && apt-get install -y -qq ffmpeg; } >/dev/null
cargo build --release --quiet
export SWARMBED=${SWARMBED:-${CARGO_TARGET_DIR:-target}/release/swarmbed}
SWARMBED=$(realpath "$SWARMBED")
export PYTHONDONTWRITEBYTECODE=1

# Root gets a network with nothing but loopback, so that no client can reach out and no port is
# taken, and mounts of its own for the full disk. Others share the machine's loopback.
if [ "$(id -u)" = 0 ] && unshare --net --mount true 2>/dev/null; then
  # Besides loopback's own addresses, 10.77/16: some clients dial no address of 127/8.
  exec unshare --net --mount sh -c 'ip link set lo up && ip addr add 10.77.0.1/16 dev lo &&
    export SWARMBED_TEST_NET=10.77 && exec python3 "$@"' sh "$here/run.py" "$@"
fi
exec python3 "$here/run.py" "$@"
