"""Reviews of translations by the API: what waits, a yes to exactly what was read, a note, and what either is worth."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import text

from notify.web.endpoints import PREFIX
from notify.wiring import reviews as stored
from notify.wording import reviews
from notify.wording.review_desk import CHANGED, ReviewDesk
from notify.wording.reviewing import NO_NOTE
from notify.wording.reviews import Reader, Review
from tests.notify.api_factory import Answered, Desk, a_desk, post

pytestmark = pytest.mark.asyncio(loop_scope="module")
WHO = "translator"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path) -> AsyncIterator[Desk]:
    async with a_desk(tmp_path_factory.mktemp("translations") / "home", migrated_sqlite) as found:
        yield found


@pytest.fixture
def desk(house: Desk) -> Desk:
    """Nothing is reviewed yet."""
    house.served.running.service.db.write_now(lambda conn: conn.execute(text("DELETE FROM word_review")))
    return house


def known(desk: Desk) -> ReviewDesk:
    return desk.served.running.service.review_desk


def kept(desk: Desk) -> Sequence[Review]:
    return desk.served.running.service.db.read_now(stored)


async def listed(desk: Desk, language: str, query: str = "limit=3") -> Answered:
    answer = await desk.ask(WHO, "GET", f"{PREFIX}/translations/{language}?{query}")
    assert answer.status == 200, answer.text
    return answer


async def first(desk: Desk, language: str, query: str = "limit=3") -> dict[str, Any]:
    return dict((await listed(desk, language, query)).reply["messages"][0])


def about(message: dict[str, Any], **more: str) -> dict[str, str]:
    return {"context": message["context"], "seen": message["seen"]} | more


async def test_every_language_says_how_far_it_is(desk: Desk) -> None:
    reply = (await desk.ask(WHO, "GET", f"{PREFIX}/translations")).reply
    rows = {row.language: row for row in reviews.standings(known(desk).words, reviews.arrange(()))}
    assert [one["language"] for one in reply["languages"]] == list(rows) and not reply["faults"]
    for one in reply["languages"]:
        row = rows[one["language"]]
        assert (one["approved"], one["draft"], one["stale"], one["missing"]) == (0, row.draft, 0, row.missing)
    assert {one["language"]: one["endonym"] for one in reply["languages"]}["es"] == "Español"


async def test_a_message_stands_with_its_source_its_words_and_what_a_text_costs(desk: Desk) -> None:
    message, words = await first(desk, "ar"), known(desk).words
    assert message["source"] == words.messages[message["context"]].text
    assert message["target"] == words.text(message["context"], "ar") != message["source"]
    assert (message["state"], message["list"], message["kinds"]) == ("draft", "waiting", ["page", "sms"])
    assert message["note"] is message["review"] is None
    texts = [one for one in (await listed(desk, "ar", "")).reply["messages"] if one["size"]]
    assert texts and {one["size"]["encoding"] for one in texts} == {"UCS-2"}
    assert all(1 <= one["size"]["parts"] <= one["size"]["most_parts"] and one["size"]["english_parts"] for one in texts)


async def test_pages_of_a_list_leave_nothing_out_though_what_was_shown_is_reviewed_meanwhile(desk: Desk) -> None:
    found, where = [], f"{PREFIX}/translations/ro?limit=300"
    while where:
        answer = await desk.ask(WHO, "GET", where)
        found += [one["context"] for one in answer.reply["messages"]]
        assert (await post(desk, WHO, "/translations/ro/review", about(answer.reply["messages"][-1]))).status == 200
        where = answer.reply["next"]
    words = known(desk).words
    promised = [one.context for one in reviews.promised(words, "ro") if words.text(one.context, "ro")]
    assert len(found) == len(promised) and sorted(found) == sorted(promised)


async def test_a_yes_is_kept_as_the_page_and_the_command_line_keep_it(desk: Desk) -> None:
    message = await first(desk, "ar")
    answer = await post(desk, WHO, "/translations/ar/review", about(message, reader="professional"))
    assert answer.reply == {"language": "ar", "approved": True} | {name: message[name] for name in ("context", "key")}
    (given,) = kept(desk)
    expected = reviews.approve(known(desk).words, message["context"], "ar", reviewer=WHO, at=given.at, kind=Reader.PROFESSIONAL)
    assert given == expected
    line = (WHO, "reviewed words", f"ar {message['key']}")
    detail = {"kind": "professional", "source": given.source_hash[:12], "target": given.target_hash[:12]}
    assert desk.log("reviewed words")[-1] == (*line, detail)
    assert (await first(desk, "ar"))["context"] != message["context"]
    shown = await first(desk, "ar", "list=reviewed")
    assert shown["context"] == message["context"] and shown["review"]["by"] == WHO


@pytest.mark.parametrize(("language", "reader"), [("ar", Reader.NATIVE), ("en", Reader.OWNER), ("ro-x-plain", Reader.NATIVE)])
async def test_who_does_not_say_why_they_can_judge_is_taken_for_the_usual_reader(
    desk: Desk, language: str, reader: Reader
) -> None:
    await post(desk, WHO, f"/translations/{language}/review", about(await first(desk, language)))
    assert [(one.language, one.kind) for one in kept(desk)] == [(language, reader)]


async def test_a_review_of_older_words_is_stale_and_waits_again(desk: Desk) -> None:
    message = await first(desk, "ar")
    await post(desk, WHO, "/translations/ar/review", about(message))
    db = desk.served.running.service.db
    db.write_now(lambda conn: conn.execute(text("UPDATE word_review SET target_hash = 'other'")))
    again = await first(desk, "ar")
    assert (again["context"], again["state"], again["list"]) == (message["context"], "stale", "waiting")


async def test_a_note_takes_the_yes_back_but_for_english_behind_which_there_is_nothing(desk: Desk) -> None:
    for language in ("ko", "en"):
        message = await first(desk, language)
        await post(desk, WHO, f"/translations/{language}/review", about(message))
        note = about(message, note="  The street \n comes last. ")
        answer = await post(desk, WHO, f"/translations/{language}/ask-for-change", note)
        assert answer.status == 200 and answer.reply["approved"] == (language == "en"), answer.text
        actor, _, subject, detail = desk.log("asked for other words")[-1]
        assert (actor, subject) == (WHO, f"{language} {message['key']}")
        assert (detail["note"], detail["approval taken back"]) == ("The street comes last.", language == "ko")
    assert [one.language for one in kept(desk)] == ["en"]
    shown = await first(desk, "ko", "list=asked")
    assert (shown["note"]["by"], shown["note"]["text"]) == (WHO, "The street comes last.")
    assert (await first(desk, "en", "list=reviewed"))["review"]["by"] == WHO


@pytest.mark.parametrize(("path", "more", "status", "sentence"), [
    ("ar/review", {"seen": "0" * 32}, 409, CHANGED),
    ("ar/ask-for-change", {"seen": "0" * 32, "note": "No."}, 409, CHANGED),
    ("ar/review", {"context": "sms.nothing"}, 422, "Nothing was kept."),
    ("xx/review", {}, 404, "There are words in en, "),
    ("ar/review", {"reader": "poet"}, 422, "reader"),
    ("ar/ask-for-change", {"note": " \n "}, 422, NO_NOTE),
    ("ar/ask-for-change", {"note": "x" * 1001}, 422, "1,000 characters fit"),
    ("ar/ask-for-change", {}, 422, "note"),
])  # fmt: skip
async def test_what_cannot_be_kept_is_refused(desk: Desk, path: str, more: dict[str, str], status: int, sentence: str) -> None:
    lines = desk.log("reviewed words", "asked for other words")
    answer = await post(desk, WHO, f"/translations/{path}", about(await first(desk, "ar")) | more)
    assert answer.status == status and sentence in " ".join(answer.reply["problems"]), answer.text
    assert not kept(desk) and desk.log("reviewed words", "asked for other words") == lines


@pytest.mark.parametrize(("asked", "status"), [("list=poems", 400), ("after=nothing", 400), ("limit=0", 400)])
async def test_a_question_that_makes_no_sense_is_refused(desk: Desk, asked: str, status: int) -> None:
    answer = await desk.ask(WHO, "GET", f"{PREFIX}/translations/ar?{asked}")
    assert answer.status == status and asked.partition("=")[0] in answer.reply["problems"][0]
    assert (await desk.ask(WHO, "GET", f"{PREFIX}/translations/xx")).status == 404


async def test_everything_that_is_wrong_with_a_question_is_said_at_once(desk: Desk) -> None:
    answer = await desk.ask(WHO, "GET", f"{PREFIX}/translations/ar?list=poems&limit=0&after=nothing")
    assert answer.status == 400 and [one.partition(":")[0] for one in answer.reply["problems"]] == ["list", "after", "limit"]


@pytest.mark.parametrize("who", ["viewer", "author", "approver", "lead311"])
async def test_whoever_is_no_reviewer_neither_reads_nor_answers(desk: Desk, who: str) -> None:
    assert (await desk.ask(who, "GET", f"{PREFIX}/translations/ar")).status == 403
    assert (await post(desk, who, "/translations/ar/review", {"context": "x", "seen": "x"})).status == 403
