"""Let the tests of the report import the page they share."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
