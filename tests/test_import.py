"""Importing costs next to nothing: no torch, nothing of weight, until it is used."""

from __future__ import annotations

import subprocess
import sys

import pytest

import wonderland as wl

HEAVY = ("torch", "transformer_lens", "matplotlib", "scipy", "sklearn", "pyarrow", "tokenizers", "numpy")


def loaded(code: str) -> set[str]:
    """Run code in a fresh interpreter and return which of the heavy packages it loaded."""
    probe = f"{code}\nimport sys\nprint('LOADED', *(name for name in {HEAVY} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split()[1:])


def test_importing_wonderland_loads_nothing_of_weight():
    assert loaded("import wonderland") == set()


def test_help_loads_no_torch():
    code = """
import contextlib, sys
from wonderland.cli.main import main
sys.argv = ["wonderland", "--help"]
with contextlib.suppress(SystemExit):
    main()
"""
    assert loaded(code).isdisjoint({"torch", "transformer_lens", "matplotlib", "scipy", "sklearn"})


@pytest.mark.parametrize(
    "typed",
    [
        ["analyze", "head-paterns"],
        *(
            pytest.param(typed, marks=pytest.mark.slow)
            for typed in (
                ["analyse"],
                ["analyze", "head-patterns", "--sed", "3"],
                ["compare", "--by", "me"],
                ["status", "--quite"],
            )
        ),
    ],
    ids=" ".join,
)
def test_a_mistyped_command_is_answered_without_loading_anything_of_weight(typed):
    assert loaded(f"from wonderland.cli.main import run\nassert run({typed!r}) == 2") == set()


def test_reading_a_corpus_loads_no_torch():
    code = (
        "import wonderland as wl\nwl.Corpus.of([wl.Message('1', 'a', 'Bob', False, None, 'hi')])\nwl.SpeakerTokenizer"
    )
    assert "torch" not in loaded(code)


def test_the_commands_that_read_messages_load_no_pandas_and_pyarrow_has_it_all_the_same():
    """It takes as long to load as everything else that they need."""
    code = """
import sys, pyarrow as pa
import wonderland.cli.data
table = pa.table({"a": [1, 2]})
assert "pandas" not in sys.modules
assert table.to_pandas()["a"].sum() == 3
import pandas
assert pa.array(pandas.Series([1.0, float("nan")])).null_count == 1
"""
    assert "torch" not in loaded(code)


def test_to_know_all_sources_loads_no_pandas():
    code = "import sys, wonderland.plugins as plugins\nassert 'whatsapp' in plugins.load().sources"
    loaded(f"{code}\nassert 'wonderland_exports.whatsapp.rows' in sys.modules\nassert 'pandas' not in sys.modules")


@pytest.mark.parametrize("name", wl.__all__)
def test_every_public_name_resolves_and_is_documented(name):
    thing = getattr(wl, name)
    assert thing.__doc__ or not callable(thing)
    assert name in dir(wl)


def test_what_is_listed_of_the_library_is_what_it_offers():
    assert {name for name in dir(wl) if not name.startswith("__")} == {*wl.__all__, "views"}


def test_public_names_and_their_homes_are_the_same_list():
    assert sorted(wl._HOMES) == sorted(wl.__all__)


def test_the_names_the_architecture_promises_are_there():
    words = "Corpus Message Skipped SpeakerTokenizer ChatTransformer Specimen Result View analyze Workspace"
    edges = "Source Filter Analysis hookimpl WonderlandError"
    assert {*words.split(" "), *edges.split(" ")} <= {*wl.__all__}


def test_a_name_that_is_not_there_lists_those_that_are():
    with pytest.raises(AttributeError, match=r"no attribute 'Korpus'; public names: .*Corpus"):
        _ = wl.Korpus
