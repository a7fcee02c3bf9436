"""How a simulator is set up."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from channels.simulator.faults import MailFaults, SmsFaults
from channels.simulator.handsets import ENDINGS, Handsets
from channels.simulator.numbers import FICTIONAL, SHORT_CODE, may_call
from channels.simulator.provisioning import Provisioned
from channels.simulator.telephone.config import TelephoneConfig, urls
from channels.simulator.telephone.config import problems as telephone_problems
from channels.simulator.telephone.crowd_file import Script

ACCOUNT: Final = re.compile(r"AC[0-9a-f]{32}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedSender:
    """A number the account owns: E.164 in exchange 555, or a short code. `rate` is in segments per second; a real long
    code has 1, a toll-free number 3, a short code 100."""

    number: str
    rate: float = 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MailConfig:
    """The mail relay. With a username, MAIL needs AUTH first; `keep` is a folder for the raw messages, named by their line in
    the log, with the return path on top; `starttls` offers TLS with a certificate made at start, `require_starttls` insists on
    it."""

    username: str = ""
    password: str = ""
    starttls: bool = False
    require_starttls: bool = False
    keep: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatorConfig:
    """All a simulator needs. `log` is the folder of sms.jsonl, smtp.jsonl and voice.jsonl; port 0 means any free port.
    Reports go to `callback_hosts` only, so that a test cannot post to the outside; `callbacks_at_once` bounds those in flight.
    `phones` are on the screen at first, each an object of phones.Phone's settings; `wordings` names the application's texts,
    with slots as %(name)s, so that a conversation can be written down as a transcript; `crowd` calls as soon
    as the simulator runs; `provisioned` is how the account stands."""

    log: Path
    host: str = "127.0.0.1"
    sms_port: int = 0
    smtp_port: int = 0
    account_sid: str = "AC" + "5" * 32
    auth_token: str = "simulated-token"
    senders: tuple[SimulatedSender, ...] = (SimulatedSender(number="+15035550100"),)
    handsets: Handsets = field(default_factory=Handsets)
    inbound_url: str = ""
    callback_hosts: tuple[str, ...] = ("127.0.0.1", "localhost", "::1")
    callbacks_at_once: int = 64
    sms_faults: SmsFaults = field(default_factory=SmsFaults)
    mail: MailConfig = field(default_factory=MailConfig)
    mail_faults: MailFaults = field(default_factory=MailFaults)
    phones: tuple[Mapping[str, Any], ...] = ()
    wordings: Mapping[str, str] = field(default_factory=dict)
    telephone: TelephoneConfig = field(default_factory=TelephoneConfig)
    crowd: Script | None = None
    provisioned: Provisioned = field(default_factory=Provisioned)


def problems(config: SimulatorConfig) -> tuple[str, ...]:
    """Why this set-up cannot run, one sentence each; empty when it can."""
    found = []
    if not ACCOUNT.fullmatch(config.account_sid):
        found.append("The account must be AC and 32 hexadecimal digits in lower case.")
    if not config.senders:
        found.append("At least one sender is needed.")
    for sender in config.senders:
        if not FICTIONAL.fullmatch(sender.number) and not SHORT_CODE.fullmatch(sender.number):
            found.append(f"Sender {sender.number} is neither a number in exchange 555 nor a short code.")
        if not sender.rate > 0:
            found.append(f"Sender {sender.number} needs a rate above 0 segments per second.")
    if len({sender.number for sender in config.senders}) != len(config.senders):
        found.append("A sender is listed twice.")
    if config.inbound_url and not may_call(config.inbound_url, config.callback_hosts):
        found.append(
            f"Texts from residents cannot be posted to {config.inbound_url}: its host is not one of the callback hosts."
        )
    if config.callbacks_at_once < 1:
        found.append("At least one callback must be allowed at once.")
    if config.mail.require_starttls and not config.mail.starttls:
        found.append("STARTTLS cannot be required without being offered.")
    callable_urls = {url: may_call(url, config.callback_hosts) for url in urls(config.telephone)}
    return (*found, *_handset_problems(config.handsets), *telephone_problems(config.telephone, callable_urls))


def _handset_problems(handsets: Handsets) -> list[str]:
    found = []
    shares = [getattr(handsets, name) for name in ENDINGS]
    if min(shares) < 0 or sum(shares) > 1:
        found.append("The shares of numbers that cannot be reached must be 0 or more and add up to at most 1.")
    for number, name in handsets.listed.items():
        if name not in ENDINGS and name != "delivered":
            found.append(f"{name!r}, listed for {number}, is not one of delivered, {', '.join(ENDINGS)}.")
    if not handsets.seed:
        found.append("The seed must not be empty.")
    if handsets.delivered_after_s < 0 or handsets.spread < 0:
        found.append("Delivery times and their spread must be 0 or more.")
    return found
