"""Numbers as the page writes them: nearly nothing is no zero, and the two ends of an interval do not read alike."""

import json
import subprocess
from importlib import resources

import pytest
from node_engine import NODE

pytestmark = pytest.mark.skipif(NODE is None, reason="needs node")

ASKED = {
    "cellNumber(0.0002, true)": "<0.001",
    "cellNumber(-0.0002, true)": ">−0.001",
    "cellNumber(0.0002, true, null, false)": "0.000",
    "cellNumber(0.0002, true, 2)": "0.00",
    "cellNumber(0, true)": "0.00",
    "cellNumber(0.0123, true)": "0.012",
    "finer({ low: 0.0103, high: 0.0141 }, 2)": None,
    "interval(0.0103, 0.0141, null)": "[0.010, 0.014]",
    "finer({ low: 0.01, high: 0.02 }, 2)": 2,
    "finer({ low: 0.0103, high: 0.0103 }, 2)": 2,
    "finer({ value: 1 }, 2)": 2,
    "finer({ low: 0.0000052, high: 0.0000074 }, 2)": 3,
    "interval(0.0000052, 0.0000074, 3)": "[< 0.001, < 0.001]",
}


@pytest.fixture(scope="module")
def answers():
    frontend = resources.files("wonderland.report").joinpath("frontend")
    vendor, text = (frontend.joinpath(name).read_text("utf-8") for name in ("vendor/d3-format.min.js", "text.js"))
    script = f"const document = {{}};\n{vendor}\nconst d3 = globalThis.d3 ?? module.exports;\n{text}\n"
    script += f"process.stdout.write(JSON.stringify([{', '.join(f'{one} ?? null' for one in ASKED)}]))"
    done = subprocess.run([NODE, "-"], input=script, capture_output=True, text=True, check=True)
    return dict(zip(ASKED, json.loads(done.stdout), strict=True))


@pytest.mark.parametrize("call", ASKED)
def test_a_number_says_as_much_as_there_is_room_for(answers, call):
    assert answers[call] == ASKED[call]
