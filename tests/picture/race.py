"""How soon a picture comes: swarmbed and others, one after the other, on the same lines.

race.py RUNS FOLDER: measures each program RUNS times and writes FOLDER/runs.csv and FOLDER/table.md.
"""

import csv
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).parent
sys.path += [str(HERE), str(HERE.parent), str(HERE.parent / "interop")]

from lab import media  # noqa: E402
from homes import Homes  # noqa: E402
from players import PORT, Players, Reader, watch  # noqa: E402

SWARMBED = os.environ["SWARMBED"]
SECONDS = 60
ONE_WAY_S = 0.020
# What is measured, its unit, and what we want of ourselves.
MEASURES = {
    "first byte": ("s", 1.5), "seek": ("s", 1.0), "ffprobe": ("s", 3.5),
    "start at 1.15": ("s", None), "stalls at 1.15": ("", None), "stalled at 1.15": ("s", None),
    "start at 3 x 0.5": ("s", None), "stalls at 3 x 0.5": ("", None), "stalled at 3 x 0.5": ("s", None),
}


class Swarm:
    """Seeds of one torrent in homes with these uplinks (times the bitrate); a viewer's home is the last."""

    def __init__(self, content, shares):
        self.rate = content.stat().st_size / SECONDS
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="swarmbed-picture-"))
        self.homes = Homes("pict", [share * self.rate * 8 for share in shares] + [0], ONE_WAY_S)
        self.viewer, self.children = len(shares), []
        self.torrent = self.folder / "x.torrent"
        tracker = f"{self.homes.addr(0)}:6969"
        subprocess.run([SWARMBED, "node", "create", content, "--out", self.torrent, "--piece-length", "64 KiB",
                        "--duration", str(SECONDS), "--tracker", f"http://{tracker}/announce"],
                       check=True, stdout=subprocess.DEVNULL)
        self.start(0, SWARMBED, "node", "tracker", "--listen", tracker)
        time.sleep(0.3)
        for home in range(len(shares)):
            self.start(home, sys.executable, HERE.parent / "interop/lt_peer.py", "--torrent", self.torrent, "--save",
                       content.parent, "--listen", f"{self.homes.addr(home)}:6881", "--seed", "--timeout", 600)
        time.sleep(1.5)

    def start(self, home, *command):
        log = (self.folder / f"seed{len(self.children)}").open("wb")
        self.children.append(subprocess.Popen(self.homes.command(home, *command), stdin=subprocess.DEVNULL,
                                              stdout=log, stderr=log))

    def play(self, players, kind):
        return players.start(kind, self.homes, self.viewer, self.torrent, self.folder)

    @property
    def addr(self):
        return self.homes.addr(self.viewer)

    def close(self):
        for child in self.children:
            child.kill()
            child.wait()
        self.homes.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def first_byte_and_seek(players, kind, film):
    """Plays for eight seconds, then jumps to four fifths."""
    swarm = Swarm(film, [2])
    server = swarm.play(players, kind)
    try:
        reader = Reader(server)
        got = len(reader.read())
        first = server.since_start()
        until = time.monotonic() + 8
        while time.monotonic() < until and got < film.stat().st_size:
            got += len(reader.read())
        reader.close()
        jumped = time.monotonic()
        reader = Reader(server, film.stat().st_size * 4 // 5)
        reader.read()
        seek = time.monotonic() - jumped
        reader.close()
        return {"first byte": first, "seek": seek}
    finally:
        server.stop()
        swarm.close()


def ffprobe(players, kind, film):
    """Until ffprobe knows how long a film is whose index is at its end."""
    swarm = Swarm(film, [2])
    server = swarm.play(players, kind)
    try:
        Reader(server).close()
        url = f"http://{swarm.addr}:{PORT}{server.media()}"
        probe = subprocess.run(
            swarm.homes.command(swarm.viewer, "ffprobe", "-v", "error", "-show_entries", "format=duration", "-of",
                                "default=nk=1:nw=1", url), capture_output=True, timeout=90, check=True)
        assert abs(float(probe.stdout) - SECONDS) < 1, probe.stdout
        return {"ffprobe": server.since_start()}
    finally:
        server.stop()
        swarm.close()


def whole_film(players, kind, film, name, shares):
    swarm = Swarm(film, shares)
    server = swarm.play(players, kind)
    try:
        seen = watch(server, swarm.rate, SECONDS)
        assert seen["whole"], "it did not come to its end"
        return {f"start at {name}": seen["startup_s"], f"stalls at {name}": seen["stalls"],
                f"stalled at {name}": seen["stalled_s"]}
    finally:
        server.stop()
        swarm.close()


def measure(players, kind, ts, mp4):
    """One run of everything; what failed is not there, and told."""
    row = {"program": kind}
    for look in [lambda: first_byte_and_seek(players, kind, ts), lambda: ffprobe(players, kind, mp4),
                 lambda: whole_film(players, kind, ts, "1.15", [1.15]),
                 lambda: whole_film(players, kind, ts, "3 x 0.5", [0.5, 0.5, 0.5])]:
        try:
            row |= look()
        except (OSError, TimeoutError, AssertionError, subprocess.SubprocessError) as error:
            print(f"{kind}: {error!r}", file=sys.stderr, flush=True)
    print({key: round(value, 2) if isinstance(value, float) else value for key, value in row.items()}, flush=True)
    return row


def table(rows, players):
    """Medians, and the least and the most of each."""
    lines = ["| " + " | ".join(["program", *(f"{name} ({unit})" if unit else name
                                             for name, (unit, _) in MEASURES.items())]) + " |"]
    lines.append("|---" * (len(MEASURES) + 1) + "|")
    lines.append("| *wanted* | " + " | ".join(f"< {wanted}" if wanted else "" for _, wanted in MEASURES.values()) + " |")
    for kind in players.kinds:
        cells = [kind]
        for name in MEASURES:
            values = sorted(row[name] for row in rows if row["program"] == kind and name in row)
            cells.append(f"{statistics.median(values):.3g} ({values[0]:.3g} – {values[-1]:.3g})" if values else "failed")
        lines.append("| " + " | ".join(cells) + " |")
    lines += [f"| {kind} |" + f" {why} |" + " |" * (len(MEASURES) - 1) for kind, why in players.missing.items()]
    return "\n".join(lines) + "\n"


def main():
    runs, folder = int(sys.argv[1]), pathlib.Path(sys.argv[2])
    players = Players(SWARMBED, os.environ["SWARMBED_NPM"])
    only = os.environ.get("SWARMBED_TEST_CLIENTS", "").split()
    players.kinds = [kind for kind in players.kinds if not only or kind in only]
    for kind, why in players.missing.items():
        print(f"SKIPPED: {kind}: {why}", flush=True)
    scratch = pathlib.Path(tempfile.mkdtemp(prefix="swarmbed-film-"))
    try:
        ts, mp4 = media(scratch / "film.ts", SECONDS), media(scratch / "film.mp4", SECONDS)
        rows = [measure(players, kind, ts, mp4) for _ in range(runs) for kind in players.kinds]
    finally:
        shutil.rmtree(scratch)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "runs.csv").open("w", newline="") as file:
        out = csv.DictWriter(file, ["program", *MEASURES], lineterminator="\n")
        out.writeheader()
        out.writerows({key: f"{value:.3f}" if isinstance(value, float) else value for key, value in row.items()}
                      for row in rows)
    (folder / "table.md").write_text(table(rows, players))
    print(table(rows, players))


if __name__ == "__main__":
    main()
