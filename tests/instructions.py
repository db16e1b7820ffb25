#!/usr/bin/env python3
"""What a useful block takes, by valgrind's callgrind: the same on a busy machine as on a quiet one.

Plays a small part of scenarios/bench/file-2k.toml on one thread and counts what `World::run` executes (not reading, tables and
figures): instructions, lines of memory that a cache of 512 KiB would not have (simulated, so that it is the same on every
processor), and how often memory is asked for. A swarm waits for lines longer than for its instructions; and it is a mistake if
memory is given back and asked for anew where it could be kept. And counts what one row of the validation executes: a peer
with thousands of neighbours costs more there in places where those of a swarm do not. Compares with
results/bench/instructions.json: 10 % more of any of them, and it fails. With --update it writes that file, and beside it
instructions.txt, the functions that take most. With --coarse it counts instructions of small parts of scenarios/coarse in the
default and in each coarse mode instead, and writes results/coarse/instructions.txt.

usage: tests/instructions.py PROGRAM [--update | --coarse]     PROGRAM: a release build of swarmbed
"""
import collections
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent.parent
RECORD = HERE / "results/bench/instructions.json"
PROFILE = HERE / "results/bench/instructions.txt"
SCENARIO = "scenarios/bench/file-2k.toml"
SETS = ["swarm.viewers=142", "class.seed.count=8", "network.overlay_every=0 s"]
COUNTED = "swarmbed_sim::world::World<O>::run"
ALLOWED = 1.10
# What is counted executes some fifty times as slowly; a mistake that makes it so another fifty times would not end.
MINUTES = 10
# A core's own caches, whatever machine this runs on.
CACHES = ["--cache-sim=yes", "--I1=32768,8,64", "--D1=32768,8,64", "--LL=524288,8,64"]
COUNTS = {"instructions_per_block": ["Ir"], "lines_missed_per_block": ["ILmr", "DLmr", "DLmw"]}
ASKED = "times_memory_is_asked_for_per_block"
ASKS = ["malloc", "calloc", "realloc"]
# A reduced world: one peer among thousands, whose policies are the shipped ones.
REDUCED = ["validate", "6", "--quick", "--quiet"]
VALIDATED = "million_instructions_of_a_row_of_validate"
MEASURES = [*COUNTS, ASKED, VALIDATED]
UPDATE = "tests/instructions.py target/release/swarmbed --update"


# Small parts of the studies of coarse mode, and what is set for each mode.
COARSE = HERE / "results/coarse/instructions.txt"
STUDIES = {
    "film": ["class.seed.count=1", "swarm.arrival.poisson=1 /s"],
    "channel": ["swarm.arrival.poisson=10 /s"],
}
SMALL = ["swarm.viewers=60", "content.duration=1 min", "network.overlay_every=0 s", "sweep.axes={}"]
PIECE = "network.granularity=piece"
FLUID = 'network.model={ fluid = { batch = "100 ms" } }'
MODES = {"default": [], "pieces": [PIECE], "fluid": [FLUID], "pieces, fluid": [PIECE, FLUID]}


def callgrind(profile, command, options=()):
    """What callgrind counts while this runs on one thread, by name; and leaves `profile`."""
    valgrind = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={profile}", *options]
    command = [*valgrind, *command, "--threads", "1"]
    # Begun anew for huge pages, it would be counted no more.
    as_it_is = os.environ | {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=0"}
    try:
        done = subprocess.run(command, cwd=HERE, env=as_it_is, capture_output=True, text=True, timeout=MINUTES * 60)
    except subprocess.TimeoutExpired:
        sys.exit(f"{' '.join(command)} did not end in {MINUTES} minutes; each takes one at most. What takes so much longer?")
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    said = profile.read_text()
    events = re.search(r"^events: (.*)", said, re.M)
    totals = re.search(r"^totals: (.*)", said, re.M)
    return dict(zip(events.group(1).split(), map(int, totals.group(1).split()))) if events and totals else {}


def count(program, folder, scenario=SCENARIO, sets=SETS, caches=()):
    """What was counted by its name in callgrind, useful blocks, and the profile."""
    profile = folder / "profile"
    command = [program, "run", scenario, "--seeds", "1", "--quiet", "--out", str(folder / "out")]
    for one in sets:
        command += ["--set", one]
    counted = callgrind(profile, command, [f"--toggle-collect={COUNTED}", *caches])
    cost = json.loads((folder / "out/provenance.json").read_text())["cost"]
    if not counted.get("Ir"):
        sys.exit(f"callgrind saw no call of {COUNTED}: was it renamed, or made part of its caller?")
    return counted, cost["useful_blocks"], profile


def times_asked(profile):
    """How often memory was asked for, by the calls of who gives it."""
    names, calls, called = {}, 0, None
    for line in profile.read_text().splitlines():
        named = re.match(r"c?fn=(\(\d+\))(?: (.*))?$", line)
        if named:
            name = names.setdefault(named.group(1), named.group(2))
            called = name if line.startswith("cfn") else called
        elif line.startswith("calls=") and called in ASKS:
            calls += int(line[len("calls=") :].split()[0])
    if calls == 0:
        sys.exit(f"callgrind saw no call of any of {ASKS}: is memory given by another?")
    return calls


def functions(profile, events, blocks):
    """The functions that take most, whatever file their lines come from; a line each."""
    taken = collections.Counter()
    for event in events:
        said = subprocess.run(
            ["callgrind_annotate", "--auto=no", "--threshold=100", f"--show={event}", f"--sort={event}", str(profile)],
            capture_output=True,
            text=True,
            check=True,
        )
        for line in said.stdout.splitlines():
            found = re.match(r" *([\d,]+) \([^)]*\)  [^:]*(?<!:):(?!:)(.*?)(?: \[[^\]]*\])?$", line)
            if found:
                taken[found.group(2)] += int(found.group(1).replace(",", ""))
    total = sum(taken.values())
    return [f"{100 * own / total:5.1f} %  {own / blocks:7.1f}  {name}" for name, own in taken.most_common(40)]


def coarse(program):
    """The default and the coarse modes of each study, a line each."""
    sets = " ".join(f"--set '{one}'" for one in SMALL)
    lines = [f"Instructions of World::run per useful block of 16 KiB: 60 viewers, one minute ({sets})", ""]
    for study, own in STUDIES.items():
        default = None
        for mode, more in MODES.items():
            with tempfile.TemporaryDirectory() as folder:
                path = f"scenarios/coarse/{study}.toml"
                counted, blocks, _ = count(program, pathlib.Path(folder), path, SMALL + own + more)
            per_block = counted["Ir"] / blocks
            default = default or per_block
            lines.append(f"{study:8} {mode:14} {per_block:7.0f}  {100 * (per_block / default - 1):+6.1f} %")
            print(lines[-1], flush=True)
    COARSE.parent.mkdir(parents=True, exist_ok=True)
    COARSE.write_text("\n".join(lines) + "\n")


def main():
    arguments = [one for one in sys.argv[1:] if one not in ("--update", "--coarse")]
    update = "--update" in sys.argv[1:]
    if len(arguments) != 1:
        sys.exit(__doc__)
    program = str(pathlib.Path(arguments[0]).resolve())
    if "--coarse" in sys.argv[1:]:
        coarse(program)
        return
    with tempfile.TemporaryDirectory() as folder:
        counted, blocks, profile = count(program, pathlib.Path(folder), caches=CACHES)
        now = {"scenario": SCENARIO, "set": SETS, "counted": COUNTED, "useful_blocks": blocks}
        for name, events in COUNTS.items():
            now[name] = round(sum(counted[event] for event in events) / blocks)
        now[ASKED] = round(times_asked(profile) / blocks, 2)
        reduced = callgrind(pathlib.Path(folder) / "reduced", [program, *REDUCED])
        now["reduced"] = REDUCED
        now[VALIDATED] = round(reduced.get("Ir", 0) / 1e6)
        if now[VALIDATED] == 0:
            sys.exit(f"callgrind counted nothing of {' '.join(REDUCED)}")
        if update:
            RECORD.parent.mkdir(parents=True, exist_ok=True)
            RECORD.write_text(json.dumps(now, indent=2) + "\n")
            lines = []
            for name, events in COUNTS.items():
                lines += [f"{now[name]} {told(name)}, by function", "", "  share  a block"]
                lines += [*functions(profile, events, blocks), ""]
            PROFILE.write_text("\n".join(lines[:-1]) + "\n")
            print(f"{RECORD.relative_to(HERE)}: " + ", ".join(f"{now[name]} {told(name)}" for name in MEASURES))
            return
    compare(json.loads(RECORD.read_text()), now)


def told(name):
    """The measure in words."""
    words = name.replace("_", " ")
    return words.replace("per block", "per useful block")


def compare(then, now):
    """Fails where more is counted than was recorded."""
    for key in ["scenario", "set", "counted", "reduced"]:
        if then.get(key) != now[key]:
            sys.exit(f"{RECORD.relative_to(HERE)} is of another {key}; if that is meant: {UPDATE}")
    less, more, lines = [], [], []
    for name in MEASURES:
        old, new = then[name], now[name]
        lines.append(f"{new} {told(name)}, {old} recorded: {100 * (new / old - 1):+.1f} %")
        if new > old * ALLOWED:
            more.append(lines[-1])
        if new * ALLOWED < old:
            less.append(name)
    if more:
        sys.exit("more by over 10 %: " + "; ".join(more) + f"\nif it is worth it, commit what this writes: {UPDATE}")
    print(f"{len(lines)} passed: " + "; ".join(lines))
    if less:
        print(f"so that it stays so, commit what this writes: {UPDATE}")


main()
