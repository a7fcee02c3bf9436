"""The vocabulary: complete, said of all its faults at once, and with every word that means two things resolved."""

import json
import tomllib
from functools import cache
from pathlib import Path

import pytest

from subscribers.dialog import collisions, lexicon
from subscribers.dialog.hearing import fold
from subscribers.dialog.intent import Kind
from subscribers.dialog.lexicon import TOPIC, BadVocabulary, Family
from subscribers.dialog.reading import read
from subscribers.dialog.sample import ALIASES, HOODS
from tests.subscribers.dialog.subjects import LEXICON, ROOT, VOCABULARY

FILES = sorted(VOCABULARY.glob("*.toml"))
PACK = ROOT / "city" / "portland"


@cache
def found() -> tuple[collisions.Collision, ...]:
    return collisions.collisions(LEXICON)


def names_of_places() -> list[str]:
    features = json.loads((PACK / "areas" / "neighborhoods.geojson").read_text("utf-8"))["features"]
    aliases = tomllib.loads((PACK / "aliases.toml").read_text("utf-8"))
    return sorted({*(feature["properties"]["name"] for feature in features), *aliases, *HOODS, *ALIASES})


def test_no_word_means_two_things_without_a_rule_that_says_which() -> None:
    assert collisions.unresolved(found()) == ()


def test_the_page_of_collisions_is_in_step_with_the_words() -> None:
    written = (ROOT / "docs" / "dialog-collisions.md").read_text("utf-8")
    assert written == collisions.page(found()), "write it anew: tocsin dialog words --markdown > docs/dialog-collisions.md"


def test_the_first_meaning_of_a_collision_is_what_is_understood() -> None:
    meant = {one.word: collisions.READ_AS[one.meanings[0][0]] for one in found()}
    assert {word: read(word, LEXICON).kind for word in meant} == meant


def test_stop_and_yes_in_one_word_is_among_them() -> None:
    assert "dung" in {one.word for one in found()}


def test_a_collision_that_nobody_has_resolved_is_told_of(tmp_path: Path) -> None:
    for path in (VOCABULARY / "en.toml", VOCABULARY / "es.toml"):
        (tmp_path / path.name).write_text(path.read_text("utf-8").replace('"privacy"', '"privacy", "hola"'), "utf-8")
    doubled = collisions.collisions(lexicon.load(tmp_path))
    assert collisions.unresolved(doubled) == ("'hola' could mean privacy (en), greeting (es); no rule says which.",)


@pytest.mark.parametrize("name", names_of_places())
def test_the_name_of_a_place_is_never_taken_for_a_command_or_a_topic(name: str) -> None:
    assert read(name, LEXICON).kind in (Kind.WORDS, Kind.ADDRESS), "of these two, names are looked up"
    assert fold(name) not in LEXICON.topics and fold(name) not in LEXICON.labels


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_no_list_says_a_thing_twice(path: Path) -> None:
    words = tomllib.loads(path.read_text("utf-8"))
    lists = {name: listed for name, listed in words.items() if isinstance(listed, list)}
    assert {
        name: twice for name, listed in lists.items() if (twice := sorted({one for one in listed if listed.count(one) > 1}))
    } == {}


@pytest.mark.parametrize("table", ["labels", "topics"])
def test_a_word_for_a_place_or_a_topic_means_one_thing_in_all_languages(table: str) -> None:
    meant: dict[str, set[str]] = {}
    for path in FILES:
        for meaning, words in tomllib.loads(path.read_text("utf-8"))[table].items():
            for word in words:
                meant.setdefault(fold(word), set()).add(meaning)
    assert {word: meanings for word, meanings in meant.items() if len(meanings) > 1} == {}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_language_knows_the_labels_and_topics_of_english_and_no_others(path: Path) -> None:
    english = tomllib.loads((VOCABULARY / "en.toml").read_text("utf-8"))
    words = tomllib.loads(path.read_text("utf-8"))
    assert {table: sorted(set(words[table]) - set(english[table])) for table in ("labels", "topics")} == {
        "labels": [],
        "topics": [],
    }


def test_everything_wrong_with_a_vocabulary_is_said_at_once(tmp_path: Path) -> None:
    (tmp_path / "en.toml").write_text('stop = "stop"\nhelp = ["?!"]\nhallo = []\ntopics = []\n[labels]\nHOME = [1]\n')
    (tmp_path / "xx.toml").write_text("stop = [")
    with pytest.raises(BadVocabulary) as refused:
        lexicon.load(tmp_path)
    said = " ".join(refused.value.problems)
    for problem in (
        "xx.toml is not TOML",
        "stop must be a list of words",
        "help holds '?!'",
        "hallo is no list of ours",
        "the list courtesy is missing",
        "topics must be a table",
        "labels.HOME must be",
    ):
        assert problem in said


def test_a_folder_without_english_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadVocabulary, match=r"There is no en\.toml\."):
        lexicon.load(tmp_path)


def test_words_are_found_without_their_accents_and_told_apart_by_them() -> None:
    assert LEXICON.families[Family.YES].languages["dung"] == ("vi",)
    assert LEXICON.apart["dung"][Family.YES] == {"đúng"}
    assert TOPIC not in LEXICON.apart["dung"]
