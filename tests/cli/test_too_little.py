"""A workspace of a few words: what is said of it, and that nothing is proposed that would be declined again."""

import contextlib
import io
import json
import shlex
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from wonderland.cli.fitting import advice
from wonderland.cli.main import run
from wonderland.errors import NotEnoughData
from wonderland.model.fitting import TOO_LITTLE
from wonderland.model.presets import PRESETS, Config
from wonderland.workspace.wipe import traces
from wonderland.workspace.workspace import Workspace

DECLINES = "causal-scrubbing"  # it takes eight conversations that are held out


@pytest.fixture(scope="module")
def tiny(messages, tmp_path_factory) -> tuple[Path, str]:
    """A workspace of thirty messages after `wonderland run`, and what that said."""
    place = tmp_path_factory.mktemp("tiny")
    lines = messages.read_text(encoding="utf-8").splitlines(keepends=True)
    (place / "few.jsonl").write_text("".join(line for line in lines[1:40] if len(line) < 500), encoding="utf-8")
    folder = place / "me.wonderland"
    workspace = Workspace.create(folder)
    workspace.configure("source", path=str(place / "few.jsonl"))
    workspace.configure("tokenizer", vocab_size=300)
    workspace.configure("training", epochs=1)
    workspace.configure("split", by="time")
    workspace.configure("analysis", windows=4, control=False, run=["composition", DECLINES])
    out = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out):
        patch.setitem(PRESETS, "seed", replace(PRESETS["seed"], config=Config(2, 2, 32, 16, 64, 128, 300)))
        assert run(["run", "-q", "-w", str(folder)]) == 0
    return folder, out.getvalue()


@pytest.fixture
def copied(tiny, tmp_path, monkeypatch) -> Path:
    """A copy of that workspace to do anything with."""
    monkeypatch.setitem(PRESETS, "seed", replace(PRESETS["seed"], config=Config(2, 2, 32, 16, 64, 128, 300)))
    return Path(shutil.copytree(tiny[0], tmp_path / "me.wonderland"))


def told(capsys, folder, *words, code=0):
    capsys.readouterr()
    assert run([*words, "-q", "-w", str(folder)]) == code
    return capsys.readouterr()


def test_too_little_text_is_said_before_training_and_at_the_end_and_no_finding_is_told(tiny):
    plan, _, rest = tiny[1].partition("4 · The model")
    assert "Too little text to say anything: about" in " ".join(plan.split())
    end = " ".join(rest.partition("7 · What does it give away?")[2].split())
    assert "too little text to say anything, as was said above" in end
    assert " ".join(tiny[1].split()).count("Too little text to say anything") == 1
    assert "are called solid" not in end


def test_run_says_which_preset_fits_before_it_trains(messages, tmp_path, capsys):
    workspace = Workspace.create(tmp_path / "w")
    workspace.configure("source", path=str(messages))
    workspace.configure("tokenizer", vocab_size=1)  # refused, after what fits was said
    assert run(["run", "-q", "-w", str(tmp_path / "w")]) != 0
    out = " ".join(capsys.readouterr().out.split())
    seed, nano = (PRESETS[name].sized(1).n_params / 1e6 for name in ("seed", "nano"))  # of the vocabulary asked for
    assert f"seed has up to {seed:.1f}M parameters" in out
    assert (
        f"nano (up to {nano:.1f}M) is the smallest there is: `wonderland run -w {tmp_path / 'w'} --preset nano`" in out
    )


@pytest.mark.parametrize(
    ("typed", "settings", "taken"),
    [
        ([], {}, "nano"),
        (["--preset", "seed"], {}, "seed"),
        ([], {"preset": "large"}, "large"),
        ([], {"begun": True}, "seed"),
    ],
    ids=["none named", "named", "set before", "begun"],
)
def test_run_takes_the_preset_that_fits_unless_one_was_named_or_has_begun(
    messages, tmp_path, capsys, monkeypatch, typed, settings, taken
):
    workspace = Workspace.create(tmp_path / "w")
    workspace.configure("source", path=str(messages))
    if settings.pop("begun", False):
        (workspace.folder / "training.checkpoint").touch()
    workspace.configure("training", **settings)
    trained = []

    def stop(*_, **__):
        trained.append(workspace.settings.training.preset)
        raise NotEnoughData("Enough.")

    monkeypatch.setattr("wonderland.cli.pipeline.train_tokenizer", stop)
    assert run(["run", "-q", "-w", str(tmp_path / "w"), *typed]) == 4
    out = " ".join(capsys.readouterr().out.split())
    assert trained == [taken]
    told = "No preset was asked for, so nano is trained. To train seed all the same: wonderland run --preset seed -w "
    assert (told in out) == (taken == "nano")


@pytest.mark.parametrize(
    ("tokens", "chosen", "best"), [(20_000, "seed", "nano"), (6_000_000, "large", "seed"), (6_100_000, "nano", "seed")]
)
def test_the_preset_that_fits_is_advised(tokens, chosen, best):
    said = " ".join(advice(tokens, chosen, "wonderland train"))
    assert f"`wonderland train --preset {best}`" in said
    assert "Too little" not in said


@pytest.mark.parametrize("tokens", [9_000, 20_000, 600_000, 1_200_000, 5_200_000, 5_500_000, 6_100_000, 40_000_000])
@pytest.mark.parametrize("asked", [None, 0, 512, 8000])
def test_who_takes_the_preset_that_is_advised_is_not_advised_another_and_none_is_said_to_fit_that_does_not(
    tokens, asked
):
    """In all tokenizers of 4,096 tokens the text has 0.9 times those of one with 2,048."""
    of = {"nano": 1, "seed": 1 if asked else 0.9, "large": 1 if asked else 0.9}
    for chosen in PRESETS:
        said = " ".join(advice(round(tokens * of[chosen]), chosen, "wonderland tokenize", None, asked))
        best = said.partition("--preset ")[2].partition("`")[0] or chosen
        again = " ".join(advice(round(tokens * of[best]), best, "wonderland train", None, asked))
        assert "--preset" not in again
        if "fits so much text" in said:
            assert "under one token a parameter" not in again


def test_of_the_preset_that_fits_only_what_it_will_do_is_said():
    assert advice(6_000_000, "seed", "wonderland train") == []
    (note,) = advice(600_000, "nano", "wonderland train")
    assert "under one token a parameter" in note
    assert "--preset" not in note
    assert "Too little" in advice(TOO_LITTLE - 1, "nano", "wonderland train")[0]


def test_a_preset_has_as_many_parameters_as_its_vocabulary_gives_it():
    """Nano has 1.3M with 2,048 tokens, and fewer with fewer."""
    unknown, known, asked = (
        advice(600_000, "nano", "wonderland train", *vocabulary)[0] for vocabulary in ((), (400, 512), (None, 512))
    )
    assert "nano has up to 1.3M parameters" in unknown
    assert f"nano has {PRESETS['nano'].sized(400).n_params / 1e6:.1f}M parameters" in known
    assert f"nano has up to {PRESETS['nano'].sized(512).n_params / 1e6:.1f}M parameters" in asked


# -- what was declined


def test_nothing_proposes_what_was_declined_with_the_same_inputs(copied, capsys):
    """Follow every next line from here; none of them may come twice."""
    followed = []
    words = ["status"]
    while words and words[0] != "chat":  # which waits for somebody to write
        assert run([*words, "-q", "--json", *([] if "-w" in words else ["-w", str(copied)])]) == 0
        following = json.loads(capsys.readouterr().out).get("next", "")
        assert following not in followed
        followed.append(following)
        words = following.split()[1:]
    assert f"wonderland analyze -w {copied}" not in followed


@pytest.mark.parametrize("command", ["run", "check"])
def test_after_a_run_no_command_says_to_analyze(copied, command, capsys):
    code = 1 if command == "check" else 0
    assert "wonderland analyze" not in told(capsys, copied, command, code=code).out.replace("`wonderland analyze", "")


def test_why_one_is_not_in_the_report_is_said(copied, capsys):
    out = told(capsys, copied, "report").out
    assert f"Not in it, {DECLINES}: Swapping between conversations" in out
    assert "Next:" not in out
    (step,) = (step for step in Workspace(copied).status() if step.name == "results")
    assert (step.state, step.detail) == (
        "done",
        f"1 of 2 analyses; declined for these messages and this model: {DECLINES}",
    )


def test_what_was_declined_is_tried_again_when_it_is_named_or_its_inputs_are_others(copied, capsys):
    workspace = Workspace(copied)
    assert workspace.missing() == []
    assert workspace.missing(DECLINES) == [DECLINES]
    assert "takes 8 of them" in told(capsys, copied, "analyze", DECLINES, code=4).err
    workspace.configure("analysis", parameters={DECLINES: {"seed": 1}})
    assert workspace.missing() == [DECLINES]
    assert workspace.declined() == {}
    assert next(step for step in workspace.status() if step.name == "results").state == "out of date"


def test_where_all_declined_the_report_shows_what_else_there_is(copied, capsys):
    Workspace(copied).configure("analysis", run=[DECLINES])
    shutil.rmtree(copied / "results")
    assert "takes 8 of them" in told(capsys, copied, "analyze", code=4).err
    assert "Not in it" in told(capsys, copied, "report").out
    assert "Next: wonderland chat" in told(capsys, copied, "status").out


def test_why_there_is_no_audit_is_said_and_none_is_proposed(copied, capsys):
    (step,) = (step for step in Workspace(copied).status() if step.name == "audit")
    assert step.state == "declined"
    assert "and an audit takes 20" in step.detail
    out = told(capsys, copied, "status").out
    assert "and an audit takes 20" in " ".join(out.split())
    assert "wonderland audit" not in out
    assert traces(copied).strangers == ()
    Workspace(copied).configure("audit", seed=7)  # it is quickly found out again
    (step,) = (step for step in Workspace(copied).status() if step.name == "audit")
    assert step.state == "missing"


def test_what_another_version_declined_is_forgotten(copied, monkeypatch):
    assert list(Workspace(copied).declined()) == [DECLINES]
    monkeypatch.setattr("wonderland.workspace.declined.__version__", "99")
    assert Workspace(copied).declined() == {}
    assert Workspace(copied).missing() == [DECLINES]


@pytest.mark.parametrize("tokens", [0, 200, TOO_LITTLE - 1])
def test_of_too_little_text_no_preset_fits_and_the_count_is_under_the_bound(tokens):
    told = " ".join(advice(tokens, "seed", "wonderland run"))
    assert " fits so much text" not in told
    assert f"about {TOO_LITTLE:,} tokens" not in told
    assert ("learned by heart" in told) == bool(tokens)


def test_of_one_held_out_conversation_nothing_is_measured_and_what_reads_weights_alone_is_told(copied, capsys):
    """Both halves of the rule: `head-patterns` reads texts, `composition` none."""
    assert "would rest on 1 conversation" in told(capsys, copied, "analyze", "head-patterns", code=4).err
    both = told(capsys, copied, "analyze", "head-patterns", "composition")
    assert "head-patterns was left out: head-patterns would rest on 1 conversation" in " ".join(both.out.split())
    assert not [*copied.glob("results/head-patterns/[!.]*/result.json")]


# -- after the tokenizer


def written(path, rows):
    path.write_text("".join(json.dumps({"sender": who, "text": text}) + "\n" for who, text in rows), encoding="utf-8")


@pytest.fixture
def few(tmp_path, monkeypatch):
    """A workspace of few messages, most of them links."""
    monkeypatch.chdir(tmp_path)
    rows = [
        (("me", "Ada")[at % 2], f"word {at} and some more of them" if at < 30 else "https://a.b") for at in range(80)
    ]
    written(tmp_path / "few.jsonl", rows)
    for words in (["extract", "few.jsonl"], ["filter"]):
        assert run([*words, "-q", "-w", "my place"]) == 0
    return "my place"


def test_of_too_little_text_tokenize_says_what_is_too_little_and_what_to_do(few, capsys):
    size = ["--vocab-size", "300", "--by", "time", "--held-out", "0.5"]
    out = " ".join(told(capsys, few, "tokenize", *size).out.split())
    assert "Too little text to say anything: about" in out
    assert "The filters keep 30 of 80 messages. To keep all: wonderland filter --none -w 'my place'" in out
    assert "15 of 30 messages are held out. To hold out fewer: wonderland tokenize --held-out 0.1 -w 'my place'" in out
    assert "To train on so little all the same: wonderland train -w 'my place'" in out
    assert out.endswith("Next: wonderland extract --add PATH -w 'my place'")
    assert run(["filter", "--none", "-q", "-w", few]) == 0
    out = told(capsys, few, "tokenize", "--held-out", "0.1", "--json").out
    assert json.loads(out)["next"] == "wonderland extract --add PATH -w 'my place'"
    out = " ".join(told(capsys, few, "tokenize").out.split())
    assert "The filters keep" not in out
    assert "are held out." not in out


def test_of_enough_text_tokenize_goes_on_to_train(few, capsys, monkeypatch):
    monkeypatch.setattr("wonderland.cli.data.TOO_LITTLE", 10)
    out = told(capsys, few, "tokenize", "--vocab-size", "300", "--by", "time").out
    assert out.endswith("Next: wonderland train -w 'my place'\n")
    assert "To train on so little" not in out


# -- what can be held out of a few


@pytest.mark.parametrize(
    ("count", "refused", "proposed"),
    [
        (5, ["--held-out", "0.1"], ["--held-out", "0.2"]),
        (2, [], ["--held-out", "0.5"]),
        (2, ["--by", "contact"], ["--by", "time", "--held-out", "0.5"]),
        (1, [], None),
    ],
)
def test_a_share_that_cannot_be_held_out_is_answered_with_one_that_can(
    tmp_path, monkeypatch, capsys, count, refused, proposed
):
    monkeypatch.chdir(tmp_path)
    written(tmp_path / "few.jsonl", [(("me", "Ada")[at % 2], f"word {at} of it") for at in range(count)])
    for words in (["extract", "few.jsonl"], ["filter"]):
        assert run([*words, "-q", "-w", "my place"]) == 0
    for command in ["tokenize", "--vocab-size", "300", *refused], ["run", "-q"]:
        error = " ".join(told(capsys, "my place", *command, code=4).err.split())
        if proposed is None:
            assert "Too little text: add messages, some thousands at least: wonderland extract --add PATH" in error
            continue
        typed = shlex.split(error.rpartition(": wonderland ")[2])
        assert " ".join(proposed if command[0] == "tokenize" else ["--held-out"]) in " ".join(typed)
        assert typed[0] == "tokenize"
        assert command[0] == "run" or typed[typed.index("--vocab-size") :][:2] == ["--vocab-size", "300"]
        assert run([*typed, "-q"]) == 0
        Workspace("my place").configure("split", by="auto", held_out=0.1)


def test_to_hold_out_fewer_only_a_share_that_works_is_proposed(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for count, proposed in ((5, "0.2"), (2, "")):
        written(tmp_path / "few.jsonl", [(("me", "Ada")[at % 2], f"word {at} of it") for at in range(count)])
        for words in (["extract", "few.jsonl"], ["filter"]):
            assert run([*words, "-q", "-w", "w"]) == 0
        out = " ".join(told(capsys, "w", "tokenize", "--vocab-size", "300", "--held-out", "0.5").out.split())
        assert out.partition("wonderland tokenize --held-out ")[2][:3] == proposed
