"""What a relay says, or does not say, decides what is known of a delivery; with and without pipelining alike."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import uvloop
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.base import Handed, Misconfigured, Outcome, Refused, Retry, Unknown
from channels.smtp import IN_DOUBT, LOST_AFTER, OUR_FAULT_AFTER, Step, judged
from tests.channels.mail_factories import (
    CUT,
    HANG,
    Answer,
    a_channel,
    a_raw_relay,
    a_scripted_relay,
    an_outbound,
    outcomes,
)

PIPELINING = pytest.mark.parametrize("pipelining", [False, True], ids=["lock-step", "pipelining"])


async def outcome_when(pipelining: bool, answers: dict[str, str], **changes: Any) -> Outcome:
    async with a_scripted_relay(answers, pipelining=pipelining) as relay, a_channel(relay.port, **changes) as channel:
        return (await outcomes(channel, [an_outbound()]))[1]


@PIPELINING
async def test_a_mail_the_relay_takes_is_handed_over_under_its_message_id(pipelining: bool) -> None:
    async with a_scripted_relay(pipelining=pipelining) as relay, a_channel(relay.port) as channel:
        found = await outcomes(channel, [an_outbound()])
    assert found == {1: Handed("<event-7.1@bounces.example.gov>")}
    assert [(recipient, mail["Message-ID"]) for recipient, mail in relay.accepted] == [
        ("resident1@example.gov", "<event-7.1@bounces.example.gov>")
    ]


@PIPELINING
@pytest.mark.parametrize(
    ("point", "reply", "expected"),
    [
        ("RCPT", "550 5.1.1 no such user", Refused("550 5.1.1", "The mailbox does not exist.")),
        ("RCPT", "552 5.2.2 over quota", Refused("552 5.2.2", "The mailbox is full.")),
        ("RCPT", "553 no", Refused("553", "The receiving system does not allow the address.")),
        ("DATA", "554 5.7.1 no", Refused("554 5.7.1", "The receiving system does not take mail from us.")),
        ("content", "554 spam", Refused("554", "The receiving system refused the mail.")),
        ("content", "599 what", Refused("599", "The receiving system refused the mail.")),
        ("MAIL", "451 later", Retry(timedelta(seconds=60), "The relay answered MAIL with 451.")),
        ("RCPT", "450 4.2.0 greylisted", Retry(timedelta(seconds=60), "The relay answered RCPT with 450 4.2.0.")),
        ("DATA", "452 4.3.1 disk", Retry(timedelta(seconds=60), "The relay answered DATA with 452 4.3.1.")),
        ("content", "451 later", Retry(timedelta(seconds=60), "The relay answered the content with 451.")),
        ("content", "454 slower", Retry(timedelta(seconds=5), "The relay answered the content with 454.", True)),
        ("MAIL", "421 closing", Retry(timedelta(seconds=30), "The relay answered MAIL with 421.", True)),
        ("RCPT", "421 closing", Retry(timedelta(seconds=30), "The relay answered RCPT with 421.", True)),
        ("DATA", "421 closing", Retry(timedelta(seconds=30), "The relay answered DATA with 421.", True)),
        ("content", "421 closing", Retry(timedelta(seconds=30), "The relay answered the content with 421.", True)),
    ],
)
async def test_a_reply_decides_what_becomes_of_the_mail(pipelining: bool, point: str, reply: str, expected: Outcome) -> None:
    assert await outcome_when(pipelining, {point: reply}) == expected


@PIPELINING
@pytest.mark.parametrize("silence", [CUT, HANG])
@pytest.mark.parametrize("point", ["MAIL", "RCPT", "DATA"])
async def test_a_mail_whose_content_never_left_may_be_tried_again(pipelining: bool, silence: str, point: str) -> None:
    outcome = await outcome_when(pipelining, {point: silence}, command_timeout_s=0.3)
    assert isinstance(outcome, Retry)
    assert not outcome.pause_sender


@PIPELINING
@pytest.mark.parametrize("silence", [CUT, HANG, "what?", "2x0 OK", "354 go on", "199 wait"])
async def test_nobody_knows_what_became_of_a_mail_cut_off_after_its_content(pipelining: bool, silence: str) -> None:
    outcome = await outcome_when(pipelining, {"content": silence}, accepting_timeout_s=0.3)
    assert isinstance(outcome, Unknown)
    assert outcome.cause.endswith(IN_DOUBT)


async def test_a_connection_cut_in_the_middle_of_the_content_is_not_tried_again_blindly() -> None:
    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 relay\r\n")
        for reply in (b"250 relay\r\n", b"250 OK\r\n", b"250 OK\r\n", b"354 go\r\n"):
            await reader.readuntil(b"\r\n")
            writer.write(reply)
        await reader.readuntil(b"\r\n")
        writer.transport.abort()

    async with a_raw_relay(listen) as port, a_channel(port) as channel:
        found = await outcomes(channel, [an_outbound()])
    assert isinstance(found[1], Unknown)


@PIPELINING
@pytest.mark.parametrize(
    ("point", "reply", "setting"),
    [
        ("MAIL", "550 5.7.1 sender rejected", "bounce_domain"),
        ("MAIL", "530 5.7.0 authentication required", "username and password"),
        ("RCPT", "530 5.7.0 must issue STARTTLS", "security"),
    ],
)
async def test_a_refusal_that_is_our_fault_stops_the_channel_and_refuses_nobody(
    pipelining: bool, point: str, reply: str, setting: str
) -> None:
    async with a_scripted_relay({point: reply}, pipelining=pipelining) as relay, a_channel(relay.port) as channel:
        found = {}
        with pytest.raises(Misconfigured, match=setting):
            async for receipt in channel.send([an_outbound(number) for number in range(40)]):
                found[receipt.delivery_id] = receipt.outcome
    assert found.keys() == set(range(40))
    assert all(isinstance(outcome, Retry) for outcome in found.values())
    assert relay.accepted == []


@PIPELINING
async def test_a_relay_that_closes_is_not_asked_again_on_that_connection(pipelining: bool) -> None:
    async with (
        a_scripted_relay({"MAIL": "421 too many"}, pipelining=pipelining) as relay,
        a_channel(relay.port, connections=1) as channel,
    ):
        found = await outcomes(channel, [an_outbound(number) for number in range(5)])
    assert all(isinstance(outcome, Retry) and outcome.pause_sender for outcome in found.values())
    assert len(found) == 5
    assert relay.connections == 1


@PIPELINING
async def test_replies_may_come_byte_by_byte_and_on_several_lines(pipelining: bool) -> None:
    answers = {"MAIL": "250-first\r\n250-second\r\n250 last", "content": "250-so\r\n250 be it"}
    async with (
        a_scripted_relay(answers, pipelining=pipelining, bytewise=True) as relay,
        a_channel(relay.port, connections=1) as channel,
    ):
        found = await outcomes(channel, [an_outbound(number) for number in range(3)])
    assert all(isinstance(outcome, Handed) for outcome in found.values())
    assert len(relay.accepted) == 3


@pytest.mark.parametrize("drip", [b"250 " + b"x" * 9_000, b"250-\r\n" * 50_000])
async def test_a_reply_without_end_does_not_hold_the_sender(drip: bytes) -> None:
    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 relay\r\n")
        await reader.readuntil(b"\r\n")
        writer.write(b"250 relay\r\n")
        await reader.readuntil(b"\r\n")
        while True:
            writer.write(drip)
            await writer.drain()

    async with a_raw_relay(listen) as port, a_channel(port, command_timeout_s=0.5) as channel:
        found = await outcomes(channel, [an_outbound()])
    assert isinstance(found[1], Retry)


@PIPELINING
async def test_a_refused_recipient_does_not_hold_up_those_after(pipelining: bool) -> None:
    def rcpt(address: str) -> str:
        return "550 5.1.1 no" if address == "resident2@example.gov" else "250 OK"

    async with (
        a_scripted_relay({"RCPT": rcpt}, pipelining=pipelining) as relay,
        a_channel(relay.port, connections=1) as channel,
    ):
        found = await outcomes(channel, [an_outbound(number) for number in range(1, 5)])
    assert isinstance(found.pop(2), Refused)
    assert all(isinstance(outcome, Handed) for outcome in found.values())
    assert [recipient for recipient, _ in relay.accepted] == [f"resident{n}@example.gov" for n in (1, 3, 4)]
    assert relay.connections == 1


async def test_a_relay_that_wants_content_for_a_refused_recipient_gets_none() -> None:
    async with (
        a_scripted_relay({"RCPT": "550 no", "DATA": "354 go", "content": "554 no recipients"}, pipelining=True) as relay,
        a_channel(relay.port) as channel,
    ):
        found = await outcomes(channel, [an_outbound()])
    assert isinstance(found[1], Refused)
    assert relay.contents == [b""]


async def test_a_relay_that_refuses_data_is_reset_before_the_next_mail() -> None:
    async with a_scripted_relay({"DATA": "451 no"}, pipelining=True) as relay, a_channel(relay.port, connections=1) as channel:
        await outcomes(channel, [an_outbound(1), an_outbound(2)])
    assert [line.split(" ")[0] for line in relay.commands if line != "QUIT"][1:] == ["MAIL", "RCPT", "DATA", "RSET"] * 2


async def test_a_relay_that_cannot_be_reset_is_left() -> None:
    async with (
        a_scripted_relay({"RCPT": "550 no", "RSET": "500 what"}) as relay,
        a_channel(relay.port, connections=1) as channel,
    ):
        found = await outcomes(channel, [an_outbound(1), an_outbound(2)])
    assert all(isinstance(outcome, Refused) for outcome in found.values())
    assert relay.connections == 2


async def test_pipelining_costs_one_round_trip_a_mail() -> None:
    """The next envelope arrives together with the content before it."""
    bursts: list[bytes] = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 relay\r\n")
        answers = [
            b"250-relay\r\n250 PIPELINING\r\n",
            b"250 OK\r\n250 OK\r\n354 go\r\n",
            b"250 OK\r\n250 OK\r\n250 OK\r\n354 go\r\n",
            b"250 OK\r\n",
        ]
        for answer in answers:
            bursts.append(await reader.read(65536))
            writer.write(answer)
        await reader.read(65536)
        writer.write(b"221 bye\r\n")

    async with a_raw_relay(listen) as port, a_channel(port, connections=1) as channel:
        found = await outcomes(channel, [an_outbound(number) for number in range(2)])
    assert all(isinstance(outcome, Handed) for outcome in found.values())
    assert [burst[:4] for burst in bursts] == [b"EHLO", b"MAIL", b"To: ", b"To: "]


FATES = {
    "taken": {},
    "unknown mailbox": {"RCPT": "550 5.1.1 no"},
    "greylisted": {"RCPT": "450 later"},
    "no data": {"DATA": "451 later"},
    "spam": {"content": "554 no"},
    "closing": {"RCPT": "421 bye"},
    "cut before": {"RCPT": CUT},
    "cut after": {"content": CUT},
    "closing after": {"content": "421 bye"},
}


@settings(max_examples=60, deadline=None)
@given(
    fates=st.lists(st.sampled_from(sorted(FATES)), min_size=1, max_size=40),
    connections=st.integers(1, 4),
    limit=st.integers(1, 10),
    pipelining=st.booleans(),
    run=st.sampled_from([asyncio.run, uvloop.run]),
)
def test_what_is_told_of_a_mail_is_never_better_than_the_truth(
    fates: list[str], connections: int, limit: int, pipelining: bool, run: Callable[[Any], None]
) -> None:
    """Whatever the relay does: one receipt each, what is called handed was taken, and what may be repeated was not."""
    run(told_and_true(fates, connections, limit, pipelining))


async def told_and_true(fates: list[str], connections: int, limit: int, pipelining: bool) -> None:
    def answer(point: str, usual: str) -> Callable[[str], str]:
        def reply(address: str) -> str:
            return FATES[fates[int(address.removeprefix("resident").partition("@")[0])]].get(point, usual)

        return reply

    relay_answers: dict[str, Answer] = {
        "RCPT": answer("RCPT", "250 OK"),
        "content": answer("content", "250 OK"),
        "DATA": answer("DATA", "354 go"),
    }
    async with (
        a_scripted_relay(relay_answers, pipelining=pipelining) as relay,
        a_channel(relay.port, connections=connections, messages_per_connection=limit) as channel,
    ):
        told = await outcomes(channel, [an_outbound(number) for number in range(len(fates))])
    accepted = [int(recipient.removeprefix("resident").partition("@")[0]) for recipient, _ in relay.accepted]
    assert told.keys() == set(range(len(fates)))
    assert len(accepted) == len(set(accepted))
    handed = {number for number, outcome in told.items() if isinstance(outcome, Handed)}
    unknown = {number for number, outcome in told.items() if isinstance(outcome, Unknown)}
    assert handed == set(accepted)
    assert unknown <= {number for number, fate in enumerate(fates) if fate == "cut after"}
    assert all(fates[number] == "taken" for number in handed)


@given(step=st.sampled_from(list(Step)), code=st.integers(0, 999), text=st.binary(max_size=20))
def test_only_a_refusal_says_that_a_mail_was_not_taken(step: Step, code: int, text: bytes) -> None:
    if 400 <= code < 600:
        assert isinstance(judged(step, code, text), Retry if code < 500 else Refused | Misconfigured | Retry)
    else:
        with pytest.raises(ValueError, match="no answer to it"):
            judged(step, code, text)


@PIPELINING
@pytest.mark.parametrize("extra", [b"250 OK\r\n", b"354 go on\r\n"])
async def test_a_reply_too_many_is_never_taken_for_the_answer_to_a_content(pipelining: bool, extra: bytes) -> None:
    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 relay\r\n")
        await reader.readuntil(b"\r\n")
        writer.write(b"250-relay\r\n250 PIPELINING\r\n" if pipelining else b"250 relay\r\n")
        for reply in (b"250 OK\r\n", b"250 OK\r\n", b"354 go\r\n" + extra):
            await reader.readuntil(b"\r\n")
            writer.write(reply)
        await reader.read()

    async with a_raw_relay(listen) as port, a_channel(port, connections=1) as channel:
        found = await outcomes(channel, [an_outbound()])
    assert found == {1: Retry(LOST_AFTER, "The relay answered the content before it had it.")}


async def test_a_relay_that_denies_relaying_loses_nobody_for_good() -> None:
    outcome = await outcome_when(False, {"RCPT": "554 5.7.1 <resident1@example.gov>: Relay access denied"})
    assert outcome == Retry(OUR_FAULT_AFTER, "The relay does not let us send to other domains (554 5.7.1).")
