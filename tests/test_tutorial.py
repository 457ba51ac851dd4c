"""What the tutorial on plugins shows runs as it stands, block after block."""

import re
import tomllib
from pathlib import Path

PAGE = (Path(__file__).parents[1] / "docs/tutorials/write-a-plugin.md").read_text(encoding="utf-8")


def test_the_tutorial_builds_an_analysis_and_a_source_that_work(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names: dict = {"__name__": "tutorial"}
    blocks = re.findall(r"```python\n(.*?)```", PAGE, flags=re.S)
    for block in blocks:
        exec(compile(block, "write-a-plugin.md", "exec"), names)
    assert [cls.name for cls in names["wonderland_analyses"]()] == ["looks-at"]
    assert [cls.name for cls in names["wonderland_sources"]()] == ["diary"]
    assert len(names["test_it_keeps_to_the_contract"].pytestmark[0].args[1]) > 15
    told = capsys.readouterr().out
    assert "One head gives the mark" in told
    assert "no such day" in told


def test_its_distribution_names_its_module_as_an_entry_point():
    (block,) = re.findall(r"```toml\n(.*?)```", PAGE, flags=re.S)
    about = tomllib.loads(block)
    assert {*about["project"]["entry-points"]["wonderland"].values()} <= {*about["tool"]["setuptools"]["py-modules"]}
