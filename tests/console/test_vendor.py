"""Other people's browser code is what was vendored, with its licence, and every file of ours that a page names is there."""

import json
import re
from hashlib import sha256

from notify import data
from notify.console.shelf import FOLDER, Shelf

VENDOR = FOLDER / "vendor"
LISTED = json.loads((VENDOR / "VENDOR.json").read_text("utf-8"))


def test_every_vendored_file_is_listed_with_its_hash_and_has_its_licence() -> None:
    listed = {f"{one['folder']}/{name}": digest for one in LISTED for name, digest in one["sha256"].items()}
    found = {path.relative_to(VENDOR).as_posix(): path for path in VENDOR.rglob("*") if path.is_file()}
    assert set(listed) == set(found) - {"VENDOR.json"}
    assert {name: sha256(path.read_bytes()).hexdigest() for name, path in found.items() if name in listed} == listed
    assert all("LICENSE" in one["sha256"] and one["licence"] and one["integrity"].startswith("sha512-") for one in LISTED)


def test_no_style_or_script_stands_in_a_page_and_none_comes_from_elsewhere() -> None:
    for path in sorted((data.folder("templates") / "console").rglob("*.html")):
        text = path.read_text("utf-8")
        assert not re.search(
            r"<style|<script(?![^>]*\bsrc=)|\bstyle=|\bon[a-z]+=\"|javascript:|(src|href)=\"(https?:)?//", text
        ), path


def test_every_file_that_a_page_names_is_on_the_shelf() -> None:
    shelf = Shelf()
    pages = (data.folder("templates") / "console").rglob("*.html")
    for name in {name for path in pages for name in re.findall(r"static\('([^']+)'\)", path.read_text("utf-8"))}:
        assert re.fullmatch(r"/static/[0-9a-f]{8}/.+", shelf.at(name))
