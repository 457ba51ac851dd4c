"""What a person gets from each command, and what each failure ends with."""

import json
import os
import re
import shutil
import signal

import pytest

from wonderland.cli.main import cli, run
from wonderland.errors import UsageError
from wonderland.model.presets import PRESETS, Config, Preset
from wonderland.workspace import settings
from wonderland.workspace.kept import claimed
from wonderland.workspace.layout import CHECKPOINT
from wonderland.workspace.locking import alone, holder, in_turn
from wonderland.workspace.stage import Stage
from wonderland.workspace.workspace import Workspace


def output_of(capsys, *arguments, code=0):
    capsys.readouterr()
    assert run([str(argument) for argument in arguments]) == code
    return capsys.readouterr()


def test_extract_says_where_every_row_went_and_what_to_type_next(messages, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    out = output_of(capsys, "extract", messages).out
    assert "Rows stored" in out
    assert "1,500" in out
    assert "stored as pseudonyms" in out
    assert out.rstrip().endswith("Next: wonderland filter")
    assert (tmp_path / "me.wonderland" / "wonderland.toml").exists()


def test_the_next_command_names_the_workspace_if_this_one_did(workspace, capsys):
    assert f"Next: wonderland tokenize -w {workspace}" in output_of(capsys, "filter", "-w", workspace).out


def test_a_workspace_is_for_its_owner_only(made):
    assert made.stat().st_mode & 0o077 == 0
    assert [path for path in made.rglob("*") if path.name != ".gitignore" and path.stat().st_mode & 0o077] == []


def test_run_does_nothing_twice(workspace, capsys):
    before = {path: path.stat().st_mtime_ns for path in workspace.rglob("stage.json")}
    assert len(before) >= 8
    output_of(capsys, "run", "-q", "-w", workspace)
    assert {path: path.stat().st_mtime_ns for path in workspace.rglob("stage.json")} == before


def test_the_report_is_one_file_that_holds_no_markup_from_messages(made):
    html = (made / "report.html").read_text(encoding="utf-8")
    assert "onerror=alert(1)>" not in html
    assert "Content-Security-Policy" in html


def test_terminal_output_never_sends_control_characters_of_messages(workspace, capsys):
    text = "".join(output_of(capsys, command, "-w", workspace).out for command in ("extract", "analyze", "generate"))
    assert "\x1b" not in text
    assert "\u202e" not in text


@pytest.mark.parametrize(
    "arguments",
    [
        ["extract"],
        ["filter"],
        ["tokenize"],
        ["train"],
        ["analyze", "triage"],
        pytest.param(["report"], marks=pytest.mark.slow),
        ["status"],
        ["generate", "<|them|> How are you?"],
        pytest.param(["run"], marks=pytest.mark.slow),
    ],
)
def test_json_is_one_object_on_stdout(workspace, capsys, arguments):
    printed = json.loads(output_of(capsys, *arguments, "-q", "--json", "-w", workspace).out)
    assert isinstance(printed, dict)
    assert printed


@pytest.mark.parametrize("command", ["plugins", "doctor"])
def test_plugins_and_doctor_need_no_workspace(command, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert json.loads(output_of(capsys, command, "--json").out)
    out = output_of(capsys, command).out
    assert "triage" in out
    assert "`" not in out


def test_every_command_has_help(capsys):
    for name in cli.commands or cli.list_commands(None):
        out = output_of(capsys, name, "--help").out
        assert out.startswith(f"Usage: wonderland {name}")


def test_status_tells_done_from_out_of_date_from_damaged(workspace, capsys):
    assert json.loads(output_of(capsys, "status", "--json", "-w", workspace).out)["stages"]["model"] == "done"
    (workspace / "tokenizer" / "tokenizer.json").write_text("{}", encoding="utf-8")
    assert json.loads(output_of(capsys, "status", "--json", "-w", workspace).out)["stages"]["tokenizer"] == "damaged"
    Workspace(workspace).configure("training", epochs=2)
    assert json.loads(output_of(capsys, "status", "--json", "-w", workspace).out)["stages"]["model"] == "out of date"


@pytest.mark.parametrize("lock", ["training.checkpoint.lock", "models/seed-3.checkpoint.lock"])
def test_status_says_that_another_process_trains_and_proposes_to_wait(untrained, capsys, lock):
    (untrained / "training.checkpoint").touch()
    (untrained / "models").mkdir()
    (untrained / lock).touch()  # left behind by a process that was killed
    out = output_of(capsys, "status", "-w", untrained).out
    assert "training was interrupted and can go on" in out
    assert out.endswith(f"Next: wonderland train -w {untrained}\n")
    with alone(untrained / lock, "trains this model"):
        out = output_of(capsys, "status", "-w", untrained).out
        assert "training now, in another process" in out
        assert "interrupted" not in out
        assert out.endswith(f"Wait until the other process has ended.\nNext: wonderland status -w {untrained}\n")
        (untrained / "tokenizer" / "stage.json").write_text("{}")  # what comes before can be made meanwhile
        assert f"Next: wonderland tokenize -w {untrained}" in output_of(capsys, "status", "-w", untrained).out


def test_status_says_that_another_process_audits(workspace, capsys):
    shutil.rmtree(workspace / "audit", ignore_errors=True)
    with alone(workspace / ".audit.lock", "audits this model"):
        out = output_of(capsys, "status", "-w", workspace).out
    assert "being made now, in another process" in out
    assert out.endswith(f"Next: wonderland status -w {workspace}\n")


@pytest.mark.parametrize(
    ("command", "stage"),
    [("extract", "corpus"), ("filter", "filtered"), ("tokenize", "tokenizer"), ("run", "filtered")],
)
def test_status_says_which_command_makes_something_of_the_messages_now(untrained, capsys, command, stage):
    shutil.rmtree(untrained / "filtered")
    with alone(untrained / ".messages.lock", "reads messages", "of one that was killed"):
        pass
    with alone(untrained / ".messages.lock", "reads messages", command):
        told = json.loads(output_of(capsys, "status", "--json", "-w", untrained).out)
        out = output_of(capsys, "status", "-w", untrained).out
    assert told["details"] == {stage: f"`wonderland {command}` runs now, in another process"}
    assert told["stages"]["filtered"] == ("begun" if stage == "filtered" else "missing")
    assert f"`wonderland {command} -w {untrained}` runs now, in another process" in " ".join(out.split())
    waits = out.endswith(f"Wait until the other process has ended.\nNext: wonderland status -w {untrained}\n")
    assert waits or command == "tokenize"  # what comes before can be made meanwhile
    assert "another process" not in output_of(capsys, "status", "-w", untrained).out


def test_status_of_a_workspace_that_is_read_for_the_first_time_proposes_to_wait(tmp_path, capsys):
    Workspace.create(tmp_path / "w")
    with Workspace(tmp_path / "w").alone("extract"):
        out = output_of(capsys, "status", "-w", tmp_path / "w").out
    assert "runs now, in another process" in " ".join(out.split())
    assert out.endswith(f"Next: wonderland status -w {tmp_path / 'w'}\n")


@pytest.mark.parametrize("command", ["extract", "filter", "tokenize"])
def test_a_command_that_reads_messages_says_which_it_is(untrained, monkeypatch, command):
    seen = []

    def stop(*_, **__):
        seen.append(holder(untrained / ".messages.lock"))
        raise UsageError("Enough.")

    monkeypatch.setattr("wonderland.cli.data.record", stop)
    monkeypatch.setattr("wonderland.cli.data.read_messages", stop)
    assert run([command, "-w", str(untrained)]) == 2
    assert seen == [command]


def test_an_option_that_an_analysis_refuses_is_answered_with_the_command_of_that_analysis(workspace, capsys):
    chosen = {"run": ["head-ablation"], "parameters": {"head-ablation": {"layers": "1-0"}}}
    Workspace(workspace).configure("analysis", **chosen)
    told = output_of(capsys, "analyze", "-q", "-w", workspace, code=2).err
    assert f"For example: wonderland analyze head-ablation --layers 0-1 -w {workspace}" in " ".join(told.split())


@pytest.mark.parametrize("there", [True, False])
def test_status_says_which_analyses_another_process_runs(workspace, capsys, there):
    if not there:
        shutil.rmtree(workspace / "results")
    stages = [Stage(name, workspace / "results" / name / "0f", 1) for name in ("a", "b", "c", "d")]
    with claimed(stages):
        told = json.loads(output_of(capsys, "status", "--json", "-w", workspace).out)
        out = " ".join(output_of(capsys, "status", "-w", workspace).out.split())
    assert told["details"]["results"].endswith("runs now, in another process: a, b, c and 1 more")
    assert told["stages"]["results"] == ("done" if there else "begun")
    assert "Wait until the other process has ended." in out
    assert "runs now" not in output_of(capsys, "status", "-w", workspace).out


@pytest.mark.parametrize(
    ("kept", "state", "sign", "detail"),
    [
        ([{"name": "a", "passed": True}], "done", "✓", ""),
        ([{"name": "a", "passed": True}, {"name": "b", "passed": False}], "done", "✗", "1 of 2 failed: b."),
        ([{"name": "a"}], "damaged", "✗", "`wonderland check` makes them anew"),
        ({"a": 1}, "damaged", "✗", "`wonderland check` makes them anew"),
    ],
)
def test_status_has_no_tick_for_checks_that_failed(workspace, capsys, kept, state, sign, detail):
    with Workspace(workspace).layout.stage("checks").writing() as folder:
        (folder / "checks.json").write_text(json.dumps(kept), encoding="utf-8")
    said = json.loads(output_of(capsys, "status", "--json", "-w", workspace).out)
    assert said["stages"]["checks"] == state
    assert detail in said["details"].get("checks", "")
    (line,) = (
        one for one in output_of(capsys, "status", "-w", workspace).out.splitlines() if one[2:].startswith("checks")
    )
    assert line.startswith(sign)


def test_checks_kept_in_another_form_are_made_anew(workspace):
    with Workspace(workspace).layout.stage("checks").writing() as folder:
        (folder / "checks.json").write_text('[{"called": "a"}]', encoding="utf-8")
    assert len(Workspace(workspace).check()) > 3
    (step,) = (step for step in Workspace(workspace).status() if step.name == "checks")
    assert step.state == "done"


@pytest.mark.slow
def test_status_lists_both_reports_and_says_what_they_do_not_show(workspace, capsys):
    talk = f"wonderland chat -w {workspace}"

    def status():
        told = json.loads(output_of(capsys, "status", "--json", "-w", workspace).out)
        return told["stages"]["report"], told["stages"]["live report"], told.get("next", "")

    assert status() == ("done", "done", talk)
    os.utime(workspace / "report.html", (0, 0))  # times say nothing
    assert status() == ("done", "done", talk)
    output_of(capsys, "analyze", "-q", "-w", workspace, "head-patterns", "--threshold", "0.2")
    assert status() == ("done", "done", talk)
    output_of(capsys, "report", "-q", "--latest", "-w", workspace)
    assert status() == ("done", "done", talk)
    Workspace(workspace).configure("analysis", parameters={"head-patterns": {"threshold": 0.2}})
    output_of(capsys, "report", "-q", "-w", workspace)
    assert status()[:2] == ("done", "out of date")
    (told,) = (step.detail for step in Workspace(workspace).status() if step.name == "live report")
    assert "; it does not show results of now: `wonderland report --live` does" in told


def test_what_the_audit_would_refuse_is_not_proposed(workspace, capsys, monkeypatch):
    place = workspace / "report-live.html"
    place.write_text(place.read_text(encoding="utf-8") + " ", encoding="utf-8")
    monkeypatch.setattr("wonderland.workspace.auditing.is_public", lambda layout: True)
    (step,) = (step for step in Workspace(workspace).status() if step.name == "live report")
    assert (step.state, step.again) == ("out of date", "wonderland report --live")
    monkeypatch.setattr("wonderland.workspace.auditing.is_public", lambda layout: False)
    monkeypatch.setattr("wonderland.workspace.auditing.there", lambda layout: None)
    assert "wonderland report" not in json.loads(output_of(capsys, "status", "--json", "-w", workspace).out)["next"]


@pytest.mark.slow
def test_a_report_that_shows_everything_is_not_asked_for_again(workspace, capsys):
    output_of(capsys, "report", "-q", "-w", workspace)
    assert "Next:" not in output_of(capsys, "analyze", "-q", "-w", workspace).out
    (workspace / "reports.json").unlink()
    assert f"Next: wonderland report -w {workspace}" in output_of(capsys, "analyze", "-q", "-w", workspace).out


@pytest.mark.parametrize("name", ["nowhere/chat.db", "nothing.csv"])
def test_what_cannot_be_read_leaves_no_workspace_behind(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert "There is nothing at" in output_of(capsys, "extract", name, code=3).err
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "numbers.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    assert "no column that looks like the text" in output_of(capsys, "extract", "numbers.csv", code=3).err
    assert [path.name for path in tmp_path.iterdir()] == ["numbers.csv"]


@pytest.mark.parametrize(
    ("typed", "code", "told"),
    [
        ("", 2, "The path is empty"),
        ("~nobody-of-that-name/x", 3, "begins with '~nobody-of-that-name'"),
        (os.fsdecode(b"ok\xff\x1b[31m.jsonl"), 3, "is not UTF-8"),
        ("pipe", 3, "neither a file nor a folder"),
        ("/dev/zero", 3, "neither a file nor a folder"),
    ],
)
@pytest.mark.parametrize("more", [(), ("--source", "jsonl")])
def test_a_path_that_no_file_can_have_or_that_never_ends_is_refused_at_once(
    typed, code, told, more, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    assert told in output_of(capsys, "extract", typed, *more, code=code).err
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        (("filter", "--also", "scrub", "--since", "nan"), 2),
        (("filter", "--also", "scrub", "--country", "XX"), 2),
        (("filter", "--also", "scrub", "--person", "P999999"), 2),
        (("filter", "--only", "urls", "--also", "nonsense"), 2),
        (("extract", "--names", "--source", "csv"), 3),
        (("tokenize", "--preset", "seed", "--vocab-size", "3"), 2),
        (("tokenize", "--by", "conversation", "--preset", "enormous"), 2),
        (("train", "--preset", "seed", "--device", "abacus"), 2),
        (("train", "--preset", "seed", "--epochs", "2", "--optimiser", "luck"), 2),
        (("run", "--preset", "enormous"), 2),
        (("audit", "--training", "1", "--full", "--device", "abacus"), 2),
    ],
)
def test_a_refused_command_changes_no_setting(typed, code, workspace, capsys):
    before = {path: path.read_bytes() for path in workspace.rglob("*") if path.name in (settings.FILE, "stage.json")}
    output_of(capsys, typed[0], "-q", "-w", workspace, *typed[1:], code=code)
    assert {path: path.read_bytes() for path in before} == before


def test_what_is_taken_back_was_not_said_to_be_written(workspace, capsys):
    told = output_of(capsys, "filter", "-w", workspace, "--also", "scrub", "--country", "XX", code=2).err
    assert "Written to" not in told


def test_a_refused_demo_makes_no_folder(tmp_path, capsys):
    output_of(capsys, "demo", tmp_path / "new", "--preset", "enormous", code=2)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    "what", [(), pytest.param(("--results",), marks=pytest.mark.slow), ("--model", "hf", "--i-asked-them")]
)
def test_every_export_means_the_same_place(what, workspace, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    output_of(capsys, "export", *what, "-q", "-w", workspace, "~/out")
    assert list((tmp_path / "home" / "out").iterdir())
    assert not (tmp_path / "~").exists()
    assert "The path is empty" in output_of(capsys, "export", *what, "-w", workspace, "", code=2).err
    assert "that user is not known" in output_of(capsys, "export", *what, "-w", workspace, "~nobody-x/y", code=3).err


def test_a_source_that_cannot_be_read_leaves_a_workspace_that_is_there_as_it_was(workspace, capsys):
    before = (workspace / settings.FILE).read_text(encoding="utf-8")
    output_of(capsys, "extract", "-w", workspace, "nowhere.csv", code=3)
    assert (workspace / settings.FILE).read_text(encoding="utf-8") == before


@pytest.mark.parametrize(
    "arguments",
    [
        ("export", "out", "--i-asked-them"),
        ("export", "out", "--format", "csv"),
        ("export", "out", "--results", "--i-asked-them"),
        ("report", "--contacts", "3"),
        ("audit", "--jobs", "2"),
        ("train", "--jobs", "2"),
    ],
)
def test_an_option_that_would_do_nothing_is_refused(arguments, made, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert "Leave it out" in output_of(capsys, *arguments, "-w", made, code=2).err.replace("them out", "it out")
    assert not (tmp_path / "out").exists()


def test_options_are_written_into_the_settings_and_comments_stay(workspace, capsys):
    file = workspace / settings.FILE
    file.write_text(file.read_text(encoding="utf-8") + "# mine\n", encoding="utf-8")
    output_of(capsys, "filter", "-w", workspace, "--only", "urls")
    text = file.read_text(encoding="utf-8")
    assert 'names = ["urls"]' in text
    assert text.endswith("# mine\n")


def test_parameters_of_an_analysis_are_options(workspace, capsys):
    out = output_of(capsys, "analyze", "-q", "-w", workspace, "head-patterns", "--threshold", "0.01").out
    assert "score over 0.01" in out


def test_export_writes_the_four_files(workspace, tmp_path, capsys):
    printed = output_of(capsys, "export", "-w", workspace, tmp_path / "plain").out.splitlines()
    assert [line.rsplit("/", 1)[1] for line in printed] == [
        "messages.jsonl",
        "corpus.txt",
        "corpus_threaded.txt",
        "corpus_me_only.txt",
    ]


def test_generate_answers_as_whoever_is_asked(workspace, capsys):
    arguments = ["generate", "-w", workspace, "<|them|> How are you?", "--json", "--temperature", "0", "--number", "1"]
    me = json.loads(output_of(capsys, *arguments, "--as", "me").out)["samples"][0]
    them = json.loads(output_of(capsys, *arguments, "--as", "them").out)["samples"][0]
    assert me["prompt"][-1] == 1
    assert them["prompt"][0] == 2
    assert 1 not in them["prompt"]


class TestFailures:
    """Each says what happened and what to type next, and ends with its own exit code."""

    def failed(self, capsys, *arguments, code):
        error = output_of(capsys, *arguments, code=code).err
        assert "Traceback" not in error
        assert [line for line in error.splitlines() if line.startswith("Error: ")]
        return error

    def test_no_workspace(self, tmp_path, monkeypatch, capsys):
        monkeypatch.chdir(tmp_path)
        assert "wonderland extract PATH" in self.failed(capsys, "filter", code=3)

    def test_nothing_at_the_path(self, tmp_path, capsys):
        assert "nothing at" in self.failed(capsys, "extract", "-w", tmp_path / "w", tmp_path / "gone", code=3)

    @pytest.mark.parametrize("content", [b"", bytes(range(256)) * 50, b"not json\n", b'{"colour": "red"}\n'])
    def test_a_file_that_holds_no_messages(self, tmp_path, capsys, content):
        path = tmp_path / "file"
        path.write_bytes(content)
        self.failed(capsys, "extract", "-w", tmp_path / "w", path, code=3)
        assert not (tmp_path / "w").exists()  # it was made for this
        Workspace.create(tmp_path / "w")
        self.failed(capsys, "extract", "-w", tmp_path / "w", path, code=3)
        assert not (tmp_path / "w" / "corpus").exists()
        assert Workspace(tmp_path / "w").settings.source.path == ""  # one that was there stays

    def test_one_message_is_too_few(self, tmp_path, capsys):
        path = tmp_path / "one.jsonl"
        path.write_text('{"sender": "a", "text": "hello"}\n', encoding="utf-8")
        output_of(capsys, "extract", "-w", tmp_path / "w", path)
        output_of(capsys, "filter", "-w", tmp_path / "w")
        assert "cannot be held out" in self.failed(capsys, "tokenize", "-w", tmp_path / "w", code=4)

    def test_an_unknown_preset(self, workspace, capsys):
        assert "nano, seed, large" in self.failed(capsys, "train", "-w", workspace, "--preset", "giant", code=2)
        assert "giant" not in (workspace / settings.FILE).read_text(encoding="utf-8")

    def test_an_unknown_analysis(self, workspace, capsys):
        error = self.failed(capsys, "analyze", "-w", workspace, "tea-leaves", code=2)
        assert "wonderland analyze --help" in error
        assert len(error) < 200  # no list of all of them

    def test_an_unknown_parameter(self, workspace, capsys):
        assert "--threshold" in self.failed(capsys, "analyze", "-w", workspace, "head-patterns", "--zebra", "1", code=2)

    def test_an_unknown_source_option(self, messages, tmp_path, capsys):
        error = self.failed(capsys, "extract", "-w", tmp_path / "w", messages, "--colour", "red", code=2)
        assert "no option --colour" in error
        assert "wonderland extract --help" in error

    def test_a_setting_that_does_not_exist(self, workspace, capsys):
        file = workspace / settings.FILE
        file.write_text(file.read_text(encoding="utf-8").replace("held_out", "heldout"), encoding="utf-8")
        assert "held_out" in self.failed(capsys, "status", "-w", workspace, code=2)

    def test_a_workspace_of_a_newer_version(self, workspace, capsys):
        file = workspace / settings.FILE
        file.write_text(file.read_text(encoding="utf-8").replace("version = 1", "version = 99"), encoding="utf-8")
        assert "pip install -U wonderland" in self.failed(capsys, "status", "-w", workspace, code=3)

    def test_a_tokenizer_swapped_under_the_model(self, workspace, capsys):
        from wonderland.tokenizer import SpeakerTokenizer

        SpeakerTokenizer.train(["other words entirely"] * 9, 300).save(workspace / "tokenizer" / "tokenizer.json")
        error = self.failed(capsys, "generate", "-w", workspace, code=3)
        assert "The tokenizer is damaged" in error
        assert "wonderland tokenize" in error

    def test_a_damaged_model(self, workspace, capsys):
        (workspace / "model" / "model.safetensors").write_bytes(b"nothing")
        assert "wonderland train" in self.failed(capsys, "generate", "-w", workspace, code=3)

    def test_a_damaged_checkpoint(self, workspace, capsys):
        (workspace / "training.checkpoint").write_bytes(b"nothing")
        error = self.failed(capsys, "train", "-q", "-w", workspace, "--epochs", "2", code=3)
        assert "training.checkpoint" in error
        assert (workspace / "model" / "model.safetensors").exists()

    def test_checks_that_fail_end_with_1_and_are_listed(self, workspace, capsys):
        capsys.readouterr()
        assert run(["check", "-q", "-w", str(workspace)]) == 1
        printed = capsys.readouterr()
        assert "✗" in printed.out
        assert "checks failed" in printed.err

    @pytest.mark.parametrize(
        ("grows", "helps"), [("", "more messages or more epochs;"), ("It overfits.", "more messages;")]
    )
    def test_more_epochs_are_proposed_only_where_the_last_ones_helped(
        self, workspace, capsys, monkeypatch, grows, helps
    ):
        monkeypatch.setattr("wonderland.model.history.History.overfitting", property(lambda self: grows))
        monkeypatch.setattr(
            "wonderland.cli.fitting.fitting", lambda tokens: Workspace(workspace).settings.training.preset
        )
        assert f"Try {helps}" in self.failed(capsys, "check", "-q", "-w", workspace, code=1)

    def test_a_workspace_made_within_another_is_named_in_what_comes_next(self, tmp_path, monkeypatch, capsys):
        monkeypatch.chdir(tmp_path)
        assert run(["init", "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["next"] == "wonderland extract PATH"
        monkeypatch.chdir(tmp_path / "me.wonderland")
        assert run(["init", "--json"]) == 0  # else the next command would write into the outer one
        assert json.loads(capsys.readouterr().out)["next"] == "wonderland extract PATH -w me.wonderland"

    def test_a_folder_that_cannot_be_written(self, tmp_path, monkeypatch, capsys):
        def refuse(*_args, **_kwargs):
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr("pathlib.Path.mkdir", refuse)
        assert "Choose another folder" in self.failed(capsys, "init", tmp_path / "w", code=5)

    def test_a_full_disk_leaves_what_was_there(self, workspace, monkeypatch, capsys):
        before = (workspace / "filtered" / "messages.parquet").read_bytes()

        def full(*_args, **_kwargs):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("pyarrow.parquet.write_table", full)
        error = self.failed(capsys, "filter", "-w", workspace, "--only", "urls", code=5)
        assert "The disk is full" in error
        assert (workspace / "filtered" / "messages.parquet").read_bytes() == before
        assert [path.name for path in workspace.iterdir() if path.name.endswith(".partial")] == []

    def test_an_unforeseen_fault_shows_no_words_of_anybody(self, workspace, monkeypatch, capsys):
        def stumble(*_args, **_kwargs):
            raise RuntimeError("my secret message")

        monkeypatch.setattr(Workspace, "status", stumble)
        error = self.failed(capsys, "status", "-w", workspace, code=70)
        assert "secret" not in error
        assert "RuntimeError" in error

    def test_errors_are_json_too(self, tmp_path, capsys):
        printed = output_of(capsys, "status", "--json", "-w", tmp_path / "w", code=3)
        assert json.loads(printed.out)["exit_code"] == 3


def test_open_hands_the_report_to_the_browser(workspace, monkeypatch, capsys):
    opened = []
    Workspace(workspace).configure("analysis", run=["attention-entropy"])  # of one a report is written sooner
    monkeypatch.setattr("click.launch", opened.append)
    output_of(capsys, "report", "-q", "-w", workspace, "--open")
    assert opened == [str(workspace / "report.html")]


def test_ctrl_c_saves_and_the_same_command_goes_on(untrained, monkeypatch, capsys):
    from wonderland.model import training

    gradient_of, taken = training.batch_gradient, []

    def interrupt_at_third(*arguments):
        taken.append(1)
        if len(taken) == 3:
            os.kill(os.getpid(), signal.SIGINT)
        return gradient_of(*arguments)

    monkeypatch.setattr(training, "batch_gradient", interrupt_at_third)
    monkeypatch.setitem(PRESETS, "nano", Preset(Config(2, 2, 32, 16, 64, 64, 400), 400, 2, 1000, 1e-2, 1e-1, 2e-2))
    error = output_of(capsys, "train", "-q", "-w", untrained, "--epochs", "2", code=130).err
    assert "Run the same command again to go on." in error
    assert len(taken) == 3
    told = output_of(capsys, "status", "-w", untrained).out
    assert "can go on" in told
    assert next(line for line in told.splitlines() if line[2:].startswith("model")).startswith("…")  # no failure
    assert next(line for line in told.splitlines() if line[2:].startswith("checks")).startswith("✗")
    assert f"Next: wonderland train -w {untrained}" in told
    output_of(capsys, "train", "-q", "-w", untrained)
    assert not (untrained / "training.checkpoint").exists()


def test_the_demo_does_the_whole_job(told):
    folder, out = told
    assert f"Report: {folder / 'report.html'}" in out
    *_, report, live = out.splitlines()
    assert f"wonderland analyze sparse --layers 2 -w {folder}" in out
    assert report.startswith("Done in ")
    assert f"Report: {folder / 'report.html'}" in report
    assert live.endswith(str(folder / "report-live.html"))
    assert out.index("wonderland analyze sparse") < out.index(report)
    assert "Next:" not in out  # `wonderland status` says what else there is
    assert (folder / "report.html").stat().st_size > 100_000


def test_a_report_is_out_of_date_where_its_model_is_and_one_in_training_has_no_time_of_another(workspace, capsys):
    def steps():
        return {step.name: step for step in Workspace(workspace).status()}

    before = steps()
    assert before["model"].state == before["report"].state == "done"
    seed = Workspace(workspace).settings.training.seed
    Workspace(workspace).configure("training", seed=seed + 1)
    now = steps()
    assert now["model"].state == now["report"].state == now["live report"].state == "out of date"
    assert now["report"].detail.endswith("it is of the model from before, which the settings do not ask for now")
    assert run(["report", "-q", "-w", str(workspace)]) != 0  # so it is right to say so
    assert "train" in output_of(capsys, "status", "-w", workspace).out.splitlines()[-1]
    with in_turn(workspace / f"{CHECKPOINT}.lock"):
        model = steps()["model"]
        assert (model.state, model.written, model.working) == ("begun", None, True)
        assert re.search(r"training now, in another process; until then the model of [\d :-]+ is there$", model.detail)
    Workspace(workspace).configure("training", seed=seed)
    assert steps() == before
