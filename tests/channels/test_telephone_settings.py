"""Set-ups of the telephone that cannot run are refused in sentences, from the command line too."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from channels.simulator import Shares, SimulatorConfig, TelephoneConfig, VoiceNumber, problems
from channels.simulator.__main__ import main
from channels.simulator.telephone.orders import emergency

GOOD = VoiceNumber(number="+15035550311", url="http://127.0.0.1/ring")

WRONG: list[tuple[dict[str, Any], str]] = [
    ({"numbers": (replace(GOOD, number="+15038234000"),)}, "exchange 555"),
    ({"numbers": (GOOD, GOOD)}, "listed twice"),
    ({"numbers": (replace(GOOD, url="http://elsewhere.example.gov/"),)}, "callback hosts"),
    ({"numbers": (replace(GOOD, fallback_url="http://elsewhere.example.gov/"),)}, "callback hosts"),
    ({"numbers": (replace(GOOD, fallback_document="<Response>"),)}, "fallback document"),
    ({"speed": 0.0}, "speed"),
    ({"calls_per_s": -1.0}, "calls_per_s"),
    ({"webhook_limit_s": 16.0}, "webhook_limit_s"),
    ({"queue_maximum": 5_001}, "5,000"),
    ({"most_queued": -1}, "most_queued"),
    ({"at_once": 0}, "at_once"),
    ({"shuffled": 2.0}, "shuffled"),
    ({"shares": Shares(busy=0.6, machine=0.6)}, "at most 1"),
]


@pytest.mark.parametrize(("changes", "words"), WRONG)
def test_a_set_up_that_cannot_run_says_why(changes: dict[str, Any], words: str) -> None:
    config = SimulatorConfig(log=Path("log"), telephone=TelephoneConfig(**({"numbers": (GOOD,)} | changes)))
    found = problems(config)
    assert len(found) == 1 and words in found[0]


def test_the_plain_set_up_can_run() -> None:
    assert problems(SimulatorConfig(log=Path("log"), telephone=TelephoneConfig(numbers=(GOOD,)))) == ()


REFUSED = [
    (["--voice-number", "+15035550311"], "needs =URL"),
    (["--telephone", json.dumps({"volume": 3})], "volume"),
    (["--telephone", json.dumps({"most_queued": "many"})], "many"),
    (["--telephone", json.dumps({"shares": {"asleep": 0.1}})], "asleep"),
    (["--crowd", "nowhere.yaml"], "nowhere.yaml"),
    (["--voice-number", "+15035550311=http://127.0.0.1/", "--voice-fallback", "nowhere.xml"], "nowhere.xml"),
]


@pytest.mark.parametrize(("arguments", "words"), REFUSED)
def test_the_command_line_refuses_in_a_sentence(
    arguments: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--log", str(tmp_path), *arguments])
    assert ended.value.code == 2
    assert words in capsys.readouterr().err


NUMBERS = [
    ("911", True),
    ("9-1-1", True),
    ("+1911", True),
    ("1 911", True),
    ("sip:911@example.gov", True),
    ("311", True),
    ("988", True),
    ("+15035550911", False),
    ("+19115550100", False),
]


@pytest.mark.parametrize(("number", "forbidden"), NUMBERS)
def test_a_short_emergency_number_is_known_in_any_spelling(number: str, forbidden: bool) -> None:
    assert emergency(number) is forbidden
