"""Views from mappings: what an analysis gives that was written before its figures had classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wonderland.errors import PluginError
from wonderland.report.schema import FIGURES, Panel, Panels, View

__all__ = ["view_of_data"]

_BY_NAME = {figure.renderer: figure for figure in FIGURES}
_WORDS = ("caption", "how_to_read", "misleads", "order", "warning", "group")


def view_of_data(id: str, title: str, renderer: str, data: Mapping[str, Any], *words: Any, **more: Any) -> View:  # noqa: A002
    """Return the view of a renderer's data.

    Args:
        id: Its id.
        title: What is shown.
        renderer: The name of the renderer.
        data: What it reads.
        *words: Its caption, how to read it, when it misleads, its order.
        **more: The same and the other fields of a `View` by name.
    """
    if renderer not in _BY_NAME:
        raise PluginError(
            f"The view {id!r} asks for a renderer {renderer!r} that does not exist.",
            hint=f"Renderers: {', '.join(_BY_NAME)}.",
        )
    cls = _BY_NAME[renderer]
    if "panels" in data:
        shared = {key: value for key, value in data.items() if key not in ("panels", "of")}
        panels = [
            Panel(one["title"], cls.of_data(_renamed(renderer, {**shared, **one}, "title"))) for one in data["panels"]
        ]
        figure: Any = Panels(panels, data.get("of", "conversation"))
    else:
        figure = cls.of_data(_renamed(renderer, data))
    return View(id, title, figure, **{**dict(zip(_WORDS, words, strict=False)), **more})


def _renamed(renderer: str, data: Mapping[str, Any], *without: str) -> dict[str, Any]:
    told = {key: value for key, value in data.items() if key not in without}
    if renderer == "matrix":
        told["series"] = [_with_pairs(one) for one in told["series"]]
    for key in {"scatter": ("points",), "graph": ("nodes",), "cards": ("cards",)}.get(renderer, ()):
        if key in told:
            told[key] = [_linked(one) for one in told[key]]
    if "highlights" in told:
        wanted = ("conversation", "position", "value")
        told["highlights"] = [{key: jump[key] for key in wanted} for jump in told["highlights"]]
    if "right" in told:
        told["right"] = {"label": told["right"]["label"]}
    if renderer == "scatter":
        told.pop("links", None)
    return told


def _with_pairs(series: Mapping[str, Any]) -> dict[str, Any]:
    detail = series.get("detail")
    if not detail or not isinstance(detail.get("rows"), Mapping):
        return dict(series)
    return {**series, "detail": {**detail, "rows": list(detail["rows"].items())}}


def _linked(part: Mapping[str, Any]) -> dict[str, Any]:
    told = {key: value for key, value in part.items() if key not in ("head", "pos")}
    if part.get("head"):
        told["select"] = part["head"]
    elif part.get("pos") is not None:
        told["select"] = f"position:{part['pos']}"
    return told
