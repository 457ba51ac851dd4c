"""Annotations become options: every type that is promised is read, shown in the help, and refused in words if wrong."""

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import click
import pytest
from click.testing import CliRunner

from wonderland.cli.options import FURTHER, Number, Whole, click_type, option
from wonderland.cli.plugin_command import PluginCommand, group_of
from wonderland.errors import UsageError
from wonderland.lab.analysis import parameters_of


@dataclass(frozen=True)
class Everything:
    """A parameter of each type."""

    order: Annotated[Literal["mdy", "dmy"], "order of a date"] = "mdy"
    level: Annotated[Literal[1, 2], "how deep"] = 1
    where: Annotated[str | None, "a place"] = None
    since: Annotated[date | None, "first day"] = None
    until: Annotated[datetime | None, "last moment"] = None
    file: Annotated[Path | None, "a file"] = None
    loud: Annotated[bool, "whether"] = False
    heads: Annotated[tuple[str, ...], "some heads"] = ()
    sizes: Annotated[tuple[int, int], "two sizes"] = (2, 3)
    share: Annotated[float, "a share"] = 0.5
    count: Annotated[int, "how many"] = 7
    seed: Annotated[int, "seed of it all"] = 0
    things: Annotated[tuple[object, ...], "cannot be typed"] = ()


def read(*words: str) -> dict[str, Any]:
    """Return what a command gets of words typed."""
    got: dict[str, Any] = {}

    def take(**values: Any) -> None:
        got.update({name.removeprefix(FURTHER): value for name, value in values.items() if value is not None})

    command = PluginCommand("thing", callback=take)
    command.further = lambda *_: [group_of("Everything", parameters_of(Everything))]
    command.main(list(words), standalone_mode=False)
    return got


@pytest.mark.parametrize(
    ("words", "value"),
    [
        (["--order", "dmy"], "dmy"),
        (["--order=mdy"], "mdy"),
        (["--level", "2"], 2),
        (["--where", "home"], "home"),
        (["--since", "2024-05-31"], date(2024, 5, 31)),
        (["--until", "2024-05-31T18:30"], datetime(2024, 5, 31, 18, 30)),
        (["--file", "a b.csv"], Path("a b.csv")),
        (["--loud"], True),
        (["--no-loud"], False),
        (["--heads", "L0H0, L0H1"], ("L0H0", "L0H1")),
        (["--sizes", "4,5"], (4, 5)),
        (["--share", "0.25"], 0.25),
        (["--count", "-3"], -3),
    ],
)
def test_each_type_is_read(words, value):
    (got,) = read(*words).values()
    assert got == value
    assert type(got) is type(value)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--order", "ymd"], ["mdy", "dmy"]),
        (["--level", "3"], ["1", "2"]),
        (["--since", "31.5.2024"], ["'31.5.2024' is no date", "2024-05-31"]),
        (["--until", "noon"], ["2024-05-31T18:30"]),
        (["--sizes", "4"], ["not 2 values"]),
        (["--sizes", "4,x"], ["'x' is no whole number"]),
        (["--share", "much"], ["'much' is no number"]),
        (["--share", "nan"], ["no finite number"]),
        (["--share", "-inf"], ["no finite number"]),
        (["--share", "1e999"], ["no finite number"]),
        (["--count", "2.5"], ["'2.5' is no whole number"]),
        (["--count", str(10**30)], ["not"]),
        (["--seed", "-1"], ["-1 is not at least 0"]),
    ],
)
def test_what_is_wrong_is_said_with_what_would_be_right(words, told):
    with pytest.raises(click.BadParameter) as error:
        read(*words)
    assert [part for part in told if part not in error.value.format_message()] == []


def test_help_shows_choices_types_and_defaults():
    command = PluginCommand("thing")
    command.further = lambda *_: [group_of("Everything", parameters_of(Everything))]
    shown = " ".join(CliRunner().invoke(command, ["--help"]).output.split())
    for part in ("[mdy|dmy]", "order of a date [default: mdy]", "[default: 2,3]", "--loud / --no-loud", "--since DATE"):
        assert part in shown
    assert "a place [default" not in shown  # None is no default worth naming
    assert "things" not in shown


def test_what_cannot_be_typed_is_no_option():
    for kind in (tuple[object, ...], dict[str, int], int | str, list[tuple[int, int]], complex):
        assert click_type(kind) is None
    assert option("things", tuple[object, ...], "things") is None


def test_an_option_that_is_not_there_names_those_near_it():
    with pytest.raises(UsageError) as error:
        read("--shar", "1")
    assert "no option --shar" in error.value.message
    assert "Did you mean --share?" in error.value.hint
    assert "--heads" not in error.value.hint


def test_the_bounds_of_whole_numbers_are_the_first_that_are_refused():
    number = Whole(low=1, high=5)
    assert [number.convert(str(n), None, None) for n in (1, 5)] == [1, 5]
    for wrong in ("0", "6"):
        with pytest.raises(click.BadParameter, match="between 1 and 5"):
            number.convert(wrong, None, None)


def test_help_names_both_bounds_of_a_number_that_has_two():
    def metavar(kind):
        return click.Option(["--number"], type=kind).make_metavar(click.Context(click.Command("thing")))

    assert metavar(Whole(20, 100_000)) == "INTEGER 20 TO 100000"
    assert metavar(Number(0, 1)) == "NUMBER 0 TO 1"
    assert (metavar(Whole(low=1)), metavar(Whole(0, 2**62)), metavar(Number())) == ("INTEGER", "INTEGER", "NUMBER")
