"""Messages databases and bodies with a known answer, for tests, benchmarks and trying things out.

>>> import tempfile, pathlib
>>> from wonderland_imessage.testing import make_database
>>> with tempfile.TemporaryDirectory() as folder:
...     planted = make_database(pathlib.Path(folder) / "chat.db", rows=100)
>>> planted.rows == planted.messages + sum(planted.reasons.values())
True
"""

from __future__ import annotations

from wonderland_imessage.testing.archives import Long, Url, encode_body, encode_text
from wonderland_imessage.testing.database import Planted, create, make_database, schema
from wonderland_imessage.testing.plans import PLANS, Plan

__all__ = ["PLANS", "Long", "Plan", "Planted", "Url", "create", "encode_body", "encode_text", "make_database", "schema"]
