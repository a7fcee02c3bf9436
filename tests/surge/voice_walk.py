"""Every way through the telephone flow: from a document, all that a caller and the provider can do, and what is heard next."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from channels.simulator.telephone.twiml import read
from surge.contact import ALLOWED, Standing
from surge.voice.voice import Call, Heard, Reply, Scene, bridged, heard, rang, waiting
from tests.surge.twiml_rules import IN_QUEUE as IN_QUEUE_VERBS
from tests.surge.twiml_rules import TOP, broken
from tests.surge.voice_factory import a_call, dialled, names, utterances, verbs

KEYS: Final = ("", *"0123456789*#")
TYPED: Final = ("", "9", "99", "911", "91101", "97214", "97206", "97204", "10001", "972", "9#", "*")
DIALS: Final = ("completed", "answered", "busy", "no-answer", "failed", "canceled")
LEFT: Final = ("queue-full", "error", "system-error", "redirected", "bridged", "hangup", "leave")
RECORDING: Final = "https://api.example.gov/recordings/RE1"
ENDED: Final = Heard(ended=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A call, what it hears, and where its contact stands; plays: inside a queue, where fewer verbs work."""

    call: Call
    twiml: bytes
    standing: Standing
    plays: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a document holds, read once."""

    names: tuple[str, ...]
    gathers: int  # keys it listens for, 0 for none
    first: str  # what is said first
    said: str
    dialled: tuple[str, ...]
    timeout: str
    rules: tuple[str, ...]  # what our own table and the telephone simulator's reader, written apart, have against it


@lru_cache(maxsize=100_000)
def facts(twiml: bytes, plays: bool) -> Facts:
    found = verbs(twiml)
    texts = [text for _, text in utterances(twiml)]
    gather = next((verb for verb in found if verb.tag == "Gather"), None)
    dial = next((verb for verb in found if verb.tag == "Dial"), None)
    return Facts(
        names=tuple(names(twiml)),
        gathers=0 if gather is None else int(gather.get("numDigits", "1")),
        first=texts[0] if texts else "",
        said=" | ".join(texts),
        dialled=tuple(dialled(twiml)),
        timeout="" if dial is None else dial.get("timeout", ""),
        rules=(*broken(twiml, in_queue=plays), *read(twiml, frozenset(IN_QUEUE_VERBS if plays else TOP)).warnings),
    )


def first(scene: Scene, **call: object) -> Node:
    return after(Node(call=a_call(**call), twiml=b"", standing=Standing.OFFERED), rang(a_call(**call), scene))


def after(node: Node, reply: Reply, *, plays: bool = False) -> Node:
    """Where the reply leads. Raises AssertionError for a move that its contact could not make."""
    standing = node.standing
    for move in reply.moves:
        assert move.stands in ALLOWED[standing], f"{standing} -> {move.stands} at {node.call.step} ({move.why})"
        standing = move.stands
    return Node(call=reply.call, twiml=reply.twiml, standing=standing, plays=plays)


def steps(node: Node, scene: Scene) -> Iterator[tuple[Heard, Node]]:
    """Everything that can happen next, with what it leads to."""
    call, found = node.call, facts(node.twiml, node.plays)
    if "Hangup" in found.names and not found.gathers and "Record" not in found.names and not found.dialled:
        return
    for what in _possible(found):
        yield what, after(node, heard(call, what, scene), plays=node.plays and not what.queue_result)
    if "Enqueue" in found.names or (node.plays and "Leave" not in found.names):
        yield Heard(), _round(node, scene)
        yield Heard(), after(node, bridged(call, scene))
    yield ENDED, after(node, heard(call, ENDED, scene))


def _round(node: Node, scene: Scene) -> Node:
    """One round in the queue; a document that only leads to the step is followed at once."""
    twiml = waiting(node.call, scene)
    if names(twiml) == ["Redirect"]:
        return after(node, heard(node.call, Heard(), scene), plays=True)
    return replace(node, twiml=twiml, plays=True)


def _possible(found: Facts) -> Iterator[Heard]:
    if found.gathers:
        yield from (Heard(digits=keys) for keys in (KEYS if found.gathers == 1 else TYPED))
    if "Dial" in found.names:
        yield from (Heard(dial_status=status) for status in DIALS)
    if "Enqueue" in found.names:
        yield from (Heard(queue_result=result) for result in LEFT)
    if "Leave" in found.names:
        yield from (Heard(queue_result=result) for result in ("leave", "hangup", "error"))
    if "Record" in found.names:
        yield from (Heard(), Heard(recording=RECORDING, digits="hangup"), Heard(recording=RECORDING, digits="9"))
        yield Heard(recording=RECORDING, digits="#")


def walked(start: Node, scene: Scene) -> dict[Node, list[tuple[Heard, Node]]]:
    """Every document that can be reached, breadth first, with all that follows from it."""
    found: dict[Node, list[tuple[Heard, Node]]] = {}
    line = deque([start])
    while line:
        node = line.popleft()
        if node in found:
            continue
        found[node] = list(steps(node, scene))
        line.extend(there for _, there in found[node] if there not in found)
    return found
