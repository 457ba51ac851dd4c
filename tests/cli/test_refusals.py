"""A command line that click refuses: what is wrong, and one line that can be typed next."""

from __future__ import annotations

import json

import pytest

from wonderland.cli.main import run

REFUSED = [
    (["examine"], "`wonderland examine` needs MODEL.", "For example: wonderland examine MODEL --texts PATH."),
    (["--jsn"], "`wonderland` has no option --jsn.", "`wonderland --help` lists them all."),
    (["status", "--quite"], "`wonderland status` has no option --quite.", "Did you mean --quiet?"),
    (["status", "x", "y"], "`wonderland status` takes no such word: x y", "Leave it out."),
    (
        ["compare", "--by", "spaeker"],
        "--by takes period, contact or speaker, not 'spaeker'.",
        "For example: wonderland compare --by speaker.",
    ),
    (
        ["compare", "--by", "xyzzy"],
        "--by takes period, contact or speaker, not 'xyzzy'.",
        "For example: wonderland compare --by period.",
    ),
    (["compare", "--steps", "many"], "--steps: 'many' is no whole number.", "`wonderland compare --help`"),
    (
        ["compare", "--by"],
        "--by needs a value: period, contact or speaker.",
        "For example: wonderland compare --by period.",
    ),
    (["analyze", "--cohort"], "--cohort needs a value: seeds", "For example: wonderland analyze --cohort seeds."),
    (["compare", "--heads=3"], "--heads takes no value.", "Type: wonderland compare --heads."),
    (
        ["compare", "--steps", "3", "--by", "spaeker", "-w", "my place"],
        "--by takes period, contact or speaker, not 'spaeker'.",
        "For example: wonderland compare --steps 3 --by speaker -w 'my place'.",
    ),
    (
        ["compare", "--by", "--heads", "-w", "my place"],
        "--by takes period, contact or speaker, not '--heads'.",
        "For example: wonderland compare --heads -w 'my place' --by period.",
    ),
    (
        ["compare", "-w", "my place", "--by"],
        "--by needs a value: period, contact or speaker.",
        "For example: wonderland compare -w 'my place' --by period.",
    ),
    (
        ["compare", "-w", "my place", "--heads=3"],
        "--heads takes no value.",
        "Type: wonderland compare -w 'my place' --heads.",
    ),
    (["examine", "my model"], "`wonderland examine` needs --texts.", "wonderland examine 'my model' --texts PATH."),
    (["examine", "--texts", "a b"], "`wonderland examine` needs MODEL.", "wonderland examine --texts 'a b' MODEL."),
    (
        ["new"],
        "`wonderland new` needs analysis or source.",
        "wonderland new analysis NAME, or: wonderland new source NAME. `",
    ),
    (["new", "sourc", "x"], "`wonderland new` takes analysis or source, not 'sourc'.", "wonderland new source x."),
    (["new", "source"], "`wonderland new` needs NAME.", "For example: wonderland new source NAME."),
    (["new", "one", "--bar"], "`wonderland new` has no option --bar.", "There are: --quiet, --json, --help."),
]


@pytest.mark.parametrize(("typed", "wrong", "next_"), REFUSED, ids=[" ".join(one[0]) for one in REFUSED])
def test_what_is_wrong_is_said_with_what_to_type(typed, wrong, next_, capsys):
    assert run(typed) == 2
    error = " ".join(capsys.readouterr().err.split())
    assert error.startswith(f"Error: {wrong}")
    assert next_ in error
    assert "Usage:" not in error
    assert "|" not in error  # typed, it would be a pipe


def test_it_is_said_as_json_where_that_is_asked_for(capsys):
    assert run(["compare", "--by", "spaeker", "--json"]) == 2
    told = json.loads(capsys.readouterr().out)
    assert told["error"] == "--by takes period, contact or speaker, not 'spaeker'."
    assert told["hint"].startswith("For example: wonderland compare --by speaker --json.")
    assert told["exit_code"] == 2


def test_without_a_command_the_help_is_shown(capsys):
    assert run([]) == 2
    assert "Commands:" in capsys.readouterr().err
