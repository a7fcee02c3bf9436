"""The key that CAP documents are signed with: made, replaced, kept, and never in an alert's way."""

from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509 import load_pem_x509_certificates

from notify import keys
from notify.publishing.cap import build
from notify.publishing.cap_certificates import fingerprint, new_key, pem, self_signed
from notify.publishing.cap_signature import Signer, verified
from notify.publishing.cap_signing import UNSIGNED, Signing
from tests.notify.cli.command_line import Shell
from tests.notify.factories import PORTLAND, SENT, an_event

DOCUMENT = build(an_event(), PORTLAND)


def a_signer(days_ago: int = 1, days: int = 30) -> Signer:
    key = new_key(elliptic=True)
    made_at = SENT - timedelta(days=days_ago)
    return Signer(key, self_signed(key, "alerts@example.gov", "City of Portland", made_at, timedelta(days=days)))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    keys.create(tmp_path / "keys.toml")
    return tmp_path / "keys.toml"


def test_keys_are_kept_newest_first_and_survive_a_new_sealing_key(file: Path) -> None:
    assert keys.signers(file) == ()
    first, second = a_signer(), a_signer()
    ring = keys.load(file)
    keys.add_signer(file, first)
    keys.add_signer(file, second)
    keys.add_key(file)
    assert [one.certificate for one in keys.signers(file)] == [second.certificate, first.certificate]
    assert keys.load(file).keys.keys() > ring.keys.keys() and keys.load(file).blind_key == ring.blind_key
    signed = keys.signers(file)[0].sign(DOCUMENT)
    assert verified(signed, [second.certificate]).certificate == second.certificate
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_broken_signing_key_is_said_so(file: Path) -> None:
    file.write_text(file.read_text() + '\n[[signing]]\nkey = "AAAA"\ncertificate = "AAAA"\n')
    with pytest.raises(keys.KeysError, match="signing keys"):
        keys.signers(file)


def test_the_newest_key_whose_certificate_is_valid_signs() -> None:
    old, over, early = a_signer(), a_signer(days_ago=60), a_signer(days_ago=-5)
    signing = Signing((early, over, old))
    assert verified(signing(DOCUMENT, SENT), [old.certificate]).certificate == old.certificate
    assert load_pem_x509_certificates(signing.certificates) == [early.certificate, over.certificate, old.certificate]


def test_an_alert_is_published_unsigned_rather_than_not_at_all(caplog: pytest.LogCaptureFixture) -> None:
    assert Signing((a_signer(days_ago=60),))(DOCUMENT, SENT) == DOCUMENT
    assert "docs/cap.md#keys" in caplog.text
    assert UNSIGNED(DOCUMENT, SENT) == DOCUMENT and UNSIGNED.certificates == b""
    broken = DOCUMENT + b" " * 1_000_000
    assert Signing((a_signer(),))(broken, SENT) == broken


def test_a_key_is_made_on_the_command_line_and_judges_with_its_certificate(file: Path, tmp_path: Path) -> None:
    shell = Shell(tmp_path, {})
    said = shell("cap", "key", "--elliptic", "--json")
    assert said.code == 0 and said.data["signer"] == "CN=alerts@example.gov,O=City of Portland"
    (signer,) = keys.signers(file)
    assert said.data["sha256"] == fingerprint(signer.certificate)
    (tmp_path / "signers.pem").write_bytes(pem([signer.certificate]))
    now = signer.certificate.not_valid_before_utc + timedelta(hours=2)
    (tmp_path / "a.xml").write_bytes(signer.sign(build(an_event(sent=now), PORTLAND)))
    assert shell("cap", "check", tmp_path / "a.xml", "--trust", tmp_path / "signers.pem").code == 0
    alone = shell("cap", "check", tmp_path / "a.xml", "--signed")
    assert alone.code == 0 and "SIGNER_NOT_NAMED" in alone.out and fingerprint(signer.certificate) in alone.out
    (tmp_path / "b.xml").write_bytes((tmp_path / "a.xml").read_bytes().replace(b"Boil", b"Sip", 1))
    assert shell("cap", "check", tmp_path / "b.xml", "--signed").code == 1
    (tmp_path / "other.pem").write_bytes(pem([a_signer().certificate]))
    refused = shell("cap", "check", tmp_path / "a.xml", "--trust", tmp_path / "other.pem")
    assert refused.code == 1 and "SIGNER_UNKNOWN" in refused.out


def test_a_key_of_ones_own_is_taken_with_its_certificate_only(file: Path, tmp_path: Path) -> None:
    shell, mine, other = Shell(tmp_path, {}), a_signer(), a_signer()
    key = mine.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "key.pem").write_bytes(key)
    (tmp_path / "mine.pem").write_bytes(pem([mine.certificate]))
    (tmp_path / "other.pem").write_bytes(pem([other.certificate]))
    refused = shell("cap", "key", "--key-file", tmp_path / "key.pem", "--certificate", tmp_path / "other.pem")
    assert refused.code == 1 and "is not that of the key" in refused.errors
    assert shell("cap", "key", "--key-file", tmp_path / "key.pem").code == 2
    assert shell("cap", "key", "--key-file", tmp_path / "key.pem", "--certificate", tmp_path / "mine.pem").code == 0
    assert [one.certificate for one in keys.signers(file)] == [mine.certificate]
