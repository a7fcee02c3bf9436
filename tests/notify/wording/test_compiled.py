"""A template is compiled once a process, and never taken for another one."""

from pathlib import Path

import pytest
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from notify.wording.compiled import Compiled


def shown(folder: Path, cache: Compiled, *, autoescape: bool = True) -> str:
    """By an environment of its own, as each part of a service has one."""
    environment = Environment(
        loader=FileSystemLoader(folder), autoescape=autoescape, undefined=StrictUndefined, bytecode_cache=cache
    )
    return environment.get_template("page.html").render(who="<you>")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "page.html").write_text("Hello {{ who }}", "utf-8")
    return tmp_path


def test_it_is_compiled_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown(folder, Compiled("once")) == "Hello &lt;you&gt;"
    monkeypatch.setattr(Environment, "compile", None)
    assert shown(folder, Compiled("once")) == "Hello &lt;you&gt;"
    with pytest.raises(TypeError):
        shown(folder, Compiled("others"))


def test_a_file_that_has_changed_is_compiled_again(folder: Path) -> None:
    assert shown(folder, Compiled("changing")) == "Hello &lt;you&gt;"
    (folder / "page.html").write_text("Goodbye {{ who }}", "utf-8")
    assert shown(folder, Compiled("changing")) == "Goodbye &lt;you&gt;"


def test_environments_of_two_kinds_share_nothing(folder: Path) -> None:
    assert shown(folder, Compiled("escaped")) == "Hello &lt;you&gt;"
    assert shown(folder, Compiled("plain"), autoescape=False) == "Hello <you>"


def test_files_of_the_same_name_in_two_folders_are_two(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "page.html").write_text("Hello you", "utf-8")
    assert (shown(folder, Compiled("twice")), shown(other, Compiled("twice"))) == ("Hello &lt;you&gt;", "Hello you")


def test_what_is_cleared_is_compiled_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = Compiled("cleared")
    assert shown(folder, cache) == "Hello &lt;you&gt;"
    cache.clear()
    monkeypatch.setattr(Environment, "compile", None)
    with pytest.raises(TypeError):
        shown(folder, cache)
