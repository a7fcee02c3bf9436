"""Texts are measured on the weekday on which they are longest, so that none grows by a part on a Saturday."""

from collections.abc import Callable
from pathlib import Path

import pytest

from channels.text import Encoding
from notify.wording import slots
from notify.wording.proofs import table
from notify.wording.words import load
from tests.notify.subjects import the_words, translate, untranslated

FALSE_ALARM = "sms.boil_water.false_alarm"
SPANISH = "%(source)s: FALSA ALARMA. Su agua es segura, %(place)s. Fue un error, %(told_at)s.\n%(url)s"


def test_texts_of_gsm_7_languages_stay_so_all_week() -> None:
    rows = [row for row in table(the_words()) if row.language in slots.PLAIN]
    assert rows
    assert {row.context for row in rows if row.encoding is not Encoding.GSM_7} == set()


def test_a_weekday_that_is_dearer_than_the_samples_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    templates = untranslated(tmp_path)
    translate(templates, "es", "boil_water", {FALSE_ALARM: SPANISH})
    loaded = load(templates)

    def size() -> tuple[Encoding, int]:
        (row,) = [row for row in table(loaded) if (row.language, row.context) == ("es", FALSE_ALARM)]
        return row.encoding, row.parts

    assert size() == (Encoding.GSM_7, 1)
    plain: Callable[..., str] = slots.short_time
    monkeypatch.setattr(slots, "short_time", lambda *given: plain(*given).replace("sab", "sáb"))
    assert size() == (Encoding.UCS_2, 2)
