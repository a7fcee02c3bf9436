"""Every word that the console says, found where it stands: in templates, modules and tables. Writes the catalogue's template.

    python -m tests.console.vocabulary

writes templates/locale/messages/console.pot, from which a new language begins.
"""

import ast
import tomllib
from collections.abc import Iterator
from string import Formatter
from typing import Any

from jinja2 import Environment, nodes

from notify import data, full_disk
from notify.alerts import after_action, area_import, hazards
from notify.alerts.alert import Certainty, Mode, Severity, Stage, Urgency, Wording
from notify.alerts.life import EndedWhy, Role, Status
from notify.console import composer, contacts, follower, sentences, translations, wordings
from notify.console.composer import usual
from notify.console.words import CHANNELS, DOMAIN
from notify.partners import webhook
from notify.publishing.cap_terms import ALLOWED
from notify.received.standing import Standing
from notify.staff import drill_log, drilling, drills, rehearsal, staff_contacts
from notify.staff.grants import Power
from notify.web import answers
from notify.wording import catalogs, review_desk, reviewing
from notify.wording.fallback import Step
from notify.wording.slots import declared
from subscribers import areas
from subscribers.matched import Left
from surge.scripts.sources import books
from surge.switch import activation, store

ROOT = data.folder("templates").parent
POT = catalogs.pot_path(data.folder("templates"), DOMAIN.removesuffix(".po"))
HEAD = """# Words of the staff console. Each of {braces} stands for a fact and is kept as it is.
msgid ""
msgstr ""
"Project-Id-Version: tocsin console\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"""
SPOKEN_FOR = ("in_words",)  # sentences of the service, found in its patterns
CODE = ("SELECT ", "PRAGMA ", "INSERT ", "UPDATE ", "DELETE ", "EEE ")  # what begins like a sentence and is none
# Where calls say what somebody did, what was promised, what a copy is for: keyword, or which argument.
NAMED = (("Act", "action"), ("Entry", "what"), ("Copy", "name"), ("Copy", "problem"))
PLACED = {"_log": (1, 2), "_make": (3,), "_wireless": (0,), "log": (2,), "_keep": (2,), "note": (2,)}
SURGE = ("activate.py", "offer.py", "publish.py", "store.py", "watch.py")  # whose acts stand in the log
STANDINGS = ("active", "stopped", "unreachable")
# What stands beside what is held of a resident.
HELD = ("channel", "standing", "language", "basis", "places", "may have a new owner since", "they wrote", "we wrote")
WEBHOOKS = (webhook.State, webhook.Standing, webhook.Kind, webhook.Shape, webhook.Reality)


def in_templates() -> Iterator[str]:
    """What `_` is given in the pages: as it stands, or through a loop over words or a macro's arguments."""
    environment = Environment()
    for path in sorted((ROOT / "templates" / "console").rglob("*.html")):
        tree = environment.parse(path.read_text("utf-8"))
        for call in tree.find_all(nodes.Call):
            if isinstance(call.node, nodes.Name) and call.node.name == "_":
                yield from direct(call.args[0])
            elif isinstance(call.node, nodes.Name) and call.node.name not in SPOKEN_FOR:
                yield from (one for part in call.args for one in listed(part))
        for loop in tree.find_all(nodes.For):
            yield from listed(loop.iter)


def direct(node: nodes.Node) -> Iterator[str]:
    """The texts that an expression may come to."""
    match node:
        case nodes.Const(value=str() as text):
            yield text
        case nodes.CondExpr():
            yield from direct(node.expr1)
            if node.expr2 is not None:
                yield from direct(node.expr2)
        case nodes.Or():
            yield from direct(node.right)
        case nodes.Getitem() | nodes.Call() | nodes.Getattr():
            yield from (one for part in node.find_all(nodes.Dict) for pair in part.items for one in direct(pair.value))


def listed(node: nodes.Node) -> Iterator[str]:
    for one in [node, *node.find_all(nodes.Const)]:
        if isinstance(one, nodes.Const) and isinstance(one.value, str) and is_words(one.value):
            yield one.value


def is_words(text: str) -> bool:
    return text[:1].isupper() and (" " in text or text[1:].islower()) and not text.startswith(CODE)


def in_modules() -> Iterator[str]:
    """Titles and sentences of the console's own modules; those put together from parts are said in English."""
    for path in sorted((ROOT / "notify" / "console").glob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        apart = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in ast.walk(node)}
        apart |= {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in apart:
                if " " in node.value.strip() and node.value == node.value.strip() and is_words(node.value):
                    yield node.value


def acts() -> Iterator[str]:
    """What the log says that somebody did, what was promised, what stands in a resident's history."""
    yield from (reviewing.ASKED, drills.REFUSED, drill_log.STARTED, drill_log.ENDED)
    switch = ROOT / "surge" / "switch"
    ours = [*(ROOT / "notify").rglob("*.py"), *(switch / name for name in SURGE), ROOT / "subscribers" / "history.py"]
    ours += (ROOT / "surge" / "recorded").glob("*.py")
    for path in sorted(ours):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            given: list[Any] = [each.value for each in node.keywords if (name, each.arg) in NAMED]
            given += [node.args[at] for at in PLACED.get(name, ()) if at < len(node.args)]
            for one in (part for each in given for part in ast.walk(each)):
                if isinstance(one, ast.Constant) and isinstance(one.value, str):
                    yield one.value


def vocabulary() -> Iterator[str]:
    """Words that rows and enumerations hold, as pages show them."""
    for kind in (Status, Stage, EndedWhy, Wording, Severity, Urgency, Certainty, Step, Power, Role, Mode, Standing, *WEBHOOKS):
        yield from (one.value.replace("_", " ") for one in kind)
    yield from (one.value.replace("_", " ").capitalize() for one in (*Stage, *Status))
    yield from (kind.capitalize() for kind in areas.KINDS)
    staff = (contacts.STATES, contacts.CHANNEL_WORDS, rehearsal.NOWHERE)
    shown = (CHANNELS, follower.STATES, *staff)
    for table in (*shown, translations.LISTS, translations.FORMS, translations.READERS, wordings.STEPS):
        yield from table.values()
    yield from (rehearsal.NOT_A_TEST, drilling.CHOOSE)
    yield from (*activation.Status, store.TESTED)
    yield from (reason.name.lower().replace("_", " ") for reason in Left)
    yield from (book.runbook.title for book in books(ROOT / "runbooks").values())
    yield from ALLOWED["status"]
    boil = usual(hazards.catalogue()["boil_water"], Stage.FIRST, ["Portland"])
    yield from (name for name, _ in composer.lights(boil, {"problems": []}))
    yield from (review_desk.CHANGED, review_desk.NOTHING, reviewing.NO_NOTE, reviewing.LONG_NOTE)
    yield from (composer.SIGNED, area_import.UNSEEN, area_import.NO_SOURCE, staff_contacts.NOT_SENT, staff_contacts.WRONG)
    yield from (*after_action.IN_WORDS.values(), *HELD, *STANDINGS, *sentences.PATTERNS, sentences.OR)
    yield from (title for _, title, *_ in answers._STATUS.values())
    yield from (full_disk.TITLE, full_disk.MAKE_ROOM, full_disk.LEDGER)


def facts() -> Iterator[str]:
    """Names and meanings of what people fill in, for every danger."""
    own = set(declared(ROOT / "templates" / "slots.toml"))
    for path in sorted((ROOT / "templates").glob("*/slots.toml")):
        if path.parent.name not in ("callers", "dialog", "voice", "whisper"):  # the program fills those in
            for name, slot in tomllib.loads(path.read_text("utf-8")).items():
                if name not in own:
                    yield name.replace("_", " ").capitalize()
                    yield slot["meaning"]
                    yield from (value.replace("_", " ") for value in slot.get("values", ()))


def sources() -> set[str]:
    titles = {hazard.title for hazard in hazards.catalogue().values()}
    return {*in_templates(), *in_modules(), *acts(), *vocabulary(), *facts()} - titles


def pot() -> bytes:
    """The catalogue's template for the words of now; the same words give the same bytes."""
    entries = (f'{_form(source)}msgid {_quoted(source)}\nmsgstr ""\n' for source in sorted(sources()))
    return "\n".join([HEAD, *entries]).encode()


def _form(source: str) -> str:
    return "#, python-brace-format\n" if fields(source) else ""


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


if __name__ == "__main__":
    POT.write_bytes(pot())
    print(POT)
