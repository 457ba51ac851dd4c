"""How the cores are shared out among models that are trained side by side."""

import pytest

from wonderland.workspace.seeds import threads_of


@pytest.mark.parametrize(
    ("models", "at_once", "cores", "threads"),
    [
        (5, 2, 2, [1, 1, 1, 1, 2]),  # the last has the machine to itself
        (4, 2, 2, [1, 1, 1, 1]),
        (1, 1, 2, [2]),
        (5, 1, 2, [2, 2, 2, 2, 2]),
        (5, 3, 8, [2, 2, 2, 4, 4]),
        (3, 2, 1, [1, 1, 1]),  # more at a time than there are cores
    ],
)
def test_no_core_is_left_idle_when_the_places_are_filled_for_the_last_time(models, at_once, cores, threads):
    assert threads_of(models, at_once, cores) == threads
