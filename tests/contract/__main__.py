"""`./dev contract`: do our requests and our simulator's answers, of texts and of calls, agree with Twilio's own API?

Prism, on the line between our SMS channel and the simulator, compares every request and answer with the OpenAPI document that
the environment variable TWILIO_OPENAPI names. Ends with 0 when it objects to nothing, 1 when it does, 2 when it cannot run.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import aiohttp

from channels.simulator.server import running
from tests.contract import acts, calls, shapes
from tests.contract import conversation as talk
from tests.contract.document import Unusable, strict
from tests.contract.hops import Exchange
from tests.contract.judge import NoJudge, judged

TEXTS: Final = 300
HOW: Final = "Set TWILIO_OPENAPI to a copy of twilio_api_v2010.json (github.com/twilio/twilio-oai, folder spec/json)."


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="./dev contract", description=__doc__)
    parser.add_argument("--prism", type=Path, required=True, help="the judge's program")
    parser.add_argument(
        "--texts", type=int, default=TEXTS, choices=range(20, 801), metavar="N", help="texts to send, 20 to 800"
    )
    parser.add_argument("--document", action="store_true", help="write tests/contract/shapes.txt when nothing is objected to")
    given = parser.parse_args(arguments)
    try:
        document = strict(json.loads(Path(os.environ["TWILIO_OPENAPI"]).read_text()))
    except KeyError:
        return _cannot(HOW)
    except (OSError, ValueError) as error:
        return _cannot(f"{error} {HOW}" if isinstance(error, Unusable) else f"TWILIO_OPENAPI cannot be read: {error}")
    try:
        with tempfile.TemporaryDirectory() as folder:
            return asyncio.run(hold(given.prism, document, Path(folder), given.texts, write=given.document))
    except (NoJudge, TimeoutError, OSError) as error:
        return _cannot(f"The judge cannot work: {error or 'it did not start in time'}")


async def hold(prism: Path, document: dict[str, Any], folder: Path, count: int, *, write: bool) -> int:
    """The whole conversation, then the planted faults; prints what was said and what was objected to."""
    config = talk.simulator(folder / "log")
    started = time.monotonic()
    async with (
        running(config) as simulator,
        judged(prism, document, simulator.sms_url, folder) as line,
        aiohttp.ClientSession() as session,
    ):
        scene = acts.Scene.set(simulator, line, session, config)
        problems = await everything(scene, count)
        spoken, answered = tuple(line.before.exchanges), tuple(line.behind.exchanges)
        asleep = await acts.planted_requests(scene) + await acts.planted_answers(scene)
        asleep += await calls.planted(scene)
        planted = len(line.before.exchanges) - len(spoken)
    shape = shapes.document((_operation(each), each.shape) for each in answered)
    objections = [f"{_operation(each)}: {one}" for each in spoken for one in each.violations]
    if write and not objections:
        shapes.KEPT.write_text(shape)
    elif shape != shapes.KEPT.read_text():
        problems.append(
            "The answers are not made as tests/contract/shapes.txt says: once they are right, --document writes it."
        )
    for what, times in sorted(Counter(_operation(each) for each in answered).items()):
        print(f"{times:6,}  {what}")
    for sentence in [*sorted(set(objections)), *problems, *asleep]:
        print(f"PROBLEM: {sentence}")
    print(
        f"{len(spoken):,} requests and {len(answered):,} answers in {time.monotonic() - started:.0f} s: "
        f"{len(objections)} violations, {len(problems)} unexpected outcomes; "
        f"{planted - len(asleep)} of {planted} planted faults found"
    )
    return 1 if objections or problems or asleep else 0


async def everything(scene: acts.Scene, count: int) -> list[str]:
    """The whole conversation; what came of it that should not."""
    problems = await acts.our_texts(scene, count)
    problems += await acts.our_refusals(scene)
    problems += await acts.messages_in_every_state(scene)
    problems += await acts.our_questions(scene)
    problems += await acts.pages_of_a_list(scene)
    return problems + await calls.everything(scene)


def _operation(exchange: Exchange) -> str:
    return shapes.operation(exchange.method, exchange.path, exchange.status)


def _cannot(why: str) -> int:
    print(why, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
