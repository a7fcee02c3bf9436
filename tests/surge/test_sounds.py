"""What counts as a sound is judged by its bytes: WAV and MP3 with their true length, and nothing else."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surge.recorded import sound
from surge.recorded.sound import BadSound
from tests.surge.studio_factory import a_wav

FRAME = b"\xff\xfb\x90\x00" + b"\x00" * 413  # MPEG 1, Layer III, 128 kbit/s, 44,100 Hz: 417 bytes, 1,152 samples
HALF = b"\xff\xf3\x40\x00" + b"\x00" * 140  # MPEG 2, Layer III, 32 kbit/s, 22,050 Hz: 104 bytes


@given(st.integers(min_value=4, max_value=80), st.sampled_from([8_000, 16_000, 44_100]))
def test_a_wav_has_the_length_of_its_samples(tenths: int, rate: int) -> None:
    body = a_wav(tenths / 10, rate=rate)
    found = sound.read(body)
    assert (found.kind, found.body, found.sound_id) == ("audio/wav", body, hashlib.sha256(body).hexdigest())
    assert found.seconds == pytest.approx(tenths / 10, abs=0.01)


@given(st.integers(min_value=20, max_value=400))
def test_an_mp3_has_the_length_of_its_frames(frames: int) -> None:
    for body in (FRAME * frames, b"ID3\x04\x00\x00\x00\x00\x00\x0a" + b"t" * 10 + FRAME * frames):
        found = sound.read(body)
        assert found.kind == "audio/mpeg" and found.seconds == pytest.approx(frames * 1_152 / 44_100, abs=0.001)


def test_a_tag_behind_an_mp3_and_a_frame_that_is_cut_off_are_not_heard() -> None:
    whole = sound.read(FRAME * 50).seconds
    assert sound.read(FRAME * 50 + b"TAG" + b" " * 125).seconds == whole
    assert sound.read(FRAME * 50 + FRAME[:100]).seconds == whole


def test_the_smaller_mp3_of_a_telephone_is_one_too() -> None:
    assert sound.read(HALF[:104] * 100).seconds == pytest.approx(100 * 576 / 22_050, abs=0.001)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "neither WAV nor MP3"),
        (b"<html>not here</html>", "neither WAV nor MP3"),
        (b"OggS" + b"\0" * 100, "neither WAV nor MP3"),
        (a_wav(0.1), "too short"),
        (a_wav(61), "takes 61 s"),
        (a_wav(1.0)[:30], "broken WAV"),
        (b"RIFF\x00\x00\x00\x00WAVE", "broken WAV"),
        (FRAME * 30 + b"<script>", "broken MP3"),
        (b"RIFF" + b"\0" * sound.MOST_BYTES, "more than 2,000,000 bytes"),
    ],
)
def test_what_is_none_is_refused_with_a_sentence(body: bytes, says: str) -> None:
    with pytest.raises(BadSound, match=says):
        sound.read(body)


@given(st.binary(max_size=400), st.sampled_from([b"", b"RIFF\0\0\0\0WAVEfmt ", b"ID3\x04\0\0\0\0\0\x05", b"\xff\xfb\x90\x00"]))
def test_no_bytes_break_it(body: bytes, head: bytes) -> None:
    try:
        found = sound.read(head + body)
    except BadSound:
        return
    assert sound.SHORTEST_S <= found.seconds <= sound.LONGEST_S


def test_a_head_that_promises_more_than_there_is_does_not_make_it_longer() -> None:
    body = bytearray(a_wav(1.0))
    body[40:44] = (8_000_000).to_bytes(4, "little")
    try:
        assert sound.read(bytes(body)).seconds <= 1.001
    except BadSound as error:
        assert "broken WAV" in str(error)
