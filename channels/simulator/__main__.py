"""`python -m channels.simulator`: the simulator as its own process."""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import uvloop

from channels.simulator.config import MailConfig, SimulatedSender, SimulatorConfig, problems
from channels.simulator.faults import MailFaults, SmsFaults, Unfit, changed
from channels.simulator.handsets import ENDINGS, Handsets
from channels.simulator.journal import JournalBroken
from channels.simulator.phones import FIRST_ROW, BadPhone
from channels.simulator.server import serve
from channels.simulator.telephone.config import Shares, TelephoneConfig, VoiceNumber
from channels.simulator.telephone.crowd_file import BadCrowd, Script, read

DEFAULT = SimulatorConfig(log=Path("."))
FURTHER = {
    "begins_at": (int, float),
    "at_once": (int,),
    "webhook_limit_s": (int, float),
    "most_queued": (int,),
    "queue_maximum": (int,),
    "words_per_minute": (int, float),
    "play_s": (int, float),
    "plays_s": (dict,),
    "shares": (dict,),
    "shuffled": (int, float),
    "seed": (str,),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 0 after SIGTERM, 1 when a log or port cannot be used, 2 for a set-up that cannot run."""
    parser = _parser()
    given = parser.parse_args(arguments)
    try:
        config = _config(given)
    except Unfit as error:
        parser.error(str(error))
    wrong = problems(config)
    if wrong:
        parser.error(" ".join(wrong))
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(config))
    except (JournalBroken, BadPhone, OSError) as error:
        sys.stderr.write(f"The simulator stopped: {error}\n")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="simulator", description="A stand-in for a text and voice gateway and a mail relay.")
    parser.add_argument("--log", type=Path, required=True, help="folder of sms.jsonl, smtp.jsonl and voice.jsonl")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--sms-port", type=int, default=0, help="0 takes any free port")
    parser.add_argument("--smtp-port", type=int, default=0, help="0 takes any free port")
    parser.add_argument("--account", default=DEFAULT.account_sid, help="account SID clients log in with")
    parser.add_argument("--token", default=DEFAULT.auth_token, help="auth token; also signs callbacks")
    parser.add_argument(
        "--sender",
        action="append",
        type=_sender,
        help="NUMBER or NUMBER=SEGMENTS_PER_SECOND; may be repeated",
    )
    parser.add_argument("--seed", default=DEFAULT.handsets.seed, help="fixes who cannot be reached, delays and faults")
    for name in ENDINGS:
        parser.add_argument(f"--{name}-share", type=float, default=0.0, help=f"share of numbers that end {name}")
        parser.add_argument(f"--{name}", action="append", default=[], metavar="NUMBER", help=f"a number that ends {name}")
    parser.add_argument("--delivered-after", type=float, default=DEFAULT.handsets.delivered_after_s, metavar="SECONDS")
    parser.add_argument("--inbound-url", default="", help="where texts from residents are posted")
    parser.add_argument("--callbacks-at-once", type=int, default=DEFAULT.callbacks_at_once)
    parser.add_argument("--callback-host", action="append", default=[], help="a host, besides this one, reports may go to")
    parser.add_argument("--phones", type=_read, default=FIRST_ROW, metavar="FILE", help="JSON list of the phones on the screen")
    parser.add_argument(
        "--wordings", type=_read, default={}, metavar="FILE", help="JSON object of names and texts: transcripts"
    )
    parser.add_argument("--smtp-user", default="", help="with it, MAIL needs AUTH")
    parser.add_argument("--smtp-password", default="")
    parser.add_argument("--starttls", action="store_true", help="offer TLS with a certificate made at start")
    parser.add_argument("--require-starttls", action="store_true")
    parser.add_argument("--keep-mail", type=Path, help="folder for the raw messages")
    parser.add_argument("--sms-faults", type=json.loads, default={}, metavar="JSON", help=_names(SmsFaults))
    parser.add_argument("--mail-faults", type=json.loads, default={}, metavar="JSON", help=_names(MailFaults))
    _voice(parser)
    return parser


def _config(given: argparse.Namespace) -> SimulatorConfig:
    return SimulatorConfig(
        log=given.log,
        host=given.host,
        sms_port=given.sms_port,
        smtp_port=given.smtp_port,
        account_sid=given.account,
        auth_token=given.token,
        senders=tuple(given.sender) if given.sender else DEFAULT.senders,
        handsets=_handsets(given),
        inbound_url=given.inbound_url,
        callback_hosts=(*DEFAULT.callback_hosts, *given.callback_host),
        callbacks_at_once=given.callbacks_at_once,
        sms_faults=changed(SmsFaults(), given.sms_faults),
        mail_faults=changed(MailFaults(), given.mail_faults),
        phones=tuple(given.phones),
        wordings=given.wordings,
        telephone=_telephone(given),
        crowd=given.crowd,
        mail=MailConfig(
            username=given.smtp_user,
            password=given.smtp_password,
            starttls=given.starttls or given.require_starttls,
            require_starttls=given.require_starttls,
            keep=given.keep_mail,
        ),
    )


def _voice(parser: argparse.ArgumentParser) -> None:
    voice = parser.add_argument_group("telephone")
    voice.add_argument("--voice-number", action="append", default=[], metavar="NUMBER=URL", help="a number people call")
    voice.add_argument("--voice-fallback-url", default="", metavar="URL", help="asked when the number's URL fails")
    voice.add_argument("--voice-fallback", type=Path, metavar="FILE", help="TwiML for when both fail: needs no application")
    voice.add_argument("--voice-status-url", default="", metavar="URL", help="told of the end of each call to a number")
    voice.add_argument("--speed", type=float, default=1.0, help="simulated seconds in a real one: 60 is an hour a minute")
    voice.add_argument("--calls-per-second", type=float, default=1.0, help="outbound calls that leave in a simulated second")
    voice.add_argument("--telephone", type=json.loads, default={}, metavar="JSON", help="any further " + ", ".join(FURTHER))
    voice.add_argument("--crowd", type=_crowd, metavar="FILE", help="people who call, YAML or CSV; they begin at once")


def _telephone(given: argparse.Namespace) -> TelephoneConfig:
    further = dict(given.telephone)
    wrong = [f"--telephone has no setting {name!r}." for name in further if name not in FURTHER]
    wrong += [f"{name} cannot be {further[name]!r}." for name, kinds in FURTHER.items() if _unfit(further.get(name), kinds)]
    shares = further.pop("shares", {})
    known = {each.name for each in fields(Shares)}
    wrong += [f"shares has no {name!r}." for name, share in shares.items() if name not in known or _unfit(share, (int, float))]
    pairs = [each.partition("=") for each in given.voice_number]
    wrong += [f"--voice-number {number} needs =URL." for number, _, url in pairs if not url]
    if wrong:
        raise Unfit(tuple(wrong))
    document = _text(given.voice_fallback) if given.voice_fallback else ""
    numbers = tuple(
        VoiceNumber(
            number=number,
            url=url,
            fallback_url=given.voice_fallback_url,
            fallback_document=document,
            status_url=given.voice_status_url,
        )
        for number, _, url in pairs
    )
    return TelephoneConfig(
        numbers=numbers, speed=given.speed, calls_per_s=given.calls_per_second, shares=Shares(**shares), **further
    )


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, ValueError) as error:
        raise Unfit((f"{file} cannot be read: {error}",)) from None


def _unfit(value: object, kinds: tuple[type, ...]) -> bool:
    return value is not None and (isinstance(value, bool) or not isinstance(value, kinds))


def _crowd(file: str) -> Script:
    try:
        return read(Path(file))
    except (OSError, BadCrowd) as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _handsets(given: argparse.Namespace) -> Handsets:
    return Handsets(
        seed=given.seed,
        delivered_after_s=given.delivered_after,
        listed={number: name for name in ENDINGS for number in getattr(given, name)},
        **{name: getattr(given, f"{name}_share") for name in ENDINGS},
    )


def _sender(text: str) -> SimulatedSender:
    number, _, rate = text.partition("=")
    try:
        return SimulatedSender(number=number, rate=float(rate)) if rate else SimulatedSender(number=number)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not NUMBER or NUMBER=SEGMENTS_PER_SECOND") from None


def _read(file: str) -> Any:
    try:
        return json.loads(Path(file).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise argparse.ArgumentTypeError(f"{file} is no JSON that can be read: {error}") from None


def _names(faults: type[SmsFaults] | type[MailFaults]) -> str:
    return "any of " + ", ".join(each.name for each in fields(faults))


if __name__ == "__main__":
    sys.exit(main())
