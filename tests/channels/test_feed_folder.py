"""The public folder: whole files, unchanged ones left alone, what is promised for ever kept for ever."""

import os
import threading
from pathlib import Path

import pytest

from channels.feed_folder import Differs, FeedFolder, Keep, Written, keep


def held(path: Path) -> dict[str, bytes]:
    return {file.relative_to(path).as_posix(): file.read_bytes() for file in path.rglob("*") if file.is_file()}


def test_the_folder_holds_what_was_given_in_the_order_given(tmp_path: Path) -> None:
    files = {"cap/1.xml": b"<alert/>", "a/K7Q2.html": b"page", "feeds/es/active.atom": b"feed"}
    result = FeedFolder(tmp_path / "public").write(files)
    assert held(tmp_path / "public") == files
    assert result == Written(written=("cap/1.xml", "a/K7Q2.html", "feeds/es/active.atom"))


def test_everybody_may_read_what_is_published(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        FeedFolder(tmp_path).write({"index.html": b"x"})
    finally:
        os.umask(before)
    assert (tmp_path / "index.html").stat().st_mode & 0o777 == 0o644


def test_an_unchanged_file_is_left_alone(tmp_path: Path) -> None:
    folder = FeedFolder(tmp_path)
    folder.write({"index.html": b"x", "feeds/active.rss": b"1"})
    before = (tmp_path / "index.html").stat()
    assert folder.write({"index.html": b"x", "feeds/active.rss": b"2"}).written == ("feeds/active.rss",)
    assert FeedFolder(tmp_path).write({"index.html": b"x", "feeds/active.rss": b"2"}) == Written()
    after = (tmp_path / "index.html").stat()
    assert (after.st_mtime_ns, after.st_ino) == (before.st_mtime_ns, before.st_ino)


def test_a_file_somebody_else_changed_is_put_right(tmp_path: Path) -> None:
    folder = FeedFolder(tmp_path)
    folder.write({"index.html": b"good"})
    (tmp_path / "index.html").write_bytes(b"evil")
    assert folder.write({"index.html": b"good"}).written == ("index.html",)
    (tmp_path / "index.html").unlink()
    assert folder.write({"index.html": b"good"}).written == ("index.html",)


def test_what_is_no_longer_given_is_deleted_but_pages_and_cap_documents_stay(tmp_path: Path) -> None:
    folder = FeedFolder(tmp_path)
    kept = {"cap/1.xml": b"1", "a/K7Q2.html": b"2", "demo/es/a/K7Q2.html": b"3", "demo/cap/2.xml": b"4"}
    folder.write(kept | {"feeds/xx/active.rss": b"5", "index.html": b"6"})
    assert FeedFolder(tmp_path).write({"index.html": b"6"}).deleted == ("feeds/xx/active.rss",)
    assert held(tmp_path) == kept | {"index.html": b"6"}


def test_an_incomplete_set_deletes_nothing(tmp_path: Path) -> None:
    folder = FeedFolder(tmp_path)
    folder.write({"feeds/active.rss": b"5", "index.html": b"6"})
    assert folder.write({"index.html": b"7"}, whole=False).deleted == ()
    assert held(tmp_path) == {"feeds/active.rss": b"5", "index.html": b"7"}


def test_a_cap_document_never_changes_and_holds_nothing_else_back(tmp_path: Path) -> None:
    FeedFolder(tmp_path).write({"cap/1.xml": b"first"})
    folder = FeedFolder(tmp_path)
    with pytest.raises(Differs, match=r"cap/1\.xml"):
        folder.write({"cap/1.xml": b"second", "cap/2.xml": b"new", "feeds/active.rss": b"5"})
    assert held(tmp_path) == {"cap/1.xml": b"first", "cap/2.xml": b"new", "feeds/active.rss": b"5"}
    assert folder.write({"cap/1.xml": b"first", "cap/2.xml": b"new", "feeds/active.rss": b"5"}) == Written()


@pytest.mark.parametrize("name", ["../x", "/etc/x", "a/../../x", ".hidden", "a/.x", "", "a//b", "a\\b", "x\x00y", "a b", "ä"])
def test_a_name_that_could_lead_elsewhere_is_refused_and_the_rest_written(tmp_path: Path, name: str) -> None:
    with pytest.raises(OSError, match="cannot be published"):
        FeedFolder(tmp_path / "public").write({name: b"x", "index.html": b"good"})
    assert held(tmp_path) == {"public/index.html": b"good"}


def test_one_file_that_cannot_be_written_does_not_hold_back_the_others(tmp_path: Path) -> None:
    (tmp_path / "feeds").write_bytes(b"in the way of a folder")
    with pytest.raises(OSError, match="feeds"):
        FeedFolder(tmp_path).write({"feeds/active.rss": b"1", "a/K7Q2.html": b"2"}, whole=False)
    assert (tmp_path / "a" / "K7Q2.html").read_bytes() == b"2"


def test_a_folder_that_cannot_be_made_is_an_oserror(tmp_path: Path) -> None:
    (tmp_path / "public").write_bytes(b"")
    with pytest.raises(OSError):
        FeedFolder(tmp_path / "public").write({"index.html": b"1"})


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = FeedFolder(tmp_path)
    folder.write({"index.html": b"old"})

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        folder.write({"index.html": b"new"})
    assert held(tmp_path) == {"index.html": b"old"}


@pytest.mark.parametrize("relieved", [True, False])
def test_a_file_is_tried_again_once_when_room_was_made_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, relieved: bool
) -> None:
    met: list[OSError] = []
    whole = os.fsync

    def relieve(error: OSError) -> bool:
        met.append(error)
        if relieved:
            monkeypatch.setattr(os, "fsync", whole)
        return relieved

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    folder = FeedFolder(tmp_path, relieve)
    monkeypatch.setattr(os, "fsync", full)
    if relieved:
        assert folder.write({"index.html": b"new"}) == Written(written=("index.html",))
    else:
        with pytest.raises(OSError, match="No space left"):
            folder.write({"index.html": b"new"})
    assert len(met) == 1 and held(tmp_path) == ({"index.html": b"new"} if relieved else {})


def test_what_a_dead_writer_left_is_cleared_away_and_never_counted(tmp_path: Path) -> None:
    stale, fresh = tmp_path / ".dead.tmp", tmp_path / ".busy.tmp"
    stale.write_bytes(b"half")
    fresh.write_bytes(b"half")
    os.utime(stale, (0, 0))
    assert FeedFolder(tmp_path).write({"index.html": b"x"}) == Written(written=("index.html",))
    assert not stale.exists() and fresh.exists()


def test_a_reader_never_sees_half_a_file(tmp_path: Path) -> None:
    versions = [bytes([letter]) * 200_000 for letter in b"abc"]
    folder = FeedFolder(tmp_path)
    folder.write({"index.html": versions[0]})
    done, torn = threading.Event(), []

    def read() -> None:
        while not done.is_set():
            content = (tmp_path / "index.html").read_bytes()
            if content not in versions:
                torn.append(len(content))

    reader = threading.Thread(target=read)
    reader.start()
    for turn in range(30):
        folder.write({"index.html": versions[turn % 3]})
    done.set()
    reader.join()
    assert torn == []


def test_the_rules_go_by_the_folder_a_file_lies_in() -> None:
    names = ("cap/1.xml", "demo/cap/1.xml", "a/K7Q2.html", "zh-Hant/a/K7Q2.html", "feeds/active.rss", "index.html")
    assert [keep(name) for name in names] == [Keep.FROZEN, Keep.FROZEN, Keep.KEPT, Keep.KEPT, Keep.EXACT, Keep.EXACT]
