from wonderland.testing import parametrize_with_checks
from wonderland_laughter import Laughter


@parametrize_with_checks([Laughter(words="a b c")])
def test_it_keeps_to_the_contract(thing, check):
    check(thing)
