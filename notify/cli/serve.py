"""`tocsin serve` and `tocsin simulator`."""

import json as json_module
import sys
from typing import Final

import typer
import uvloop

from channels.simulator import __main__ as simulator_main
from notify import memory
from notify.app import Running
from notify.app import serve as run_service
from notify.city import BadPack
from notify.cli.say import refuse, sentences
from notify.logs import configure
from notify.processes.posts import Role
from notify.settings import load
from notify.wiring import CannotStart

# How long a thread keeps the interpreter while another waits for it. The web server asks for it anew at every event: with
# Python's usual 5 ms a single thread that renders or checks texts lets it answer 200 events a second, and reports wait.
TURN_S: Final = 0.001


def serve() -> None:
    """Runs the service: web, senders and ticks, until SIGTERM or Ctrl-C."""
    _run(Role.ALL)


def web() -> None:
    """Runs console, API, public pages and provider callbacks, beside other processes on PostgreSQL."""
    _run(Role.WEB)


def sender() -> None:
    """Runs senders, beside other processes on PostgreSQL: those of them that are this process's share."""
    _run(Role.SENDER)


def _run(role: Role) -> None:
    with sentences():
        settings = load()
        configure(settings.log_level)
        memory.give_back_what_is_freed()
        sys.setswitchinterval(TURN_S)
        try:
            uvloop.run(run_service(settings, _announce, role))
        except (CannotStart, BadPack) as error:
            refuse(error.problems)


def _announce(started: Running) -> None:
    """One line of JSON on standard output, for whoever started us: where we listen."""
    where = {"ready": True, "public_port": started.public_port, "private_port": started.private_port}
    sys.stdout.write(json_module.dumps(where) + "\n")
    sys.stdout.flush()


def simulator(context: typer.Context) -> None:
    """A simulated carrier (Twilio's Messages resource) and a mail sink, as a process of its own. --help shows its options."""
    raise typer.Exit(simulator_main.main(context.args))
