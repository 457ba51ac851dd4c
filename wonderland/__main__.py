"""``python -m wonderland`` is the command line, and so is ``wonderland``.

Until a command begins, there is nothing to unwind: a signal ends it with words and a code, where Python would print
where it was. Once it has said its last line, a signal changes nothing.
"""

from wonderland.cli.interrupted import ending_at_once

__all__ = ["main"]


def main() -> None:
    """Load the command line and run it."""
    ending_at_once()
    from wonderland.cli.main import main as run

    run()


if __name__ == "__main__":
    main()
