"""wonderland export --model and --results: what a person gets, and what is refused."""

import shutil
from dataclasses import replace

import pandas
import pytest

import wonderland as wl
from wonderland.cli.main import run
from wonderland.model.presets import PRESETS, Config
from wonderland.workspace.workspace import Workspace


def test_the_model_is_written_if_its_people_were_asked_and_wipe_finds_it(workspace, tmp_path, capsys):
    out = tmp_path / "gpt2"
    shutil.rmtree(workspace / "audit", ignore_errors=True)  # the demo may have made one
    assert run(["export", "--model", "hf", str(out), "-w", str(workspace)]) == 1
    assert "No audit was run" in (told := capsys.readouterr().err)
    assert "--i-asked-them" in told
    assert not out.exists()
    assert run(["export", "--model", "hf", str(out), "-w", str(workspace), "-q", "--i-asked-them"]) == 0
    names = {path.name for path in out.iterdir()}
    assert {"config.json", "model.safetensors", "tokenizer.json", "README.md"} <= names
    assert run(["export", "--model", "hf", str(out), "-w", str(workspace), "-q", "--i-asked-them"]) == 0  # once more
    capsys.readouterr()
    assert run(["wipe", "-w", str(workspace)]) in (0, 2)
    assert str(out / "model.safetensors") in capsys.readouterr().out
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    assert run(["export", "--model", "hf", str(tmp_path / "mine"), "-w", str(workspace), "-q", "--i-asked-them"]) == 2
    assert "which would be lost" in capsys.readouterr().err


def test_an_exported_model_can_be_examined_like_any_other(workspace, tmp_path, capsys):
    out, texts = tmp_path / "gpt2", tmp_path / "texts.txt"
    assert run(["export", "--model", "hf", str(out), "-w", str(workspace), "-q", "--i-asked-them"]) == 0
    texts.write_text("\n\n".join(f"what are you doing {i} tonight" for i in range(40)), encoding="utf-8")
    told = run(
        [
            *("examine", str(out), "--texts", str(texts), "-w", str(tmp_path / "e"), "-q"),
            *("--run", "attention-entropy", "--start", "<|them|>", "--windows", "4"),
        ]
    )
    assert told == 0
    model, _ = Workspace(workspace).load_model()
    assert f"{model.cfg.n_layers} layers × {model.cfg.n_heads} heads" in capsys.readouterr().out
    assert isinstance(Workspace(tmp_path / "e").specimen().model, wl.ChatTransformer)
    assert model.cfg == Workspace(tmp_path / "e").specimen().model.cfg


@pytest.mark.slow  # by default tests/lab/test_tables.py asks it of the tables, and the next test that they are written
@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_every_estimate_of_every_analysis_is_a_row(workspace, tmp_path, kind):
    out = tmp_path / "tables"
    assert run(["export", "--results", str(out), "--format", kind, "-w", str(workspace), "-q"]) == 0
    read = pandas.read_csv if kind == "csv" else pandas.read_parquet
    results = Workspace(workspace).results(latest=True)
    assert {path.stem for path in out.glob(f"*.{kind}")} == {*results, "findings", "about"}
    for name, result in results.items():
        table = read(out / f"{name}.{kind}")
        for model, one in (("trained", result), ("untrained", result.control)):
            if one is None:
                continue
            rows = table[table["model"] == model]
            expected = one.to_frame()
            assert len(rows) == len(expected), name
            assert rows["value"].to_numpy() == pytest.approx(expected["value"].to_numpy(float), nan_ok=True, rel=1e-6)
    findings = read(out / f"findings.{kind}")
    assert len(findings) == sum(len(list(result.findings())) for result in results.values())
    assert set(read(out / f"about.{kind}")["analysis"]) == set(results)


def test_what_is_not_of_the_settings_of_now_or_missing_is_said_with_the_tables(
    untrained, tmp_path, monkeypatch, capsys
):
    monkeypatch.setitem(PRESETS, "nano", replace(PRESETS["nano"], config=Config(2, 2, 32, 16, 64, 64, 400)))
    folder, space = str(untrained), Workspace(untrained)
    space.configure("training", preset="nano", epochs=1)
    space.configure("analysis", windows=4, control=False, run=["head-patterns", "attention-entropy", "induction"])
    space.train(device="cpu")
    space.analyze("head-patterns", "attention-entropy")
    space.configure("analysis", parameters={"head-patterns": {"threshold": 0.01}})
    capsys.readouterr()
    assert run(["export", "--results", str(tmp_path / "tables"), "-w", folder, "-q"]) == 0
    told = capsys.readouterr().out
    assert "In it, though not of the settings of now: head-patterns." in " ".join(told.split())
    assert "Not in it, because not run with the settings of now: induction." in told
    about = pandas.read_csv(tmp_path / "tables" / "about.csv").set_index("analysis")["up_to_date"]
    assert dict(about) == {"head-patterns": False, "attention-entropy": True}


def test_one_thing_at_a_time(workspace, tmp_path, capsys):
    assert run(["export", "--results", "--model", "hf", str(tmp_path / "x"), "-w", str(workspace)]) == 2
    assert "Give one of" in capsys.readouterr().err


@pytest.mark.slow
def test_an_export_takes_the_place_of_one_of_its_kind_only(workspace, tmp_path, capsys):
    out = tmp_path / "tables"
    assert run(["export", "--results", str(out), "-w", str(workspace), "-q"]) == 0
    assert run(["export", "--results", str(out), "-w", str(workspace), "-q", "--format", "parquet"]) == 0
    assert not list(out.glob("*.csv"))
    (out / "notes.txt").write_text("mine")
    assert run(["export", "--results", str(out), "-w", str(workspace), "-q"]) == 2
    assert "notes.txt, which would be lost" in capsys.readouterr().err
    (out / "notes.txt").unlink()
    assert run(["export", "--model", "hf", str(out), "-w", str(workspace), "-q", "--i-asked-them"]) == 2
    assert "an export of another kind" in capsys.readouterr().err
    assert list(out.glob("*.parquet"))
