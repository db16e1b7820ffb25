"""Runs the interop tests, several at once, and ends with a line that counts them.

Each test is a process of its own with addresses of its own. They wait for timers and for each other
more than they compute; SWARMBED_TEST_JOBS says how many run beside each other.
"""

import os
import pathlib
import re
import subprocess
import sys
import time
import unittest
from concurrent.futures import ThreadPoolExecutor

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE))
JOBS = int(os.environ.get("SWARMBED_TEST_JOBS", "3"))
# What a test may use of 10.77/16, or of 127/8.
ADDRESSES_EACH = 500
# Those that take longest begin first.
LONGEST = ["how_fast", "meet", "every_client", "clients_start_from_ours", "udp", "kill"]


class Result(unittest.TextTestResult):
    """Says how long each test took."""

    def startTest(self, test):
        self.began = time.monotonic()
        super().startTest(test)

    def addSuccess(self, test):
        super().addSuccess(test)
        self.stream.writeln(f"    {time.monotonic() - self.began:.1f} s")


def flat(suite):
    for test in suite:
        yield from flat(test) if isinstance(test, unittest.TestSuite) else [test]


def rank(test):
    return next((at for at, part in enumerate(LONGEST) if part in test.id()), len(LONGEST))


def apart(numbered):
    """One test in a process of its own; passed, failed, skipped."""
    number, test = numbered
    environment = {**os.environ, "SWARMBED_TEST_ADDRESS": str(number * ADDRESSES_EACH)}
    done = subprocess.run([sys.executable, __file__, test.id()], env=environment, text=True, errors="replace",
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    counted = re.search(r"(\d+) passed, (\d+) failed(?:, (\d+) skipped)? in", done.stdout)
    head, _, _ = done.stdout.partition("\n-----" if not done.returncode else "\0")
    print(head.strip(), flush=True)
    return [int(part or 0) for part in counted.groups()] if counted else [0, 1, 0]


def together(tests):
    """All in this process, one after the other; passed, failed, skipped."""
    result = unittest.TextTestRunner(sys.stdout, verbosity=2, resultclass=Result).run(unittest.TestSuite(tests))
    failed = len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)
    return [result.testsRun - failed - len(result.skipped), failed, len(result.skipped)]


def main():
    began = time.monotonic()
    loader, names = unittest.defaultTestLoader, sys.argv[1:]
    suite = loader.loadTestsFromNames(names) if names else loader.discover(str(HERE))
    tests = sorted(flat(suite), key=rank)
    if len(tests) > 1 and JOBS > 1 and not loader.errors:
        with ThreadPoolExecutor(JOBS) as pool:
            counts = list(pool.map(apart, enumerate(tests)))
        passed, failed, skipped = map(sum, zip(*counts, strict=True))
    else:
        passed, failed, skipped = together(tests)
    also = f", {skipped} skipped" if skipped else ""
    print(f"{passed} passed, {failed} failed{also} in {time.monotonic() - began:.0f} s")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
