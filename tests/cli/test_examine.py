"""A model from a folder of this machine becomes a workspace; what cannot be opened truthfully is refused by name."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from wonderland.cli.main import run
from wonderland.testing.hf_folders import ARCHITECTURES, SENTENCES, write_model, write_texts

QUICK = ("attention-entropy", "ov-circuits")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    place = tmp_path_factory.mktemp("folders")
    made = {name: write_model(place / name, name, shards=name == "llama") for name in ARCHITECTURES}
    return {**made, "texts": write_texts(place / "texts.jsonl")}


@pytest.fixture
def llama(folders, tmp_path):
    """A copy of a model in one file, to damage."""
    return write_model(tmp_path / "llama", "llama")


def examine(capsys, model, texts, *arguments, code=0):
    capsys.readouterr()
    run_these = [part for name in QUICK for part in ("--run", name)]
    size = ["--windows", "12", "--length", "32"]
    assert run(["examine", str(model), "--texts", str(texts), "-q", *size, *run_these, *map(str, arguments)]) == code
    return capsys.readouterr()


@pytest.mark.parametrize(
    "name", [pytest.param(one, marks=[pytest.mark.slow] * (one != "gpt2")) for one in ARCHITECTURES]
)
def test_each_architecture_gets_a_workspace_with_results_and_a_report(folders, tmp_path, name, capsys):
    place = tmp_path / "it.wonderland"
    out = examine(capsys, folders[name], folders["texts"], "-w", place).out
    assert (place / "report.html").stat().st_size > 100_000
    assert "12 windows of " in out
    assert " to 32 tokens" in out
    assert {path.name for path in (place / "results").iterdir()} == set(QUICK)
    assert f"Next: wonderland analyze head-patterns -w {place}" in out
    before = {path: path.stat().st_mtime_ns for path in place.glob("results/*/*/result.json")}
    assert len(before) == 2
    examine(capsys, folders[name], folders["texts"], "-w", place)
    assert {path: path.stat().st_mtime_ns for path in place.glob("results/*/*/result.json")} == before


def test_analyze_status_and_report_go_on_in_it_and_the_rest_says_what_it_is(folders, tmp_path, capsys):
    place = tmp_path / "it.wonderland"
    examine(capsys, folders["gpt_neox"], folders["texts"], "-w", place)
    assert run(["analyze", "head-patterns", "-q", "-w", str(place)]) == 0
    assert run(["status", "-w", str(place)]) == 0
    assert str(folders["gpt_neox"]) in capsys.readouterr().out
    for command in (["train"], ["generate"], ["chat"], ["extract", str(folders["texts"])], ["filter"], ["check"]):
        assert run([*command, "-w", str(place)]) == 2
        assert "a model from elsewhere" in capsys.readouterr().err
    assert run(["report", "--redact", "-w", str(place)]) == 2
    assert "texts have no contacts" in capsys.readouterr().err
    assert run(["analyze", "token-loss", "-q", "-w", str(place)]) == 4
    assert "needs to know who speaks" in capsys.readouterr().err


def test_when_a_file_changes_the_results_are_of_another_model(folders, tmp_path, capsys):
    texts = shutil.copy(folders["texts"], tmp_path / "texts.jsonl")
    place = tmp_path / "it.wonderland"
    examine(capsys, folders["gpt2"], texts, "-w", place)
    write_texts(texts, seed=1)
    assert run(["analyze", "head-patterns", "-q", "-w", str(place)]) == 3
    assert "have changed since" in capsys.readouterr().err
    examine(capsys, folders["gpt2"], texts, "-w", place)
    assert len(list(place.glob("results/ov-circuits/*/result.json"))) == 2


def test_of_contrasts_in_a_file_the_patching_is_in_the_report(folders, tmp_path, capsys):
    pairs = tmp_path / "pairs.jsonl"
    one = {"clean": "the teacher read a", "corrupted": "the doctor read a", "target": " letter", "foil": " song"}
    rows = [one, {**one, "target": " song", "foil": " letter"}]
    pairs.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    place, loud = tmp_path / "it.wonderland", write_model(tmp_path / "loud", "gpt2", scale=25)
    told = run(
        [
            *("examine", str(loud), "--texts", str(folders["texts"]), "-q", "-w", str(place)),
            *("--windows", "4", "--length", "32", "--contrasts", str(pairs), "--run", "activation-patching"),
        ]
    )
    assert told == 0
    assert list(place.glob("results/activation-patching/*/result.json"))


def refused(capsys, model, texts, code, *said):
    told = examine(capsys, model, texts, code=code).err
    for words in said:
        assert words in told
    assert "Something unforeseen" not in told


def test_what_is_not_on_disk_is_not_fetched_and_it_is_said_how_to(folders, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    refused(
        capsys, "someone/small-model", folders["texts"], 3, "nothing is downloaded", "hf download someone/small-model"
    )
    assert list(tmp_path.iterdir()) == []  # and nothing was written


def _no_config(folder):
    (folder / "config.json").unlink()


def _half_a_config(folder):
    (folder / "config.json").write_text('{"model_type": "lla', encoding="utf-8")


def _configured(**values):
    def change(folder):
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        (folder / "config.json").write_text(json.dumps({**config, **values}), encoding="utf-8")

    return change


def _adapter(folder):
    (folder / "adapter_config.json").write_text("{}", encoding="utf-8")


def _pickled(folder):
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()


def _no_weights(folder):
    (folder / "model.safetensors").unlink()


def _some_weights(folder):
    weights = load_file(folder / "model.safetensors")
    del weights["model.layers.1.mlp.down_proj.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def _whole_numbers(folder):
    weights = load_file(folder / "model.safetensors")
    save_file({name: weight.to(torch.int8) for name, weight in weights.items()}, folder / "model.safetensors")


def _half_the_file(folder):
    raw = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(raw[: len(raw) // 2])


def _no_tokenizer(folder):
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).unlink()


def _anothers_tokenizer(folder):
    other = write_model(folder.parent / "other", "gpt2", vocabulary=300)
    shutil.copy(other / "tokenizer.json", folder / "tokenizer.json")
    _configured(vocab_size=5000)
    write_model(folder.parent / "large", "llama", vocabulary=2000)
    shutil.copy(folder.parent / "large" / "model.safetensors", folder / "model.safetensors")
    shutil.copy(folder.parent / "large" / "config.json", folder / "config.json")


@pytest.mark.parametrize(
    ("damage", "code", "said"),
    [
        (_no_config, 3, "no config.json"),
        (_half_a_config, 3, "no configuration of a model"),
        (_configured(quantization_config={"quant_method": "gptq"}), 2, "quantised (gptq)"),
        (_configured(auto_map={"AutoModel": "x.Y"}), 2, "Python code of its own"),
        (_configured(architectures=["LlamaForSequenceClassification"]), 2, "A LlamaForSequenceClassification does not"),
        (_configured(intermediate_size=99), 3, ""),
        (_configured(model_type="llamb"), 3, "llamb"),
        (_adapter, 3, "an adapter"),
        (_pickled, 3, "a pickle (pytorch_model.bin)"),
        (_no_weights, 3, "There are no weights"),
        (_some_weights, 3, "would be drawn at random"),
        (_whole_numbers, 2, "they are quantised"),
        (_half_the_file, 3, "is damaged"),
        (_no_tokenizer, 3, "no tokenizer"),
        (_anothers_tokenizer, 3, "do not belong together"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_folder_that_cannot_be_opened_truthfully_is_refused(llama, folders, damage, code, said, monkeypatch, capsys):
    monkeypatch.chdir(llama.parent)
    damage(llama)
    refused(capsys, llama, folders["texts"], code, said)
    assert not (llama.parent / "llama.wonderland").exists()


def test_a_model_that_does_something_to_its_logits_is_refused_by_its_architecture(llama, folders, monkeypatch, capsys):
    """What the audit of a model finds is said with its name and what to type next."""
    from wonderland.lab.external import on_disk

    def capped(*arguments, real=on_disk._bridge):
        bridge = real(*arguments)

        def cap(model, given, out):
            out.logits = out.logits.tanh() * 0.1

        bridge.original_model.register_forward_hook(cap)
        return bridge

    monkeypatch.setattr(on_disk, "_bridge", capped)
    monkeypatch.chdir(llama.parent)
    refused(capsys, llama, folders["texts"], 2, "LlamaForCausalLM cannot be examined", "a cap or a scale comes after")
    assert not (llama.parent / "llama.wonderland").exists()


def test_of_several_files_of_weights_none_may_be_missing(folders, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    folder = shutil.copytree(folders["llama"], tmp_path / "llama")
    first = sorted(folder.glob("model-*.safetensors"))[0]
    first.unlink()
    refused(capsys, folder, folders["texts"], 3, "1 of the", first.name)


@pytest.mark.parametrize(
    ("name", "content", "code", "said"),
    [
        ("none.txt", None, 3, "There is no file or folder"),
        ("empty.txt", b" \n\n", 4, "There is no text in"),
        ("latin.txt", "caf\xe9".encode("latin-1"), 3, "Save it as UTF-8"),
        ("lines.jsonl", b'{"text": "a"}\n{"body": "b"}\n', 3, "line 2 has no text"),
        ("number.jsonl", b'{"text": 3}\n', 3, "its text is a int"),
    ],
)
def test_texts_that_are_none_are_refused_before_anything_is_written(
    folders, tmp_path, monkeypatch, capsys, name, content, code, said
):
    monkeypatch.chdir(tmp_path)
    if content is not None:
        (tmp_path / name).write_bytes(content)
    refused(capsys, folders["gpt2"], tmp_path / name, code, said)
    assert not (tmp_path / "gpt2.wonderland").exists()


def test_texts_shorter_than_a_window_make_shorter_windows_and_it_is_said(folders, tmp_path, capsys):
    texts = tmp_path / "texts.jsonl"
    texts.write_text("\n".join(json.dumps({"text": one}) for one in SENTENCES[:6]), encoding="utf-8")
    assert (
        run(["examine", str(folders["gpt2"]), "--texts", str(texts), "-w", str(tmp_path / "w"), "--run", "ov-circuits"])
        == 0
    )
    told = capsys.readouterr()
    assert "6 windows are shorter" in told.err
    assert "6 independent texts are few" in told.err
    assert "count these texts, line by line, as conversations" in " ".join(told.err.split())


def test_a_budget_says_what_was_left_out(folders, tmp_path, monkeypatch, capsys):
    from wonderland.lab import running

    clock = iter([0.0, *[1e9] * 100])
    monkeypatch.setattr("wonderland.lab.analysis.time.monotonic", lambda: 0.0)
    monkeypatch.setattr(running.Watching, "late", property(lambda self: next(clock) > self.deadline))
    out = examine(capsys, folders["gpt2"], folders["texts"], "-w", tmp_path / "w", "--minutes", "1").out
    assert "ov-circuits was left out: The time that was given was used up before it began." in out
    assert "attention-entropy was left out" not in out


@pytest.mark.slow
def test_layers_that_no_analysis_takes_are_refused_and_those_taken_are_kept_to(folders, tmp_path, capsys):
    told = examine(capsys, folders["gpt2"], folders["texts"], "-w", tmp_path / "a", "--layers", "1", code=2).err
    assert "takes --layers" in told
    told = examine(capsys, folders["gpt2"], folders["texts"], "-w", tmp_path / "a", "--layers", "5-2", code=2).err
    assert "'5-2' goes backwards" in told
    place = tmp_path / "b"
    out = examine(capsys, folders["gpt2"], folders["texts"], "-w", place, "--layers", "1", "--run", "head-ablation").out
    assert "head-ablation: " in out
    (made,) = place.glob("results/head-ablation/*/result.json")
    assert json.loads(made.read_text(encoding="utf-8"))["fields"]["verdicts"][0] == ["not tried"] * 4


def test_the_model_is_opened_once(folders, tmp_path, monkeypatch, capsys):
    from wonderland.lab.external import on_disk

    seen = []
    real = on_disk._bridge
    monkeypatch.setattr(on_disk, "_bridge", lambda *arguments: seen.append(1) or real(*arguments))
    examine(capsys, folders["gpt2"], folders["texts"], "-w", tmp_path / "w")
    assert len(seen) == 1


@pytest.mark.parametrize(("value", "count"), [("nan", 1), ("-inf", 2)])
def test_a_weight_that_is_no_number_is_named_as_in_the_file(llama, folders, tmp_path, value, count, capsys):
    names = ["model.layers.0.mlp.up_proj.weight", "model.layers.1.self_attn.q_proj.weight"][:count]
    weights = load_file(llama / "model.safetensors")
    for name in names:
        weights[name][0, 0] = float(value)
    save_file(weights, llama / "model.safetensors", metadata={"format": "pt"})
    place = tmp_path / "new.wonderland"
    error = " ".join(examine(capsys, llama, folders["texts"], "-w", place, code=3).err.split())
    more = " and 1 more" if count > 1 else ""
    assert f"{llama} holds weights that are not finite numbers: {names[0]} in model.safetensors{more}." in error
    assert "copy the folder again" in error
    assert not place.exists()


def test_a_model_whose_numbers_overflow_is_refused(llama, folders, tmp_path, capsys):
    weights = load_file(llama / "model.safetensors")
    for part in ("gate_proj", "up_proj"):
        weights[f"model.layers.0.mlp.{part}.weight"] *= 1e19
    save_file(weights, llama / "model.safetensors", metadata={"format": "pt"})
    place = tmp_path / "new.wonderland"
    error = " ".join(examine(capsys, llama, folders["texts"], "-w", place, code=2).err.split())
    assert "The model's numbers are too large: its residual stream reaches" in error
    assert "single precision cannot hold" in error
    assert not place.exists()
