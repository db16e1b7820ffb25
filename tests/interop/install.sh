#!/usr/bin/env bash
# Installs by name the clients and players that interop tests meet, each by itself, and none of them a must: tests
# tell which they had to do without. rqbit is its library, by its Python binding; the program itself, slow to build,
# only if asked for: `install.sh --all`.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
place=$(realpath -m "${CARGO_TARGET_DIR:-$here/../../target}")/interop

apt_install() {
  apt-get update -qq && apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

for client in transmission-daemon transmission-remote:transmission-cli aria2c:aria2 opentracker \
  qbittorrent-nox rtorrent mpv; do
  command -v "${client%%:*}" >/dev/null || apt_install "${client##*:}" || echo "not installable: ${client##*:}"
done
command -v vlc >/dev/null || apt_install vlc-bin vlc-plugin-base || echo "not installable: vlc"
if [ ! -d "$place/webtorrent/node_modules/webtorrent" ]; then
  command -v npm >/dev/null || apt_install nodejs npm
  mkdir -p "$place/webtorrent"
  cp -r "$here/webtorrent/package.json" "$here/webtorrent/shim" "$place/webtorrent/"
  # Its scripts would build what only browsers need.
  npm install --prefix "$place/webtorrent" --ignore-scripts --omit=optional --no-audit --no-fund --silent ||
    echo "not installable: webtorrent"
fi
if [ ! -d "$place/webtorrent-cli/node_modules/webtorrent-cli" ] && command -v npm >/dev/null; then
  mkdir -p "$place/webtorrent-cli"
  cp -r "$here/webtorrent/shim" "$place/webtorrent-cli/"
  echo '{ "private": true, "dependencies": { "webtorrent-cli": "6.0.1" }, "overrides": { "webrtc-polyfill": "file:./shim" } }' \
    >"$place/webtorrent-cli/package.json"
  # With what is optional to it: uTP.
  npm install --prefix "$place/webtorrent-cli" --ignore-scripts --no-audit --no-fund --silent ||
    echo "not installable: webtorrent-cli"
fi
if ! python3 -c 'import pyrqbit' 2>/dev/null; then
  python3 -m pip install --quiet pyrqbit==0.1.0 2>/dev/null ||
    python3 -m pip install --quiet --break-system-packages pyrqbit==0.1.0 || echo "not installable: pyrqbit"
fi
if [ "${1:-}" = --all ] && ! command -v rqbit >/dev/null; then
  cargo install rqbit --version 9.1.0 --locked --quiet || echo "not installable: rqbit"
fi
