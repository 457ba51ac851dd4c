"""The workspace keeps what the value layer makes, and nothing else."""

import dataclasses
import errno
import json

import pytest

import wonderland as wl
from wonderland.demo import MESSAGES
from wonderland.errors import InputError, ResourceError, UsageError
from wonderland.lab.analysis import result_class
from wonderland.workspace.stage import Stage, guarding
from wonderland.workspace.wipe import traces


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    import gzip

    path = tmp_path_factory.mktemp("store") / "chats.jsonl"
    with gzip.open(MESSAGES, "rt", encoding="utf-8") as file:
        path.write_text("".join(line for _, line in zip(range(900), file, strict=False)), encoding="utf-8")
    return path


def test_a_script_and_a_workspace_give_the_same_fingerprints(store, tmp_path):
    workspace = wl.Workspace.create(tmp_path / "me.wonderland")
    workspace.configure("source", path=str(store))
    workspace.configure("training", preset="nano", epochs=1)
    workspace.configure("tokenizer", vocab_size=400)
    workspace.configure("analysis", windows=20, control=False)
    workspace.extract()
    workspace.filter()
    kept_tokenizer = workspace.tokenize()
    kept_model = workspace.train()
    kept = workspace.analyze("attention-entropy")["attention-entropy"]

    corpus = wl.Corpus.read(store).filter("automated", "short-codes", "urls", "emoji")
    train, held_out = corpus.split(held_out=0.1)
    tokenizer = wl.SpeakerTokenizer.train(train, vocab_size=400)
    model = wl.ChatTransformer.train(train, tokenizer, held_out=held_out, preset="nano", epochs=1)
    result = wl.analyze(wl.Specimen(model, tokenizer, held_out, windows=20), "attention-entropy")["attention-entropy"]

    assert workspace.filter().fingerprint == corpus.fingerprint
    assert kept_tokenizer.fingerprint == tokenizer.fingerprint
    assert kept_model.fingerprint == model.fingerprint
    assert kept.provenance.fingerprints == result.provenance.fingerprints
    assert (kept.normalised.value == result.normalised.value).all()


def test_a_stage_is_whole_or_as_it_was(tmp_path):
    stage = Stage("letters", tmp_path / "letters", 1, {"n": 1})
    with stage.writing() as folder:
        (folder / "a").write_text("first", encoding="utf-8")
    assert stage.state() == "done"

    def fail_midway():
        with stage.writing() as folder:
            (folder / "a").write_text("second", encoding="utf-8")
            raise OSError(28, "No space left on device")

    with pytest.raises(ResourceError, match="The disk is full"):
        fail_midway()
    assert (tmp_path / "letters" / "a").read_text(encoding="utf-8") == "first"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["letters"]


def test_a_stage_knows_other_parameters_and_changed_files(tmp_path):
    stage = Stage("letters", tmp_path / "letters", 1, {"n": 1})
    assert stage.state() == "missing"
    with stage.writing() as folder:
        (folder / "a").write_text("first", encoding="utf-8")
    assert Stage("letters", tmp_path / "letters", 1, {"n": 2}).state() == "out of date"
    assert Stage("letters", tmp_path / "letters", 2, {"n": 1}).state() == "out of date"
    (tmp_path / "letters" / "a").write_text("other", encoding="utf-8")
    assert stage.state() == "damaged"


def test_a_store_that_is_gone_leaves_the_corpus_good(store, tmp_path):
    copy = tmp_path / "copy.jsonl"
    copy.write_bytes(store.read_bytes())
    workspace = wl.Workspace.create(tmp_path / "w")
    workspace.configure("source", path=str(copy))
    workspace.extract()
    copy.unlink()
    assert workspace.stage("corpus").state() == "done"
    assert not workspace.layout.store_changed()
    assert len(workspace.extract()) == 900


def test_a_store_that_grew_is_read_again_with_the_same_pseudonyms(store, tmp_path):
    copy = tmp_path / "copy.jsonl"
    copy.write_bytes(store.read_bytes())
    workspace = wl.Workspace.create(tmp_path / "w")
    workspace.configure("source", path=str(copy))
    first = workspace.extract()
    row = {"thread": "new", "sender": "a newcomer", "is_from_me": False, "text": "hi"}
    copy.write_text(json.dumps(row) + "\n" + copy.read_text(encoding="utf-8"), encoding="utf-8")
    assert workspace.layout.store_changed()
    assert workspace.stage("corpus").state() == "done"  # a live store may change at any moment; nothing is stale yet
    assert len(workspace.extract(again=False)) == len(first)
    second = workspace.extract()
    assert len(second) == len(first) + 1
    known = {message.id: message.sender for message in first}
    assert all(known[message.id] == message.sender for message in second if message.id in known)


def test_a_later_stage_asks_for_the_earlier_one(tmp_path):
    workspace = wl.Workspace.create(tmp_path / "w")
    workspace.configure("source", path=str(MESSAGES))
    with pytest.raises(InputError, match="wonderland extract"):
        workspace.filter()
    with pytest.raises(InputError, match="wonderland tokenize"):
        workspace.train()


def test_a_folder_with_other_things_in_it_is_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("mine", encoding="utf-8")
    with pytest.raises(wl.WonderlandError, match="not empty"):
        wl.Workspace.create(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_result_kept_with_other_fields_is_computed_again(store, tmp_path):
    from wonderland import plugins

    workspace = wl.Workspace.create(tmp_path / "me.wonderland")
    workspace.configure("source", path=str(store))
    first = plugins.load().analyses["attention-entropy"]

    @dataclasses.dataclass(frozen=True)
    class Grown(result_class(first)):
        more: float = 0.0

    class Second(first):
        def run(self, specimen) -> Grown: ...

    before, same, after = (workspace.layout.analysis_stage(analysis()) for analysis in (first, first, Second))
    assert before.key == same.key
    assert before.key != after.key


@pytest.mark.parametrize(
    ("section", "values", "said", "hint"),
    [
        ("trainig", {"epochs": 3}, "no section 'trainig'", "Did you mean training?"),
        ("training", {"epoch": 3}, r"\[training\] has no key 'epoch'", "Did you mean epochs?"),
        ("training", {"epochs": "three"}, "epochs is 'three'; it should be a whole number", ""),
        ("filter", {"person": "Ada"}, "person is 'Ada'; it should be a list", ""),
    ],
)
def test_settings_that_there_are_not_are_refused(tmp_path, section, values, said, hint):
    workspace = wl.Workspace.create(tmp_path / "me.wonderland")
    before = (workspace.folder / "wonderland.toml").read_bytes()
    with pytest.raises(UsageError, match=said) as caught:
        workspace.configure(section, **values)
    assert (caught.value.hint or "").startswith(hint)
    assert (workspace.folder / "wonderland.toml").read_bytes() == before


def test_the_file_of_settings_is_read_once_and_what_is_read_is_the_callers_own(tmp_path, monkeypatch):
    workspace = wl.Workspace.create(tmp_path / "me.wonderland")
    file = workspace.folder / "wonderland.toml"
    workspace.settings.analysis.parameters["induction"] = {"sequences": 8}
    assert workspace.settings.analysis.parameters == {}
    file.write_text(file.read_text(encoding="utf-8").replace("windows = 200", "windows = 7"), encoding="utf-8")
    assert workspace.settings.analysis.windows == 7  # an edit by hand counts at once
    monkeypatch.setattr("tomllib.loads", lambda text: pytest.fail("read again"))
    assert workspace.settings.analysis.windows == 7


@pytest.mark.parametrize(
    ("version", "said"),
    [
        ("workspace = 1", "says no version"),
        ('[workspace]\nversion = "1"', "says no version"),
        ("[workspace]\nversion = 2", "of version 2; this wonderland knows up to 1"),
    ],
)
def test_a_file_of_another_version_is_refused(tmp_path, version, said):
    workspace = wl.Workspace.create(tmp_path / "me.wonderland")
    (workspace.folder / "wonderland.toml").write_text(version, encoding="utf-8")
    with pytest.raises(InputError, match=said) as caught:
        wl.Workspace(workspace.folder)
    assert caught.value.hint


def test_a_workspace_is_not_made_where_a_file_is(tmp_path):
    (tmp_path / "afile").write_text("x")
    for place in (tmp_path / "afile", tmp_path / "afile" / "in"):
        with pytest.raises(UsageError, match="afile is a file, and a workspace is a folder"):
            wl.Workspace.create(place)


def test_a_place_that_may_not_be_looked_at_is_said(tmp_path, monkeypatch):
    def forbidden(path):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("pathlib.Path.exists", forbidden)
    with pytest.raises(ResourceError, match="cannot be written"):
        wl.Workspace.create(tmp_path / "me.wonderland")


def test_a_file_larger_than_is_allowed_is_no_fault_of_ours(tmp_path):
    with pytest.raises(ResourceError, match="larger than this disk or account allows"), guarding(tmp_path):
        raise OSError(errno.EFBIG, "File too large")


def test_a_file_is_no_workspace(tmp_path):
    (tmp_path / "chat.db").write_bytes(b"x")
    with pytest.raises(InputError, match="is a file, and a workspace is a folder"):
        wl.Workspace(tmp_path / "chat.db")


@pytest.fixture
def ready(store, tmp_path):
    """A workspace with a tokenizer and no model yet."""
    workspace = wl.Workspace.create(tmp_path / "me.wonderland")
    workspace.configure("source", path=str(store))
    workspace.configure("training", preset="nano", epochs=1)
    workspace.configure("tokenizer", vocab_size=400)
    workspace.extract()
    workspace.filter()
    workspace.tokenize()
    return workspace


def test_models_of_several_seeds_lie_in_their_own_places_and_are_not_trained_twice(ready):
    models = ready.train_seeds(2, device="cpu", jobs=1)
    assert sorted(path.name for path in (ready.folder / "models").iterdir()) == ["seed-0", "seed-1"]
    assert models[0].fingerprint != models[1].fingerprint
    assert not (ready.folder / "model").exists()
    before = {path: path.stat().st_mtime_ns for path in (ready.folder / "models").rglob("*")}
    assert {seed: model.fingerprint for seed, model in ready.train_seeds(2, jobs=1).items()} == {
        seed: model.fingerprint for seed, model in models.items()
    }
    assert ready.specimen(seed=1).model.fingerprint == models[1].fingerprint
    with pytest.raises(InputError, match="seed 2 is missing") as error:
        ready.specimen(seed=2)
    assert "wonderland train --seeds 3" in error.value.hint
    with pytest.raises(InputError, match="wonderland train"):
        ready.specimen()  # the workspace's own is not trained yet
    # The workspace's own model is the one of its seed; choosing another seed takes that one.
    assert ready.train(pytest.fail).fingerprint == models[0].fingerprint
    ready.configure("training", seed=1)
    assert ready.train(pytest.fail).fingerprint == models[1].fingerprint
    assert ready.stage("model").done
    assert {path: path.stat().st_mtime_ns for path in (ready.folder / "models").rglob("*")} == before
    found = traces(ready.folder)
    assert ready.folder / "models" in found.inside
    assert found.strangers == ()


def test_models_on_the_way_lie_among_the_models(ready):
    ready.configure("training", snapshots=3)
    model = ready.train()
    kept = ready.snapshots()
    assert len(kept) == 3
    assert [path.parent.name for path in kept.values()] == ["snapshots-of-seed-0"] * 3
    assert [*kept] == sorted(kept)
    assert ready.specimen(snapshot=max(kept)).model.fingerprint == model.fingerprint
    first = ready.specimen(snapshot=0)
    assert first.model.fingerprint == wl.ChatTransformer.load(kept[0]).fingerprint != model.fingerprint
    assert first.fingerprints["held out"] == ready.specimen().fingerprints["held out"]
    with pytest.raises(InputError, match="after 7 tokens") as error:
        ready.specimen(snapshot=7)
    assert str(max(kept)) in error.value.hint
    ready.configure("training", epochs=2)  # the model of those settings is another one
    with pytest.raises(InputError, match="of another run") as error:
        ready.snapshots()
    assert "--snapshots" in error.value.hint


def test_a_process_that_is_not_the_first_knows_the_settings_and_writes_none(ready, monkeypatch):
    before = {path: path.stat().st_mtime_ns for path in ready.folder.rglob("*")}
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "1")
    assert ready.configure("training", seed=5) == {}
    assert ready.settings.training.seed == 5
    assert wl.Workspace(ready.folder).settings.training.seed == 0
    assert {path: path.stat().st_mtime_ns for path in ready.folder.rglob("*")} == before


def test_seeds_are_not_trained_under_a_launcher(ready, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(UsageError, match="side by side") as error:
        ready.train_seeds(2)
    assert "wonderland train --seeds" in error.value.hint


def test_two_processes_do_not_train_the_same_model(ready):
    fcntl = pytest.importorskip("fcntl", reason="the system has no such locks")
    lock = ready.folder / "training.checkpoint.lock"
    with open(lock, "a") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(wl.WonderlandError, match="Another process trains this model"):
            ready.train()
        assert not ready.stage("model").done
    ready.train()
    assert not lock.exists()
