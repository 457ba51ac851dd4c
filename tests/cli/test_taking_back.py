"""Settings that a refused command wrote are taken back, and what somebody else wrote meanwhile is not lost."""

from wonderland.cli.console import Console
from wonderland.cli.context import record
from wonderland.workspace.workspace import Workspace


def test_what_a_command_wrote_is_taken_back(tmp_path):
    workspace = Workspace.create(tmp_path / "me.wonderland")
    file, console = workspace.folder / "wonderland.toml", Console(quiet=True)
    before = file.read_text(encoding="utf-8")
    record(console, workspace, "training", {"preset": "large"})
    record(console, workspace, "split", {"by": "time"})
    assert "large" in file.read_text(encoding="utf-8")
    console.take_back()
    assert file.read_text(encoding="utf-8") == before


def test_what_somebody_changed_while_it_ran_stays(tmp_path):
    workspace = Workspace.create(tmp_path / "me.wonderland")
    file, console = workspace.folder / "wonderland.toml", Console(quiet=True)
    record(console, workspace, "training", {"preset": "large"})
    changed = file.read_text(encoding="utf-8").replace("windows = 200", "windows = 77")
    file.write_text(changed, encoding="utf-8")
    console.take_back()
    assert file.read_text(encoding="utf-8") == changed
    assert "windows = 77" in changed
