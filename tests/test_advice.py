"""Advice as values: hints that hold commands and options, told as they are typed and as a script writes them."""

import ast
import copy
import functools
import pickle
import re

import click
import pytest

from tests.test_house import ROOT, SOURCES, parsed
from wonderland import plugins
from wonderland.advice import Command, Either, Hint, Options, in_python
from wonderland.cli.main import _COMMANDS, cli
from wonderland.cli.options import signature_options
from wonderland.errors import InputError
from wonderland.lab.analysis import parameters_of

PROPOSED = re.compile(r"(?:: |`|^)(?:wonderland (?!plugins|--help)[a-z]|--[a-z])")
OPTION = re.compile(r"(?:^|[ `(])--[a-z]")
NOT_ADVICE = (
    "; on its command line: --format Json",  # of another program
    "accelerate launch --multi_gpu -m wonderland train",
    " --local-dir ",
)


def test_a_hint_is_its_text_and_keeps_its_advice_when_it_becomes_part_of_another():
    cut = Hint("It was cut short: ", Options("extract", partial=True))
    whole = Hint("Sorry. ", cut, ". Else ", Command("wipe", yes=True))
    assert whole == "Sorry. It was cut short: --partial. Else wonderland wipe --yes"
    assert in_python(whole) == "Sorry. It was cut short: partial=True. Else wonderland wipe --yes"
    for same in (pickle.loads(pickle.dumps(whole)), copy.deepcopy(whole)):
        assert (same, in_python(same)) == (whole, in_python(whole))


@pytest.mark.parametrize(
    ("advice", "typed", "argument"),
    [
        (Options(me="It's Ada"), """--me 'It'"'"'s Ada'""", '''me="It's Ada"'''),
        (Options(source=("a", "")), "--source a --source ''", "source=['a', '']"),
        (Options(years=[2019, 2020]), "--years 2019,2020", "years=[2019, 2020]"),
        (Options(held_out=0.2, names=False), "--held-out 0.2 --no-names", "held_out=0.2, names=False"),
        (Options(dates="dmy").or_(dates="mdy"), "--dates dmy or --dates mdy", "dates='dmy' or dates='mdy'"),
        (Command("extract", "a b.zip", me=("A", "B")), "wonderland extract 'a b.zip' --me A --me B", ""),
        (Command("compare", "--heads", in_python="heads=True"), "wonderland compare --heads", "heads=True"),
    ],
    ids=str,
)
def test_advice_is_told_as_it_is_typed_and_as_arguments(advice, typed, argument):
    assert str(advice) == typed
    assert advice.in_python == (argument or typed)


def test_the_text_of_an_error_is_for_scripts_and_its_hint_for_the_command_line():
    error = InputError("It is cut short.", hint=Hint("To keep its rows: ", Options("extract", partial=True)))
    assert str(error) == "It is cut short.\nTo keep its rows: partial=True"
    assert error.hint == "To keep its rows: --partial"
    words = Hint(Either("--me", "me"), " is given twice.")
    error = pickle.loads(pickle.dumps(InputError(words, hint=Hint("Leave ", Either("--me", "me"), " out."))))
    assert str(error) == "me is given twice.\nLeave me out."
    assert (error.message, error.hint) == ("--me is given twice.", "Leave --me out.")
    assert str(InputError("It is.", hint="Text alone: --partial")) == "It is.\nText alone: --partial"


@functools.cache
def _calls():
    """Return every call that makes an error or advice in the core and the plugins, with the file it stands in."""
    files = [file for home in SOURCES for file in home.rglob("*.py")]
    made = ((file.relative_to(ROOT), node) for file in files for node in ast.walk(parsed(file)[1]))
    return [(file, node) for file, node in made if isinstance(node, ast.Call)]


def test_no_hint_proposes_anything_in_text_alone():
    found = []
    for file, call in _calls():
        told = next((one.value for one in call.keywords if one.arg == "hint"), None)
        for part in ast.walk(told) if told is not None else ():
            text = part.value if isinstance(part, ast.Constant) and isinstance(part.value, str) else ""
            if PROPOSED.search(text) and not text.endswith(NOT_ADVICE) and not _is_a_word(part, told):
                found.append(f"{file}:{part.lineno}: {text}")
    assert found == []


def test_what_a_script_can_be_told_names_no_option_of_the_command_line():
    found, seen = [], 0
    for file, call in _calls():
        name = getattr(call.func, "id", getattr(call.func, "attr", ""))
        if "cli" in file.parts or not name.endswith(("Error", "Failed", "Data", "Unsupported", "Hint", "Unknown")):
            continue
        seen += 1
        for part in ast.walk(call):
            text = part.value if isinstance(part, ast.Constant) and isinstance(part.value, str) else ""
            alone = OPTION.search(re.sub(r"wonderland [a-z]+ --", "", text))  # a whole command is of the workspace
            if alone and not text.endswith(NOT_ADVICE) and not _is_a_word(part, call):
                found.append(f"{file}:{part.lineno}: {text}")
    assert found == []
    assert seen > 500


def _is_a_word(part, told):
    """Say whether a text is a word of a `Command` or `Either`."""
    calls = (one for one in ast.walk(told) if isinstance(one, ast.Call))
    made = (one for one in calls if getattr(one.func, "id", "") in ("Command", "Either"))
    return any(part in one.args for one in made)


def _options_of(name):
    command = cli.get_command(None, name)
    own = [one for one in command.params if isinstance(one, click.Option)]
    known = {flag for one in own for flag in (*one.opts, *one.secondary_opts)}
    host = plugins.load()
    more = {
        "extract": [option for one in host.sources.values() for option in signature_options(one.__init__)],
        "analyze": [option for one in host.analyses.values() for option in parameters_of(one)],
    }
    return known | {f"--{one.replace('_', '-')}" for one in more.get(name, ())}


def test_every_option_that_is_advised_is_one_of_its_command():
    known = {name: _options_of(name) for name in _COMMANDS}
    unknown, seen = [], 0
    for file, call in _calls():
        made = getattr(call.func, "id", getattr(call.func, "attr", ""))
        if made not in ("Command", "Options") or file.name == "advice.py":
            continue
        name = call.args[0].value if call.args and isinstance(call.args[0], ast.Constant) else ""
        flags = [
            f"--{one.arg.replace('_', '-')}" for one in call.keywords if one.arg not in (None, "in_python", "keeping")
        ]
        words = [one.value for one in call.args[1:] if isinstance(one, ast.Constant)]
        flags += [word for word in words if str(word).startswith("--")]
        some = known[name] if name else set().union(*known.values())
        unknown += [f"{file}:{call.lineno}: {name} {flag}" for flag in flags if flag not in some]
        seen += len(flags)
    assert unknown == []
    assert seen > 60
