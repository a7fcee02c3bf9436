"""`python -m bench [NAME ...]` measures everything, or what is named, and prints one line for each figure. It judges nothing:
it ends with 0 whatever it measured, with 2 when a peer that is compared with is not installed."""

import argparse
import importlib
import sys
from typing import Final

NAMES: Final = (
    "audience",
    "ledger",
    "workers",
    "sms",
    "email",
    "sending",
    "inbound",
    "gazetteer",
    "console",
    "door",
    "memory",
    "voice",
    "feeds",
    "growth",
    "senders",
    "overtaking",
    "reports",
    "pages",
    "calls",
    "whole",
    "restore",
    "soak",
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"any of {', '.join(NAMES)}; all unless named")
    names = parser.parse_args().names or NAMES
    if unknown := [name for name in names if name not in NAMES]:
        parser.error(f"there is no benchmark {', '.join(unknown)}")
    for name in names:
        for figure in importlib.import_module(f"bench.{name}").run():
            print(figure.line(), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
