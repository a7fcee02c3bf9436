"""How long things take to be heard: words at a pace, recordings by their own length. Pure."""

import io
import wave
from typing import Final

# Scripts without spaces, or with long words: letters spoken in the time of one English word (assumed).
LETTERS_PER_WORD: Final = (
    (range(0x0E00, 0x0F00), 4.0),  # Thai, Lao
    (range(0x3040, 0x3100), 2.4),  # Hiragana, Katakana
    (range(0x3400, 0xA000), 1.6),  # Han
    (range(0xAC00, 0xD7B0), 2.4),  # Hangul
)


def words_in(text: str) -> float:
    """Words as they weigh in time: what stands between spaces, and letters of the scripts above by their share."""
    words, dense = 0.0, 0.0
    for token in text.split():
        shares = [1.0 / weight for letter in token for letters, weight in LETTERS_PER_WORD if ord(letter) in letters]
        dense += sum(shares)
        words += 0.0 if shares else 1.0
    return words + dense


def said_s(text: str, words_per_minute: float) -> float:
    return words_in(text) * 60.0 / words_per_minute


def recorded_s(body: bytes) -> float | None:
    """The length of a WAV file; None for anything else."""
    try:
        with wave.open(io.BytesIO(body)) as file:
            return float(file.getnframes() / file.getframerate())
    except (wave.Error, EOFError, ZeroDivisionError):
        return None


def first(body: bytes, seconds: float) -> bytes:
    """A WAV file's first seconds; as it is where it is no longer, or no WAV."""
    whole = recorded_s(body)
    if whole is None or whole <= seconds + 0.001:
        return body
    with wave.open(io.BytesIO(body)) as file:
        known, frames = file.getparams(), file.readframes(round(seconds * file.getframerate()))
    held = io.BytesIO()
    with wave.open(held, "wb") as file:
        file.setparams(known)
        file.writeframes(frames)
    return held.getvalue()


def silence(seconds: float) -> bytes:
    """A WAV file that is silent so long: 8,000 samples a second, 8 bits, one channel."""
    held = io.BytesIO()
    with wave.open(held, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(8_000)
        file.writeframes(b"\x80" * round(8_000 * seconds))
    return held.getvalue()
