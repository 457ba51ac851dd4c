from pathlib import Path

from wonderland.testing import parametrize_with_checks
from wonderland_mbox import Mbox


@parametrize_with_checks([(Mbox, Path(__file__).with_name("sample.mbox"))])
def test_it_keeps_to_the_contract(thing, check):
    check(thing)
