"""The running API judged against its own description by schemathesis, in a process of its own (not as a plugin of pytest)."""

import asyncio
import json
import os
import re
import sys
from pathlib import Path
from typing import Final

import pytest

from notify.web.openapi import document
from tests.notify.api_factory import a_desk

PATIENCE_S: Final = 600
BUDGET_S: Final = 500  # it takes a tenth of it, and up to a quarter on a machine with much else to do
# update stands for correct, clear and cancel, return for reject: the same body, answer and code.
LIKE_OTHERS: Final = "/(correct|clear|cancel|reject)$"


@pytest.fixture
def judge(tmp_path: Path) -> list[str]:
    # RFC 6585: a change without If-Match is answered with 428; the judge's own list of right answers does not know it.
    statuses = [400, 401, 403, 406, 415, 422, 428]
    (tmp_path / "schemathesis.toml").write_text(f"[checks.missing_required_header]\nexpected-statuses = {statuses}\n")
    return [
        *(sys.executable, "-m", "schemathesis.cli", "run", str(tmp_path / "openapi.json")),
        # One worker: two threads that read source at the same time can fail each other on Python 3.11 (AST recursion depth).
        *("--phases", "coverage", "--generation-deterministic", "--max-time", str(BUDGET_S), "--workers", "1"),
        # What a schema cannot say (times that fit each other, one kind of area) is refused with sentences, and rightly.
        *("--checks", "all", "--exclude-checks", "positive_data_acceptance", "--exclude-path-regex", LIKE_OTHERS),
        *("--continue-on-failure", "--warnings", "off", "--no-color"),
    ]


async def test_the_service_does_what_its_description_says(tmp_path: Path, migrated_sqlite: Path, judge: list[str]) -> None:
    """Every status, type, header and schema of every answer; no schema-violating body is taken; no request is a fault here."""
    async with a_desk(tmp_path / "home", migrated_sqlite) as desk:
        (tmp_path / "openapi.json").write_text(json.dumps(document(desk.endpoints)))
        token = f"Authorization: Bearer {desk.served.tokens['everything']}"
        child = await asyncio.create_subprocess_exec(
            *judge,
            *("--url", desk.url, "--header", token),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            cwd=tmp_path,
            env=os.environ | {"NO_COLOR": "1"},
        )
        said, _ = await asyncio.wait_for(child.communicate(), PATIENCE_S)
    words = said.decode()
    assert child.returncode == 0, words[max(0, words.find("FAILURES")) :]
    kept = [one for one in desk.endpoints if not re.search(LIKE_OTHERS, one.path)]
    assert "No issues found" in words and f"Selected: {len(kept)}/{len(desk.endpoints)}" in words, words
