"""Which senders a service has, and which of them fail together."""

from pathlib import Path
from typing import Any

import pytest

from channels import several
from channels.base import Hears
from channels.gateway.description import BadDescription
from notify import city
from notify.sending import senders
from notify.settings import Settings, load
from subscribers.sealing import Keyring

PACK = city.load(Path(__file__).parents[3] / "city" / "portland").pack
KEYS = Keyring(current="k", keys={"k": b"k" * 32}, blind_key=b"b" * 32)
GATEWAY = (Path(__file__).parents[3] / "docs" / "gateway.md").read_text("utf-8").split("```toml\n")[1].split("```")[0]
HERE = "http://127.0.0.1:9"


def settings(**given: Any) -> Settings:
    first = {"twilio_account_sid": "AC" + "5" * 32, "twilio_auth_token": "t", "twilio_url": HERE}
    second = {"twilio2_account_sid": "AC" + "6" * 32, "twilio2_auth_token": "u", "twilio2_url": HERE}
    numbers = {"sms_senders": "+15035550100=10,+15035550101=5 urgent", "sms2_senders": "+15035550200=20"}
    relays = {"smtp_host": "127.0.0.1", "smtp2_host": "localhost", "smtp2_port": 2526}
    return load(**({"mode": "demo"} | first | second | numbers | relays | given))


def test_every_number_and_relay_is_a_sender_and_those_of_one_account_share_a_route(tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text(GATEWAY.replace("https://sms.example.com", HERE), "utf-8")
    found = senders.build(settings(gateway_file=file, gateway_report_key="k"), PACK, KEYS)
    assert [(one.name, one.route) for one in found] == [
        ("+15035550100", "twilio"),
        ("+15035550101", "twilio"),
        ("+15035550200", "twilio2"),
        ("+15035550300", "harbor"),
        ("127.0.0.1:25", "relay"),
        ("localhost:2526", "relay2"),
    ]
    routes = senders.routed(found)
    assert routes[0] is routes[1] is not routes[2]
    assert routes[0].routes is routes[3].routes is not routes[4].routes
    readers = several.by_name([channels[0] for channels in senders.by_route(found).values()])
    assert isinstance(readers["sms"], Hears) and not isinstance(readers["email"], Hears)


def test_a_lone_account_and_relay_are_as_before() -> None:
    found = senders.build(settings(twilio2_account_sid="", sms2_senders="", smtp2_host=""), PACK, KEYS)
    assert [one.route for one in found] == ["twilio", "twilio", "relay"]


def test_a_gateway_with_mistakes_is_refused_with_all_of_them(tmp_path: Path) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text(GATEWAY.replace('name = "harbor"', 'name = "twilio"').replace("rate = 50", "rate = 0"), "utf-8")
    with pytest.raises(BadDescription) as told:
        senders.build(settings(gateway_file=file), PACK, KEYS)
    assert len(told.value.problems) == 2
    file.write_text(GATEWAY, "utf-8")
    with pytest.raises(BadDescription, match="simulator on this machine"):
        senders.build(settings(gateway_file=file), PACK, KEYS)
