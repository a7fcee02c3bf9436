"""What somebody hears who records prompts on their own telephone: a beep, what they said, and nothing else. Pure.

    ask   beep -> speech -> pound or five seconds of silence     nothing said: the beep again, three times, then the call ends
    hear  what was recorded; 1 keep it and on to the next prompt, 2 hear it again, 3 record it anew

Whose turn it is stands in the paths, so that a webhook that comes late or twice is known as such.
"""

from typing import Final

from surge.recorded.sound import ENDINGS, LONGEST_S
from surge.voice.verbs import Document, Gather, Hangup, Pause, Play, Record, Redirect

BASE: Final = "/voice/record"
SOUNDS: Final = "/voice/sound"
KEEP, AGAIN, ANEW = "1", "2", "3"
MOST_BEEPS: Final = 3  # without a word: nobody is there
MOST_LAPS: Final = 12  # of hearing one take, or of waiting for it
MOST_TURNS: Final = 200  # beeps of one call
SILENCE_S: Final = 5
KEY_S: Final = 8
WAIT_S: Final = 2  # until the provider has stored what was said


def path(call_id: str, what: str, turn: int, lap: int = 0) -> str:
    return f"{BASE}/{call_id}/{what}/{turn}/{lap}"


def sound_path(sound_id: str, kind: str) -> str:
    return f"{SOUNDS}/{sound_id}.{ENDINGS[kind]}"


def ask(call_id: str, turn: int, lap: int = 0) -> Document:
    if lap >= MOST_BEEPS or turn >= MOST_TURNS:
        return (Hangup(),)
    record = Record(
        action=path(call_id, "said", turn),
        told=path(call_id, "sound", turn),
        most_s=int(LONGEST_S),
        silence_s=SILENCE_S,
        finish="#",
    )
    return (record, Redirect(url=path(call_id, "ask", turn, lap + 1)))


def hear(call_id: str, turn: int, lap: int, url: str) -> Document:
    if lap >= MOST_LAPS:
        return (Hangup(),)
    listen = Gather(said=(Play(url=url),), action=path(call_id, "key", turn, lap), timeout_s=KEY_S)
    return (listen, Redirect(url=path(call_id, "hear", turn, lap + 1)))


def wait(call_id: str, turn: int, lap: int) -> Document:
    """The provider does not have it yet, or cannot be asked now."""
    if lap >= MOST_LAPS:
        return (Hangup(),)
    return (Pause(seconds=WAIT_S), Redirect(url=path(call_id, "hear", turn, lap + 1)))
