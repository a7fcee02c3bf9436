"""The command line, as other tests of it have it."""

from tests.notify.cli.conftest import installed, shell, wide_screen

__all__ = ["installed", "shell", "wide_screen"]
