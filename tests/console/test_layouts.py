"""Pages of the console are read when they are first shown: here it is seen that every one of them can be."""

import pytest

from notify import data
from notify.clock import ManualClock
from notify.console.screens import Screens
from notify.console.shelf import Shelf
from tests.notify.signup_factory import a_site

TEMPLATES = data.folder("templates")
FOLDER = TEMPLATES / "console"


@pytest.fixture
def screens(clock: ManualClock) -> Screens:
    return Screens(TEMPLATES, a_site(), Shelf(), clock, lambda said, language: "")


@pytest.mark.parametrize("name", sorted(path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.html")))
def test_every_page_can_be_read(screens: Screens, name: str) -> None:
    assert screens.layouts.get_template(name)
