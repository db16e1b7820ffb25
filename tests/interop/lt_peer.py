"""A libtorrent peer, seed or leech, that talks to nobody it was not told of. One JSON line at the end."""

import argparse
import json
import signal
import sys
import time

import libtorrent as lt

parser = argparse.ArgumentParser()
parser.add_argument("--torrent", required=True, help="a file, or a magnet link")
parser.add_argument("--save", required=True)
parser.add_argument("--listen", required=True)
parser.add_argument("--peer", action="append", default=[])
parser.add_argument("--seed", action="store_true")
parser.add_argument("--only", type=int, help="want this file alone")
parser.add_argument("--stay", action="store_true", help="share when complete, until told to stop")
parser.add_argument("--up", type=int, default=0, help="bytes/s")
parser.add_argument("--lsd", action="store_true")
parser.add_argument("--dht", action="store_true")
parser.add_argument("--dht-node", action="append", default=[])
parser.add_argument("--utp", action="store_true", help="speak uTP alone")
parser.add_argument("--timeout", type=float, default=60)
options = parser.parse_args()

session = lt.session({
    "listen_interfaces": options.listen,
    "enable_dht": options.dht, "enable_lsd": options.lsd, "dht_bootstrap_nodes": "",
    # All of this network's nodes have addresses of one block, and names that say nothing of them.
    "dht_restrict_routing_ips": False, "dht_restrict_search_ips": False, "dht_prefer_verified_node_ids": False,
    "dht_enforce_node_id": False, "enable_upnp": False, "enable_natpmp": False,
    "enable_outgoing_utp": options.utp, "enable_incoming_utp": options.utp,
    "enable_outgoing_tcp": not options.utp, "enable_incoming_tcp": not options.utp,
    "allow_multiple_connections_per_ip": True,
    "upload_rate_limit": options.up,
    "alert_mask": int(lt.alert.category_t.error_notification),
    # Who cannot have its own port is of no use at another, and would not say that it listens there.
    "max_retry_port_bind": 0, "listen_system_port_fallback": False,
    "connection_speed": 100,
    # A refused dial is retried after a second, not a minute.
    "min_reconnect_time": 1, "max_failcount": 1000,
})
if not session.is_listening():
    sys.exit(f"nothing listens: {[alert.message() for alert in session.pop_alerts()][-1:]}")
# By default, limits do not hold towards loopback.
everybody = lt.ip_filter()
for first, last in [("0.0.0.0", "255.255.255.255"), ("::", "ffff:" * 7 + "ffff")]:
    everybody.add_rule(first, last, 1 << int(lt.session.global_peer_class_id))
session.set_peer_class_filter(everybody)

for node in options.dht_node:
    ip, port = node.rsplit(":", 1)
    session.add_dht_node((ip, int(port)))

if options.torrent.startswith("magnet:"):
    params = lt.parse_magnet_uri(options.torrent)
else:
    params = lt.add_torrent_params()
    params.ti = lt.torrent_info(options.torrent)
params.save_path = options.save
if options.only is not None:
    params.file_priorities = [4 * (file == options.only) for file in range(params.ti.num_files())]
if options.seed:
    params.flags |= lt.torrent_flags.seed_mode
params.flags &= ~(lt.torrent_flags.auto_managed | lt.torrent_flags.paused)
handle = session.add_torrent(params)
for peer in options.peer:
    ip, port = peer.rsplit(":", 1)
    handle.connect_peer((ip.strip("[]"), int(port)))

stop = []
signal.signal(signal.SIGTERM, lambda *_: stop.append(1))
began = time.monotonic()
done, met = None, set()
while time.monotonic() - began < options.timeout and not stop:
    status = handle.status()
    met |= {peer.ip[0] for peer in handle.get_peer_info() if not peer.flags & (peer.connecting | peer.handshake)}
    if done is None and (status.is_seeding or options.only is not None and status.is_finished):
        done = time.monotonic() - began
    if done is not None and not (options.seed or options.stay):
        break
    time.sleep(0.05)
status = handle.status()
print(json.dumps({
    "done": done,
    "downloaded": status.total_payload_download,
    "uploaded": status.total_payload_upload,
    "met": sorted(met),
}), flush=True)
del handle
# The destructor waits for the disk; leaving without it loses blocks.
del session
