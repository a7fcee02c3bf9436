"""Which script follows which verb in a call's own documents, and how every call begins."""

from typing import Final

from channels.simulator.telephone.dialing import dial
from channels.simulator.telephone.documents import Verbs, conversation
from channels.simulator.telephone.legs import Leg, Redirected, Script, Source
from channels.simulator.telephone.queues import enqueue
from channels.simulator.telephone.recording import record
from channels.simulator.telephone.verbs import ALONE

VERBS: Final[Verbs] = ALONE | {"Enqueue": enqueue, "Dial": dial, "Record": record}


def whole_life(leg: Leg, script: Script[None]) -> Script[None]:
    """A script that goes wherever REST redirects it, also before it has come to its first document."""
    try:
        yield from script
    except Redirected as redirected:
        yield from conversation(leg, redirected.source, VERBS)


def incoming(leg: Leg, source: Source) -> Script[None]:
    """A call to one of our numbers."""
    yield from conversation(leg, source, VERBS)
