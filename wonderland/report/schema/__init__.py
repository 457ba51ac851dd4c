"""The schema of views: every part a view can be made of, as frozen dataclasses.

Redaction, figures on paper, the page of the reference and the JSON schema of the report's front end come from these
classes; there is no second description of them.
"""

from wonderland.report.schema.blocks import Block, RankLine, RankLines, Role, Row, SmallBars, Snippet, Token
from wonderland.report.schema.charts import Bar, Bars, Curve, Lines, Mark, Point, Reference, Right, Scatter, Ways
from wonderland.report.schema.conversations import (
    AttentionPatterns,
    BehindCells,
    Conversations,
    Expected,
    Highlight,
    Measure,
    Patterned,
    Shaded,
)
from wonderland.report.schema.figure import Axis, Figure, Panel, Panels
from wonderland.report.schema.kinds import Triangles
from wonderland.report.schema.matrix import CellDetail, CellRow, CellTokens, Matrix, Ranks, Series
from wonderland.report.schema.node import Node, Number, fields_of
from wonderland.report.schema.numbers import (
    bounds,
    bounds_in_words,
    counted,
    digits,
    formatted,
    interval_over,
    no_more,
    percent,
    told_p,
    with_bounds,
)
from wonderland.report.schema.selection import Key
from wonderland.report.schema.tables import Card, Cards, Column, Edge, Graph, GraphNode, Table
from wonderland.report.schema.tree import rewrite, walk
from wonderland.report.schema.view import View
from wonderland.report.schema.words import Quoted, Text, Wording, characters, join, say, spoken

__all__ = [
    "FIGURES", "AttentionPatterns", "Axis", "Bar", "Bars", "BehindCells", "Block", "Card", "Cards", "CellDetail",
    "CellRow", "CellTokens", "Column", "Conversations", "Curve", "Edge", "Expected", "Figure", "Graph", "GraphNode",
    "Highlight", "Key", "Lines", "Mark", "Matrix", "Measure", "Node", "Number", "Panel", "Panels", "Patterned", "Point",
    "Quoted", "RankLine", "RankLines", "Ranks", "Reference", "Right", "Role", "Row", "Scatter", "Series", "Shaded",
    "SmallBars", "Snippet", "Table", "Text", "Token", "Triangles", "View", "Ways", "Wording", "bounds",
    "bounds_in_words", "characters", "counted", "digits", "fields_of", "formatted", "interval_over", "join",
    "no_more", "percent", "rewrite", "say", "spoken", "told_p", "walk", "with_bounds",
]  # fmt: skip

FIGURES: tuple[type[Figure], ...] = (
    Matrix, AttentionPatterns, Conversations, Lines, Bars, Scatter, Table, Graph, Cards,
)  # fmt: skip
"""A class for each of the built-in renderers."""
