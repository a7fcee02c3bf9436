"""A stand-in for a text and voice gateway (Twilio's Messages and Calls) and a mail relay, with logs of what truly happened.

It runs as its own process and never reaches a real phone or mailbox: only numbers in exchange 555 are accepted, and mail is
kept or forgotten, never passed on. `serve` runs it; `running` holds it open inside another program.
"""

from channels.simulator.config import MailConfig, SimulatedSender, SimulatorConfig, problems
from channels.simulator.faults import MailFaults, SmsFaults
from channels.simulator.handsets import Handsets
from channels.simulator.server import Running, running, serve
from channels.simulator.telephone.config import Shares, TelephoneConfig, VoiceNumber

__all__ = [
    "Handsets",
    "MailConfig",
    "MailFaults",
    "Running",
    "Shares",
    "SimulatedSender",
    "SimulatorConfig",
    "SmsFaults",
    "TelephoneConfig",
    "VoiceNumber",
    "problems",
    "running",
    "serve",
]
