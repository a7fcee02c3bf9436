"""A telephone that somebody at the screen holds in their hand: rings until they answer, tells them what is heard, and calls."""

import math
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from channels.simulator.phones import BadPhone
from channels.simulator.telephone.calls import INBOUND
from channels.simulator.telephone.legs import Leg, Ring, Signal, Sound
from channels.simulator.telephone.ringing import ANSWER, DECLINE
from channels.simulator.telephone.switchboard import Switchboard

SPEAKS_S: Final = 20.0  # what a recording takes of somebody who types and does not speak; a key ends it before
MOST_KEYS: Final = 40
KEYS: Final = frozenset("0123456789*#")

Tell = Callable[[str, str, Mapping[str, Any]], None]  # the number, what happened, and more


class HeldPhone:
    """One telephone with one line. `tell` is given all that the screen should show."""

    def __init__(self, number: str, board: Switchboard, tell: Tell) -> None:
        self.number = number
        self._board, self._tell = board, tell
        self._leg: Leg | None = None
        self._rings = False

    def call(self, to: str) -> str:
        """Calls one of the city's numbers; returns the call's sid. Raises BadPhone."""
        if self._leg is not None:
            raise BadPhone(["This telephone is on a call already."])
        leg = self._board.call_in(self.number, to, self)
        if leg is None:
            raise BadPhone([f"{to or 'No number'} can be called here: start the simulator with --voice-number."])
        self._leg = leg
        self._says("calling", other=to)
        return leg.call.sid

    def answer(self) -> None:
        """Takes the call that rings. Raises BadPhone."""
        self._line(ringing=True).signal(Signal(ANSWER))

    def hang_up(self) -> None:
        """Ends the call, or declines the one that rings. Raises BadPhone."""
        leg = self._line()
        if self._rings:
            leg.signal(Signal(DECLINE))
        else:
            leg.hang_up()

    def press(self, keys: object) -> None:
        """Raises BadPhone."""
        if not isinstance(keys, str) or not 0 < len(keys) <= MOST_KEYS or not set(keys) <= KEYS:
            raise BadPhone([f"Press 1 to {MOST_KEYS} of the keys 0 to 9, * and #."])
        leg = self._line()
        if self._rings:
            raise BadPhone(["This telephone only rings: answer it first."])
        self._says("pressed", text=keys)
        leg.press(keys)

    def rings(self, leg: Leg) -> Ring:
        if self._leg is not None:
            return Ring("busy")
        self._leg, self._rings = leg, True
        self._says("rings", other=leg.call.caller)
        return Ring("human", math.inf)

    def answered(self, leg: Leg) -> None:
        if leg is self._leg:
            self._rings = False
            self._says("answered")

    def hears(self, leg: Leg, sound: Sound) -> None:
        if sound.kind == "beep":
            leg.after(sound.seconds, lambda: leg.speak(SPEAKS_S))
        if leg is self._leg and sound.kind != "silence":
            text = urlsplit(sound.text).path.rpartition("/")[2] if sound.kind == "play" else sound.text
            self._says(sound.kind, text=text, language=sound.language)

    def meets(self, leg: Leg, other: Leg) -> None:
        if leg is self._leg:
            self._says("meets", other=other.call.caller if other.call.direction == INBOUND else other.call.to)

    def parts(self, leg: Leg) -> None:
        if leg is self._leg:
            self._says("parts")

    def ended(self, leg: Leg) -> None:
        if leg is self._leg:
            self._leg, self._rings = None, False
            self._says("ended", text=leg.call.cause)

    def _line(self, *, ringing: bool = False) -> Leg:
        if self._leg is None or (ringing and not self._rings):
            raise BadPhone(["This telephone does not ring." if ringing else "This telephone is on no call."])
        return self._leg

    def _says(self, what: str, **more: Any) -> None:
        self._tell(self.number, what, more)
