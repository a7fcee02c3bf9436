"""Memory that was freed goes back to the system: arrays of megabytes come and go with every alert."""

import subprocess
import sys

PROGRAM = """
import sys
from notify import memory

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096

if sys.argv[1] == "set":
    assert memory.give_back_what_is_freed()
bytearray(24_000_000)  # the first large block that is freed teaches the C library to keep the next ones
before = resident()
blocks, small = [], []
for _ in range(10):
    blocks.append(bytearray(b"x" * 10_000_000))
    small.append(bytearray(100_000))  # stays, and holds the heap in place
blocks.clear()
if sys.argv[1] == "trimmed":
    assert memory.trim()
print((resident() - before) // 1_000_000)
"""


def kept_mb(how: str) -> int:
    done = subprocess.run([sys.executable, "-c", PROGRAM, how], capture_output=True, text=True, check=True)
    return int(done.stdout)


def test_large_blocks_that_are_freed_are_given_back() -> None:
    assert kept_mb("set") < 10
    assert kept_mb("unset") > 10, "the setting is needed no longer"


def test_what_lies_free_between_what_is_used_is_given_back_when_asked() -> None:
    assert kept_mb("trimmed") < 10
