"""What the tests of known truth share: one thread, and no need of Tracr."""

import pytest
import torch

collect_ignore = ["make_reverse.py"]  # needs Tracr, which the tests do not


@pytest.fixture(autouse=True, scope="session")
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
