"""How long until the first word? `import wonderland` and `wonderland --help`, each in a fresh interpreter.

Targets: under 0.1 s and under 0.4 s. The peer is the bare interpreter, started in the same run.
"""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("pass", id="bare interpreter"),
        pytest.param("import wonderland", id="import wonderland"),
        pytest.param("from wonderland.cli.main import run; run(['--help'])", id="wonderland --help"),
    ],
)
def test_startup(benchmark, code):
    benchmark.pedantic(
        lambda: subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL),
        rounds=15,
        warmup_rounds=2,
    )
