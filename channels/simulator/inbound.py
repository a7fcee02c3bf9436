"""Texts from residents: the words a gateway acts on by itself, and the replies an application answers with."""

from enum import StrEnum
from typing import Final
from xml.etree import ElementTree


class Keyword(StrEnum):
    STOP = "stop"  # no more texts from this sender
    START = "start"  # texts again
    HELP = "help"  # changes nothing


# https://www.twilio.com/docs/messaging/tutorials/advanced-opt-out: the words single numbers obey without any set-up
WORDS: Final = {
    Keyword.STOP: frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"}),
    Keyword.START: frozenset({"START", "YES", "UNSTOP"}),
    Keyword.HELP: frozenset({"HELP", "INFO"}),
}

# What the gateway itself answers, in place of the application, which cannot reach a number that said STOP.
ANSWERS: Final = {
    Keyword.STOP: "You are unsubscribed and will get no more messages from this number. Reply START to get them again.",
    Keyword.START: "You are subscribed again and will get messages from this number. Reply HELP for help, STOP to end.",
    Keyword.HELP: "Reply STOP to end messages from this number. Msg&Data rates may apply.",
}


class BadReply(ValueError):
    """The application's answer to an inbound text is not TwiML."""


def keyword(body: str) -> Keyword | None:
    """The word a text consists of, whatever its case; None for anything longer: "STOP it" is free text to a gateway."""
    word = body.strip().upper()
    return next((each for each, words in WORDS.items() if word in words), None)


def replies(twiml: str) -> tuple[str, ...]:
    """The texts of a <Response>'s <Message> elements, in order; an empty document has none. Raises BadReply."""
    if not twiml.strip():
        return ()
    try:
        root = ElementTree.fromstring(twiml)
    except ElementTree.ParseError as error:
        raise BadReply(f"The answer to an inbound text is no XML: {error}.") from error
    if root.tag != "Response":
        raise BadReply(f"The answer to an inbound text is a <{root.tag}>, not a <Response>.")
    texts = []
    for message in root.iter("Message"):
        body = message.find("Body")
        texts.append(((message if body is None else body).text or "").strip())
    return tuple(text for text in texts if text)
