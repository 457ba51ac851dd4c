"""What the tests of models from elsewhere share."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # bridges.py, which several modules use
