"""``python -m wonderland`` is the command line, and so is ``wonderland``.

Until the command is loaded, nothing was begun: Ctrl-C ends it without a word, where Python would print where it was.
"""

import signal

__all__ = ["main"]


def main() -> None:
    """Load the command line and run it."""
    if mine := signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # not where a shell has it ignored
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from wonderland.cli.main import main as run

    if mine:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    run()


if __name__ == "__main__":
    main()
