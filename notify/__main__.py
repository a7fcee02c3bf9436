"""`tocsin` and `python -m notify`."""

from notify.cli.main import app


def main() -> None:
    app()


if __name__ == "__main__":
    main()
