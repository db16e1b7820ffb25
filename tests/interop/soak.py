"""Half an hour of a live stream at a high bitrate: what source and viewer hold in memory and on disk.

Not run by continuous integration, for it takes as long as it says:

    tests/interop/run.sh soak

SWARMBED_SOAK_S (1800) says how many seconds, SWARMBED_SOAK_RATE ("50 Mbit/s") how fast, SWARMBED_SOAK_OUT
(results/live/soak) where `soak.csv`, `soak.svg` and, if chromium is installed, `soak.png` go.
"""

import csv
import os
import pathlib
import random
import shutil
import subprocess
import time

from live_lab import LiveLab, Reader, wait_until
from live_window import MIB, disk, memory

SECONDS = int(os.environ.get("SWARMBED_SOAK_S", 1800))
RATE = os.environ.get("SWARMBED_SOAK_RATE", "50 Mbit/s")
OUT = pathlib.Path(os.environ.get("SWARMBED_SOAK_OUT", "results/live/soak"))
EVERY = 10
COLUMNS = ["seconds", "source_rss_kib", "viewer_rss_kib", "source_disk_kib", "viewer_disk_kib", "read_kib"]


class Soak(LiveLab):
    def test_memory_and_disk_over_half_an_hour(self):
        noise = self.folder / "noise.bin"
        noise.write_bytes(random.Random(1).randbytes(32 * MIB))
        source = self.broadcast("source", "--source", noise, "--loop", "--bitrate", RATE, "--window", "0:10")
        viewer = self.viewer("viewer", source)
        window = int(source.tstream.read_bytes().split(b"6:lengthi")[1].split(b"e")[0])
        reader = Reader(viewer.http, keep=False)
        self.addCleanup(reader.close)
        wait_until("it plays", lambda: reader.count > 0, 60)
        began, rows = time.monotonic(), []
        for sample in range(SECONDS // EVERY + 1):
            time.sleep(max(0, began + sample * EVERY - time.monotonic()))
            self.assertTrue(source.running() and viewer.running(), source.stderr() + viewer.stderr())
            rows.append([round(time.monotonic() - began),
                         *(memory(one) // 1024 for one in [source, viewer]),
                         *(disk(one) // 1024 for one in [source, viewer]), reader.count // 1024])
            write(rows)
        self.assertEqual(viewer.stop(60), 0)
        # It serves what is left until its viewers have gone.
        self.assertEqual(source.stop(90), 0)
        said = viewer.json()
        rate = (rows[-1][5] - rows[0][5]) * 1024 * 8 / (rows[-1][0] - rows[0][0]) / 1e6
        print(f"    {SECONDS} s at {RATE}: {rate:.1f} Mbit/s were read, {said['skipped_s']:.1f} s skipped; window "
              f"{window // MIB} MiB; resident, KiB: {summary(rows)}", flush=True)
        # And what the file system needs to find its blocks.
        for name, column in [("source", 3), ("viewer", 4)]:
            self.assertLessEqual(max(row[column] for row in rows), window // 1024 + 64, f"{name}: more than its window")
        # Sixteen threads may hold a piece each at once, and their heaps keep it: no more than that.
        length = int(source.tstream.read_bytes().split(b"12:piece lengthi")[1].split(b"e")[0])
        for name, column in [("source", 1), ("viewer", 2)]:
            grown = max(row[column] for row in rows) - rows[0][column]
            self.assertLess(grown, 24 * length // 1024, f"{name}: grown by {grown} KiB")


def summary(rows):
    """First, and the most of each quarter."""
    quarter = len(rows) // 4
    parts = [rows[at * quarter:(at + 1) * quarter] for at in range(4)]
    return {name: [rows[0][column], *(max(row[column] for row in part) for part in parts if part)]
            for name, column in [("source", 1), ("viewer", 2)]}


def write(rows):
    """The files, whole or not at all."""
    OUT.mkdir(parents=True, exist_ok=True)
    part = OUT / "soak.part"
    with part.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows([COLUMNS, *rows])
    part.rename(OUT / "soak.csv")
    part.write_text(figure(rows))
    part.rename(OUT / "soak.svg")
    browser = shutil.which("chromium")
    if browser and rows[-1][0] >= SECONDS:
        subprocess.run([browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
                        "--window-size=800,520", f"--screenshot={OUT / 'soak.png'}", OUT / "soak.svg"],
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)


def figure(rows):
    """Two panels over one axis of minutes: memory, and disk."""
    parts = ['<svg xmlns="http://www.w3.org/2000/svg" width="800" height="520" viewBox="0 0 800 520" '
             'font-family="sans-serif" font-size="13"><rect width="800" height="520" fill="white"/>',
             f'<text x="400" y="24" text-anchor="middle" font-size="16">A live stream of {RATE}: '
             'source and viewer over time</text>']
    parts += panel(rows, 48, "resident memory (MiB)", [("source", 1, "#0072b2"), ("viewer", 2, "#d55e00")])
    parts += panel(rows, 290, "window on disk (MiB)", [("source", 3, "#0072b2"), ("viewer", 4, "#d55e00")])
    parts.append('<text x="420" y="510" text-anchor="middle">minutes</text></svg>\n')
    return "\n".join(parts)


def panel(rows, top, label, lines):
    left, width, height = 70, 700, 180
    last = max(rows[-1][0], SECONDS) / 60
    most = max(max(row[column] for row in rows) for _, column, _ in lines) / 1024
    step = next(step for step in [1, 2, 5, 10, 20, 50, 100, 200, 500] if most / step <= 6)
    ceiling = step * (int(most / step) + 1)
    def place(seconds, mib):
        return f"{left + seconds / 60 / last * width:.1f},{top + height - mib / ceiling * height:.1f}"
    yield f'<text x="16" y="{top + height / 2}" text-anchor="middle" transform="rotate(-90 16 {top + height / 2})">{label}</text>'
    for at in range(0, ceiling + 1, step):
        y = top + height - at / ceiling * height
        yield f'<path d="M{left} {y:.1f}h{width}" stroke="#ddd"/><text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{at}</text>'
    for minute in range(0, int(last) + 1, 5 if last > 10 else 1):
        x = left + minute / last * width
        yield f'<path d="M{x:.1f} {top + height}v5" stroke="#333"/><text x="{x:.1f}" y="{top + height + 18}" text-anchor="middle">{minute}</text>'
    for number, (name, column, colour) in enumerate(lines):
        points = " ".join(place(row[0], row[column] / 1024) for row in rows)
        dashes = ' stroke-dasharray="6 4"' if number else ""
        yield f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"{dashes}/>'
        y = top + height - 34 + number * 18
        yield f'<path d="M{left + width - 110} {y}h30" stroke="{colour}" stroke-width="2"{dashes}/>'
        yield f'<text x="{left + width - 74}" y="{y + 4}">{name}</text>'
