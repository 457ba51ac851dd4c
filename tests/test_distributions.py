"""What is released: each distribution builds offline, installs apart from the checkout, and works there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
PLUGINS = sorted(path.parent for path in ROOT.glob("plugins/*/pyproject.toml"))
_LEFT_OUT = shutil.ignore_patterns(".git", ".venv", "build", "*.egg-info", "__pycache__", ".*_cache", "shared")


def project(folder: Path) -> dict:
    return tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_every_distribution_has_the_version_of_the_package():
    import wonderland

    citation = re.search(r"^version: (.+)$", (ROOT / "CITATION.cff").read_text(encoding="utf-8"), flags=re.M)
    assert citation is not None
    versions = {project(folder)["version"] for folder in (ROOT, *PLUGINS)}
    assert versions == {wonderland.__version__} == {citation[1]}
    assert f"## {wonderland.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_classifiers_name_what_was_tried_and_nothing_else():
    for folder in (ROOT, *PLUGINS):
        said = project(folder)["classifiers"]
        assert [one for one in said if re.search(r"Python :: 3\.\d", one)] == ["Programming Language :: Python :: 3.11"]
        assert [one for one in said if one.startswith("Operating System")] == ["Operating System :: POSIX :: Linux"]


def test_the_workflow_runs_what_is_there():
    flow = yaml.safe_load((ROOT / ".github" / "workflows" / "tests.yml").read_text(encoding="utf-8"))
    commands = [step["run"] for job in flow["jobs"].values() for step in job["steps"] if "run" in step]
    assert ".ci/run" in commands
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
    extras = {name for command in commands for name in re.findall(r"\[(\w+)\]", command)}
    assert extras <= set(project(ROOT)["optional-dependencies"])


def build(folder: Path, kind: str, out: Path) -> Path:
    """Build a distribution of a source tree with the setuptools that are here, without an index."""
    out.mkdir(parents=True, exist_ok=True)
    code = f"import setuptools.build_meta as backend; print(backend.build_{kind}({str(out)!r}))"
    run = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr[-2000:]
    return out / run.stdout.strip().splitlines()[-1]


def installed(wheel: Path, place: Path) -> Path:
    """Put a wheel where pip would put it: a wheel is an archive of what is to be there."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(place)
    return place


@pytest.fixture(scope="module")
def checkout(tmp_path_factory) -> Path:
    """A copy of the sources, so that nothing is built beside them."""
    return Path(shutil.copytree(ROOT, tmp_path_factory.mktemp("sources") / "wonderland", ignore=_LEFT_OUT))


@pytest.mark.slow
def test_the_root_builds_from_its_own_source_distribution_and_runs_apart_from_the_checkout(checkout, tmp_path):
    source = build(checkout, "sdist", tmp_path / "sdist")
    with tarfile.open(source) as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    (unpacked,) = (tmp_path / "unpacked").iterdir()
    for name in ("LICENSE", "README.md", "CHANGELOG.md", "constraints.txt", "conftest.py", "tests/conftest.py"):
        assert (unpacked / name).exists(), name
    place = installed(build(unpacked, "wheel", tmp_path / "wheel"), tmp_path / "site")
    home = tmp_path / "home"
    home.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(place), "HOME": str(home)}

    def ran(*words: str) -> str:
        run = subprocess.run(
            [sys.executable, *words], cwd=home, env=environment, capture_output=True, text=True, check=False
        )
        assert run.returncode == 0, run.stderr[-2000:]
        return run.stdout

    assert ran("-c", "import wonderland; print(wonderland.__file__)").startswith(str(place))
    assert project(ROOT)["version"] in ran("-m", "wonderland", "--version")
    listed = ran("-m", "wonderland", "plugins")
    for name in project(ROOT)["entry-points"]["wonderland"]:
        assert re.search(rf"^{name} +{re.escape(project(ROOT)['version'])}", listed, flags=re.M), name
    ran("-m", "wonderland", "selftest", "attention-entropy", "-q")
    data = ["wonderland/demo/messages.jsonl.gz", "wonderland/report/frontend/app.js", "wonderland/py.typed"]
    assert all((place / name).exists() for name in data)
    assert not (place / "tests").exists()


@pytest.mark.slow
@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda path: path.name)
def test_each_plugin_builds_as_a_distribution_of_its_own(checkout, tmp_path, plugin):
    folder = checkout / plugin.relative_to(ROOT)
    with tarfile.open(build(folder, "sdist", tmp_path / "sdist")) as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    (unpacked,) = (tmp_path / "unpacked").iterdir()
    place = installed(build(unpacked, "wheel", tmp_path / "wheel"), tmp_path / "site")
    (points,) = place.glob("*.dist-info/entry_points.txt")
    for name, module in project(plugin)["entry-points"]["wonderland"].items():
        assert f"{name} = {module}" in points.read_text(encoding="utf-8")
        code = f"import {module}; print({module}.__file__)"
        environment = {**os.environ, "PYTHONPATH": str(place)}
        run = subprocess.run(
            [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
        )
        assert run.stdout.startswith(str(place))
        assert (place / module / "py.typed").exists()
