"""``wonderland``: the group of commands, and what becomes of errors.

Exit codes: 0 all is well; 1 a check failed; 2 usage; 3 input that cannot be read; 4 not enough data; 5 out of disk,
memory or permission; 6 a plugin; 130 interrupted, nothing half written; 129 and 143 the same, by SIGHUP and SIGTERM;
141 what read the output went away (``wonderland status | head -1``), without a word, as of any command in a pipe.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import sys
import warnings
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

import click

import wonderland
from wonderland.cli.interrupted import interrupted, staying
from wonderland.errors import PluginError, UsageError, WonderlandError
from wonderland.model.interrupts import Ended, came, ending_on_signals
from wonderland.model.processes import is_main
from wonderland.nearby import did_you_mean
from wonderland.paths import lack_of_room

__all__ = ["cli", "main", "run"]

_CLOSED = 128 + 13  # SIGPIPE, which Python makes an error of
_OF_ONE_PROCESS = (5, 70)  # exit codes of what can happen to one of several processes
# Each command lives in a module that is imported when it is called, so that --help stays quick.
_COMMANDS = {
    "init": "setup",
    "extract": "data",
    "filter": "data",
    "tokenize": "data",
    "export": "export",
    "train": "model",
    "check": "model",
    "generate": "model",
    "chat": "chat",
    "analyze": "analysis",
    "audit": "audit",
    "compare": "compare",
    "examine": "examine",
    "report": "report",
    "run": "pipeline",
    "demo": "pipeline",
    "status": "setup",
    "plugins": "setup",
    "selftest": "selftest",
    "new": "new",
    "doctor": "setup",
    "wipe": "wipe",
}
_HELP = {
    "init": "Make a workspace.",
    "extract": "Read messages into the workspace.",
    "filter": "Drop noise, and account for it.",
    "tokenize": "Train the tokenizer and prove what the model relies on.",
    "export": "Write the corpus, the model or the results as plain files.",
    "train": "Train the model from scratch, or go on training it.",
    "check": "Run the sanity checks.",
    "generate": "Let the model speak, as you or as them.",
    "chat": "Talk with the model.",
    "analyze": "Look inside the model.",
    "audit": "Measure what can be drawn out of the model.",
    "compare": "Compare periods, contacts, me and them, or two workspaces.",
    "examine": "Examine a model from elsewhere, from a folder.",
    "report": "Write the report: one HTML file.",
    "run": "Do everything that is not up to date.",
    "demo": "Do everything, on the conversations that come with wonderland.",
    "status": "Say what is done and what is not.",
    "plugins": "List sources, filters and analyses.",
    "selftest": "Let every analysis find what was planted.",
    "new": "Begin a plugin: an analysis or a source of your own.",
    "doctor": "Say what this machine can do.",
    "wipe": "Delete everything that was written.",
}


class _PipeClosed(Exception):
    """What read the output is gone; click would end the process with the code of a failed check."""


@contextlib.contextmanager
def _telling_closed() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError as error:
        raise _PipeClosed from error


class _Lazy(click.Group):
    def make_context(self, *args: Any, **values: Any) -> click.Context:
        with _telling_closed():
            return super().make_context(*args, **values)

    def invoke(self, ctx: click.Context) -> Any:
        with _telling_closed():
            return super().invoke(ctx)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module = importlib.import_module(f"wonderland.cli.{_COMMANDS[cmd_name]}")
        command: click.Command = getattr(module, f"{cmd_name}_command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, _HELP[name]) for name in _COMMANDS])

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            if not args or args[0].startswith("-"):
                raise
            raise UsageError(
                f"There is no command named {args[0]!r}.",
                hint=did_you_mean(args[0], _COMMANDS, "`wonderland --help` lists the commands."),
            ) from error


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(wonderland.__version__, prog_name="wonderland")
def cli() -> None:
    """Train a small transformer on your own conversations, then look inside it.

    Nothing ever leaves this machine. Start with: wonderland demo
    """


def main() -> NoReturn:
    """Run the command line and exit."""
    _stay_offline()
    warnings.showwarning = _warned
    arguments = sys.argv[1:]
    try:
        code = run(arguments)
        code = _said_all(code)
        staying()
    except (KeyboardInterrupt, Ended) as stop:  # while it was told how it ended
        staying()
        code = _failed(arguments, *interrupted(arguments), 128 + stop.number if isinstance(stop, Ended) else 130)
    sys.exit(code)


def _said_all(code: int) -> int:
    """Return the code a command ends with once its last words are out, or cannot be said any more."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())  # what is left would be an error at the end
            code = code or _CLOSED
    return code


def run(arguments: list[str]) -> int:
    """Run a command and return its exit code, with every error told on stderr (or as JSON)."""
    try:
        with ending_on_signals():
            cli.main(arguments, prog_name="wonderland", standalone_mode=False)
    except WonderlandError as error:
        if os.environ.get("WONDERLAND_DEBUG") and isinstance(error, PluginError) and error.__cause__:
            raise
        return _failed(arguments, error.message, error.hint, error.exit_code, error.found)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as error:
        if isinstance(error, click.exceptions.NoArgsIsHelpError):
            error.show()
            return 2
        from wonderland.cli.refusals import refusal

        return _failed(arguments, *refusal(error), 2)
    except (KeyboardInterrupt, click.Abort):
        return _failed(arguments, *interrupted(arguments), 130)
    except Ended as end:
        with contextlib.suppress(OSError):  # the terminal may be gone
            _failed(arguments, *interrupted(arguments), 128 + end.number)
        return 128 + end.number
    except MemoryError:
        return _failed(arguments, "Out of memory.", "Take a smaller preset, or fewer windows.", 5)
    except (_PipeClosed, BrokenPipeError):
        return _CLOSED
    except Exception as error:
        if number := came():  # what was being imported may have made another error of it
            return _failed(arguments, *interrupted(arguments), 128 + number)
        if os.environ.get("WONDERLAND_DEBUG"):
            raise
        if (full := lack_of_room(error)) is not None:
            return _failed(arguments, full.message, full.hint, full.exit_code)
        # The message of an arbitrary exception may quote somebody's words, so only its kind and place are shown.
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        where = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else "?"
        hint = "This is a fault of wonderland. Run again with WONDERLAND_DEBUG=1 for the whole story, and report it."
        return _failed(arguments, f"Something unforeseen happened: {type(error).__name__} at {where}.", hint, 70)
    return 0


def _warned(message: Warning | str, *_: Any, **__: Any) -> None:
    """Print a warning as a sentence, without the line of code that gave it."""
    from wonderland.cli.console import fitted, plain

    print(fitted(f"Warning: {plain(str(message))}", sys.stderr), file=sys.stderr)


def _failed(arguments: list[str], message: str, hint: str, code: int, found: Mapping[str, Any] | None = None) -> int:
    if is_main() or code in _OF_ONE_PROCESS:  # the first process says what all of them have met
        with contextlib.suppress(BrokenPipeError):
            _tell(arguments, message, hint, code, found or {})
    return code


def _tell(arguments: list[str], message: str, hint: str, code: int, found: Mapping[str, Any]) -> None:
    if "--json" in arguments:
        told = {**found, "error": message, "hint": hint, "exit_code": code}
        print(json.dumps(told, indent=1 if found else None, default=str))
    else:
        from wonderland.cli.console import fitted, plain

        red, bold, off = ("\x1b[31;1m", "\x1b[1m", "\x1b[0m") if sys.stderr.isatty() else ("", "", "")
        lines = "\n".join(plain(line) for line in message.splitlines())
        print(fitted(f"{red}Error:{off} {lines}", sys.stderr), file=sys.stderr)
        if hint:
            print(fitted(f"{bold}{plain(hint)}{off}", sys.stderr), file=sys.stderr)


def _stay_offline() -> None:
    """Tell the libraries below that there is no network, before they are imported."""
    for name in (
        "HF_HUB_OFFLINE",
        "TRANSFORMERS_OFFLINE",
        "HF_DATASETS_OFFLINE",
        "HF_HUB_DISABLE_TELEMETRY",
        "DO_NOT_TRACK",
    ):
        os.environ.setdefault(name, "1")
    os.environ.setdefault("WANDB_MODE", "disabled")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
