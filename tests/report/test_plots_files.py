"""Figures on disk: one SVG and one PNG for each view, with an index that holds their captions; the same every time."""

from __future__ import annotations

import stat
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pytest
import sample

from wonderland.errors import ResourceError
from wonderland.report.plots import figure
from wonderland.report.plots_files import save_figures
from wonderland.report.plots_style import CATEGORIES
from wonderland.views import Axis, Bar, Bars, View, Wording

pytestmark = pytest.mark.filterwarnings("error")  # a layout that does not fit is a warning of matplotlib


@pytest.fixture(scope="module")
def views():
    wanted = {"entropy-map", "direct-effect", "training"}
    return [view for view in sample.page(hostile=True, conversations=1, length=24).views if view.id in wanted]


def test_every_view_becomes_two_files_for_its_owner_and_the_index_tells_them_apart(views, tmp_path):
    written = save_figures(views, tmp_path / "figures", dpi=60)
    assert {path.name for path in written} == {f"{v.id}.{kind}" for v in views for kind in ("svg", "png")} | {
        "figures.md"
    }
    assert written[-1].name == "figures.md"
    assert all(path.stat().st_size > 500 for path in written[:-1])
    assert {stat.S_IMODE(path.stat().st_mode) for path in written} == {0o600}
    index = written[-1].read_text(encoding="utf-8")
    assert [line for line in index.splitlines() if line.startswith("![")] == [
        f"![{view.id}]({view.id}.png)" for view in sorted(views, key=lambda view: view.order)
    ]
    assert views[0].caption.split(";")[0].split("—")[0][:30] in index.replace("\\", "")


def test_bars_of_long_names_leave_room_to_their_axes(tmp_path):
    names = ["alone behind its speaker", "in a training window", "a trigram, in its place", "the untrained model"]
    bars = Bars(["training", "held out"], Axis("completed"), [Bar(Wording(name), [0.3, 0.4]) for name in names])
    save_figures([View("many", "Many bars", bars)], tmp_path, dpi=60)
    drawn = figure(View("many", "Many bars", bars), caption=False)
    drawn.canvas.draw()
    assert drawn.axes[0].get_position().width > 0.6
    legend = drawn.axes[0].get_legend().get_window_extent()
    assert legend.x1 <= drawn.bbox.width


def test_the_same_views_give_the_same_drawings_byte_by_byte(views, tmp_path):
    first, second = (save_figures(views[-1:], tmp_path / name, dpi=60) for name in "ab")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_a_title_of_a_stranger_is_a_line_of_words_in_the_index(views, tmp_path):
    bad = replace(views[-1], title="# [x](javascript:alert(1))\n<img src=x>", caption="![y](http://example.org)")
    text = save_figures([bad], tmp_path, dpi=60)[-1].read_text(encoding="utf-8")
    assert "\n## \\# \\[x\\](javascript:alert(1)) \\<img src=x\\>\n" in text  # every mark of Markdown is escaped
    assert "\\!\\[y\\](http" in text


def test_a_folder_that_cannot_be_written_is_said(views, tmp_path):
    (tmp_path / "figures").write_text("a file", encoding="utf-8")
    with pytest.raises(ResourceError, match="could not be written"):
        save_figures(views[:1], tmp_path / "figures", dpi=60)


def test_the_numbers_in_a_matrix_are_those_of_its_array(views):
    view = next(view for view in views if view.id == "entropy-map")
    drawn = figure(view)
    shown = {text.get_text().replace("−", "-") for ax in drawn.axes for text in ax.texts}
    for value in np.asarray(view.panels()[0]["series"][0]["values"]).ravel():
        assert f"{value:.2f}" in shown
    plt.close(drawn)


def test_the_colours_of_categories_are_okabe_and_itos():
    assert {"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"} <= {c.lower() for c in CATEGORIES}
