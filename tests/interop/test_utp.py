"""uTP (BEP 29): with those who speak nothing else, and under garbage."""

import contextlib
import random
import socket
import struct
import sys
import time

from clients import MIB, Clients, wait_until
from lab import HERE, sha256
from programs import WEBTORRENT
from test_floods import memory


class Utp(Clients):
    def lt(self, name, torrent, save, *arguments):
        addr = f"{self.ip()}:6881"
        process = self.start(name, sys.executable, HERE / "lt_peer.py", "--torrent", torrent, "--save", save,
                             "--listen", addr, "--timeout", 150, "--utp", *arguments)
        process.addr = addr
        return process

    def test_libtorrent_over_utp_alone(self):
        content = self.noise(24 * MIB)
        torrent = self.create(content)
        # It dials us.
        seed = self.serve("seed", torrent, content)
        began = time.monotonic()
        lt = self.lt("lt-leech", torrent, self.folder / "lt-copy", "--peer", seed.addr)
        self.assertEqual(lt.wait(120), 0)
        first = time.monotonic() - began
        self.assertEqual(sha256(self.folder / "lt-copy" / content.name), sha256(content))
        # We dial it: nobody there listens by TCP.
        source = self.lt("lt-seed", torrent, content.parent, "--seed")
        time.sleep(1)
        leech = self.play("leech", torrent, "--peer", source.addr)
        took = self.wait_whole(leech, leech.copy / content.name, content, 120)
        print(f"    24 MiB to libtorrent {first:.1f} s, from it {took:.1f} s", flush=True)
        self.assertEqual(leech.stop(), 0)
        # Without uTP we have nothing to say to each other.
        deaf = self.play("deaf", torrent, "--peer", source.addr, "--no-utp")
        with self.assertRaises(AssertionError):
            wait_until("something comes", lambda: "1 neighbours" in deaf.stderr(), 6)
        self.assertEqual(seed.stop(), 0)

    def test_webtorrent_on_the_command_line(self):
        program = WEBTORRENT.parents[3] / "webtorrent-cli/node_modules/webtorrent-cli/bin/cmd.js"
        if not program.exists():
            self.skipTest("SKIPPED: webtorrent-cli is not installed")
        content, ip, copy = self.noise(6 * MIB), self.ip(), self.folder / "copy"
        torrent = self.create(content, "--tracker", f"http://{ip}:6970/announce")
        seed = self.node("seed", "seed", torrent, "--dir", content.parent, "--listen", ip, "--tracker-listen",
                         f"{ip}:6970", "--metrics", self.folder / "seed.jsonl")
        wait_until("the seed listens", lambda: "peer port" in seed.stderr())
        cli = self.start("cli", "node", program, "download", torrent, "--out", copy, env={"HOME": str(self.folder)})
        took = self.wait_whole(cli, copy / content.name, content, 60)
        print(f"    6 MiB after {took:.1f} s", flush=True)
        self.assertEqual(seed.stop(), 0)

    def test_garbage_and_a_flood_of_knocks(self):
        content = self.noise(8 * MIB)
        torrent = self.create(content)
        seed = self.serve("seed", torrent, content)
        ip, port = seed.addr.split(":")
        before, draw = memory(seed), random.Random(5)
        open_lt = self.lt("lt-early", torrent, self.folder / "early", "--peer", seed.addr)
        with contextlib.ExitStack() as stack:
            socks = [stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) for _ in range(600)]
            for number, sock in enumerate(socks):
                sock.connect((ip, int(port)))
                # Everybody knocks (BEP 29: ST_SYN), and most then talk nonsense on that connection and others.
                conn = 1000 + 2 * number
                sock.send(struct.pack(">BBHIIIHH", 0x41, 0, conn, 1, 0, 1 << 20, 1, 0))
                for _ in range(40):
                    kind = draw.choice([0x01, 0x11, 0x21, 0x31, 0x41, draw.randrange(256)])
                    head = struct.pack(">BBHIIIHH", kind, draw.choice([0, 1, 2, 255]), conn + draw.choice([0, 1]),
                                       draw.randrange(1 << 32), draw.randrange(1 << 32), draw.choice([0, 1 << 20]),
                                       draw.choice([1, 2, draw.randrange(1 << 16)]), draw.randrange(1 << 16))
                    with contextlib.suppress(OSError):
                        sock.send((head + draw.randbytes(draw.choice([0, 1, 4, 100, 1400])))[:draw.choice([5, 20, 1500])])
            grown = memory(seed) - before
        # Those who were there, and whoever comes by TCP, notice nothing; over uTP there is room again when the
        # strangers had their ten seconds.
        copy = self.folder / "tcp"
        tcp = self.libtorrent("lt-tcp", torrent, copy, "--peer", seed.addr, "--stay")
        del tcp
        self.wait_whole(self.process("lt-tcp"), copy / content.name, content, 60)
        self.assertEqual(open_lt.wait(90), 0)
        late = self.lt("lt-late", torrent, self.folder / "late", "--peer", seed.addr)
        self.assertEqual(late.wait(120), 0)
        self.assertEqual(sha256(self.folder / "late" / content.name), sha256(content))
        self.assertNotIn("panic", seed.stderr())
        print(f"    grown by {grown // 1024} KiB", flush=True)
        self.assertLess(grown, 96 * MIB)
        self.assertEqual(seed.stop(), 0)
