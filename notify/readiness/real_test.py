"""One real text or mail, sent as alerts are, and what its provider says became of it."""

import asyncio
import secrets
from typing import Final

from channels.base import Content, Handed, Misconfigured, Outbound
from channels.sms import TwilioSms
from notify.alerts import exercise
from notify.city import Pack
from notify.readiness.findings import Finding, failed, passed, unknown
from notify.sending import senders
from notify.sending.desk import Sender
from notify.sending.notices import NO_DELIVERY
from notify.settings import Settings
from subscribers import address
from subscribers.address import BadAddress
from subscribers.sealing import Keyring

TEXT: Final = "test: text"
MAIL: Final = "test: mail"
BODY: Final = (
    "TEST from {city}: this is a test of the alert system by its staff. Nothing has happened; do nothing. Check {mark}."
)
EVERY_S: Final = 1.0
ENDS: Final = frozenset({"delivered", "undelivered", "failed", "canceled", "read"})


async def send(settings: Settings, pack: Pack, ring: Keyring, typed: str, patience_s: float) -> list[Finding]:
    """By every sender of the address's channel. Raises BadAddress."""
    channel, found = address.normal(typed, exercise.SAMPLES[settings.mode])
    check = TEXT if channel == address.SMS else MAIL
    if not exercise.fits(channel, found, settings.mode):
        raise BadAddress(
            f"{typed} is not for mode {settings.mode}: made-up addresses are for training and demo, and only they."
        )
    ours = [one for one in senders.build(settings, pack, ring) if one.channel.name == channel]
    if not ours:
        return [failed(check, f"There is no sender for {channel}.", "See docs/settings.md.")]
    return [await _by(one, check, found, pack, patience_s) for one in ours]


async def _by(sender: Sender, check: str, found: str, pack: Pack, patience_s: float) -> Finding:
    mark = secrets.token_hex(2).upper()
    body = BODY.format(city=pack.name, mark=mark)
    content = Content(key=f"go-live/{mark}", language="en", body=body, subject=f"TEST {mark} of the alert system")
    outbound = Outbound(delivery_id=NO_DELIVERY, event_id=f"notice-{secrets.token_hex(8)}", address=found, content=content)
    try:
        await sender.channel.open()
    except Misconfigured as error:
        return failed(check, f"{sender.name}: {error}", "Correct the setting it names.")
    try:
        receipts = [receipt async for receipt in sender.channel.send([outbound])]
        outcome = receipts[0].outcome if receipts else None
        if not isinstance(outcome, Handed):
            return failed(check, f"{sender.name} did not take it: {outcome}.", "Look the code up at the provider.")
        if isinstance(sender.channel, TwilioSms):
            return await _arrived(sender.channel, sender.name, outcome.provider_id, mark, patience_s)
    except Misconfigured as error:
        return failed(check, f"{sender.name}: {error}", "Correct the setting it names.")
    finally:
        await sender.channel.close()
    do = f"Open the mailbox: TEST {mark} must be in the inbox, with spf=pass, dkim=pass, dmarc=pass in Authentication-Results."
    return unknown(check, f"{sender.name} took TEST {mark}; only the mailbox shows whether it arrived.", do)


async def _arrived(channel: TwilioSms, name: str, sid: str, mark: str, patience_s: float) -> Finding:
    """Asks until the provider knows its end."""
    status = "queued"
    for _ in range(max(1, round(patience_s / EVERY_S))):
        status = await channel.status(sid)
        if status in ENDS:
            break
        await asyncio.sleep(EVERY_S)
    if status in ("delivered", "read"):
        return passed(TEXT, f"{name}: check {mark} was delivered, says the provider. The phone must show it.")
    if status in ENDS:
        return failed(TEXT, f"{name}: check {mark} ended {status} ({sid}).", "Look the message up at the provider.")
    return unknown(
        TEXT, f"{name}: check {mark} is {status} after {patience_s:g} s.", "Look at the phone, and ask the provider."
    )
