"""The gallery: parts of the page that is there are kept when others are added, each by the view it shows."""

import runpy
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def gallery():
    return runpy.run_path(str(DOCS / "make_gallery.py"), run_name="docs")


def test_the_page_is_its_parts_and_every_picture_is_there(gallery):
    text = (DOCS / "gallery.md").read_text(encoding="utf-8")
    parts = gallery["sections_of"](text)
    assert "\n".join([gallery["HEAD"], *parts.values()]) == text
    shown = {path.name for path in (DOCS / "gallery").glob("*.png")}
    assert shown == {f"{view}-{theme}.png" for view in parts for theme in gallery["THEMES"]}


def test_a_part_of_the_same_view_takes_the_place_of_the_older_one(gallery):
    view = {"id": "loss", "title": "Loss", "howToRead": "Low is good. More."}
    parts = gallery["sections_of"](f"# Gallery\n\n{gallery['section'](view)}")
    assert list(parts) == ["loss"]
    assert "Low is good." in parts["loss"]
    assert "More." not in parts["loss"]
    parts |= {"loss": gallery["section"]({**view, "title": "Losses"})}
    assert parts["loss"].startswith("## Losses\n")
