"""A translator's file: out of the catalogues and back without loss, by babel and by gettext's own programs."""

import shutil
import subprocess
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from typer.testing import CliRunner

from notify.cli.main import app
from notify.wording import catalogs, exchange, sayings
from notify.wording.exchange import BadReturn
from notify.wording.second_reading import noted, without_note
from notify.wording.words import Words, load
from tests.notify.subjects import TEMPLATES, the_words

LEAVE = "sms.evacuate_now.first"
LEAVE_ES = "%(source)s: SALGA YA, %(place)s. Camine hacia %(toward)s. %(statements)s\n%(url)s"


@pytest.fixture
def words(tmp_path: Path) -> Words:
    """The words that ship, in a copy that a test may write to."""
    shutil.copytree(TEMPLATES, tmp_path / "templates", ignore=shutil.ignore_patterns("console", "pages", "*.html"))
    return load(tmp_path / "templates")


def whole(words: Words, language: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (words.templates / "locale" / language).rglob("*.po")}


def changed(content: bytes, context: str, **now: str) -> bytes:
    """The file as an editor leaves it after one entry has become another."""
    start = content.index(f'msgctxt "{context}"'.encode())
    end = content.find(b"\n\n", start)
    quoted = {name: text.replace("\n", "\\n") for name, text in now.items()}
    lines = [f'msgctxt "{context}"', f'msgid "{quoted["id"]}"', f'msgstr "{quoted["string"]}"']
    return content[:start] + "\n".join(lines).encode() + (content[end:] if end >= 0 else b"")


@pytest.mark.parametrize("language", ["es", "ar", "zh-Hant", "lo"])
def test_a_file_that_nobody_changed_changes_nothing(words: Words, language: str) -> None:
    before = whole(words, language)
    taken = exchange.take(words, language, exchange.file(words, language))
    assert (taken.changed, taken.behind, taken.written) == ([], [], ())
    assert whole(words, language) == before


def test_gettext_s_own_programs_read_the_file_and_write_it_back(words: Words, tmp_path: Path) -> None:
    """Where they are installed; babel has read the same file in any case."""
    file = tmp_path / "ru.po"
    file.write_bytes(exchange.file(words, "ru"))
    read = read_po(file.read_bytes().splitlines(keepends=True))  # type: ignore[arg-type]
    assert len(read) == file.read_bytes().count(b"\nmsgctxt ")
    if shutil.which("msgfmt") and shutil.which("msgcat"):
        subprocess.run(["msgfmt", "--check", "-o", str(tmp_path / "ru.mo"), str(file)], check=True, capture_output=True)
        again = subprocess.run(["msgcat", "--no-wrap", str(file)], check=True, capture_output=True).stdout
        assert exchange.take(words, "ru", again).written == ()


def test_every_message_tells_what_its_slots_mean_and_how_long_it_may_be() -> None:
    (entry,) = [one for one in read_po_of("vi") if one.context == LEAVE]
    told = " ".join(entry.auto_comments)
    assert "toward (place): where to go" in told and 'Sample: "NW Front Ave".' in told
    assert "At most 306 GSM-7 or 134 UCS-2 units with these samples (2 parts)." in told
    assert "statements: whole sentences, as many as still fit, or nothing." in told


def read_po_of(language: str) -> list[exchange.Entry]:
    return list(read_po(exchange.file(the_words(), language).splitlines(keepends=True)))  # type: ignore[arg-type]


def test_what_a_translator_changed_is_said_after_the_import(words: Words) -> None:
    content = changed(exchange.file(words, "es"), LEAVE, id=words.messages[LEAVE].text, string=LEAVE_ES)
    taken = exchange.take(words, "es", content)
    assert taken.changed == [LEAVE] and [path.name for path in taken.written] == ["evacuate_now.po"]
    assert load(words.templates).text(LEAVE, "es") == LEAVE_ES


def test_a_new_translation_loses_the_note_on_what_the_old_one_said(words: Words) -> None:
    assert LEAVE in words.backs["es"]
    content = changed(exchange.file(words, "es"), LEAVE, id=words.messages[LEAVE].text, string=LEAVE_ES)
    exchange.take(words, "es", content)
    assert LEAVE not in load(words.templates).backs["es"]


def test_a_new_translation_with_a_note_of_its_own_keeps_it(words: Words) -> None:
    content = changed(exchange.file(words, "es"), LEAVE, id=words.messages[LEAVE].text, string=LEAVE_ES)
    start = content.rindex(b"# Back-translation:", 0, content.index(f'msgctxt "{LEAVE}"'.encode()))
    end = content.index(b"\n#.", start)
    note = "%(source)s: LEAVE NOW, %(place)s. Walk toward %(toward)s. %(statements)s\\n%(url)s"
    exchange.take(words, "es", content[:start] + f"# Back-translation: {note}".encode() + content[end:])
    assert load(words.templates).backs["es"][LEAVE] == note
    assert catalogs.stale(words.templates) == ()


@pytest.mark.parametrize("comments", ["", "# Said as in the north.\n"])
def test_words_that_stay_as_they_are_keep_their_note_though_it_came_back_without(words: Words, comments: str) -> None:
    content = exchange.file(words, "es")
    start = content.rindex(b"# Back-translation:", 0, content.index(f'msgctxt "{LEAVE}"'.encode()))
    end = content.index(b"#.", start)
    doubted = content[end:].replace(b"\nmsgctxt", b"\n#, fuzzy\nmsgctxt", 1)
    exchange.take(words, "es", content[:start] + comments.encode() + doubted)
    catalog = catalogs.read(catalogs.po_path(words.templates, "es", "evacuate_now"), "es")
    (kept,) = [one for one in catalog if one.context == LEAVE]
    assert kept.fuzzy and noted(kept.user_comments) == words.backs["es"][LEAVE]
    assert ["Said as in the north."] * bool(comments) == without_note(kept.user_comments)


def test_one_lost_slot_and_nothing_of_the_file_is_written(words: Words) -> None:
    before = whole(words, "es")
    content = changed(exchange.file(words, "es"), LEAVE, id=words.messages[LEAVE].text, string="SALGA YA\n%(url)s")
    content = content.replace(b'msgctxt "page.protect.q_what"', b'msgctxt "page.protect.q_who"')
    with pytest.raises(BadReturn) as refused:
        exchange.take(words, "es", content)
    assert str(refused.value).splitlines() == [
        "There is no message 'page.protect.q_who' in es.",
        f"{LEAVE}: lost placeholders place, source, statements, toward.",
    ]
    assert whole(words, "es") == before


def test_a_translation_of_an_earlier_english_is_kept_and_not_said(words: Words) -> None:
    content = changed(exchange.file(words, "es"), LEAVE, id="Please go.", string=LEAVE_ES)
    taken = exchange.take(words, "es", content)
    assert taken.behind == [LEAVE]
    assert load(words.templates).text(LEAVE, "es") is None
    assert (
        LEAVE_ES.partition("\n")[0].split()[-2].encode() in catalogs.po_path(words.templates, "es", "evacuate_now").read_bytes()
    )


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"\xff\xfe", "This is no .po file in UTF-8"),
        (b'msgid ""\nmsgstr "Language: ru\\n"\n\nmsgid "a"\nmsgstr "b"\n', "The file says that it is in ru, not in es."),
    ],
)
def test_a_file_of_another_kind_or_language_is_refused(content: bytes, sentence: str) -> None:
    with pytest.raises(BadReturn, match=sentence):
        exchange.take(the_words(), "es", content)


def test_the_facts_of_a_script_must_stay_in_its_translation(words: Words) -> None:
    runbooks = TEMPLATES.parent / "runbooks"
    both = sayings.joined(words, sayings.load(words.templates, runbooks))
    context, message = next((name, one) for name, one in both.messages.items() if "{fact:" in one.text)
    content = changed(exchange.file(both, "es"), context, id=message.text.replace('"', '\\"'), string="Sin datos.")
    with pytest.raises(BadReturn, match="its facts are not those of the English"):
        exchange.take(both, "es", content)


def test_the_command_line_exports_imports_and_refuses_with_sentences(tmp_path: Path) -> None:
    run, file = CliRunner(), tmp_path / "ko.po"
    assert run.invoke(app, ["words", "export", "ko", str(file)]).exit_code == 0
    done = run.invoke(app, ["words", "import", "ko", str(file), "--json"])
    assert done.exit_code == 0 and '"changed": []' in done.stdout
    file.write_bytes(b'msgid ""\nmsgstr ""\n\nmsgctxt "x"\nmsgid "a"\nmsgstr "b"\n')
    refused = run.invoke(app, ["words", "import", "ko", str(file)])
    assert refused.exit_code == 1 and "There is no message 'x' in ko." in refused.output
    assert run.invoke(app, ["words", "export", "tlh", str(file)]).exit_code == 2
