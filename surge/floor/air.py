"""What is on the air: all that callers hear which is not of the call itself. Replaced whole when something new is said."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from surge.voice.prompts import Prompt, Speech
from surge.voice.voice_call import Zips


@dataclass(frozen=True, slots=True, kw_only=True)
class Air:
    """activation_id: None while no surge is open. script: the version whose words these are; calls keep the one they began
    with."""

    speech: Speech
    activation_id: str | None = None
    level: int = 0
    drill: bool = False
    script: int | None = None
    messages: Mapping[str, Prompt] = field(default_factory=dict)
    advice: Mapping[str, tuple[Prompt, ...]] = field(default_factory=dict)
    zips: Zips | None = None
