"""Real clients: each on an address of its own, talking to nobody it was not told of."""

import os
import time
import urllib.parse

from lab import Lab, get, sha256, wait_until
from programs import PROGRAMS, Programs, why_not
from wire import info_of

MIB = 1024 * 1024


class Clients(Programs, Lab):
    """A test with real clients. `self.skipped` names those that cannot take part, and says why."""

    # Transmission dials no address of 127/8.
    NET = os.environ.get("SWARMBED_TEST_NET", "127.0")

    def setUp(self):
        super().setUp()
        self.skipped = {name: why for name in PROGRAMS if (why := why_not(name))}
        if self.NET == "127.0":
            self.skipped["transmission"] = "it dials no address of 127/8, and this is not root"

    def installed(self):
        only = os.environ.get("SWARMBED_TEST_CLIENTS", "").split()
        return [name for name in PROGRAMS if name not in self.skipped and (not only or name in only)]

    def tell_skipped(self):
        for name, why in self.skipped.items():
            print(f"    SKIPPED: {name}: {why}", flush=True)

    def client(self, kind, name, what, save, seed=False, peers=()):
        """Downloads `what` (a torrent, or a magnet link) to the folder `save`, or seeds what is there.
        Its process, with `.addr`; it stays until the test ends."""
        save.mkdir(exist_ok=True)
        return getattr(self, f"_{kind}")(name, str(what), save, seed, peers)

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

    def known(self, tracker, torrent):
        """Until the tracker can tell of a seed: some ask it again after a minute only."""
        addr = tracker.removeprefix("http://").split("/")[0]
        info_hash = urllib.parse.quote(info_of(torrent)[0])
        wait_until("the tracker knows the seed", lambda: b"8:completei1e" in get(
            addr, f"/scrape?info_hash={info_hash}")[2])

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
