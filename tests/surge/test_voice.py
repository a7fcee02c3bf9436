"""What callers of 311 hear and what becomes of them, call by call."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from surge.contact import Standing
from surge.floor.queue import Head, Told
from surge.pack import Shape
from surge.voice.prompts import Prompt
from surge.voice.verbs import Play
from surge.voice.voice import (
    BookCallback,
    Call,
    CallbackDeclined,
    CallbackTaken,
    Heard,
    InZip,
    Reply,
    Scene,
    Sent,
    Step,
    TextGuide,
    ToEmergency,
    ToPartner,
    Voicemail,
    agent_gone,
    agent_rung,
    agent_said,
    bridged,
    callback_answered,
    callback_said,
    centre_rung,
    heard,
    rang,
    sent,
    waiting,
)
from tests.surge.twiml_rules import broken
from tests.surge.voice_factory import (
    CALLER,
    NOON,
    SUNDAY_3_AM,
    a_call,
    a_promise,
    a_scene,
    dialled,
    names,
    portland,
    pressed,
    said,
    utterances,
    verbs,
)

NIGHT: Any = {"staffed": False, "wait": None, "partner": None, "now": SUNDAY_3_AM}


def stands(reply: Reply) -> list[Standing]:
    return [move.stands for move in reply.moves]


def in_line(scene: Scene, **call: object) -> Call:
    return pressed(scene, "", "0", call=a_call(**call)).call


def test_a_call_begins_with_the_way_to_911_and_who_speaks() -> None:
    reply = rang(a_call(), a_scene())
    first, second, spanish, *_ = [text for _, text in utterances(reply.twiml)]
    assert first == "In an emergency press 9, or hang up and dial 9 1 1."
    assert second == "City of Portland, information line 3 1 1."
    assert spanish == "Para español, oprima 2."
    assert stands(reply) == [Standing.GREETED]


def test_each_language_is_offered_by_its_own_voice_or_by_its_english_name() -> None:
    heard_as = {text: tag for tag, text in utterances(rang(a_call(), a_scene()).twiml)}
    assert heard_as["Para español, oprima 2."] == "es-US"
    assert heard_as["For Somali press 3."] == "en-US"
    assert "For any other language press 8." in heard_as


def test_who_chooses_spanish_is_led_through_in_spanish() -> None:
    reply = pressed(a_scene(), "2")
    assert {tag for tag, _ in utterances(reply.twiml)} == {"es-US"}
    assert "Hierva el agua" in said(reply.twiml) and reply.call.language == "es"


def test_a_language_that_cannot_be_spoken_goes_to_an_interpreter() -> None:
    reply = pressed(a_scene(), "3")
    assert reply.call.language == "so" and reply.call.step is Step.WAITING
    assert "A free interpreter will join your call." in said(reply.twiml)
    assert "Boil tap water" in said(reply.twiml)
    assert stands(reply) == [Standing.QUEUEING]


def test_with_a_recording_of_the_message_the_interpreters_caller_hears_that() -> None:
    recorded = Prompt(language="so", recording="https://example.gov/so/boil.mp3", seconds=12)
    scene = a_scene()
    reply = pressed(replace(scene, messages={**scene.messages, "so": recorded}), "3")
    assert "https://example.gov/so/boil.mp3" in said(reply.twiml) and "Boil tap water" not in said(reply.twiml)


def test_without_a_key_the_caller_hears_the_message_and_then_waits_for_a_person() -> None:
    scene = a_scene()
    assert "Boil tap water" in said(pressed(scene, "").twiml)
    reply = pressed(scene, "", "")
    assert names(reply.twiml)[-1] == "Enqueue" and stands(reply) == [Standing.QUEUEING]
    assert reply.call.since == NOON


def test_one_texts_the_guide_once_and_leaves_the_caller_on_the_line() -> None:
    scene = a_scene()
    reply = pressed(scene, "1")
    assert reply.acts == (TextGuide(language="en"),)
    assert "We are texting the guide" in said(reply.twiml) and "Boil tap water" in said(reply.twiml)
    again = heard(reply.call, Heard(digits="1"), scene)
    assert again.acts == () and "press 1" not in said(again.twiml)
    over = heard(reply.call, Heard(ended=True), scene)
    assert stands(over) == [Standing.DEFLECTED] and over.call.settled


def test_a_withheld_number_is_offered_neither_text_nor_callback() -> None:
    scene = a_scene(staffed=False)
    for caller in ("", "anonymous", "+266696687", "+447700900123"):
        reply = pressed(scene, "", "0", call=a_call(caller=caller))
        assert "press 1" not in said(reply.twiml) and "press 3" not in said(reply.twiml)
        told = heard(reply.call, Heard(digits="3"), scene)
        assert "Your number is hidden from us" in said(told.twiml) and told.acts == ()


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("97214", "Yes: the notice is for ZIP code 9 7 2 1 4."),
        ("97206", "The notice is for a part of ZIP code 9 7 2 0 6."),
        ("97204", "As of now, the notice is not for ZIP code 9 7 2 0 4. That can change."),
        ("10001", "We cannot tell for ZIP code 1 0 0 0 1. Please follow the notice until you know."),
    ],
)
def test_a_zip_code_gets_its_own_answer(typed: str, words: str) -> None:
    reply = pressed(a_scene(), "", "2", typed)
    assert words in said(reply.twiml) and reply.call.step is Step.MENU
    assert reply.acts == ((InZip(zip=typed),) if typed != "10001" else ())


@pytest.mark.parametrize("typed", ["9", "9#", "99", "911", "911#", "91100", "9999"])
def test_nines_alone_are_an_emergency_where_a_zip_code_is_typed(typed: str) -> None:
    reply = pressed(a_scene(), "", "2", typed)
    assert reply.acts == (ToEmergency(),) and dialled(reply.twiml) == ["+15035550911"]


def test_zip_codes_are_asked_for_three_times_and_never_where_nothing_is_known() -> None:
    scene = a_scene()
    reply = pressed(scene, "", "2", "972", "1", "")
    assert reply.call.step is Step.MENU and "That was not a ZIP code of 5 digits." in said(reply.twiml)
    assert "press 2" not in said(pressed(replace(scene, zips=None), "").twiml)


def test_nine_rings_the_ten_digit_line_for_fifteen_seconds() -> None:
    reply = pressed(a_scene(), "9")
    (dial,) = (verb for verb in verbs(reply.twiml) if verb.tag == "Dial")
    assert dial.get("timeout") == "15" and dialled(reply.twiml) == ["+15035550911"]
    assert stands(reply) == [Standing.EMERGENCY_OUT] and reply.acts == (ToEmergency(),)
    assert said(reply.twiml).endswith("If we are cut off, hang up and dial 9 1 1.")


@pytest.mark.parametrize("status", ["no-answer", "busy", "failed", "canceled"])
def test_an_emergency_line_that_does_not_answer_sends_the_caller_to_911(status: str) -> None:
    reply = heard(pressed(a_scene(), "9").call, Heard(dial_status=status), a_scene())
    assert said(reply.twiml).count("Hang up now and dial 9 1 1.") == 2
    assert names(reply.twiml)[-1] == "Hangup" and reply.moves == ()


def test_nine_in_the_queue_leaves_it_and_then_rings() -> None:
    scene = a_scene()
    reply = heard(in_line(scene), Heard(digits="9"), scene)
    assert names(reply.twiml) == ["Say", "Leave"] and stands(reply) == [Standing.EMERGENCY_OUT]
    assert dialled(heard(reply.call, Heard(queue_result="leave"), scene).twiml) == ["+15035550911"]
    twice = heard(reply.call, Heard(digits="9"), scene)
    assert twice.acts == () == twice.moves


def test_nine_ends_a_recording() -> None:
    scene = a_scene(**NIGHT, promise=None)
    reply = pressed(scene, "", "", "5")
    record = next(verb for verb in verbs(reply.twiml) if verb.tag == "Record")
    assert "9" in record.get("finishOnKey", "")
    out = heard(reply.call, Heard(recording="https://example.gov/RE1", digits="9"), scene)
    assert dialled(out.twiml) == ["+15035550911"]


def test_the_wait_is_told_as_a_range_and_not_at_all_where_nobody_knows() -> None:
    scene = a_scene()
    call = in_line(scene)
    assert "Callers before you: 4. Your wait, in minutes: 10 to 15." in said(waiting(call, scene))
    unknown = said(waiting(call, replace(scene, wait=None)))
    assert "We cannot say how long it will take." in unknown and "in minutes" not in unknown
    assert "You are next." in said(waiting(call, replace(scene, before=0)))


def test_what_is_said_while_waiting_goes_round() -> None:
    advice = {"en": (Prompt(language="en", words="Coffee machines do not boil water."),)}
    scene = a_scene(advice=advice)
    call = in_line(scene)
    rounds = [said(waiting(call, replace(scene, now=NOON + timedelta(seconds=30 * n)))) for n in range(5)]
    parts = ("Boil tap water", "Coffee machines", "You keep your place", "only when somebody is in danger", "tell neighbors")
    assert [[part for part in parts if part in text] for text in rounds] == [[part] for part in parts]


def test_a_wait_document_holds_only_what_a_queue_plays() -> None:
    scene = a_scene()
    call = in_line(scene)
    for key in ("", "1", "3", "9", "0", "5", "*", "#", "7"):
        assert broken(heard(call, Heard(digits=key), scene).twiml, in_queue=True) == []
    assert broken(waiting(call, scene), in_queue=True) == []


def test_nobody_waits_longer_than_the_pack_allows_or_after_everybody_has_gone() -> None:
    scene = a_scene()
    call = in_line(scene)
    late = replace(scene, now=NOON + scene.pack.longest_wait)
    for changed, words in (
        (late, "You have waited as long as we let anybody wait"),
        (replace(scene, staffed=False), "Nobody is"),
    ):
        assert names(waiting(call, changed)) == ["Redirect"]
        told = heard(call, Heard(), changed)
        assert names(told.twiml)[-1] == "Leave"
        offered = heard(told.call, Heard(queue_result="leave"), changed)
        assert offered.call.step is Step.OFFER
        assert words.lower()[:20] in said(offered.twiml).lower()


def test_a_full_line_is_told_and_offered_something_else() -> None:
    scene = a_scene(waiting=300)
    reply = pressed(scene, "", "0")
    assert "the line of callers is full" in said(reply.twiml)
    assert "press 3" in said(reply.twiml) and "Regional 2 1 1" in said(reply.twiml)
    assert stands(heard(reply.call, Heard(ended=True), scene)) == [Standing.BLOCKED]


def test_in_a_crowd_the_callback_is_offered_before_the_line() -> None:
    scene = a_scene(level=2)
    menu = pressed(scene, "")
    assert "To be called back between Monday, November 23, 12:30 PM and 12:50 PM, press 3." in said(menu.twiml)
    booked = heard(menu.call, Heard(digits="3"), scene)
    assert stands(booked) == [Standing.CALLBACK] and booked.acts == (BookCallback(promise=a_promise()),)
    assert "press 3" not in said(pressed(a_scene(level=1), "").twiml)
    assert pressed(a_scene(level=1), "", "3").acts == ()


@pytest.mark.parametrize("shape", [Shape.FULL_QUEUE, Shape.FRONT_DOOR])
def test_when_swamped_nobody_new_is_put_in_line_and_who_waits_is_served(shape: Shape) -> None:
    scene = a_scene(shape, level=3)
    reply = pressed(scene, "", "0")
    assert reply.call.step is Step.OFFER and stands(reply) == []
    assert "So many people are calling that nobody can wait on the line now." in said(reply.twiml)
    assert names(waiting(in_line(a_scene()), a_scene(level=3))) == ["Gather", "Redirect"]
    if shape is Shape.FULL_QUEUE:
        assert sent(in_line(a_scene()), Sent.AGAIN, scene).call.step is Step.WAITING
    handed_over = pressed(scene, "", call=a_call(head=Head.FROM_911))
    assert handed_over.call.step is not Step.OFFER


def test_who_comes_from_911_hears_that_and_is_never_turned_away_by_a_full_line() -> None:
    scene = a_scene(waiting=300)
    reply = rang(a_call(head=Head.FROM_911), scene)
    assert "9 1 1 has handed you over" in said(reply.twiml)
    joined = heard(reply.call, Heard(), scene)
    assert joined.call.step is Step.WAITING and joined.call.head is Head.FROM_911
    spanish = heard(reply.call, Heard(digits="2"), scene)
    assert spanish.call.step is Step.WAITING and spanish.call.language == "es"


def test_a_callback_is_promised_with_its_day_and_time() -> None:
    scene = a_scene()
    call = in_line(scene)
    assert "We would call between Monday, November 23, 12:30 PM and 12:50 PM." in said(waiting(call, scene))
    leaves = heard(call, Heard(digits="3"), scene)
    assert names(leaves.twiml) == ["Leave"]
    reply = heard(leaves.call, Heard(queue_result="leave"), scene)
    assert "between Monday, November 23, 12:30 PM and 12:50 PM. You keep your place" in said(reply.twiml)
    assert stands(reply) == [Standing.CALLBACK] and reply.acts == (BookCallback(promise=a_promise()),)
    assert heard(reply.call, Heard(ended=True), scene).moves == ()


def test_who_hangs_up_right_after_asking_to_be_called_back_is_called_back() -> None:
    scene = a_scene()
    leaves = heard(in_line(scene), Heard(digits="3"), scene)
    gone = heard(leaves.call, Heard(queue_result="hangup"), scene)
    assert gone.acts == (BookCallback(promise=a_promise()),) and stands(gone) == [Standing.CALLBACK]


def test_a_promise_that_lapsed_meanwhile_is_not_spoken_and_the_place_is_kept() -> None:
    scene = a_scene()
    leaves = heard(in_line(scene), Heard(digits="3"), scene)
    reply = heard(leaves.call, Heard(queue_result="leave"), replace(scene, promise=None))
    assert "we can no longer promise a time" in said(reply.twiml)
    assert names(reply.twiml)[-1] == "Enqueue" and reply.call.since == NOON and reply.moves == () == reply.acts


def test_without_a_promise_no_callback_is_offered() -> None:
    scene = a_scene(promise=None)
    call = in_line(scene)
    assert "press 3" not in said(waiting(call, scene))
    assert heard(call, Heard(digits="3"), scene).call.step is Step.WAITING


def test_a_window_over_midnight_says_both_days() -> None:
    promise = replace(a_promise(), begins=NOON + timedelta(hours=11), ends=NOON + timedelta(hours=13))
    text = said(waiting(in_line(a_scene()), a_scene(promise=promise)))
    assert "Monday, November 23, 11:00 PM and Tuesday, November 24, 1:00 AM" in text


def test_on_sunday_at_three_the_caller_gets_the_message_the_guide_and_a_dated_promise() -> None:
    monday = replace(a_promise(), begins=SUNDAY_3_AM + timedelta(hours=29), ends=SUNDAY_3_AM + timedelta(hours=30))
    scene = a_scene(**NIGHT, promise=monday)
    assert "Boil tap water" in said(pressed(scene, "").twiml)
    reply = pressed(scene, "", "0")
    text = said(reply.twiml)
    assert "Nobody is here to answer now. We open on Monday, November 23, 8:00 AM." in text
    assert "To get the guide as a text message, press 1." in text
    assert "To be called back between Monday, November 23, 8:00 AM and 9:00 AM, press 3." in text
    booked = heard(reply.call, Heard(digits="3"), scene)
    assert booked.acts == (BookCallback(promise=monday),)


def test_at_night_a_partner_answers_who_stays_on_the_line() -> None:
    scene = a_scene(staffed=False, now=SUNDAY_3_AM)
    reply = pressed(scene, "", "", "")
    assert dialled(reply.twiml) == ["+15035550211"] and reply.acts == (ToPartner(name="Regional 211"),)
    done = heard(reply.call, Heard(dial_status="completed"), scene)
    assert stands(done) == [Standing.QUEUEING, Standing.OVERFLOWED]
    missed = heard(reply.call, Heard(dial_status="busy"), scene)
    assert missed.call.step is Step.OFFER and "Regional" not in said(missed.twiml)


def test_a_partner_who_calls_us_is_not_sent_back_to_itself() -> None:
    scene = a_scene(staffed=False)
    reply = pressed(scene, "", "0", call=a_call(caller="+15035550211"))
    assert "Regional" not in said(reply.twiml)


def test_a_message_is_the_last_resort_and_is_kept() -> None:
    scene = a_scene(**NIGHT, promise=None)
    reply = pressed(scene, "", "0", "")
    assert "Record" in names(reply.twiml)
    assert "We listen to messages from Monday, November 23, 8:00 AM on." in said(reply.twiml)
    kept = heard(reply.call, Heard(recording="https://example.gov/RE1", digits="hangup"), scene)
    assert kept.acts == (Voicemail(recording="https://example.gov/RE1"),) and stands(kept) == [Standing.BLOCKED]
    late = heard(heard(reply.call, Heard(ended=True), scene).call, Heard(recording="https://example.gov/RE1"), scene)
    assert late.acts and late.moves == ()


def test_the_provider_refusing_the_queue_leads_to_what_else_there_is() -> None:
    scene = a_scene()
    for result in ("queue-full", "error", "system-error"):
        assert heard(in_line(scene), Heard(queue_result=result), scene).call.step is Step.OFFER


def test_a_front_door_greets_informs_and_hands_on() -> None:
    scene = a_scene(Shape.FRONT_DOOR)
    assert "Boil tap water" in said(pressed(scene, "").twiml)
    reply = pressed(scene, "", "0")
    assert dialled(reply.twiml) == ["+15035550400"] and reply.call.step is Step.FORWARD
    second = heard(reply.call, Heard(dial_status="no-answer"), scene)
    assert dialled(second.twiml) == ["+15035550401"]
    last = heard(second.call, Heard(dial_status="busy"), scene)
    assert last.call.step is Step.OFFER and "nobody could answer there" in said(last.twiml)
    done = heard(second.call, Heard(dial_status="completed"), scene)
    assert stands(done) == [Standing.QUEUEING, Standing.OVERFLOWED]


def test_a_front_door_out_of_hours_forwards_to_nobody() -> None:
    reply = pressed(a_scene(Shape.FRONT_DOOR, **NIGHT), "", "0")
    assert dialled(reply.twiml) == [] and "Nobody is here to answer now." in said(reply.twiml)
    opened = a_scene(Shape.FRONT_DOOR, **(NIGHT | {"staffed": True}))
    assert dialled(pressed(opened, "", "0").twiml) == ["+15035550400"]


def test_a_call_that_strays_to_a_desk_is_handed_on_at_once() -> None:
    reply = rang(a_call(), a_scene(Shape.DESK))
    assert said(reply.twiml).startswith("In an emergency hang up and dial 9 1 1.")
    assert dialled(reply.twiml) == ["+15035550400"] and stands(reply) == [Standing.GREETED]


def test_a_sip_address_is_dialled_as_one() -> None:
    scene = a_scene(Shape.DESK)
    scene = replace(scene, pack=replace(scene.pack, forward="sip:desk@phones.example.gov"))
    (dial,) = (verb for verb in verbs(rang(a_call(), scene).twiml) if verb.tag == "Dial")
    assert [child.tag for child in dial] == ["Sip"]


def test_in_an_exercise_no_invented_danger_is_told_as_real() -> None:
    for shape in Shape:
        scene = a_scene(shape, drill=True)
        text = said(rang(a_call(), scene).twiml)
        assert "An exercise is going on." in text
    scene = a_scene(drill=True)
    assert "Boil tap water" not in said(pressed(scene, "3").twiml)
    menu = said(pressed(scene, "").twiml)
    assert menu.index("exercise") < menu.index("Boil tap water")


def test_without_a_surge_nothing_is_told_and_a_person_can_be_had() -> None:
    scene = a_scene(activation_id=None, zips=None)
    text = said(pressed(scene, "").twiml)
    assert "Boil" not in text and "press 1" not in text and "For a person, press 0" in text
    assert pressed(scene, "", "1").acts == ()


def test_star_tells_it_again_three_times_and_then_finds_a_person() -> None:
    scene = a_scene()
    reply = pressed(scene, "", "*", "*", "*")
    assert "Boil tap water" in said(reply.twiml)
    for _ in range(3):
        reply = heard(reply.call, Heard(digits="*"), scene)
    assert reply.call.step is Step.WAITING


def test_an_agent_is_told_whose_call_it_is_and_presses_one() -> None:
    scene, call = a_scene(), a_call(language="es")
    rung = agent_rung("r1", call, scene, timedelta(minutes=4, seconds=10), interpreter=True)
    assert "3 1 1 call in Spanish, waited, in minutes: 4." in said(rung)
    assert "Call up an interpreter." in said(rung) and "To take it, press 1." in said(rung)
    assert names(rung) == ["Gather", "Gather", "Say", "Hangup"]
    taken = agent_said("r1", "1", call, scene)
    assert taken.accepted and dialled(taken.twiml) == [call.contact_id]
    for digits in ("", "2", "9"):
        refused = agent_said("r1", digits, call, scene)
        assert not refused.accepted and dialled(refused.twiml) == []
    gone = agent_said("r1", "1", call, scene, is_there=False)
    assert not gone.accepted and "The caller has hung up" in said(gone.twiml)
    other = agent_rung("r1", a_call(language="und"), scene, timedelta(), interpreter=True)
    assert "call in another language" in said(other)
    for twiml in (rung, other, taken.twiml, refused.twiml, agent_gone(scene)):
        assert broken(twiml) == []


def test_an_agent_can_hand_a_caller_to_the_emergency_centre_and_stay_on() -> None:
    scene, call = a_scene(), a_call()
    rung = centre_rung(call, scene)
    assert "3 1 1 hands over a caller" in said(rung) and dialled(rung) == [call.contact_id] and broken(rung) == []
    assert "exercise" in said(centre_rung(call, a_scene(drill=True)))
    missed = sent(bridged(in_line(scene), scene).call, Sent.NO_CENTRE, scene)
    assert said(missed.twiml).count("Hang up now and dial 9 1 1.") == 2 and broken(missed.twiml) == []
    assert stands(missed) == [Standing.EMERGENCY_OUT]


def test_agent_and_caller_meet_in_one_conference_that_ends_with_either() -> None:
    scene = a_scene()
    joined = bridged(in_line(scene), scene)
    conferences = [
        next(iter(verb))
        for twiml in (joined.twiml, agent_said("r1", "1", a_call(), scene).twiml)
        for verb in verbs(twiml)
        if verb.tag == "Dial"
    ]
    assert {one.text for one in conferences} == {"contact-1"}
    assert {one.get("endConferenceOnExit") for one in conferences} == {"true"}
    over = heard(joined.call, Heard(dial_status="completed"), scene)
    assert names(over.twiml)[-1] == "Hangup" and "Goodbye" in said(over.twiml)


@pytest.mark.parametrize(
    ("where", "step", "verb"),
    [
        (Sent.BRIDGE, Step.BRIDGE, "Dial"),
        (Sent.AGAIN, Step.WAITING, "Enqueue"),
        (Sent.ELSE, Step.OFFER, "Redirect"),
        (Sent.PARTNER, Step.PARTNER, "Dial"),
    ],
)
def test_a_live_call_can_be_sent_on_and_keeps_its_place(where: Sent, step: Step, verb: str) -> None:
    scene = a_scene()
    reply = sent(in_line(scene), where, scene)
    assert reply.call.step is step and names(reply.twiml)[-1] == verb
    assert reply.call.since == NOON and reply.moves == () and broken(reply.twiml) == []
    gone = replace(scene, partner=None, staffed=False)
    assert sent(in_line(scene), where, gone).call.step in (Step.BRIDGE, Step.OFFER)


def test_a_call_from_911_and_an_exercise_are_whispered_too() -> None:
    text = said(agent_rung("r1", a_call(head=Head.FROM_911), a_scene(drill=True), timedelta()))
    assert "This is an exercise." in text and "Handed over from 9 1 1." in text


def test_only_a_key_makes_a_person_of_who_answers_our_call() -> None:
    scene = a_scene()
    reply = callback_answered("c1", a_call(), scene)
    assert said(reply.twiml).startswith("In an emergency press 9") and "calling you back as you asked" in said(reply.twiml)
    silent = callback_said("c1", reply.call, Heard(), scene)
    machine = callback_said("c1", silent.call, Heard(), scene)
    assert "We heard no key, and will try again." in said(machine.twiml) and machine.acts == ()
    assert names(machine.twiml)[-1] == "Hangup"
    taken = callback_said("c1", reply.call, Heard(digits="1"), scene)
    assert taken.acts == (CallbackTaken(),) and names(taken.twiml)[-1] == "Enqueue" and taken.moves == ()
    joined = callback_said("c1", reply.call, Heard(digits="1"), scene, agent_ready=True)
    assert dialled(joined.twiml) == ["contact-1"]
    declined = callback_said("c1", reply.call, Heard(digits="2"), scene)
    assert declined.acts == (CallbackDeclined(),)
    out = callback_said("c1", reply.call, Heard(digits="9"), scene)
    assert dialled(out.twiml) == ["+15035550911"] and out.acts == (ToEmergency(),)
    for one in (reply, silent, machine, taken, joined, declined, out):
        assert broken(one.twiml) == [] and one.moves == ()


def test_who_was_called_back_waits_anew_however_long_they_had_waited_before() -> None:
    scene = a_scene()
    call = a_call(since=NOON - 2 * scene.pack.longest_wait)
    taken = callback_said("c1", callback_answered("c1", call, scene).call, Heard(digits="1"), scene)
    assert names(waiting(taken.call, scene)) == ["Gather", "Redirect"]
    gone = heard(taken.call, Heard(ended=True), scene)
    assert gone.moves == ()


def test_what_is_reported_twice_or_late_changes_nothing() -> None:
    scene = a_scene()
    call = in_line(scene)
    gone = heard(call, Heard(queue_result="hangup"), scene)
    assert stands(gone) == [Standing.ABANDONED]
    assert heard(gone.call, Heard(ended=True), scene).moves == ()
    talking = bridged(call, scene)
    assert heard(talking.call, Heard(queue_result="redirected"), scene).call == talking.call
    assert heard(talking.call, Heard(ended=True), scene).moves == ()


def test_the_pack_of_the_sample_city_speaks_its_name_and_recordings_win() -> None:
    speech = a_scene().speech
    recorded = replace(speech, recordings={"es": {"voice.way_out": "https://example.gov/es/way.mp3"}})
    assert recorded.phrase("voice.way_out", "es") == Play(url="https://example.gov/es/way.mp3")
    assert portland().name in said(rang(a_call(caller=CALLER), a_scene()).twiml)


def test_a_wait_of_hours_is_told_in_minutes_as_the_queue_has_them() -> None:
    scene = a_scene(wait=Told(low_min=90, high_min=150))
    assert "in minutes: 90 to 150" in said(waiting(in_line(scene), scene))
