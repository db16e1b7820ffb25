#!/usr/bin/env python3
"""How many instructions a useful block takes, by valgrind's callgrind: the same on a busy machine as on a quiet one.

Plays a small part of scenarios/bench/file-2k.toml on one thread, counts what `World::run` executes (not reading, tables and
figures), and compares with results/bench/instructions.json: 10 % more, and it fails. With --update it writes that file, and
beside it instructions.txt, the functions that take most.

usage: tests/instructions.py PROGRAM [--update]     PROGRAM: a release build of swarmbed
"""
import collections
import json
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
UPDATE = "tests/instructions.py target/release/swarmbed --update"


def count(program, folder):
    """Instructions, useful blocks, and the profile."""
    profile = folder / "profile"
    command = ["valgrind", "--tool=callgrind", f"--toggle-collect={COUNTED}", f"--callgrind-out-file={profile}"]
    command += [program, "run", SCENARIO, "--threads", "1", "--seeds", "1", "--quiet", "--out", str(folder / "out")]
    for one in SETS:
        command += ["--set", one]
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    cost = json.loads((folder / "out/provenance.json").read_text())["cost"]
    totals = re.search(r"^totals: (\d+)", profile.read_text(), re.M)
    instructions = int(totals.group(1)) if totals else 0
    if instructions == 0:
        sys.exit(f"callgrind saw no call of {COUNTED}: was it renamed, or made part of its caller?")
    return instructions, cost["useful_blocks"], profile


def functions(profile, blocks):
    """The functions that take most, whatever file their lines come from; a line each."""
    said = subprocess.run(
        ["callgrind_annotate", "--auto=no", "--threshold=100", str(profile)], capture_output=True, text=True, check=True
    )
    taken = collections.Counter()
    for line in said.stdout.splitlines():
        found = re.match(r" *([\d,]+) \([^)]*\)  [^:]*(?<!:):(?!:)(.*?)(?: \[[^\]]*\])?$", line)
        if found:
            taken[found.group(2)] += int(found.group(1).replace(",", ""))
    total = sum(taken.values())
    return [f"{100 * own / total:5.1f} %  {own / blocks:7.0f}  {name}" for name, own in taken.most_common(40)]


def main():
    arguments = [one for one in sys.argv[1:] if one != "--update"]
    update = "--update" in sys.argv[1:]
    if len(arguments) != 1:
        sys.exit(__doc__)
    program = str(pathlib.Path(arguments[0]).resolve())
    with tempfile.TemporaryDirectory() as folder:
        instructions, blocks, profile = count(program, pathlib.Path(folder))
        now = {
            "scenario": SCENARIO,
            "set": SETS,
            "counted": COUNTED,
            "instructions": instructions,
            "useful_blocks": blocks,
            "instructions_per_block": round(instructions / blocks),
        }
        if update:
            RECORD.parent.mkdir(parents=True, exist_ok=True)
            RECORD.write_text(json.dumps(now, indent=2) + "\n")
            head = f"{now['instructions_per_block']} instructions per useful block, by function\n\n  share  a block\n"
            PROFILE.write_text(head + "\n".join(functions(profile, blocks)) + "\n")
            print(f"{RECORD.relative_to(HERE)}: {now['instructions_per_block']} instructions per block")
            return
    then = json.loads(RECORD.read_text())
    old, new = then["instructions_per_block"], now["instructions_per_block"]
    for key in ["scenario", "set", "counted"]:
        if then[key] != now[key]:
            sys.exit(f"{RECORD.relative_to(HERE)} is of another {key}; if that is meant: {UPDATE}")
    told = f"{new} instructions per useful block, {old} recorded: {100 * (new / old - 1):+.1f} %"
    if new > old * ALLOWED:
        sys.exit(f"{told}, more than 10 %\nif it is worth it, commit what this writes: {UPDATE}")
    print(f"1 passed: {told}")
    if new * ALLOWED < old:
        print(f"so that it stays so, commit what this writes: {UPDATE}")


main()
