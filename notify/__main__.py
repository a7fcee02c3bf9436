"""`tocsin` and `python -m notify`."""

import gc

gc.disable()  # nothing of what is imported is garbage: looking through it again and again takes a tenth of the start
from notify.cli.main import app  # noqa: E402

gc.freeze()  # nor while a command makes many things of its own
gc.enable()


def main() -> None:
    app()


if __name__ == "__main__":
    main()
