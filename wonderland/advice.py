"""Advice as values: what a hint proposes to type, from which the command line makes whole commands.

Who raises an error does not know what was typed, in which workspace, or whether anything was typed at all: a script has
arguments and no options. So a hint holds a `Command` or `Options` where it proposes one, and who shows it says how.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from wonderland.as_typed import as_typed, options_as_typed, quoted

__all__ = ["Advice", "Command", "Either", "Hint", "Options", "in_python", "of_command"]


class Command:
    """A command, which stands for itself whatever was typed.

    Args:
        name: Its name.
        words: What follows it beside options.
        in_python: What a script is told instead; the command by default, which works on the workspace of a script too.
        keeping: Keep what was typed, if it was this command: then these are options of it.
        options: Options by name; several values that are said one after another as a tuple.

    >>> str(Command("analyze", "induction", windows=64))
    'wonderland analyze induction --windows 64'
    """

    def __init__(
        self, name: str, /, *words: object, in_python: str = "", keeping: bool = False, **options: Any
    ) -> None:
        self.name, self.words, self.keeping = name, (*map(str, words), *_as_words(options)), keeping
        self._in_python = in_python

    def __str__(self) -> str:
        return as_typed(self.name, *self.words)

    @property
    def in_python(self) -> str:
        """What a script is told."""
        return self._in_python or str(self)


class Options:
    """Options of what was typed, which become the whole command; in a script they are arguments of what was called.

    Args:
        command: The command that has them, which is proposed where another was typed; "" if any may have them.
        options: Options by name; several values that are said one after another as a tuple.

    >>> advice = Options("extract", dates="dmy").or_(dates="mdy")
    >>> str(advice), advice.in_python
    ('--dates dmy or --dates mdy', "dates='dmy' or dates='mdy'")
    """

    def __init__(self, command: str = "", /, **options: Any) -> None:
        self.command, self._options = command, options
        self.others: tuple[Options, ...] = ()
        self.names: tuple[str, ...] = ()

    def or_(self, **options: Any) -> Options:
        """Return the same advice, with options that would do as well."""
        both = self.of(self.command, *self.names)
        both.others = (*self.others, Options(self.command, **options))
        return both

    def of(self, command: str, *names: str) -> Options:
        """Return the same advice for a command that takes these names before the options, such as an analysis."""
        same = Options(command, **self._options)
        same.others, same.names = self.others, names
        return same

    @property
    def words(self) -> list[str]:
        """The options as words, not yet quoted, without what would do as well."""
        return _as_words(self._options)

    def __str__(self) -> str:
        return self.following(" ".join(map(quoted, self.words)))

    def following(self, first: str) -> str:
        """Return what is proposed, told in a way, with what would do as well."""
        return " or ".join([first, *map(str, self.others)])

    @property
    def in_python(self) -> str:
        """The same as arguments."""
        told = ", ".join(f"{name}={_argument(value)}" for name, value in self._options.items())
        return " or ".join([told, *(other.in_python for other in self.others)])


Advice: TypeAlias = "Command | Options"


class Either(str):
    """Words for the command line that are others for a script, part of a hint or of a message.

    Args:
        typed: What the command line says.
        in_python: What a script is told.

    >>> hint = Hint("Leave ", Either("--source", "source"), " out.")
    >>> str(hint), in_python(hint)
    ('Leave --source out.', 'Leave source out.')
    """

    in_python: str

    def __new__(cls, typed: str, in_python: str) -> Either:
        """Make one."""
        both = super().__new__(cls, typed)
        both.in_python = in_python
        return both

    def __reduce__(self) -> tuple[type[Either], tuple[str, str]]:
        return Either, (str(self), self.in_python)


class Hint(str):
    """A sentence that holds advice; as text, it has the commands and options as they are typed.

    Args:
        parts: Its words and what they propose, in their order; other hints become part of it.

    Attributes:
        parts: The same, without hints within.

    >>> hint = Hint("It was cut short. To keep its rows: ", Options("extract", partial=True))
    >>> print(hint, in_python(hint), sep="\\n")
    It was cut short. To keep its rows: --partial
    It was cut short. To keep its rows: partial=True
    """

    parts: tuple[str | Command | Options, ...]

    def __new__(cls, *parts: str | Command | Options) -> Hint:
        """Make one."""
        flat = [one for part in parts for one in (part.parts if isinstance(part, Hint) else (part,))]
        hint = super().__new__(cls, "".join(map(str, flat)))
        hint.parts = tuple(flat)
        return hint


def in_python(hint: str) -> str:
    """Return a hint or message as a script is told it: options are arguments. What is text alone stays as it is."""
    if not isinstance(hint, Hint):
        return hint
    return "".join(part.in_python if isinstance(part, (Command, Either, Options)) else part for part in hint.parts)


def of_command(hint: str, command: str, *names: str) -> str:
    """Return a hint whose options that any command may have are those of one that takes these names.

    Args:
        hint: The hint; of text alone it stays as it is.
        command: The command.
        names: What it takes before them, such as the name of the analysis that said so.
    """
    if not isinstance(hint, Hint):
        return hint
    return Hint(
        *(part.of(command, *names) if isinstance(part, Options) and not part.command else part for part in hint.parts)
    )


def _as_words(options: dict[str, Any]) -> list[str]:
    each = ((name, one) for name, value in options.items() for one in (value if isinstance(value, tuple) else (value,)))
    return [word for name, one in each for word in options_as_typed({name: one})]


def _argument(value: Any) -> str:
    return repr([*value] if isinstance(value, Sequence) and not isinstance(value, str) else value)
