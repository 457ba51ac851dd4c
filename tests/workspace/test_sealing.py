"""What a sealed stage says of itself is true: the settings, the messages and the plugins it was made with."""

import errno
import gzip
import json
import os
from dataclasses import replace

import pytest

import wonderland as wl
from wonderland import plugins
from wonderland.corpus.jsonl_source import JsonLines
from wonderland.demo import MESSAGES
from wonderland.errors import InputError, ResourceError, UsageError
from wonderland.lab.result_files import write_tree
from wonderland.workspace import settings
from wonderland.workspace import workspace as module
from wonderland.workspace.settings import FILE
from wonderland.workspace.stage import Stage


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    path = tmp_path_factory.mktemp("store") / "chats.jsonl"
    with gzip.open(MESSAGES, "rt", encoding="utf-8") as file:
        path.write_text("".join(line for _, line in zip(range(900), file, strict=False)), encoding="utf-8")
    return path


@pytest.fixture
def filtered(store, tmp_path):
    """A workspace with a filtered corpus and no tokenizer yet."""
    workspace = wl.Workspace.create(tmp_path / "me.wonderland")
    workspace.configure("source", path=str(store))
    workspace.configure("training", preset="nano", epochs=1)
    workspace.configure("tokenizer", vocab_size=400)
    workspace.configure("split", by="time", held_out=0.1)
    workspace.extract()
    workspace.filter()
    return workspace


def fresh(workspace):
    """The same workspace as another process would open it."""
    return wl.Workspace(workspace.folder)


def test_a_split_made_before_the_settings_changed_is_not_used_after(filtered):
    before = filtered.split()
    filtered.configure("split", held_out=0.4)
    after = filtered.split()
    assert len(after[1]) > 3 * len(before[1])
    kept = filtered.tokenize()
    assert fresh(filtered).stage("tokenizer").done
    corpus = wl.Corpus.load(filtered.folder / "filtered")
    assert kept.fingerprint == wl.SpeakerTokenizer.train(corpus.split(0.4, by="time")[0], 400).fingerprint
    assert kept.fingerprint != wl.SpeakerTokenizer.train(corpus.split(0.1, by="time")[0], 400).fingerprint


def test_a_split_made_before_the_messages_were_filtered_again_is_not_used_after(filtered):
    filtered.split()
    filtered.configure("filter", names=["urls"])
    filtered.filter()
    assert sum(map(len, filtered.split())) == len(wl.Corpus.load(filtered.folder / "filtered"))
    filtered.split()
    other = fresh(filtered)
    other.configure("filter", names=[])
    other.filter()
    assert sum(map(len, filtered.split())) == len(wl.Corpus.load(filtered.folder / "filtered"))


def test_the_file_of_settings_edited_by_hand_counts_at_once(filtered):
    file = filtered.folder / FILE
    file.write_text(file.read_text(encoding="utf-8").replace("vocab_size = 400", "vocab_size = 450"), encoding="utf-8")
    assert filtered.layout.vocab_size == 450
    assert filtered.tokenize().vocab_size == fresh(filtered).tokenize().vocab_size == 450


def test_settings_changed_in_the_middle_do_not_change_what_is_sealed(filtered, monkeypatch):
    train = wl.SpeakerTokenizer.train

    def edits(corpus, vocab_size, **more):
        fresh(filtered).configure("tokenizer", vocab_size=450)
        return train(corpus, vocab_size, **more)

    monkeypatch.setattr(module.SpeakerTokenizer, "train", edits)
    assert filtered.tokenize().vocab_size == 400
    monkeypatch.undo()
    assert fresh(filtered).stage("tokenizer").state() == "out of date"  # 450 are wanted now
    fresh(filtered).configure("tokenizer", vocab_size=400)
    assert fresh(filtered).stage("tokenizer").state() == "done"


def test_messages_read_again_in_the_middle_are_not_sealed_as_the_old_ones(filtered, store, tmp_path, monkeypatch):
    copy = tmp_path / "copy.jsonl"
    copy.write_bytes(store.read_bytes())
    filtered.configure("source", path=str(copy))
    filtered.extract()
    real = wl.Corpus.filter

    def meanwhile(self, *names):
        kept = real(self, *names)
        row = {"thread": "new", "sender": "a newcomer", "is_from_me": False, "text": "hello there"}
        copy.write_text(copy.read_text(encoding="utf-8") + json.dumps(row) + "\n", encoding="utf-8")
        fresh(filtered).extract()
        return kept

    monkeypatch.setattr(wl.Corpus, "filter", meanwhile)
    with pytest.raises(InputError, match="changed while") as error:
        filtered.filter()
    assert "again" in error.value.hint
    monkeypatch.undo()
    assert not filtered.stage("filtered").done
    assert [path.name for path in filtered.folder.iterdir() if path.name.endswith(".partial")] == []


def test_a_tokenizer_that_is_not_what_was_sealed_trains_no_model(filtered):
    filtered.tokenize()
    wl.SpeakerTokenizer.train(["other words entirely"] * 9, 300).save(filtered.folder / "tokenizer" / "tokenizer.json")
    with pytest.raises(InputError, match=r"tokenizer.* damaged") as error:
        filtered.train(device="cpu")
    assert "wonderland tokenize" in error.value.hint
    assert not (filtered.folder / "model").exists()


def test_two_that_write_the_same_stage_do_not_mix_their_files(tmp_path):
    one, other = (Stage("letters", tmp_path / "letters", 1, {"n": n}) for n in (1, 2))
    with one.writing() as mine:
        (mine / "a").write_text("one", encoding="utf-8")
        with other.writing() as theirs:
            (theirs / "b").write_text("two", encoding="utf-8")
        assert other.state() == "done"
        assert (mine / "a").read_text(encoding="utf-8") == "one"
    assert one.state() == "done"
    assert sorted(path.name for path in (tmp_path / "letters").iterdir()) == ["a", "stage.json"]
    assert [path.name for path in tmp_path.iterdir()] == ["letters"]


@pytest.fixture
def mended(monkeypatch):
    """The source of JSON Lines, after a fix."""

    class Mended(JsonLines):
        version = JsonLines.version + 1

    host = plugins.load()
    monkeypatch.setitem(host.sources, "jsonl", Mended)
    return Mended


@pytest.mark.parametrize("named", ["jsonl", ""])
def test_a_source_that_was_mended_makes_people_read_again(filtered, mended, monkeypatch, named):
    monkeypatch.undo()
    filtered.configure("source", source=named)
    filtered.extract()
    filtered.filter()
    filtered.tokenize()
    assert filtered.stage("tokenizer").done
    monkeypatch.setitem(plugins.load().sources, "jsonl", mended)
    assert [filtered.stage(name).state() for name in ("corpus", "filtered", "tokenizer")] == ["out of date"] * 3
    filtered.extract(again=False)
    assert filtered.stage("corpus").done
    assert filtered.stage("corpus").record()["version"] == mended.version


def test_a_workspace_of_before_sources_were_noted_reads_again_too(filtered, mended, monkeypatch):
    monkeypatch.undo()
    monkeypatch.setitem(plugins.load().sources, "jsonl", type("First", (JsonLines,), {"version": 1}))
    noted = filtered.folder / "corpus" / "read.json"
    old = {name: value for name, value in json.loads(noted.read_text()).items() if name in ("store", "fingerprint")}
    stage = filtered.stage("corpus")
    corpus = wl.Corpus.load(stage.folder)
    with Stage(stage.name, stage.folder, 1, stage.parameters).writing() as folder:
        corpus.save(folder)
        (folder / "read.json").write_text(json.dumps(old), encoding="utf-8")
    assert filtered.stage("corpus").done
    filtered.filter()
    assert filtered.stage("filtered").done
    monkeypatch.setitem(plugins.load().sources, "jsonl", mended)
    assert filtered.stage("corpus").state() == "out of date"


def test_a_source_that_is_gone_leaves_what_was_read_and_says_so(filtered, monkeypatch):
    monkeypatch.delitem(plugins.load().sources, "jsonl")
    assert filtered.stage("filtered").done
    assert len(filtered.extract(again=False)) == 900
    detail = {step.name: step.detail for step in filtered.status()}["corpus"]
    assert "'jsonl'" in detail
    assert "not installed" in detail
    filtered.configure("source", names=True)
    with pytest.raises(InputError, match=r"'jsonl'.*not installed") as error:
        filtered.extract()
    assert "Install" in error.value.hint


def test_a_filter_that_was_mended_is_applied_again(filtered, monkeypatch):
    known = plugins.load().filters
    assert known["urls"].version == 1
    monkeypatch.setitem(known, "profanity", replace(known["profanity"], version=2))
    assert filtered.stage("filtered").done  # not one of those that were applied
    monkeypatch.setitem(known, "urls", replace(known["urls"], version=2))
    assert filtered.stage("filtered").state() == "out of date"
    assert filtered.stage("corpus").done
    filtered.filter()
    assert filtered.stage("filtered").done
    monkeypatch.delitem(known, "urls")  # gone: what it left is what it was
    assert filtered.stage("filtered").done


def test_who_the_people_are_is_known_before_the_messages_are_kept(filtered, store, tmp_path, monkeypatch):
    copy = tmp_path / "copy.jsonl"
    row = {"thread": "new", "sender": "a newcomer", "is_from_me": False, "text": "hi"}
    copy.write_text(store.read_text(encoding="utf-8") + json.dumps(row) + "\n", encoding="utf-8")
    filtered.configure("source", path=str(copy))
    before = (filtered.folder / "people.json").read_text(encoding="utf-8")

    def killed(*_args):
        raise KeyboardInterrupt

    monkeypatch.setattr("wonderland.workspace.stage._swap", killed)
    with pytest.raises(KeyboardInterrupt):
        filtered.extract()
    assert "a newcomer" not in before
    assert "a newcomer" in (filtered.folder / "people.json").read_text(encoding="utf-8")


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs /proc")
@pytest.mark.parametrize("damage", [False, True])
def test_a_store_is_not_held_open(filtered, store, tmp_path, damage):
    copy = tmp_path / "copy.jsonl"
    copy.write_text(store.read_text(encoding="utf-8"), encoding="utf-8")
    filtered.configure("source", path=str(copy), options={"sender": "nobody's column"} if damage else {})
    try:
        filtered.extract()
    except UsageError:
        assert damage
    held = [os.path.realpath(f"/proc/self/fd/{number}") for number in os.listdir("/proc/self/fd")]
    assert str(copy.resolve()) not in held


def full(*_, **__):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_leaves_no_empty_folders(tmp_path):
    (tmp_path / "there").mkdir()
    stage = Stage("one", tmp_path / "there" / "deep" / "deeper" / "one", 1)
    with pytest.raises(ResourceError, match="disk is full"), stage.writing():
        full()
    assert list((tmp_path / "there").iterdir()) == []
    with stage.writing() as folder:
        (folder / "file").write_text("x")
    assert stage.done


def test_a_full_disk_leaves_no_half_a_workspace(tmp_path, monkeypatch):
    monkeypatch.setattr(settings, "_write", full)
    with pytest.raises(ResourceError, match="disk is full"):
        wl.Workspace.create(tmp_path / "new" / "me.wonderland")
    assert list(tmp_path.iterdir()) == []


def test_what_others_put_into_a_new_folder_stays_when_writing_fails(tmp_path):
    stage = Stage("one", tmp_path / "new" / "one", 1)

    def write():
        with stage.writing():
            (tmp_path / "new" / "theirs").write_text("x")
            full()

    with pytest.raises(ResourceError):
        write()
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["theirs"]


def test_a_result_that_is_not_written_is_told_by_the_place_people_know(tmp_path, monkeypatch):
    stage = Stage("audit", tmp_path / "audit", 1)
    monkeypatch.setattr("wonderland.lab.result_files.replacing", full)
    with pytest.raises(ResourceError) as caught, stage.writing() as folder:
        write_tree(folder, "T", {})
    assert caught.value.message.startswith(f"A result cannot be written to {tmp_path / 'audit'}: No space left")
    assert caught.value.args == (caught.value.message,)
