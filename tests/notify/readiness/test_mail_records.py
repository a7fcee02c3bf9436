"""SPF, DKIM and DMARC are asked of a real name server on this machine, and judged as a receiver would."""

import base64
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from notify.readiness import dns, mail_records, outside
from notify.readiness.findings import Verdict
from notify.settings import load
from tests.notify.readiness.name_server import name_server

DOMAIN = "alerts.example.gov"


def spf(*records: str) -> tuple[Verdict, str]:
    found = mail_records.spf(records, DOMAIN)
    return found.verdict, found.says


@pytest.mark.parametrize(
    "records,told",
    [
        ([], "has no SPF record"),
        (["google-site-verification=1"], "has no SPF record"),
        (["v=spf10 -all"], "has no SPF record"),
        (["v=spf1 mx -all", "v=spf1 a -all"], "2 SPF records"),
        (["v=spf1 include:relay.example.gov"], "no 'all' at its end"),
        (["v=spf1 mx +all"], "lets anybody send"),
        (["v=spf1 mx all"], "lets anybody send"),
        (["v=spf1 mx ?all"], "lets anybody send"),
        (["v=spf1 -all"], "names no system"),
        (["v=spf1 " + " ".join(f"include:r{n}.example.gov" for n in range(11)) + " -all"], "11 look-ups"),
    ],
)
def test_a_sender_policy_that_helps_nobody_fails_and_says_why(records: list[str], told: str) -> None:
    verdict, says = spf(*records)
    assert verdict is Verdict.FAIL and told in says


@pytest.mark.parametrize("end", ["-all", "~all"])
def test_a_sender_policy_that_refuses_strangers_passes(end: str) -> None:
    assert spf("verification=1", f"v=spf1 include:relay.example.gov {end}")[0] is Verdict.PASS


@pytest.mark.parametrize(
    "records,verdict,told",
    [
        ({DOMAIN: [], "example.gov": []}, Verdict.FAIL, "Neither"),
        ({DOMAIN: ["v=DMARC1; p=none"]}, Verdict.FAIL, "let through"),
        ({DOMAIN: ["v=DMARC1; p=reject; pct=20"]}, Verdict.FAIL, "20 %"),
        ({DOMAIN: ["v=DMARC1; p=reject", "v=DMARC1; p=none"]}, Verdict.FAIL, "2 records"),
        ({DOMAIN: ["v=DMARC1; p=reject"]}, Verdict.PASS, "reject"),
        ({DOMAIN: [], "example.gov": ["v=DMARC1; p=quarantine"]}, Verdict.PASS, "_dmarc.example.gov"),
        ({DOMAIN: [], "example.gov": ["v=DMARC1; p=reject; sp=none"]}, Verdict.FAIL, "'none'"),
        ({DOMAIN: ["v=DMARC1"], "example.gov": ["v=DMARC1; p=reject"]}, Verdict.FAIL, "'nothing'"),
    ],
)
def test_the_policy_that_receivers_apply_is_the_one_judged(records: dict[str, list[str]], verdict: Verdict, told: str) -> None:
    found = mail_records.dmarc(records, DOMAIN)
    assert found.verdict is verdict and told in found.says


def test_the_domains_above_end_at_two_labels() -> None:
    assert mail_records.above("Alerts.City.Example.gov.") == ["alerts.city.example.gov", "city.example.gov", "example.gov"]
    assert mail_records.above("example.gov") == ["example.gov"]


@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
async def test_the_published_key_must_be_the_half_of_the_one_that_signs(kind: str, tmp_path: Path) -> None:
    key: Any = rsa.generate_private_key(65537, 2048) if kind == "rsa" else ed25519.Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "dkim.pem").write_bytes(pem)
    right = base64.b64encode(outside.public_half(pem)).decode()
    other = base64.b64encode(b"x" * 294).decode()
    name = f"city._domainkey.{DOMAIN}"
    seen = {}
    for told, record in [("right", f"v=DKIM1; k={kind}; p={right}"), ("wrong", f"v=DKIM1; p={other}"), ("gone", "v=DKIM1; p=")]:
        zone = {name: [record], DOMAIN: ["v=spf1 mx -all"], "_dmarc.example.gov": ["v=DMARC1; p=reject"]}
        async with name_server(zone) as (at, _):
            given = {"dns_server": f"127.0.0.1:{at.port}", "dkim_selector": "city", "dkim_key_file": tmp_path / "dkim.pem"}
            found = {one.check: one for one in await outside.mail(load(**given), DOMAIN)}
        assert [found[one].verdict for one in (mail_records.SPF, mail_records.DMARC)] == [Verdict.PASS] * 2
        seen[told] = (found[mail_records.DKIM].verdict, found[mail_records.DKIM].says)
    assert seen["right"][0] is Verdict.PASS
    assert seen["wrong"][0] is Verdict.FAIL and "every signature would fail" in seen["wrong"][1]
    assert seen["gone"][0] is Verdict.FAIL and "withdrawn" in seen["gone"][1]


def test_a_key_of_the_relays_own_is_not_taken_for_a_proof() -> None:
    assert mail_records.dkim(["v=DKIM1; p=QUJD"], "s._domainkey", None).verdict is Verdict.UNKNOWN
    assert mail_records.dkim([], "s._domainkey", None).verdict is Verdict.FAIL
    assert "t=y" in mail_records.dkim(["v=DKIM1; t=y; p=QUJD"], "s._domainkey", b"ABC").says


async def test_a_name_server_that_is_silent_makes_nothing_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dns, "PATIENCE_S", 0.05)
    async with name_server({}, silent=True) as (at, zone):
        given = {"dns_server": f"127.0.0.1:{at.port}", "dkim_selector": "city", "smtp_relay_signs_dkim": True}
        found = await outside.mail(load(**given), DOMAIN)
        assert {one.verdict for one in found} == {Verdict.UNKNOWN} and len(found) == 3
        assert zone.asked.count("udp") >= dns.TRIES


async def test_a_long_record_is_asked_again_over_tcp_and_comes_whole() -> None:
    long = "v=spf1 " + " ".join(f"ip4:192.0.2.{number}" for number in range(120)) + " -all"
    async with name_server({DOMAIN: [long, "second"]}) as (at, zone):
        assert await dns.txt(DOMAIN, at) == [long, "second"]
        assert zone.asked == ["udp", "tcp"]
        assert await dns.txt("nobody.example.gov", at) == []


@pytest.mark.parametrize("setting,where", [("192.0.2.1", ("192.0.2.1", 53)), ("192.0.2.1:5353", ("192.0.2.1", 5353))])
def test_the_name_server_is_a_setting_or_the_machines_own(setting: str, where: tuple[str, int], tmp_path: Path) -> None:
    assert dns.server(setting) == dns.NameServer(*where)
    own = tmp_path / "resolv.conf"
    own.write_text("# none\noptions edns0\nnameserver 192.0.2.9\nnameserver 192.0.2.10\n")
    assert dns.server("", own) == dns.NameServer("192.0.2.9")
    with pytest.raises(dns.NoAnswer):
        dns.server("", tmp_path / "absent")


@given(st.binary(max_size=200))
def test_no_answer_however_broken_is_more_than_no_answer(data: bytes) -> None:
    try:
        dns.records(data, 1, DOMAIN)
    except dns.NoAnswer:
        pass
