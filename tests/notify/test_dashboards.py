"""The dashboard and the alarm rules ask for metrics that there are; every alarm and every ERROR names a section that says what
to do; and every metric of silence has an alarm."""

import json
import re
from pathlib import Path
from typing import Any, Final

import aiohttp
import pytest
import yaml

from tests.notify.service_factory import serving

ROOT: Final = Path(__file__).parents[2]
NAME: Final = re.compile(r"\btocsin_\w+")
OPERATIONS: Final = (ROOT / "docs" / "operations.md").read_text("utf-8")
HEADINGS: Final = re.findall(r"^## (.+)$", OPERATIONS, re.MULTILINE)
RULES: Final[list[dict[str, Any]]] = [
    rule
    for group in yaml.safe_load((ROOT / "docs" / "deploy" / "tocsin.rules.yml").read_text("utf-8"))["groups"]
    for rule in group["rules"]
]
PANELS: Final = json.loads((ROOT / "docs" / "deploy" / "grafana.json").read_text("utf-8"))["panels"]
ALARMED: Final = (
    "ready",
    "sender_up",
    "held",
    "seeds_silent",
    "due_late_seconds",
    "promises_overdue",
    "queue_depth",
    "reserve_missing",
)


def anchor(heading: str) -> str:
    """As GitHub makes it: lower case, words joined by hyphens."""
    return re.sub(r"\s+", "-", re.sub(r"[^\w\s-]", "", heading.strip().lower()))


async def test_every_query_names_metrics_that_the_service_gives(tmp_path: Path, migrated_sqlite: Path) -> None:
    async with serving(tmp_path / "var", migrated_sqlite) as served:
        text = await served_metrics(served.url)
    given = set(re.findall(r"^# TYPE (\w+)", text, re.MULTILINE))
    queries = [target["expr"] for panel in PANELS for target in panel["targets"]] + [rule["expr"] for rule in RULES]
    assert len(PANELS) >= 12 and len(RULES) >= 12
    for query in queries:
        named = NAME.findall(query)
        assert named, query
        for name in named:
            assert name in given, f"{query}: there is no {name}"
        labels = re.findall(r'(\w+)="', query)
        assert set(labels) <= {"channel", "state", "quantile", "job", "sender"}, query


async def served_metrics(url: str) -> str:
    async with aiohttp.ClientSession() as session, session.get(f"{url}/metrics") as answer:
        assert answer.status == 200
        return await answer.text()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_every_alarm_says_what_to_do(rule: dict[str, Any]) -> None:
    assert rule["annotations"]["summary"] and rule["labels"]["severity"] in ("page", "ticket")
    assert rule["annotations"]["runbook"] in HEADINGS


def test_each_light_of_silence_has_an_alarm_and_so_has_silence_itself() -> None:
    asked = " ".join(rule["expr"] for rule in RULES)
    assert all(f"tocsin_{name}" in asked for name in ALARMED)
    assert "absent(tocsin_ready)" in asked and 'up{job="tocsin"} == 0' in asked


def test_every_error_in_the_log_and_every_page_that_names_a_section_names_one_there_is() -> None:
    sections = {anchor(heading) for heading in HEADINGS}
    named = {
        (path.name, link)
        for folder in ("notify", "surge", "channels")
        for path in (ROOT / folder).rglob("*.py")
        for link in re.findall(r"docs/operations\.md#([\w-]+)", path.read_text("utf-8"))
    }
    assert len(named) > 5
    assert [one for one in sorted(named) if one[1] not in sections] == []
