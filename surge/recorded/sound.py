"""Whether bytes are a sound that callers can be played, and how long it is. Judged by the bytes alone: whoever sends them may
say anything of them. Pure.
"""

import hashlib
import io
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

WAV: Final = "audio/wav"
MP3: Final = "audio/mpeg"
ENDINGS: Final = {WAV: "wav", MP3: "mp3"}
MOST_BYTES: Final = 2_000_000  # a minute of the provider's telephone sound is half of it
SHORTEST_S: Final = 0.4  # a click, or a breath
LONGEST_S: Final = 60.0
RATES: Final = range(8_000, 48_001)  # samples a second
ID3_HEAD: Final = 10
# Layer III by the version bits of a frame's head (ISO/IEC 11172-3, 13818-3): samples a second, kbit/s, samples a frame.
_VERSIONS: Final = {
    3: ((44_100, 48_000, 32_000), (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320), 1_152),
    2: ((22_050, 24_000, 16_000), (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160), 576),
    0: ((11_025, 12_000, 8_000), (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160), 576),
}


class BadSound(ValueError):
    """The message is a sentence that says what is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound:
    """sound_id: SHA-256 of the bytes, in hexadecimal. kind: WAV or MP3."""

    sound_id: str
    kind: str
    seconds: float
    body: bytes


def read(body: bytes) -> Sound:
    """Raises BadSound."""
    if len(body) > MOST_BYTES:
        raise BadSound(f"The recording has more than {MOST_BYTES:,} bytes.")
    if body[:4] == b"RIFF" and body[8:12] == b"WAVE":
        kind, seconds = WAV, _wav_s(body)
    elif body[:3] == b"ID3" or _frame(body[:4]) is not None:
        kind, seconds = MP3, sum(length for length in _mp3_s(body))
    else:
        raise BadSound("What the provider sent is neither WAV nor MP3.")
    if seconds < SHORTEST_S:
        raise BadSound("The recording is too short to say anything.")
    if seconds > LONGEST_S:
        raise BadSound(f"The recording takes {seconds:.0f} s; at most {LONGEST_S:.0f}.")
    return Sound(sound_id=hashlib.sha256(body).hexdigest(), kind=kind, seconds=round(seconds, 3), body=body)


def _wav_s(body: bytes) -> float:
    """Of what is there, whatever the head promises."""
    try:
        with wave.open(io.BytesIO(body)) as file:
            width, rate = file.getnchannels() * file.getsampwidth(), file.getframerate()
            if rate not in RATES or file.getnchannels() > 2 or file.getsampwidth() > 2:
                raise BadSound("The recording is no WAV of the telephone: 8 or 16 bits, one or two channels.")
            return float(len(file.readframes(file.getnframes())) / width / rate)
    except (wave.Error, EOFError) as error:
        raise BadSound(f"The recording is a broken WAV file: {error or 'it ends too soon'}.") from None


def _mp3_s(body: bytes) -> Iterator[float]:
    """The length of each frame. Raises BadSound where one is followed by something else."""
    at = _after_id3(body)
    end = len(body) - 128 if body[-128:-125] == b"TAG" else len(body)
    while at < end:
        frame = _frame(body[at : at + 4])
        if frame is None:
            raise BadSound("The recording is a broken MP3 file.")
        size, seconds = frame
        at += size
        if at <= end:  # one that is cut off is not heard
            yield seconds


def _after_id3(body: bytes) -> int:
    """Where the sound begins: https://id3.org/id3v2.4.0-structure, seven bits a byte."""
    if body[:3] != b"ID3" or len(body) < ID3_HEAD:
        return 0
    size = 0
    for byte in body[6:ID3_HEAD]:
        size = size << 7 | byte & 0x7F
    return ID3_HEAD + size


def _frame(head: bytes) -> tuple[int, float] | None:
    """Bytes and seconds of the frame with this head; None for what is none of Layer III."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE6 != 0xE2 or (head[1] >> 3 & 3) not in _VERSIONS:
        return None
    rates, kilobits, samples = _VERSIONS[head[1] >> 3 & 3]
    rate_at, bits_at, padding = head[2] >> 2 & 3, head[2] >> 4, head[2] >> 1 & 1
    if rate_at == 3 or not 0 < bits_at < 15:
        return None
    size = samples // 8 * kilobits[bits_at] * 1_000 // rates[rate_at] + padding
    return size, samples / rates[rate_at]
