"""The same people keep the same pseudonyms, and nobody ever shares one by accident."""

from __future__ import annotations

import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wonderland.corpus.people import Pseudonyms
from wonderland.errors import InputError


def test_people_and_conversations_are_numbered_as_they_appear_and_remembered():
    names = Pseudonyms()
    assert [names.person(who) for who in ("Ada", "Bob", "Ada")] == ["P001", "P002", "P001"]
    assert [names.thread(which) for which in ("x", "Ada")] == ["C001", "C002"]


def test_the_mapping_survives_saving_and_counts_on(tmp_path):
    names = Pseudonyms()
    for who in ("Ada", "Bob\u202e\x00", "\ud83d", "</script>"):
        names.person(who)
    names.save(tmp_path / "people.json")
    again = Pseudonyms.load(tmp_path / "people.json")
    assert again == names
    assert again.person("Cleo") == "P005"


def test_the_file_is_for_its_owner_only_and_nothing_else_is_left(tmp_path):
    Pseudonyms({"Ada": "P001"}, {}).save(tmp_path / "people.json")
    assert stat.S_IMODE((tmp_path / "people.json").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["people.json"]


def test_without_a_file_the_mapping_is_empty(tmp_path):
    assert Pseudonyms.load(tmp_path / "people.json") == Pseudonyms()


@given(st.lists(st.text(), unique=True, min_size=1), st.data())
def test_taking_people_out_of_the_mapping_never_makes_newcomers_share_a_pseudonym(who, data):
    names = Pseudonyms()
    for person in who:
        names.person(person)
    gone = data.draw(st.sets(st.sampled_from(who)))
    left = Pseudonyms({person: name for person, name in names.people.items() if person not in gone}, {})
    newcomers = [left.person(("new", person)) for person in who]
    assert len({*left.people.values()}) == len(left.people)
    assert len({*newcomers}) == len(newcomers)


def test_names_given_by_hand_do_not_disturb_the_count():
    names = Pseudonyms({"+1555": "Mum", "+1666": "P007"}, {})
    assert names.person("+1555") == "Mum"
    assert names.person("+1777") == "P008"


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", '{"people": {}}', '{"people": 3, "threads": {}}', '{"people": {"Ada": 5}, "threads": {}}'],
)
def test_a_damaged_mapping_is_an_error_never_a_fresh_start(tmp_path, content):
    (tmp_path / "people.json").write_text(content)
    with pytest.raises(InputError, match="cannot be read") as caught:
        Pseudonyms.load(tmp_path / "people.json")
    assert "delete it" in caught.value.hint
