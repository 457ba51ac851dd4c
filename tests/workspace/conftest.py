"""Workspaces of these tests train models as small as there can be: what is kept is asked here, not what is learned."""

from dataclasses import replace

import pytest

from wonderland.model.presets import PRESETS, Config


@pytest.fixture(autouse=True, scope="module")
def _small_models():
    small = replace(PRESETS["nano"], config=Config(2, 2, 32, 16, 64, 64, 512))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(PRESETS, "nano", small)
        yield
