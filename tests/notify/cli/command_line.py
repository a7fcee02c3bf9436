"""The command line as a person types it: arguments in, exit code, screen and error output back."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from notify.cli.main import app


@dataclass(frozen=True, slots=True)
class Said:
    code: int
    out: str
    errors: str

    @property
    def data(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True, slots=True)
class Shell:
    """`home` is the data folder; `variables` are added to the environment."""

    home: Path
    variables: Mapping[str, str]

    def __call__(self, *arguments: object) -> Said:
        environment = {"TOCSIN_DATA_DIR": str(self.home), "TOCSIN_MODE": "demo", "COLUMNS": "200", **self.variables}
        result = CliRunner().invoke(app, [str(one) for one in arguments], env=environment)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Said(result.exit_code, result.stdout, result.stderr)
