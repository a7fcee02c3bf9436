"""What a caller hears at each step. The way to 911 comes first wherever keys are listened for, and before every good-bye."""

from typing import Final

from notify.wording.slots import ENGLISH
from surge.dialing import dial_problem
from surge.floor.callback import Promise
from surge.floor.queue import Head
from surge.pack import ANY_OTHER, Shape
from surge.recorded.takes import CHOOSE
from surge.voice.prompts import Prompt
from surge.voice.tongues import name
from surge.voice.verbs import Dial, Document, Enqueue, Gather, Hangup, Join, Leave, Play, Record, Redirect, Spoken
from surge.voice.voice_call import CROWDED, SWAMPED, Call, Scene, Step

QUEUE: Final = "311"
WAIT_PATH: Final = "/voice/wait"
LEFT_PATH: Final = "/voice/left"
RECORDED_PATH: Final = "/voice/recorded"
EMERGENCY_S: Final = 15  # then the caller is told to hang up and dial 911
PARTNER_S: Final = 25
FORWARD_S: Final = 30
KEY_S: Final = 5
TYPING_S: Final = 6  # between two keys of a ZIP code; a lone 9 counts after it
QUIET_S: Final = 10  # between two rounds of what is said while waiting
MESSAGE_S: Final = 120
SILENCE_S: Final = 6
EMERGENCY_KEY: Final = "9"
MOST_LAPS: Final = 3
ADVICE: Final = ("advice_place", "advice_free_911", "advice_neighbours")


def is_reachable(call: Call) -> bool:
    """Whether the number can be called and texted; it is withheld, or another country's, otherwise."""
    return not dial_problem(call.caller, sip=False)


def can_be_texted(call: Call) -> bool:
    return is_reachable(call) and not call.guided


def said_path(step: Step) -> str:
    return f"/voice/said/{step}"


def dialed_path(step: Step) -> str:
    return f"/voice/dialed/{step}"


def tongue(call: Call, scene: Scene) -> str:
    """The language our phrases are said in: the caller's, or English."""
    return scene.speech.tongue(call.language)


def phrase(call: Call, scene: Scene, key: str, **slots: object) -> Spoken:
    return scene.speech.phrase(f"voice.{key}", tongue(call, scene), **slots)


def opening(call: Call, scene: Scene, way_out: str = "way_out") -> tuple[Spoken, ...]:
    exercise = (phrase(call, scene, "exercise"),) if scene.drill else ()
    return (phrase(call, scene, way_out), *exercise)


def message(call: Call, scene: Scene) -> tuple[Spoken, ...]:
    """What is going on: in the caller's own language if it can be heard, else in English."""
    if scene.activation_id is None:
        return ()
    given = (scene.messages.get(call.language), scene.messages.get(ENGLISH))
    found = next((one for one in given if scene.speech.prompt(one)), None)
    if found is None:
        return ()
    said = scene.speech.prompt(found)
    if found.next_at is None or found.next_at <= scene.now or found.language not in scene.speech.fluent:
        return said
    at = scene.speech.moment(found.next_at, found.language)
    return (*said, scene.speech.phrase("voice.next_update", found.language, at=at))


def asked(step: Step, said: tuple[Spoken, ...], timeout_s: int = KEY_S) -> Document:
    return (Gather(said=said, action=said_path(step), timeout_s=timeout_s), Redirect(url=said_path(step)))


def ended(call: Call, scene: Scene, *lead: Spoken) -> Document:
    return (*lead, phrase(call, scene, "way_out_dial"), phrase(call, scene, "goodbye"), Hangup())


def greeting(call: Call, scene: Scene) -> Document:
    handed_over = (phrase(call, scene, "from_911"),) if call.head is Head.FROM_911 else ()
    said = (*opening(call, scene), phrase(call, scene, "greeting"), *handed_over, *_languages(scene))
    return asked(Step.GREETING, said)


def _languages(scene: Scene) -> tuple[Spoken, ...]:
    """Each language in itself where it can be spoken, in the order of the keys."""
    return tuple(_language(scene, digit, language) for digit, language in sorted(scene.pack.digits.items()))


def _language(scene: Scene, digit: str, language: str) -> Spoken:
    speech = scene.speech
    if language == ANY_OTHER:
        return speech.phrase("voice.choose_any", ENGLISH, digit=digit)
    if recorded := speech.recordings.get(language, {}).get(CHOOSE):
        return Play(url=recorded)  # it names the key itself
    if language in speech.fluent and language in speech.voices:
        return speech.phrase(CHOOSE, language, digit=digit)
    return speech.phrase("voice.choose_other", ENGLISH, digit=digit, other=name(language))


def menu(call: Call, scene: Scene, lead: tuple[Spoken, ...] = ()) -> Document:
    """What may be done, without what cannot be done by this call."""
    keys = []
    if scene.activation_id is not None:
        keys = ["menu_guide"] if can_be_texted(call) else []
        keys += ["menu_zip"] if scene.zips is not None else []
    keys += ["menu_person", "menu_again"]
    options = [phrase(call, scene, key) for key in keys]
    if (promise := promised_first(call, scene)) is not None:
        options.insert(0, phrase(call, scene, "offer_callback", **window(call, scene, promise)))
    return asked(Step.MENU, (*opening(call, scene), *lead, *options))


def promised_first(call: Call, scene: Scene) -> Promise | None:
    """What is promised in the menu already, before anybody stands in line."""
    crowded = scene.activation_id is not None and scene.level >= CROWDED
    return scene.promise if crowded and is_reachable(call) else None


def zip_code(call: Call, scene: Scene, lead: tuple[Spoken, ...] = ()) -> Document:
    """Keys end by pound or by silence, so that a lone 9 is heard as the way out."""
    said = (phrase(call, scene, "zip_ask"), *lead)
    listen = Gather(said=said, action=said_path(Step.ZIP), keys=5, timeout_s=TYPING_S, finish="#")
    return (listen, Redirect(url=said_path(Step.ZIP)))


def joining(call: Call, scene: Scene, lead: tuple[Spoken, ...] = ()) -> Document:
    return (*lead, phrase(call, scene, "hold"), Enqueue(queue=QUEUE, wait=WAIT_PATH, action=LEFT_PATH))


def round_of_waiting(call: Call, scene: Scene, lead: tuple[Spoken, ...] = ()) -> Document:
    """The way out, the place, one piece of advice, what may be done instead; then quiet. Keys are heard throughout."""
    instead = []
    if can_be_texted(call) and scene.activation_id is not None:
        instead.append(phrase(call, scene, "menu_guide"))
    if is_reachable(call) and scene.promise is not None and call.offers < MOST_LAPS:
        instead.append(phrase(call, scene, "wait_callback", **window(call, scene, scene.promise)))
    said = (*opening(call, scene), *lead, _place(call, scene), *_advice(call, scene), *instead)
    listen = Gather(said=said, action=said_path(Step.WAITING), timeout_s=QUIET_S)
    return (listen, Redirect(url=WAIT_PATH))


def _place(call: Call, scene: Scene) -> Spoken:
    if scene.before <= 0:
        return phrase(call, scene, "wait_next")
    if scene.wait is None:
        return phrase(call, scene, "wait_unknown", ahead=scene.before)
    return phrase(call, scene, "wait", ahead=scene.before, low=scene.wait.low_min, high=scene.wait.high_min)


def _advice(call: Call, scene: Scene) -> tuple[Spoken, ...]:
    """What is said next while waiting: the city's message, its advice, and ours, in turn as time goes by."""
    own = scene.advice.get(call.language) or scene.advice.get(ENGLISH, ())
    city: list[Prompt] = [*own]
    turns: list[tuple[Spoken, ...]] = [message(call, scene), *(scene.speech.prompt(one) for one in city)]
    turns += [(phrase(call, scene, key),) for key in ADVICE]
    heard = [turn for turn in turns if turn]
    rounds = 0 if call.since is None else int((scene.now - call.since).total_seconds()) // 30
    return heard[rounds % len(heard)]


def window(call: Call, scene: Scene, promise: Promise) -> dict[str, str]:
    """The promised times in words: the day once, where both lie on it."""
    speech, language = scene.speech, tongue(call, scene)
    same = promise.begins.astimezone(speech.zone).date() == promise.ends.astimezone(speech.zone).date()
    ends = speech.clock(promise.ends, language) if same else speech.moment(promise.ends, language)
    return {"begins": speech.moment(promise.begins, language), "ends": ends}


def offer(call: Call, scene: Scene, lead: tuple[Spoken, ...] = ()) -> Document:
    """Nobody can answer: what is going on, and what may be done instead. Staying on the line does the best of it."""
    options = []
    if scene.activation_id is not None and can_be_texted(call):
        options.append(phrase(call, scene, "menu_guide"))
    if scene.promise is not None and is_reachable(call):
        options.append(phrase(call, scene, "offer_callback", **window(call, scene, scene.promise)))
    if (partner := partner_left(call, scene)) is not None:
        options += [phrase(call, scene, "offer_partner", partner=partner), phrase(call, scene, "offer_message_key")]
    else:
        options.append(phrase(call, scene, "offer_message"))
    return asked(Step.OFFER, (*opening(call, scene), *lead, why_not(call, scene), *options))


def why_not(call: Call, scene: Scene) -> Spoken:
    """Why nobody answers this call now, as a sentence."""
    if not answering(scene):
        opens = scene.pack.hours.opens(scene.now)
        if opens is None or opens <= scene.now:
            return phrase(call, scene, "closed_unknown")
        return phrase(call, scene, "closed", opens=scene.speech.moment(opens, tongue(call, scene)))
    if turns_away(call, scene):
        return phrase(call, scene, "swamped")
    if scene.pack.shape is not Shape.FULL_QUEUE:
        return phrase(call, scene, "unanswered")
    return phrase(call, scene, "overdue" if is_overdue(call, scene) else "full")


def answering(scene: Scene) -> bool:
    """Whether somebody is there to answer: here, or where this shape hands calls to."""
    if scene.pack.shape is Shape.FULL_QUEUE:
        return scene.staffed
    return scene.staffed or scene.pack.hours.is_open(scene.now)


def turns_away(call: Call, scene: Scene) -> bool:
    """So many call that nobody new is put in line, or sent on to the call centre. Who comes from 911 is."""
    swamped = scene.activation_id is not None and scene.level >= SWAMPED
    return swamped and call.since is None and call.head is not Head.FROM_911


def is_overdue(call: Call, scene: Scene) -> bool:
    return call.since is not None and scene.now - call.since >= scene.pack.longest_wait


def partner_left(call: Call, scene: Scene) -> str | None:
    """The name of a partner that may be rung now and has not been; never the one who calls us."""
    partner = scene.partner
    if partner is None or Step.PARTNER in call.tried or call.caller == partner.number:
        return None
    return partner.name


def booked(call: Call, scene: Scene, promise: Promise) -> Document:
    said = (*opening(call, scene), phrase(call, scene, "promise", **window(call, scene, promise)))
    more = (phrase(call, scene, "menu_guide"),) if scene.activation_id is not None and can_be_texted(call) else ()
    return asked(Step.BOOKED, (*said, *more))


def voicemail(call: Call, scene: Scene, lead: tuple[Spoken, ...] = ()) -> Document:
    """The last resort. 9 ends the recording and leads to the emergency centre."""
    opens = scene.pack.hours.opens(scene.now)
    said = [*opening(call, scene), *lead, phrase(call, scene, "voicemail")]
    if not answering(scene) and opens is not None and opens > scene.now:
        said.append(phrase(call, scene, "voicemail_opens", opens=scene.speech.moment(opens, tongue(call, scene))))
    finish = f"#{EMERGENCY_KEY}"
    record = Record(action=RECORDED_PATH, most_s=MESSAGE_S, silence_s=SILENCE_S, finish=finish)
    return (*said, record, Redirect(url=said_path(Step.VOICEMAIL)))


def leaving(*said: Spoken) -> Document:
    """Out of the queue. Inside it only a few verbs work; what follows is written for LEFT_PATH."""
    return (*said, Leave())


def to_emergency(call: Call, scene: Scene) -> Document:
    dial = Dial(targets=(scene.pack.emergency_line,), timeout_s=EMERGENCY_S, action=dialed_path(Step.EMERGENCY))
    return (phrase(call, scene, "emergency"), dial)


def emergency_failed(call: Call, scene: Scene) -> Document:
    said = phrase(call, scene, "emergency_failed")
    return (said, said, Hangup())


def to_partner(call: Call, scene: Scene, name: str, number: str) -> Document:
    dial = Dial(targets=(number,), timeout_s=PARTNER_S, action=dialed_path(Step.PARTNER))
    return (phrase(call, scene, "to_partner", partner=name), dial)


def to_forward(call: Call, scene: Scene, number: str, lead: tuple[Spoken, ...] = ()) -> Document:
    dial = Dial(targets=(number,), timeout_s=FORWARD_S, action=dialed_path(Step.FORWARD))
    return (*lead, phrase(call, scene, "to_forward"), dial)


def bridge(call: Call, scene: Scene) -> Document:
    return (phrase(call, scene, "connecting"), Join(conference=call.contact_id, action=dialed_path(Step.BRIDGE)))
