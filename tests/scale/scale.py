"""One process with many torrents, and a GiB over loopback. scale.py FOLDER writes FOLDER/scale.json."""

import json
import os
import pathlib
import random
import socket
import struct
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "interop"))

from lab import wait_until  # noqa: E402
from wire import Connection, handshake, info_of, message  # noqa: E402

SWARMBED = os.environ["SWARMBED"]
SCRATCH = pathlib.Path("/mnt")
MIB = 1 << 20
TORRENTS, EACH, MEMORY_MAX_MIB = 100, 5, 300
RUNS = 3
TICKS = os.sysconf("SC_CLK_TCK")


class Program:
    """A child with its memory and its processor time."""

    def __init__(self, *command):
        self.log = SCRATCH / f"log{time.monotonic_ns()}"
        self.child = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL,
                                      stdout=self.log.open("wb"), stderr=subprocess.STDOUT)

    def said(self):
        return self.log.read_text(errors="replace")

    def cpu_s(self):
        fields = pathlib.Path(f"/proc/{self.child.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory_mib(self, what="VmHWM"):
        status = pathlib.Path(f"/proc/{self.child.pid}/status").read_text()
        return int(next(line for line in status.splitlines() if line.startswith(what)).split()[1]) / 1024

    def stop(self):
        self.child.terminate()
        self.child.wait(30)


def create(content, tracker, *arguments):
    torrent = content.with_suffix(".torrent")
    subprocess.run([SWARMBED, "node", "create", content, "--out", torrent, "--force", "--tracker", tracker, *arguments],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return torrent


def join(addr, torrent, number):
    """A neighbour that has nothing, and one block of it from the seed."""
    info_hash, *_ = info_of(torrent)
    sock = socket.create_connection(addr)
    sock.sendall(handshake(info_hash, b"-XX0000-%012d" % number) + message(15) + message(2))
    connection = Connection(sock)
    connection.exactly(68)
    return connection


def take(connection, seconds=60):
    """Asks for a block once it may, and gets it."""
    asked = False
    connection.sock.settimeout(seconds)
    while True:
        id, body = connection.message()
        if id == 1 and not asked:
            connection.sock.sendall(message(6, struct.pack(">III", 0, 0, 16384)))
            asked = True
        if id == 7:
            return body[8:]


def many():
    """A hundred torrents of a MiB, five neighbours each: all are served, all stay, and memory is bounded."""
    folder = SCRATCH / "many"
    folder.mkdir()
    contents = []
    for number in range(TORRENTS):
        content = folder / f"{number}.bin"
        content.write_bytes(random.Random(number).randbytes(MIB))
        contents.append(content)
    torrents = [create(content, "http://10.77.0.2:6970/announce", "--piece-length", "16 KiB") for content in contents]
    began = time.monotonic()
    seed = Program(SWARMBED, "node", "seed", *torrents, "--dir", folder, "--listen", "10.77.0.2",
                   "--tracker-listen", "10.77.0.2:6970")
    wait_until("it listens", lambda: "peer port" in seed.said(), 60)
    ready = time.monotonic() - began
    empty = seed.memory_mib("VmRSS")
    connections = []
    for number in range(TORRENTS * EACH):
        at = number % TORRENTS
        connections.append((at, join(("10.77.0.2", 6881), torrents[at], number)))
    served = 0
    for at, connection in connections[:TORRENTS * 4]:
        # Four upload slots: the fifth of each torrent waits its turn, which is not waited for here.
        assert take(connection) == contents[at].read_bytes()[:16384], f"torrent {at}"
        served += 1
    before, began = seed.cpu_s(), time.monotonic()
    time.sleep(10)
    idle = (seed.cpu_s() - before) / (time.monotonic() - began)
    for _, connection in connections:
        connection.sock.setblocking(False)
        try:
            while connection.sock.recv(65536):
                pass
            raise AssertionError("a neighbour was let go")
        except BlockingIOError:
            pass
    result = {"torrents": TORRENTS, "connections": len(connections), "neighbours served": served,
              "ready s": ready, "memory empty MiB": empty, "memory peak MiB": seed.memory_mib(),
              "idle cores": idle}
    seed.stop()
    return result


def libtorrent(torrent, save, addr, *arguments):
    return Program(sys.executable, HERE.parent / "interop/lt_peer.py", "--torrent", torrent, "--save", save,
                   "--listen", addr, "--timeout", 300, *arguments)


def transfer(torrent, content, seeds, leeches, number):
    """From one to the other; seconds, both programs' CPU seconds, peaks."""
    save = SCRATCH / f"copy{number}"
    save.mkdir()
    where = f"10.77.{10 + number // 250}.{number % 250 + 1}"
    if seeds == "swarmbed":
        seed = Program(SWARMBED, "node", "seed", torrent, "--dir", content.parent, "--listen", where, "--tracker-listen",
                       f"{where}:6970", "--no-torrent-trackers")
        wait_until("it listens", lambda: "peer port" in seed.said(), 60)
    else:
        seed = libtorrent(torrent, content.parent, f"{where}:6881", "--seed")
        time.sleep(2)
    before, began = seed.cpu_s(), time.monotonic()
    peer = ["--peer", f"{where}:6881"]
    if leeches == "swarmbed":
        leech = Program(SWARMBED, "node", "play", torrent, "--dir", save, "--listen", "10.77.9.9",
                        "--no-torrent-trackers", *peer)
        wait_until("all of it", lambda: "\ncomplete" in leech.said(), 200)
    else:
        leech = libtorrent(torrent, save, "10.77.9.9:6881", "--stay", *peer)
        copy = save / content.name
        size = content.stat().st_size
        wait_until("all of it", lambda: copy.exists() and copy.stat().st_blocks * 512 >= size, 200)
    took = time.monotonic() - began
    row = {"seed": seeds, "leech": leeches, "s": took, "seed CPU s": seed.cpu_s() - before, "leech CPU s": leech.cpu_s(),
           "seed MiB": seed.memory_mib(), "leech MiB": leech.memory_mib()}
    leech.stop()
    seed.stop()
    assert (save / content.name).read_bytes() == content.read_bytes(), "the copy differs"
    subprocess.run(["rm", "-rf", save], check=True)
    print({key: round(value, 2) if isinstance(value, float) else value for key, value in row.items()}, flush=True)
    return row


def main():
    out = pathlib.Path(sys.argv[1])
    result = {"many": many()}
    print(result, flush=True)
    content = SCRATCH / "gib.bin"
    with content.open("wb") as file:
        for number in range(1024):
            file.write(random.Random(number).randbytes(MIB))
    torrent = create(content, "http://10.77.0.3:6969/announce", "--piece-length", "1 MiB")
    rows = []
    for run in range(RUNS):
        for at, (seeds, leeches) in enumerate([("libtorrent", "libtorrent"), ("swarmbed", "libtorrent"),
                                               ("libtorrent", "swarmbed"), ("swarmbed", "swarmbed")]):
            rows.append(transfer(torrent, content, seeds, leeches, run * 4 + at))

    def median(what, seeds, leeches):
        values = sorted(row[what] for row in rows if (row["seed"], row["leech"]) == (seeds, leeches))
        return values[len(values) // 2]
    lt = ("libtorrent", "libtorrent")
    result["a GiB"] = rows
    result["ratios to libtorrent"] = {
        "time, we seed": median("s", "swarmbed", "libtorrent") / median("s", *lt),
        "time, we download": median("s", "libtorrent", "swarmbed") / median("s", *lt),
        "seed's CPU": median("seed CPU s", "swarmbed", "libtorrent") / median("seed CPU s", *lt),
        "download's CPU": median("leech CPU s", "libtorrent", "swarmbed") / median("leech CPU s", *lt),
    }
    print(result["ratios to libtorrent"], flush=True)
    out.mkdir(parents=True, exist_ok=True)
    shorten = lambda value: round(value, 3) if isinstance(value, float) else value  # noqa: E731
    text = json.dumps(json.loads(json.dumps(result), parse_float=lambda text: shorten(float(text))), indent=1)
    (out / "scale.json").write_text(text + "\n")
    assert result["many"]["memory peak MiB"] < MEMORY_MAX_MIB, result["many"]


if __name__ == "__main__":
    main()
