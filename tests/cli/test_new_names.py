"""``wonderland new`` refuses names that mean something else, and hides no name that the files it writes use."""

from __future__ import annotations

import ast

import pytest

from wonderland.cli.new import _class_name, _filled, _refuse, _template
from wonderland.errors import UsageError


@pytest.mark.parametrize("name", ["all", "triage", "contract"])
def test_a_name_that_means_something_else_is_refused(name, tmp_path):
    with pytest.raises(UsageError, match=name) as caught:
        _refuse("analysis", name, tmp_path / "folder")
    assert "another name" in caught.value.hint


@pytest.mark.parametrize(
    ("kind", "name", "made"),
    [
        ("source", "path", "PathSource"),
        ("source", "input-error", "InputErrorSource"),
        ("source", "value-error", "ValueErrorSource"),
        ("source", "none", "NoneSource"),
        ("analysis", "class-var", "ClassVarAnalysis"),
        ("analysis", "true", "TrueAnalysis"),
        ("analysis", "long-words", "LongWords"),
        ("source", "all", "All"),
    ],
)
def test_a_class_hides_no_name_that_its_files_use(kind, name, made):
    assert _class_name(kind, name) == made
    text = (_template(kind) / "plugin.py.txt").read_text(encoding="utf-8")
    tree = ast.parse(_filled(text, {"MODULE": "module", "CLASS": made, "NAME": name}))
    defined = {node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
    imported = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in node.names
    }
    assert not defined & imported
