"""What the README shows runs as it stands."""

import re
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from wonderland.model.presets import PRESETS, Config
from wonderland.testing.contract import check_analysis

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", README, flags=re.S)


@pytest.mark.slow
def test_the_script_runs_and_leaves_a_report(home, capsys, monkeypatch):
    # Twenty epochs of five million parameters are for an evening, not for a test; all else is as it stands.
    monkeypatch.setitem(PRESETS, "nano", replace(PRESETS["nano"], config=Config(2, 4, 64, 16, 128, 128, 4096)))
    script = BLOCKS[0].replace("epochs=20", 'epochs=1, preset="nano"')
    assert script != BLOCKS[0]
    made: dict = {}
    exec(compile(script, "README.md", "exec"), made)
    history = made["model"].history
    assert history.held_out_loss is not None  # else no epoch is known to be the best one
    assert history.best_epoch == 1
    assert {"bigram", "trigram"} <= set(history.baselines)
    assert "attributedBody" in capsys.readouterr().out
    assert (home / "wonderland.html").stat().st_size > 100_000


def test_the_plugin_of_the_readme_is_an_analysis_that_finds_how_far_heads_look(home):
    import wonderland as wl

    names: dict = {"__name__": "readme_plugin"}
    exec(compile(BLOCKS[1].replace("from dataclasses", "from dataclasses"), "README.md", "exec"), names)
    (analysis,) = names["wonderland_analyses"]()
    check_analysis(analysis)
    corpus = wl.Corpus.read(home / "Library/Messages/chat.db")
    train, held_out = corpus.split()
    tokenizer = wl.SpeakerTokenizer.train(train, 400)
    specimen = wl.Specimen(wl.ChatTransformer.from_preset("nano", tokenizer), tokenizer, held_out)
    result = wl.analyze(specimen, analysis())["longest-look"]
    # Untrained heads attend evenly: on average they look back half of what they can see.
    half = sum(sum(range(length)) / 2 - 3 for length in specimen.evidence.lengths)  # rows 0 to 3 are left out
    rows = sum(length - 4 for length in specimen.evidence.lengths)
    assert result.distance.value.mean() == pytest.approx(half / rows, rel=0.1)
    assert "looks back" in result.summary()
    (view,) = result.views()  # which the report shows, as the text below the block says
    assert view.figure.series[0].values.shape == result.distance.value.shape


def test_the_commands_of_the_readme_install_what_the_package_says():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert ".venv/bin/pip install -c constraints.txt . && .venv/bin/wonderland demo" in README
    assert ".venv/bin/pip install -c constraints.txt '.[test]' && .venv/bin/pytest" in README
    assert "test" in project["project"]["optional-dependencies"]


def test_every_direct_dependency_is_pinned_in_the_constraints():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pinned = {
        line.split("==")[0].lower() for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    }
    extras = [requirement for extra in project["optional-dependencies"].values() for requirement in extra]
    names = {re.split(r"[<>=!~ \[]", requirement)[0].lower() for requirement in (*project["dependencies"], *extras)}
    assert names - {"wonderland"} - pinned == set()
