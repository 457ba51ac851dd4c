"""``chat``: talk with the model, in a terminal or from a pipe."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wonderland.cli.console import Console, plain
from wonderland.cli.context import command, open_workspace
from wonderland.cli.options import Number, Whole
from wonderland.counted import counted
from wonderland.errors import InputError, UsageError, WonderlandError
from wonderland.nearby import did_you_mean

if TYPE_CHECKING:
    from wonderland.model.chat import Answer, Chat

_COMMANDS = {
    "/help": "list these",
    "/as": "change sides; or say whom you write as: /as me",
    "/temperature": "0 takes the likeliest token each time, 1 draws as the model says: /temperature 0.7",
    "/seed": "draw the next answer with this seed: /seed 3",
    "/new": "begin anew; the model forgets what was said",
    "/quit": "leave; Ctrl-D does the same",
}
_LARGEST_SEED = 2**62


@click.option(
    "--as",
    "you",
    type=click.Choice(["me", "them"]),
    default="them",
    show_default=True,
    help="Whom you write as; the model answers as the other.",
)
@click.option(
    "--temperature", type=Number(low=0), default=0.9, show_default=True, help="0 takes the likeliest token each time."
)
@click.option(
    "--top-k", type=Whole(low=0), default=0, show_default=True, help="Draw among so many likeliest tokens; 0 for all."
)
@click.option(
    "--top-p",
    type=Number(low=0, high=1),
    default=0.95,
    show_default=True,
    help="Draw among the likeliest tokens of this probability.",
)
@click.option("--max-tokens", type=Whole(low=1), default=60, show_default=True, help="Most tokens of an answer.")
@click.option(
    "--seed",
    type=Whole(low=0, high=_LARGEST_SEED),
    default=0,
    show_default=True,
    help="Seed of the first answer; each further one has the next.",
)
def chat(console: Console, folder: Path | None, you: str, seed: int, **voice: Any) -> None:
    """Talk with the model. You write as them and it answers as you, or the other way round with --as me.

    Each line is a message. A line that begins with / is a command: /help lists them; // begins a message with /.

    Lines can come from a pipe: the same lines with the same --seed get the same answers; a command that is none is said
    and passed over, and the exit code at the end is 2. Nothing is stored.
    """
    from wonderland.model.chat import Chat, Voice

    workspace = open_workspace(folder)
    model, tokenizer = workspace.load_model()
    talk = Chat(model, tokenizer, you=you, voice=Voice(**voice), seed=seed)
    asked = sys.stdin.isatty()
    if asked:
        console.note(f"You write as {you}; the model answers as {_other(you)}. /help, /quit")
    turns: list[dict[str, Any]] = []
    refused: list[int] = []  # lines
    console.result(turns=turns)
    for number, line in _lines(console, lambda: talk.you, asked):
        try:
            if line.startswith("/") and not line.startswith("//"):
                if not _obey(console, talk, line):
                    break
                continue
            _answer(console, talk, line[1:] if line.startswith("//") else line, turns, asked)
        except WonderlandError as error:
            where = "" if asked else f"Line {number}: "
            if isinstance(error, InputError) or not (asked or isinstance(error, UsageError)):
                raise type(error)(f"{where}{error.message}", hint=error.hint) from error
            console.note(f"{where}{error.message} {error.hint}".strip())
            refused += [] if asked else [number]
        except KeyboardInterrupt:  # while it thinks: no answer to this one
            console.note("No answer: interrupted.")
    if refused:
        few = ", ".join(map(str, refused[:5])) + (f" and {len(refused) - 5} more" if len(refused) > 5 else "")
        raise UsageError(
            f"{counted(len(refused), 'line')} of the input {'were' if refused[1:] else 'was'} passed over: {few}.",
            hint="/help lists the commands; // begins a message with /.",
        )


def _answer(console: Console, talk: Chat, text: str, turns: list[dict[str, Any]], asked: bool) -> None:
    answer = talk.say(text)
    turns.extend({"speaker": one.speaker, "text": one.text, "by_model": one.by_model} for one in talk.turns[-2:])
    turns[-1] |= {
        "seed": answer.seed,
        "probabilities": answer.sampled.probabilities,
        "finished": answer.sampled.finished,
        "forgotten": answer.forgotten,
        "cut": answer.cut,
    }
    _tell_limits(console, answer, talk.context)
    if not asked:  # in a terminal it stands there already
        console.say(f"{talk.you}: {plain(text)}")
    said = plain(answer.turn.text) or "(an empty message)"
    console.say(f"{answer.turn.speaker}: {said}{'' if answer.sampled.finished else ' … (cut off)'}")


def _tell_limits(console: Console, answer: Answer, context: int) -> None:
    if answer.cut:
        console.note(
            f"(That message is too long for its context of {context} tokens: the model does not read the first "
            f"{answer.cut}.)"
        )
    if answer.forgotten:
        what = "message" if answer.forgotten == 1 else f"{answer.forgotten} messages"
        console.note(f"(Its context of {context} tokens is full: the model no longer reads the first {what}.)")


def _lines(console: Console, you: Callable[[], str], asked: bool) -> Iterator[tuple[int, str]]:
    """Yield each line that says something with its number, until the input ends."""
    if asked:
        with contextlib.suppress(ImportError):
            import readline  # noqa: F401 - lets input() be edited
    number = 0
    while True:
        try:
            line = input("" if console.as_json else f"{you()}> ") if asked else sys.stdin.readline()
        except (EOFError, KeyboardInterrupt):
            console.note("")
            return
        except UnicodeDecodeError as error:
            raise InputError("The input is no UTF-8 text.", hint="Convert it: iconv -t utf-8") from error
        if not asked and not line:
            return
        number += 1
        if line.strip():
            yield number, line.strip()


def _obey(console: Console, talk: Chat, line: str) -> bool:
    """Do what a command says; return whether to go on.

    Raises:
        UsageError: There is no such command, or its value is none.
    """
    name, _, value = line.partition(" ")
    value = value.strip()
    if name == "/quit":
        return False
    if name == "/help":
        width = max(map(len, _COMMANDS))
        for one, what in _COMMANDS.items():
            console.note(f"{one:<{width}}  {what}")
    elif name == "/new":
        talk.turns = []
        console.note("A new conversation.")
    elif name == "/as":
        if value not in ("me", "them", ""):
            raise UsageError("/as takes me or them, or nothing to change sides.", hint="For example: /as me")
        talk.you = value or _other(talk.you)
        console.note(f"You write as {talk.you}; the model answers as {_other(talk.you)}.")
    elif name == "/temperature":
        talk.set_temperature(_number(name, value, Number(low=0)))
        console.note(f"The temperature is {value}.")
    elif name == "/seed":
        talk.seed = int(_number(name, value, Whole(low=0, high=_LARGEST_SEED)))
        console.note(f"The next answer is drawn with the seed {talk.seed}.")
    else:
        raise UsageError(
            f"There is no command {plain(name)}.",
            hint=did_you_mean(name, [*_COMMANDS], "/help lists them; // begins a message with /."),
        )
    return True


def _other(speaker: str) -> str:
    return "me" if speaker == "them" else "them"


def _number(name: str, value: str, kind: Number | Whole) -> float:
    try:
        return kind.convert(value, None, None)
    except click.BadParameter as error:
        told = plain(error.message) if value else "Nothing is given."
        raise UsageError(f"{name}: {told}", hint=f"For example: {_COMMANDS[name].rpartition(': ')[2]}") from error


chat_command = command("chat")(chat)
