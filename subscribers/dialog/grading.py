"""The answer to the one question that 311 may text after a call: has it helped, from 1 to 5? Anything else is read as ever."""

from dataclasses import replace
from datetime import timedelta
from typing import Final

from subscribers.dialog.intent import Kind
from subscribers.dialog.scene import Scene
from subscribers.dialog.turn import Count, Note, Turn

GRADES: Final = (1, 2, 3, 4, 5)  # 1: of no help, 5: of much help
ANSWERED_WITHIN: Final = timedelta(hours=24)  # a digit that comes later means something else


def graded(scene: Scene) -> Turn | None:
    """Counts a grade and says thank you, in the language of the question. None for what is no answer to it: no digit from 1 to
    5, nobody asked, too late, answered before, or something else was asked since."""
    reading, helped = scene.reading, scene.memory.helped
    if helped is None or reading.kind is not Kind.NUMBER or reading.argument not in map(str, GRADES):
        return None
    at, language = helped
    since = scene.memory.question
    if scene.now - at > ANSWERED_WITHIN or (since is not None and since.at > at):
        return None
    there = replace(scene, language=language) if language in scene.world.city.languages else scene
    return there.turn(there.say("graded"), acts=[Count(Note.GRADED, reading.argument)], helped=None)
