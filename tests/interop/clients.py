"""Real clients: each on an address of its own, talking to nobody it was not told of."""

import json
import os
import shutil
import subprocess
import sys
import time

from lab import HERE, Lab, sha256, wait_until
from wire import info_of

MIB = 1024 * 1024
# What the clients are called, and the program that must be installed.
PROGRAMS = {"libtorrent": sys.executable, "transmission": "transmission-daemon", "aria2": "aria2c"}


class Clients(Lab):
    """A test with real clients. `self.skipped` names those that are not installed."""

    # Transmission dials no address of 127/8.
    NET = os.environ.get("SWARMBED_TEST_NET", "127.0")

    def setUp(self):
        super().setUp()
        self.skipped = [name for name, program in PROGRAMS.items() if not shutil.which(program)]
        if self.NET == "127.0":
            self.skipped.append("transmission")

    def installed(self):
        return [name for name in PROGRAMS if name not in self.skipped]

    def tell_skipped(self):
        for name in self.skipped:
            print(f"    SKIPPED: {name} ({PROGRAMS[name]} is not installed, or needs a network of its own)", flush=True)

    def client(self, kind, name, what, save, seed=False, peers=()):
        """Downloads `what` (a torrent, or a magnet link) to the folder `save`, or seeds what is there.
        Its process, with `.addr`; it stays until the test ends."""
        save.mkdir(exist_ok=True)
        return getattr(self, f"_{kind}")(name, str(what), save, seed, peers)

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

    def serve(self, name, torrent, content, *arguments):
        """Our seed; its process, with `.addr` and `.magnet`."""
        ip = self.ip()
        seed = self.node(name, "seed", torrent, "--dir", content.parent, "--listen", ip, "--tracker-listen",
                         f"{ip}:6970", "--json", *arguments)
        wait_until(f"{name} listens", lambda: "peer port" in seed.stderr() or not seed.running())
        self.assertTrue(seed.running(), seed.stderr())
        seed.addr = f"{ip}:6881"
        seed.magnet = next(line for line in seed.stderr().splitlines() if line.startswith("magnet:"))
        return seed

    def play(self, name, what, *arguments):
        """Our downloader; its process, with `.copy`."""
        copy = self.folder / f"{name}.copy"
        process = self.node(name, "play", what, "--listen", self.ip(), "--dir", copy, "--json", *arguments)
        process.copy = copy
        return process

    def magnet(self, torrent, *more):
        return f"magnet:?xt=urn:btih:{info_of(torrent)[0].hex()}" + "".join(f"&{one}" for one in more)

    def wait_whole(self, process, copy, content, seconds=90):
        """Until `copy` is what `content` is; how long that took."""
        began, want = time.monotonic(), sha256(content)

        def whole():
            return copy.exists() and copy.stat().st_size == content.stat().st_size and sha256(copy) == want
        try:
            wait_until(f"{process.name} has a whole {copy.name}", whole, seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{process.stderr()[-1500:]}\n{process.out.read_text()[-1500:]}") from None
        return time.monotonic() - began


__all__ = ["MIB", "Clients", "wait_until"]
