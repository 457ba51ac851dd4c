"""What axe-core finds on a page that is open in a browser.

axe-core is a development tool from npm and no part of the package. `.ci/run` puts it where this looks:

    npm install --no-save --ignore-scripts --prefix build/axe axe-core@4.14.1
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

AXE = Path(__file__).parents[2] / "build/axe/node_modules/axe-core/axe.min.js"
NEEDED = pytest.mark.skipif(
    not AXE.exists(), reason=f"axe-core is not there: {(__doc__ or '').splitlines()[-1].strip()}"
)


def load(tab) -> None:
    """Put axe into the page."""
    tab.evaluate(AXE.read_text(encoding="utf-8"))


def violations(tab, rules: Sequence[str] = ()) -> list[str]:
    """Return what axe finds on the page as it stands, with the first place of each; by some rules or by all."""
    asked = {"resultTypes": ["violations"], **({"runOnly": [*rules]} if rules else {})}
    found = tab.evaluate("asked => axe.run(document, asked)", asked)["violations"]
    return [f"{one['id']}: {one['help']}, {one['nodes'][0]['html'][:200]}" for one in found]
