"""The schema as data: what every part of a view holds, for the page of the reference and for the report's front end.

`described` is read by ``docs/generate.py``, `json_schema` by the tests that compare the data of views and the scripts
of the front end with it. Both come from the annotations of the classes.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from wonderland.report.schema import FIGURES
from wonderland.report.schema.figure import Panel, Panels
from wonderland.report.schema.kinds import Kind, Triangles
from wonderland.report.schema.node import Node, Number, fields_of

__all__ = ["described", "json_schema", "parts_of"]

_WORDS = {
    "said": "text",
    "label": "label",
    "spoken": "part of a message",
    "piece": "token",
    "numbers": "numbers",
    "number": "number",
    "cell": "cell",
    "select": "key",
}
_TEXT = {"type": "string"}
_NUMBER: dict[str, Any] = {"anyOf": [{"type": "number"}, {"type": "null"}, {"$ref": "#/$defs/$number"}]}
_JSON: dict[str, Any] = {
    "said": _TEXT,
    "label": {"type": ["string", "number", "boolean"]},
    "spoken": _TEXT,
    "piece": _TEXT,
    "select": {"type": "string", "pattern": "^[a-z]+:"},
    "number": _NUMBER,
    "numbers": {"anyOf": [_NUMBER, {"type": "array"}, {"$ref": "#/$defs/$array"}]},
    "cell": {"anyOf": [{"$ref": "#/$defs/Number"}, {"type": ["string", "number", "boolean", "null", "array"]}]},
}


def parts_of(*roots: type[Node]) -> list[type[Node]]:
    """Return every class a view's figures can be made of, in the order in which one meets them."""
    found: list[type[Node]] = []

    def add(cls: type[Node]) -> None:
        if cls in found:
            return
        found.append(cls)
        for one in fields_of(cls):
            for inner in _classes_in(one.hint):
                add(inner)

    for root in roots or (*FIGURES, Panels):
        add(root)
    return found


def described(cls: type[Node]) -> list[tuple[str, str, bool, str]]:
    """Return the name of each field, what kind of value it holds, whether it must be given, and what it is."""
    return [(one.name, _told(one.hint), one.required, one.about) for one in fields_of(cls)]


def json_schema() -> dict[str, Any]:
    """Return the JSON schema of the data of every figure, by the name of its class."""
    parts = [cls for cls in parts_of() if cls not in (Panels, Panel)]
    of_arrays = {
        "$number": {"type": "object", "required": ["$number"]},
        "$array": {"type": "object", "required": ["$array", "shape"]},
        "$triangles": {"type": "object", "required": ["$triangles", "n"]},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$defs": {**of_arrays, **{cls.__name__: _schema_of(cls) for cls in parts}},
    }


def _schema_of(cls: type[Node]) -> dict[str, Any]:
    fields = fields_of(cls)
    if cls.AS_LIST or cls.__name__ == "CellRow":
        return {"type": "array", "prefixItems": [_json(one.hint) for one in fields], "description": _first(cls)}
    properties = {one.json: {**_json(one.hint), "description": one.about} for one in fields}
    if cls.__name__ == "Table":  # rows stand in the report by the keys of their columns
        properties["rows"] = {"type": "array", "items": {"type": "object", "additionalProperties": _JSON["cell"]}}
    return {
        "type": "object",
        "description": _first(cls),
        "properties": properties,
        "required": [one.json for one in fields if one.required],
        "additionalProperties": False,
    }


def _first(cls: type[Any]) -> str:
    return (cls.__doc__ or "").strip().partition("\n")[0]


def _kind(hint: Any) -> Kind | None:
    return next((note for note in getattr(hint, "__metadata__", ()) if isinstance(note, Kind)), None)


def _inner(hint: Any) -> tuple[Any, tuple[Any, ...]]:
    """Return a hint without its notes, and what it is made of."""
    bare = hint.__origin__ if typing.get_origin(hint) is Annotated else hint
    return bare, tuple(one for one in typing.get_args(bare) if one is not type(None))


def _json(hint: Any) -> dict[str, Any]:
    kind = _kind(hint)
    if kind is not None:
        return dict(_JSON[kind.name])
    bare, inner = _inner(hint)
    origin = typing.get_origin(bare)
    if origin in (typing.Union, types.UnionType):
        return {"anyOf": [_json(inner[0]), {"type": "null"}]}
    if origin is Literal:
        return {"enum": list(inner)}
    if origin is not None and issubclass(origin, Sequence):
        return {"type": "array", "items": _json(inner[0])}
    if bare is Triangles:
        return {"$ref": "#/$defs/$triangles"}
    if issubclass(bare, Node):
        return {"$ref": f"#/$defs/{bare.__name__}"}
    return {"type": {bool: "boolean", int: "integer", float: "number", str: "string"}[bare]}


def _told(hint: Any) -> str:
    kind = _kind(hint)
    if kind is not None:
        return _WORDS[kind.name]
    bare, inner = _inner(hint)
    origin = typing.get_origin(bare)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(dict.fromkeys(_told(one) for one in inner))
    if origin is Literal:
        return " or ".join(f'"{one}"' for one in inner)
    if origin is not None and issubclass(origin, Sequence):
        return f"list of {_told(inner[0])}"
    return str(bare.__name__)


def _classes_in(hint: Any) -> list[type[Node]]:
    kind = _kind(hint)
    if kind is not None:
        return [Number] if kind.name == "cell" else []
    bare, inner = _inner(hint)
    if isinstance(bare, type) and issubclass(bare, Node):
        return [bare]
    return [cls for one in inner for cls in _classes_in(one)]
