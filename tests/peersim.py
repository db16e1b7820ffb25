#!/usr/bin/env python3
"""swarmbed beside PeerSim's BitTorrent module: the same swarm, one after the other, on one machine in one sitting.

Fetches PeerSim 1.0.5 and BitPeer (LGPL; a pinned commit of a public copy with the sources as they were released) into a
temporary folder, compiles and runs them there, and then plays scenarios/bench/file-10k.toml. Nothing of it is kept. Needs
git, a JDK, and the network; --from takes a clone that is there already.

Two things are changed in the copy, since without them it stops: a rate of 0 is taken for 1 (it divides by it), and the
thousands of lines "despite it should never happen" are not printed. A block counts there if it completed a piece; both
simulators are counted by useful blocks and by the processor time of the whole process.

usage: tests/peersim.py PROGRAM [--peers N] [--from CLONE]     PROGRAM: a release build of swarmbed; N: 10000
"""
import argparse
import json
import pathlib
import re
import resource
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent.parent
SOURCE = "https://github.com/maharf/bitpeer"
COMMIT = "978b738384986b748f0258463758cdbc29fdac0d"
SOURCES = "classes/peersim/bittorrent/.svn/text-base"
SECONDS = 1000
BLOCKS_PER_PIECE = 16

CONFIG = f"""
random.seed 1234567890
simulation.endtime {SECONDS}000
simulation.logtime {SECONDS}000
simulation.experiments 1
network.node peersim.core.GeneralNode
protocol.urt UniformRandomTransport
protocol.urt.mindelay 10
protocol.urt.maxdelay 400
protocol.bittorrent example.bittorrent.BitTorrent
protocol.bittorrent.file_size 10
protocol.bittorrent.max_swarm_size 80
protocol.bittorrent.peerset_size 50
protocol.bittorrent.duplicated_requests 1
protocol.bittorrent.transport urt
protocol.bittorrent.max_growth 20
init.net example.bittorrent.NetworkInitializer
init.net.protocol bittorrent
init.net.transport urt
init.net.newer_distr 80
init.net.seeder_distr 5
control.observer example.bittorrent.BTObserver
control.observer.protocol bittorrent
control.observer.step {SECONDS}000
control.observer.FINAL
"""


def run(command, **options):
    done = subprocess.run(command, capture_output=True, text=True, **options)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return done.stdout


def measured(command, **options):
    """What it said, its processor time, its wall time, its most memory in MiB."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    said = run(command, **options)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    # The most of any child so far: PeerSim's is measured first but for the compiler's, which is smaller from 2,000 peers on.
    return said, cpu, time.monotonic() - begun, after.ru_maxrss / 1024


def replaced(text, old, new):
    text, count = re.subn(old, new, text)
    if count == 0:
        sys.exit(f"the sources are not as expected: no `{old}`")
    return text


def peersim(folder, clone, peers):
    package = folder / "src/peersim/bittorrent"
    package.mkdir(parents=True)
    git = ["git", "-C", clone]
    for path in run([*git, "ls-tree", "--name-only", COMMIT, SOURCES + "/"]).split():
        name = pathlib.Path(path).name.removesuffix(".svn-base")
        text = run([*git, "show", f"{COMMIT}:{path}"])
        if name == "BitTorrent.java":
            text = replaced(text, r'System\.err\.println\("despite it should never happen, it happened"\);', ";")
            text = replaced(text, r"bandwidth = Math\.min\(remoteRate, localRate\);", "bandwidth = Math.max(1, Math.min(remoteRate, localRate));")
        (package / name).write_text(text)
    for jar in ["djep-1.0.0", "jep-2.3.0", "peersim-1.0.5"]:
        bytes_ = subprocess.run([*git, "show", f"{COMMIT}:lib/{jar}.jar"], capture_output=True, check=True).stdout
        (folder / f"{jar}.jar").write_bytes(bytes_)
    classes = folder / "classes"
    run(["javac", "-nowarn", "-cp", f"{folder}/*", "-d", classes, *package.glob("*.java")])
    (folder / "config").write_text(f"network.size {peers + 1}\n{CONFIG}")
    command = ["java", "-Xmx8g", "-cp", f"{classes}:{folder}/*", "peersim.Simulator", folder / "config"]
    said, cpu, wall, memory = measured(command)
    pieces = {}
    for node, count, at in re.findall(r"^OBS: node (\d+).*pieces completed: (\d+).* time: (\d+)$", said, re.M):
        pieces.setdefault(int(at), {})[node] = int(count)
    if len(pieces) < 2:
        sys.exit(f"PeerSim was looked at {len(pieces)} times, not at its beginning and its end")
    begin, end = pieces[min(pieces)], pieces[max(pieces)]
    blocks = BLOCKS_PER_PIECE * (sum(end.values()) - sum(begin.values()))
    return blocks, cpu, wall, memory


def swarmbed(folder, program, peers):
    seeds = peers // 20
    out = folder / "out"
    command = [program, "run", "scenarios/bench/file-10k.toml", "--threads", "1", "--quiet", "--out", out]
    command += ["--set", f"swarm.viewers={peers - seeds}", "--set", f"class.seed.count={seeds}"]
    _, cpu, wall, _ = measured(command, cwd=HERE)
    cost = json.loads((out / "provenance.json").read_text())["cost"]
    return cost["useful_blocks"], cpu, wall, cost["peak_memory_bytes"] / 2**20


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program", type=pathlib.Path)
    parser.add_argument("--peers", type=int, default=10_000)
    parser.add_argument("--from", dest="clone")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        clone = arguments.clone
        if clone is None:
            clone = str(folder / "clone")
            run(["git", "clone", "--quiet", SOURCE, clone])
        print(f"{arguments.peers} peers, 10 MB, load {pathlib.Path('/proc/loadavg').read_text().split()[0]} at the beginning")
        rates = []
        for name, result in [
            ("PeerSim", lambda: peersim(folder, clone, arguments.peers)),
            ("swarmbed", lambda: swarmbed(folder, arguments.program.resolve(), arguments.peers)),
        ]:
            blocks, cpu, wall, memory = result()
            rates.append(blocks / cpu)
            print(
                f"{name:8}  {blocks:9,} useful blocks in {cpu:.1f} s of processor time, {wall:.1f} s: "
                f"{blocks / cpu:,.0f} a CPU-second, {1e6 * cpu / blocks:.1f} us each; {memory:,.0f} MiB",
                flush=True,
            )
        print(f"swarmbed moves {rates[1] / rates[0]:.1f} times as many blocks per CPU-second")


main()
