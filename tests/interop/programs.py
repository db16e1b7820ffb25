"""The real clients: how each is told to seed or to download, and to talk to nobody it was not told of."""

import functools
import json
import os
import pathlib
import shutil
import subprocess
import sys
import urllib.parse
import urllib.request

from lab import HERE, SWARMBED, wait_until

WEBTORRENT = pathlib.Path(SWARMBED).resolve().parents[1] / "interop/webtorrent/node_modules/webtorrent/index.js"
# What the clients are called, and the program that must be installed.
PROGRAMS = {"libtorrent": sys.executable, "transmission": "transmission-daemon", "aria2": "aria2c",
            "webtorrent": "node", "qbittorrent": "qbittorrent-nox", "rtorrent": "rtorrent", "rqbit": "rqbit"}


@functools.cache
def bound():
    """Whether rqbit's library is there for Python: the program itself takes ten minutes to build."""
    return not subprocess.run([sys.executable, "-c", "import pyrqbit"], capture_output=True, check=False).returncode


@functools.cache
def why_not(name):
    """Why a client cannot take part; `None` if it can."""
    program = PROGRAMS[name]
    if name == "rqbit" and bound():
        return None
    if not shutil.which(program):
        return f"{program} is not installed" + ("; nor is its library for Python" if name == "rqbit" else "")
    if name == "webtorrent":
        loads = subprocess.run(["node", "--input-type=module", "-e", f"await import({json.dumps(str(WEBTORRENT))})"],
                               capture_output=True, check=False)
        if loads.returncode:
            return "its npm package is not installed, or does not load: " + loads.stderr.decode()[-200:].strip()
    return None


class Programs:
    """Of a test: starts clients, each with an address of its own."""

    def _libtorrent(self, name, what, save, seed, peers):
        addr = f"{self.ip()}:6881"
        process = self.start(name, sys.executable, HERE / "lt_peer.py", "--torrent", what, "--save", save,
                             "--listen", addr, "--timeout", 200, *(["--seed"] if seed else ["--stay"]),
                             *(word for peer in peers for word in ["--peer", peer]))
        process.addr = addr
        return process

    def _aria2(self, name, what, save, seed, peers):
        assert not peers, "aria2 is told no peers"
        ip = self.ip()
        process = self.start(
            name, "aria2c", "--no-conf", "--dir", save, "--enable-dht=false", "--enable-dht6=false",
            "--bt-enable-lpd=false", "--disable-ipv6=true", "--listen-port=6881", "--file-allocation=none",
            f"--interface={ip}", "--seed-ratio=0.0", "--seed-time=100", "--summary-interval=0",
            "--bt-tracker-interval=3", *(["--bt-seed-unverified=true"] if seed else []), what)
        process.addr = f"{ip}:6881"
        return process

    def _transmission(self, name, what, save, seed, peers):
        ip, config = self.ip(), self.folder / f"{name}.config"
        config.mkdir()
        (config / "settings.json").write_text(json.dumps({
            "dht-enabled": False, "lpd-enabled": False, "pex-enabled": True, "utp-enabled": False,
            # By default it takes its port at all addresses of IPv6, which may be another test's.
            "bind-address-ipv6": "::1",
            "port-forwarding-enabled": False, "bind-address-ipv4": ip, "peer-port": 6881, "rpc-bind-address": ip,
            "rpc-port": 9091, "rpc-whitelist-enabled": False, "rpc-host-whitelist-enabled": False,
            "preallocation": 0, "download-dir": str(save), "message-level": 2}))
        process = self.start(name, "transmission-daemon", "-f", "-g", config, "--log-info")
        process.addr, process.rpc = f"{ip}:6881", f"{ip}:9091"

        def added():
            said = subprocess.run(["transmission-remote", process.rpc, "-a", what, "-w", save], capture_output=True)
            return b"success" in said.stdout
        wait_until(f"{name} takes the torrent", added, 20)
        return process

    def _webtorrent(self, name, what, save, seed, peers):
        addr = f"{self.ip()}:6881"
        process = self.start(
            name, "node", HERE / "webtorrent/peer.mjs", "seed" if seed else "leech", what, save, addr,
            *(word for peer in peers for word in ["--peer", peer]), env={"WEBTORRENT": str(WEBTORRENT)})
        process.addr = addr
        return process

    def _qbittorrent(self, name, what, save, seed, peers):
        ip, config = self.ip(), self.folder / f"{name}.config"
        folder = config / "qBittorrent/config"
        folder.mkdir(parents=True)
        (folder / "qBittorrent.conf").write_text(f"""[LegalNotice]
Accepted=true
[BitTorrent]
Session\\DHTEnabled=false
Session\\LSDEnabled=false
Session\\PeXEnabled=true
Session\\Port=6881
Session\\QueueingSystemEnabled=false
Session\\BTProtocol=TCP
Session\\InterfaceAddress={ip}
[Network]
PortForwardingEnabled=false
[Preferences]
WebUI\\Address={ip}
WebUI\\LocalHostAuth=false
WebUI\\AuthSubnetWhitelistEnabled=true
WebUI\\AuthSubnetWhitelist=10.77.0.0/16, 127.0.0.0/8
WebUI\\HostHeaderValidation=false
WebUI\\CSRFProtection=false
""")
        process = self.start(name, "qbittorrent-nox", f"--profile={config}", "--webui-port=8080",
                             env={"QT_QPA_PLATFORM": "offscreen"})
        process.addr = f"{ip}:6881"

        def call(path, **form):
            # A form of parts: the torrent is one of them.
            border = "border7c1f"
            parts = b""
            for key, value in form.items():
                named = f'; filename="{key}.torrent"' if isinstance(value, bytes) else ""
                parts += f'--{border}\r\nContent-Disposition: form-data; name="{key}"{named}\r\n\r\n'.encode()
                parts += (value if isinstance(value, bytes) else str(value).encode()) + b"\r\n"
            request = urllib.request.Request(
                f"http://{ip}:8080/api/v2/{path}", parts + f"--{border}--\r\n".encode() if form else None,
                {"Content-Type": f"multipart/form-data; boundary={border}"})
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.read().decode()

        def added():
            source = {"urls": what} if what.startswith("magnet:") else {"torrents": pathlib.Path(what).read_bytes()}
            try:
                return "Ok" in call("torrents/add", savepath=save, skip_checking=str(seed).lower(),
                                    autoTMM="false", **source)
            except OSError:
                return False
        wait_until(f"{name} takes the torrent", added, 30)
        if peers:
            known = wait_until(f"{name} knows it", lambda: json.loads(call("torrents/info")), 20)
            call("torrents/addPeers", hashes=known[0]["hash"], peers="|".join(peers))
        return process

    def _rtorrent(self, name, what, save, seed, peers):
        assert not peers, "rTorrent is told no peers"
        ip, config = self.ip(), self.folder / f"{name}.config"
        (config / "session").mkdir(parents=True)
        (config / "rc").write_text(f"""network.bind_address.set = {ip}
network.port_range.set = 6881-6881
network.port_random.set = no
dht.mode.set = disable
protocol.pex.set = yes
trackers.use_udp.set = yes
protocol.encryption.set = allow_incoming,enable_retry
directory.default.set = "{save}"
session.path.set = "{config}/session"
pieces.hash.on_completion.set = no
system.daemon.set = true
schedule2 = add,1,0,((load.start,"{what}"))
""")
        process = self.start(name, "rtorrent", "-n", "-o", f"import={config}/rc",
                             env={"HOME": str(config), "TERM": "xterm"})
        process.addr = f"{ip}:6881"
        # It listens before it knows the torrent, and refuses who asks for that.
        wait_until(f"{name} takes the torrent", lambda: any((config / "session").glob("*.torrent")), 20)
        return process

    def _rqbit(self, name, what, save, seed, peers):
        # It dials from the machine's first address, and is known by that one and its port.
        ip = "10.77.0.1" if self.NET == "10.77" else "127.0.0.1"
        high, low = map(int, self.ip().split(".")[2:])
        port = 7000 + (250 * high + low) % 50_000
        if not shutil.which("rqbit"):
            assert not peers, "rqbit's library for Python is told no peers"
            process = self.start(name, sys.executable, HERE / "rqbit_peer.py", what, save, port,
                                 env={"HOME": str(self.folder), "XDG_CONFIG_HOME": str(self.folder)})
            process.addr = f"{ip}:{port}"
            return process
        process = self.start(
            name, "rqbit", "--disable-dht", "--disable-lsd", "--disable-upnp-port-forward", "--listen-port", port,
            "--http-api-listen-addr", f"{self.ip()}:3030", "download", "-o", save, "--overwrite",
            *(["--initial-peers", ",".join(peers)] if peers else []), what,
            env={"HOME": str(self.folder), "XDG_CONFIG_HOME": str(self.folder)})
        process.addr = f"{ip}:{port}"
        return process
