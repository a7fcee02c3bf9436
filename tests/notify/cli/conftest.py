"""A shell in an empty folder, and what the screen writes to."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from notify.cli import say
from tests.notify.cli.command_line import Shell


@pytest.fixture(autouse=True)
def wide_screen() -> Iterator[None]:
    """The consoles look up standard output anew for each test, and are wide enough not to wrap."""
    for console in (say.screen, say.errors):
        assert isinstance(console, Console)
        console.width = 400
    yield


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path / "var", {})


@pytest.fixture
def installed(shell: Shell) -> Shell:
    assert shell("init").code == 0
    return shell
