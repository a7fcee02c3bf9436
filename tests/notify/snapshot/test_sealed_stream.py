"""What is sealed to a key opens with its private half alone, whole and unaltered, or not at all."""

import base64
import io
import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from notify.snapshot.sealed_stream import (
    CHUNK,
    KEY_BYTES,
    MAGIC,
    TAG,
    Sealer,
    Unreadable,
    load_key,
    make_key,
    opened,
    opened_with,
)

PRIVATE = X25519PrivateKey.generate()
HEAD = len(MAGIC) + KEY_BYTES


def public(key: X25519PrivateKey = PRIVATE) -> str:
    return base64.b64encode(key.public_key().public_bytes_raw()).decode()


def sealed(*pieces: bytes) -> bytes:
    file = io.BytesIO()
    with Sealer(file, public()) as sealer:
        for piece in pieces:
            sealer.write(piece)
    return file.getvalue()


def read(data: bytes, key: X25519PrivateKey = PRIVATE) -> bytes:
    return b"".join(opened(io.BytesIO(data), key))


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 7])
def test_every_length_comes_back(size: int) -> None:
    text = os.urandom(size)
    assert read(sealed(text)) == text


@given(st.lists(st.binary(max_size=CHUNK), max_size=5))
def test_it_does_not_matter_in_which_pieces_it_was_written(pieces: list[bytes]) -> None:
    assert read(sealed(*pieces)) == b"".join(pieces)


def test_the_same_text_is_sealed_differently_each_time() -> None:
    assert sealed(b"the same") != sealed(b"the same")


@given(st.data())
def test_no_changed_byte_opens(data: st.DataObject) -> None:
    whole = bytearray(sealed(b"x" * 200))
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(Unreadable):
        read(bytes(whole))


def test_neither_cut_nor_reordered_nor_lengthened_files_open() -> None:
    whole = sealed(os.urandom(3 * CHUNK))
    step = CHUNK + TAG
    head, body = whole[:HEAD], whole[HEAD:]
    parts = [body[at : at + step] for at in range(0, len(body), step)]
    for wrong in (parts[:-1], parts[1:], [parts[1], parts[0], parts[2]], [*parts, parts[-1]], [parts[0], parts[0], *parts[1:]]):
        with pytest.raises(Unreadable):
            read(head + b"".join(wrong))
    for length in (0, 5, HEAD - 1, HEAD, HEAD + 3, len(whole) - 1):
        with pytest.raises(Unreadable):
            read(whole[:length])


def test_another_key_does_not_open_it_and_the_files_own_does() -> None:
    file = io.BytesIO()
    with Sealer(file, public()) as sealer:
        sealer.write(b"told")
    with pytest.raises(Unreadable, match="another key"):
        read(file.getvalue(), X25519PrivateKey.generate())
    assert b"".join(opened_with(io.BytesIO(file.getvalue()), sealer.key)) == b"told"


def test_what_was_broken_off_never_opens() -> None:
    file = io.BytesIO()
    with pytest.raises(OSError), Sealer(file, public()) as sealer:
        sealer.write(os.urandom(2 * CHUNK))
        raise OSError("disk full")
    with pytest.raises(Unreadable):
        read(file.getvalue())


def test_a_private_key_is_its_owners_alone_and_never_overwritten(tmp_path: Path) -> None:
    shown = make_key(tmp_path / "private.pem")
    assert (tmp_path / "private.pem").stat().st_mode & 0o777 == 0o600
    assert public(load_key(tmp_path / "private.pem")) == shown
    with pytest.raises(FileExistsError):
        make_key(tmp_path / "private.pem")
    (tmp_path / "other.pem").write_text("hello")
    with pytest.raises(Unreadable):
        load_key(tmp_path / "other.pem")
