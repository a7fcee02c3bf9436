"""The conversation that `./dev contract` holds before Twilio's own description, held here without the judge: what the simulator
answers is made as what the judge has passed, and our channels read it."""

from pathlib import Path

import aiohttp

from channels.simulator.server import running
from tests.contract import shapes
from tests.contract.__main__ import everything
from tests.contract.acts import Scene
from tests.contract.conversation import simulator
from tests.contract.hops import a_hop
from tests.contract.judge import Judged

TEXTS = 30


async def test_the_simulator_answers_as_it_did_before_the_judge(tmp_path: Path) -> None:
    config = simulator(tmp_path)
    async with running(config) as gateway, a_hop(gateway.sms_url) as line, aiohttp.ClientSession() as session:
        assert await everything(Scene.set(gateway, Judged(line, line), session, config), TEXTS) == []
        seen = [(shapes.operation(each.method, each.path, each.status), each.shape) for each in line.exchanges]
    assert shapes.document(seen).splitlines() == shapes.KEPT.read_text().splitlines()
