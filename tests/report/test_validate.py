"""A view whose data do not fit is refused when it is built, with the place named, instead of drawn as a blank."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import sample

from wonderland.errors import PluginError
from wonderland.report.validate import check_view
from wonderland.report.views import RENDERERS

VIEWS = {view.renderer: view for view in sample.page(conversations=1, length=16).views}


EVERY = {view.id: view for view in sample.page(conversations=1, length=16).views}


@pytest.mark.parametrize("name", EVERY)
def test_a_view_that_fits_is_accepted(name):
    check_view(EVERY[name])


@pytest.mark.parametrize("renderer", RENDERERS)
def test_a_view_without_data_is_refused(renderer):
    with pytest.raises(PluginError, match=r"is missing|something in it"):
        check_view(replace(VIEWS[renderer], data={}))


def changed(view, path, value):
    """Return the data of a view with one place changed; None takes it away."""

    def change(node, path):
        if not path:
            return value
        if isinstance(node, list):
            return [change(item, path[1:]) if i == path[0] else item for i, item in enumerate(node)]
        return {**node, path[0]: change(node[path[0]], path[1:])}

    return replace(view, data=change(view.data, path))


@pytest.mark.parametrize(
    ("renderer", "path", "value", "message"),
    [
        ("matrix", ["series", 0, "values"], np.zeros((2, 9)), r"data\.series\[0\]\.values has the shape \(2, 9\)"),
        ("matrix-grid", ["n_heads"], 3, r"data\.conversations\[0\]\.patterns must be Triangles of \(12, 16, 16\)"),
        ("matrix-grid", ["conversations"], [], r"data\.conversations must be a list with something in it"),
        ("matrix-grid", ["conversations", 0, "speakers"], ["me"], r"speakers has the shape \(1,\), not \(16,\)"),
        ("tokens", ["conversations", 0, "values"], np.zeros((1, 16)), r"values has the shape \(1, 16\), not \(3, 16\)"),
        ("tokens", ["conversations", 0, "alternatives"], [], r"alternatives has 0 entries for 16 tokens"),
        ("line", ["series", 0, "y"], np.zeros(3), r"data\.series\[0\]\.y has the shape \(3,\)"),
        ("bars", ["series", 0, "low"], [1.0], r"data\.series\[0\]\.low has the shape"),
        ("scatter", ["points", 2, "label"], None, r"data\.points\[2\]\.label is missing"),
        ("table", ["columns", 1], "name", r"data\.columns\[1\] is a str, not a mapping"),
        ("graph", ["edges", 0, "to"], "nowhere", r"data\.edges\[0\] names the node 'nowhere', which is not there"),
        ("cards", ["cards", 0, "title"], None, r"data\.cards\[0\]\.title is missing"),
    ],
)
def test_an_error_names_the_view_and_the_place(renderer, path, value, message):
    with pytest.raises(PluginError, match=message) as raised:
        check_view(changed(VIEWS[renderer], path, value))
    assert VIEWS[renderer].id in str(raised.value)


@pytest.mark.parametrize(
    ("name", "path", "value", "message"),
    [
        ("patching", ["panels", 1, "title"], None, r"data\.panels\[1\]\.title is missing"),
        ("patching", ["panels", 1, "below"], ["a"], r"data\.panels\[1\]\.below has the shape \(1,\), not \(9,\)"),
        ("patching", ["panels", 0, "series", 3, "rows"], ["L0"], r"series\[3\]\.values has the shape \(16, 9\)"),
        ("patching", ["panels", 0, "series", 0, "detail", "tokens", "ids"], np.zeros((4, 2)), r"tokens\.ids has the"),
        ("lens", ["panels", 0, "ranks", "values"], np.zeros((2, 2)), r"ranks\.values has the shape \(2, 2\)"),
        ("ways", ["panels", 0, "ways", "x"], np.zeros((3, 5)), r"ways\.x has the shape \(3, 5\), not \(30, 5\)"),
        ("ways", ["aside", 0, "bars", "values"], None, r"aside\[0\]\.bars\.values is missing"),
        ("ov", ["cards", 0, "blocks", 1, "beside", 0], 7, r"blocks\[1\]\.beside\[0\] is a int, not a mapping"),
        ("neurons", ["cards", 0, "blocks", 2, "snippets", 0, "values"], [1.0], r"snippets\[0\]\.values has the shape"),
    ],
)
def test_panels_blocks_and_details_are_checked_too(name, path, value, message):
    with pytest.raises(PluginError, match=message):
        check_view(changed(EVERY[name], path, value))


def test_a_jump_outside_of_the_conversations_is_refused():
    jumps = [{"conversation": 4, "position": 0, "value": 1.0}]
    with pytest.raises(PluginError, match="points outside"):
        check_view(replace(VIEWS["tokens"], data={**VIEWS["tokens"].data, "highlights": jumps}))
