"""Settings: each named once, every mistake told at once, and no mode that could reach the wrong people."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from notify.alerts.alert import Mode
from notify.clock import HurriedClock
from notify.settings import Settings, SettingsError, load, table

ROOT = Path(__file__).parents[2]
SID = "AC" + "5" * 32
SENDER = "+15035550100=10"


def problems(**given: Any) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(**given)
    return caught.value.problems


def test_a_variable_nobody_knows_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOCSIN_COUNT_DOWN_S", "10")
    assert problems() == ["TOCSIN_COUNT_DOWN_S is not a setting; see docs/settings.md"]


def test_what_the_command_line_reads_is_not_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOCSIN_URL", "http://127.0.0.1:8081")
    monkeypatch.setenv("TOCSIN_TOKEN", "secret")
    load()


def test_every_mistake_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {"MODE": "alive", "PUBLIC_PORT": "70000", "SMS_WINDOW": "0", "LEASE_S": "soon", "COLOUR": "red"}
    for name, value in values.items():
        monkeypatch.setenv(f"TOCSIN_{name}", value)
    told = "\n".join(problems())
    for name in values:
        assert f"TOCSIN_{name}" in told


def test_a_file_gives_settings_and_the_environment_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "tocsin.toml"
    file.write_text('city = "eugene"\npublic_port = 9000\n')
    monkeypatch.setenv("TOCSIN_CONFIG", str(file))
    monkeypatch.setenv("TOCSIN_PUBLIC_PORT", "9001")
    assert (load().city, load().public_port) == ("eugene", 9001)


@pytest.mark.parametrize("content", ["city = ", 'colour = "red"\n'])
def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str) -> None:
    file = tmp_path / "tocsin.toml"
    file.write_text(content)
    monkeypatch.setenv("TOCSIN_CONFIG", str(file))
    assert problems()


def test_a_missing_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOCSIN_CONFIG", str(tmp_path / "gone.toml"))
    (problem,) = problems()
    assert "gone.toml" in problem


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9", "http://localhost", "http://[::1]", "http://[::1]:9/x", "http://127.9.9.9"]
)
def test_live_refuses_a_simulator(url: str) -> None:
    (problem,) = problems(mode="live", twilio_account_sid=SID, twilio_url=url, sms_senders="+15033335555=10")
    assert "points at a simulator" in problem


@pytest.mark.parametrize("mode", ["training", "demo"])
@pytest.mark.parametrize("url", ["https://api.twilio.com", "http://127.0.0.1.example.gov", "http://10.0.0.1:80"])
def test_training_and_demo_refuse_a_real_gateway(mode: str, url: str) -> None:
    (problem,) = problems(mode=mode, twilio_account_sid=SID, twilio_url=url, sms_senders=SENDER)
    assert f"must be a simulator on this machine in mode {mode}" in problem


@pytest.mark.parametrize("mode", ["training", "demo"])
def test_training_and_demo_refuse_a_real_mail_relay(mode: str) -> None:
    (problem,) = problems(mode=mode, smtp_host="relay.example.gov")
    assert problem == f"TOCSIN_SMTP_HOST must be on this machine in mode {mode}"
    assert load(mode=mode, smtp_host="localhost").smtp_host == "localhost"


def test_demo_is_for_this_machine_alone() -> None:
    told = problems(mode="demo", public_host="0.0.0.0", private_host="alerts.example.gov")
    assert told == [
        "TOCSIN_PUBLIC_HOST must be on this machine in mode demo",
        "TOCSIN_PRIVATE_HOST must be on this machine in mode demo",
    ]


def test_live_refuses_senders_in_exchange_555_and_names_each() -> None:
    told = problems(mode="live", sms_senders="+15035550100=10,+15033334444=10,+19715550101=5 urgent")
    assert [problem.split()[1] for problem in told] == ["+15035550100", "+19715550101"]


def test_a_gateway_without_a_sender_is_refused() -> None:
    (problem,) = problems(mode="live", twilio_account_sid=SID)
    assert "TOCSIN_SMS_SENDERS is empty" in problem


def test_senders_are_read_with_their_rates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOCSIN_SMS_SENDERS", "+15035550100=100, +15035550101=20.5 urgent,")
    found = [(one.number, one.rate, one.urgent) for one in load(mode="demo").sms_senders]
    assert found == [("+15035550100", 100, False), ("+15035550101", 20.5, True)]


@pytest.mark.parametrize("text", ["+15035550100", "+15035550100=fast", "+15035550100=0", "+15035550100=10 slow"])
def test_a_sender_that_cannot_be_read_is_refused(text: str) -> None:
    assert any("sms_senders" in problem.lower() for problem in problems(mode="demo", sms_senders=text))


def test_only_a_live_instance_holds_back_words_nobody_has_reviewed() -> None:
    sends = {mode: load(mode=mode).sends_drafts for mode in ("live", "training", "demo")}
    assert sends == {Mode.LIVE: False, Mode.TRAINING: True, Mode.DEMO: True}


def test_secrets_do_not_show() -> None:
    settings = load(mode="demo", twilio_auth_token="swordfish", smtp_password=SecretStr("tuna"))
    assert "swordfish" not in repr(settings) and "tuna" not in repr(settings)


def test_the_settings_are_documented_as_they_are() -> None:
    assert table() in (ROOT / "docs" / "settings.md").read_text("utf-8")
    assert all(field.description for field in Settings.model_fields.values())


def test_carriers_are_asked_only_when_told_to() -> None:
    assert not load(mode="demo").signup_asks_carrier


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"mode": "live", "lookups_url": "http://127.0.0.1:9"}, "TOCSIN_LOOKUPS_URL points at a simulator"),
        ({"mode": "training"}, "TOCSIN_LOOKUPS_URL must be a simulator on this machine in mode training"),
        ({"mode": "demo", "lookups_url": "http://127.0.0.1:9", "twilio_account_sid": ""}, "TWILIO_ACCOUNT_SID is empty"),
    ],
)
def test_a_lookup_that_does_not_fit_the_mode_is_refused(given: dict[str, str], told: str) -> None:
    url = "https://api.twilio.com" if given["mode"] == "live" else "http://127.0.0.1:9"
    sender = "+15033335555=10" if given["mode"] == "live" else SENDER
    account = {"twilio_account_sid": SID, "twilio_url": url, "sms_senders": sender}
    assert load(**({"lookups_url": "http://127.0.0.1:9"} | account | given | {"signup_asks_carrier": False}))
    (problem,) = problems(**(account | given), signup_asks_carrier=True)
    assert told in problem


@pytest.mark.parametrize(
    "given,wrong",
    [
        ({"mode": "live", "replay_from": "2014-05-23T10:40-07:00"}, "are for mode demo, not live"),
        ({"mode": "training", "replay_speed": 60}, "are for mode demo, not training"),
        ({"mode": "demo", "replay_speed": 60}, "needs TOCSIN_REPLAY_FROM"),
        ({"mode": "demo", "replay_from": "2014-05-23T10:40"}, "needs an offset"),
    ],
)
def test_only_a_demo_lives_through_another_day(given: dict[str, Any], wrong: str) -> None:
    (problem,) = problems(**given)
    assert wrong in problem


def test_a_replayed_day_begins_where_it_is_told_and_runs_as_fast() -> None:
    start = datetime(2014, 5, 23, 17, 40, tzinfo=UTC)
    began, clock = time.monotonic(), HurriedClock(start, 1_000)
    first, elapsed = clock.now(), clock.monotonic()
    while time.monotonic() == began:
        pass
    last, real = clock.now(), time.monotonic() - began
    assert start <= first < last and 0 <= elapsed <= clock.monotonic()
    assert last - start <= timedelta(seconds=real * 1_000)


def test_a_second_account_is_another_account_with_numbers_of_its_own() -> None:
    here = {"twilio_url": "http://127.0.0.1:9", "twilio2_url": "http://127.0.0.1:9", "mode": "demo"}
    first = {"twilio_account_sid": SID, "sms_senders": SENDER}
    assert load(**here, **first, twilio2_account_sid="AC" + "7" * 32, sms2_senders="+15035550200=10").sms2_senders
    told = problems(**here, **first, twilio2_account_sid=SID, sms2_senders=SENDER)
    assert len(told) == 2 and "the first account again" in told[0] and "a number belongs to one account" in told[1]
    (empty,) = problems(**here, **first, twilio2_account_sid="AC" + "7" * 32)
    assert "TOCSIN_SMS2_SENDERS is empty" in empty
    (away,) = problems(mode="demo", twilio2_account_sid="AC" + "7" * 32, sms2_senders=SENDER)
    assert "TOCSIN_TWILIO2_URL must be a simulator" in away


def test_a_second_relay_needs_a_first_one_and_fits_the_mode() -> None:
    (lonely,) = problems(mode="demo", smtp2_host="127.0.0.1")
    assert "set TOCSIN_SMTP_HOST first" in lonely
    (away,) = problems(mode="training", smtp_host="127.0.0.1", smtp2_host="relay.example.gov")
    assert away.startswith("TOCSIN_SMTP2_HOST must be on this machine")


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({"oidc_client_id": "c"}, "TOCSIN_OIDC_CLIENT_ID is set, but TOCSIN_OIDC_ISSUER is empty"),
        ({"oidc_client_secret": "s"}, "TOCSIN_OIDC_CLIENT_SECRET is set, but"),
        ({"oidc_issuer": "https://login.example.gov"}, "TOCSIN_OIDC_CLIENT_ID is empty"),
        ({"oidc_issuer": "https://login.example.gov/#a", "oidc_client_id": "c"}, "TOCSIN_OIDC_ISSUER: "),
        ({"oidc_issuer": "https://10.0.0.1", "oidc_client_id": "c"}, "inner address"),
        ({"oidc_issuer": "https://login.example.gov?a", "oidc_client_id": "c"}, "question mark"),
        ({"oidc_issuer": "https://login.example.gov", "oidc_client_id": "c", "oidc_scope": "profile"}, "must hold 'openid'"),
        ({"oidc_issuer": "https://login.example.gov", "oidc_client_id": "c", "oidc_require": "groups"}, "groups=tocsin"),
        ({"oidc_issuer": "https://login.example.gov", "oidc_client_id": "c", "oidc_name": " "}, "needs a name"),
        ({"mode": "live", "oidc_issuer": "http://login.example.gov", "oidc_client_id": "c"}, "https://"),
        ({"mode": "live", "oidc_issuer": "https://login.example.gov", "oidc_client_id": "c"}, "TOCSIN_PRIVATE_URL must begin"),
    ],
)
def test_an_identity_provider_that_could_let_nobody_in_is_refused(given: dict[str, Any], wrong: str) -> None:
    assert any(wrong in told for told in problems(**({"mode": "training"} | given)))


def test_what_the_city_agreed_with_its_identity_provider_is_read() -> None:
    given = {
        "oidc_issuer": "https://login.example.gov",
        "oidc_client_id": "c",
        "oidc_require": "roles=a=b",
        "oidc_amr": "mfa hwk",
    }
    terms = load(**given).oidc
    assert terms is not None and terms.required == ("roles", "a=b") and terms.amr == ("mfa", "hwk") and terms.acr == ()
    assert load().oidc is None
