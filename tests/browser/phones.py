"""The simulator's phones before the running service, for a browser: prints the page's address, and ends when its input ends.

A line of input makes something happen and is answered by a line: "alert" sends a boil-water alert to the whole city, "restart"
ends the simulator as a power cut would and starts it again in the same place.
"""

import asyncio
import json
import sys
import tempfile
from pathlib import Path

from notify.cli.demo.phones import wordings
from tests.stories.town import BOIL_WATER, Process, Town, mapped

ROW = (
    {"number": "+14585550101", "language": "es", "place": "97206"},
    {"number": "+14585550102", "language": "ar", "place": "97230", "handset": "shuffled"},
    {"number": "+14585550103", "language": "ru", "place": "97236", "handset": "gsm"},
)


async def carrier(town: Town) -> Process:
    row, texts = town.home / "row.json", town.home / "wordings.json"
    row.write_text(json.dumps(ROW))
    texts.write_text(json.dumps(wordings()))
    return await town.carrier("--delivered-after", "0.2", "--phones", str(row), "--wordings", str(texts))


async def serve(town: Town) -> None:
    simulator = await carrier(town)
    service = await town.service()
    print(simulator.ready["phones_url"], flush=True)
    try:
        while wish := (await asyncio.to_thread(sys.stdin.readline)).strip():
            if wish == "alert":
                print(await town.send(BOIL_WATER), flush=True)
            elif wish == "restart":
                await simulator.kill()
                simulator = await carrier(town)
                print(simulator.ready["phones_url"], flush=True)
    finally:
        await service.end()
        await simulator.end()


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "town"
        town = Town.create(home, f"sqlite:///{home / 'tocsin.db'}")
        mapped(town)
        asyncio.run(serve(town))


if __name__ == "__main__":
    main()
