"""The demo's phones: what they text, and that whoever is on the screen lives inside the demo's city."""

import json
from pathlib import Path

import pytest
from aiohttp import web

from channels.simulator.phones import TONGUES, phone_of
from channels.simulator.transcript import named, wordings
from notify import data
from notify.cli.demo import phones as demo_phones
from notify.cli.demo.phones import ROW, WRITTEN, PhonesFailed
from subscribers.dialog import lexicon, talk
from subscribers.dialog.player import NOON, SampleWorld, after
from subscribers.dialog.turn import Heard, Known, Reply, Standing


@pytest.fixture(scope="module")
def words() -> lexicon.Lexicon:
    return lexicon.load(data.folder("templates") / "dialog" / "vocabulary")


def test_every_phone_of_the_demo_can_be_on_the_screen_and_writes() -> None:
    taken: set[str] = set()
    for wish in ROW:
        taken.add(phone_of(wish, taken).number)
    assert taken == WRITTEN.keys()


def test_what_the_demos_residents_write_signs_them_up_in_their_language(words: lexicon.Lexicon) -> None:
    for phone in ROW:
        known, world = Known(), SampleWorld()
        for text in WRITTEN[phone["number"]]:
            known = after(known, talk.turn(known, Heard(text=text, at=NOON), world, words))
        places = [place.words for place in known.places]
        assert (known.standing, known.language, places) == (Standing.ACTIVE, phone["language"], [phone["place"]])


@pytest.mark.parametrize("language", TONGUES)
def test_the_words_a_phone_offers_are_understood_in_its_language(language: str, words: lexicon.Lexicon) -> None:
    tongue, world = TONGUES[language], SampleWorld(alert="boil_water")
    greeted = talk.turn(Known(), Heard(text=f"{tongue.greeting} 97206", at=NOON), world, words)
    known = after(Known(), greeted)
    assert (known.standing, known.language) == (Standing.ACTIVE, language)
    asked = talk.turn(known, Heard(text=tongue.water, at=NOON), world, words)
    assert [reply.body for reply in asked.replies if not isinstance(reply, Reply)] == [f"WATER/1.{language}"]
    stopped = after(known, talk.turn(known, Heard(text=tongue.stop, at=NOON), world, words))
    assert stopped.standing is Standing.STOPPED


def test_the_simulator_is_told_of_every_answer_in_every_language(tmp_path: Path) -> None:
    arguments = demo_phones.files(tmp_path)
    row, texts = (json.loads(Path(path).read_text("utf-8")) for path in arguments[1::2])
    assert arguments[::2] == ["--phones", "--wordings"]
    assert [phone["number"] for phone in row] == list(WRITTEN)
    assert all("line" not in phone for phone in row)
    known = wordings(texts)
    assert {f"M02.{language}" for language in TONGUES} <= {one.name for one in known}
    source = texts["M02.es"].replace("%(programme)s", "Portland Alerts").replace("%(place)s", "97206")
    assert named(source, known) == "M02.es"


@pytest.mark.parametrize(
    ("answer", "said"),
    [({"replies": []}, "did not answer 'hola"), ({"problems": ["A landline writes nothing."]}, "A landline")],
)
async def test_phones_that_cannot_sign_up_end_the_demo_with_a_sentence(answer: dict[str, list[str]], said: str) -> None:
    async def take(_: web.Request) -> web.Response:
        return web.json_response(answer, status=400 if "problems" in answer else 200)

    app = web.Application()
    app.router.add_post("/phones/{number}/text", take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        with pytest.raises(PhonesFailed, match=said):
            await demo_phones.sign_all_up(f"http://127.0.0.1:{runner.addresses[0][1]}")
    finally:
        await runner.cleanup()


def test_a_simulator_that_is_gone_is_named() -> None:
    with pytest.raises(PhonesFailed, match="did not answer"):
        demo_phones.sign_up("http://127.0.0.1:9")
