"""Who is one person, and which chats are one conversation."""

import pytest

from wonderland_imessage.people import Handle, People, address, automated, join
from wonderland_imessage.threads import DIRECT, GROUP, Chat, merge


def handles(*rows):
    return [Handle(n, one, service, "us", person) for n, (one, service, person) in enumerate(rows, 1)]


class TestAddresses:
    @pytest.mark.parametrize(
        "written", ["+15550100200", "+1 (555) 010-0200", "15550100200", "tel:+1-555-010-0200", " +1.555.010.0200 "]
    )
    def test_one_number_in_many_ways(self, written):
        assert address(written) == "+15550100200"

    def test_ten_digits_are_north_american_unless_the_country_says_otherwise(self):
        assert address("5550100200") == "+15550100200"
        assert address("5550100200", "us") == "+15550100200"
        assert address("5550100200", "in") == "+5550100200"

    def test_numbers_of_different_countries_stay_apart(self):
        assert address("+6591234567") != address("+16591234567")
        assert address("01712345678") != address("+11712345678")

    def test_mail_is_lower_case_and_the_rest_as_it_is(self):
        assert address("Ada@Example.Test") == "ada@example.test"
        assert address("urn:biz:ABC") == "urn:biz:ABC"
        assert address("262966") == "262966"
        assert address("MyBank") == "mybank"

    @pytest.mark.parametrize(
        ("one", "tags"),
        [
            ("262966", ("short-code",)),
            ("urn:biz:ABC", ("business",)),
            ("MyBank", ("business",)),
            ("+15550100200", ()),
            ("ada1@example.test", ()),
            ("", ()),
        ],
    )
    def test_machines_are_told_by_their_address(self, one, tags):
        assert automated(one) == tags


class TestPeople:
    def test_one_address_on_two_services(self):
        people = join(handles(("+15550100200", "iMessage", ""), ("+15550100200", "SMS", "")))
        assert len(people) == 1
        assert people.by_handle[2].key == "+15550100200"

    def test_one_person_by_the_systems_own_identity(self):
        people = join(
            handles(("+15550100200", "iMessage", "p1"), ("ada@example.test", "iMessage", "p1"), ("b@x.test", "", ""))
        )
        assert len(people) == 2
        assert people.by_handle[1].key == people.by_handle[2].key == "+15550100200"

    def test_the_key_stays_when_handles_are_added(self):
        few = handles(("+15550100200", "iMessage", "p1"))
        more = [*few, Handle(9, "a@example.test", "iMessage", "us", "p1")]
        assert join(few).by_handle[1] == join(more).by_handle[1]

    def test_short_codes_are_not_joined_by_identity(self):
        assert len(join(handles(("262966", "SMS", "p1"), ("+15550100200", "SMS", "p1")))) == 2

    def test_a_card_joins_and_names(self):
        rows = handles(
            ("+15550100200", "iMessage", ""), ("ada@example.test", "iMessage", ""), ("+15550100300", "SMS", "")
        )
        people = join(rows, [("Ada", ("(555) 010-0200", "ADA@example.test")), ("Bob", ("12345",))])
        assert [people.by_handle[n].key for n in (1, 2, 3)] == ["Ada", "Ada", "+15550100300"]
        assert people.named == 1

    def test_two_people_of_one_name_stay_two(self):
        rows = handles(("+15550100200", "SMS", ""), ("+15550100300", "SMS", ""))
        people = join(rows, [("Ada", ("+15550100200",)), ("Ada", ("+15550100300",))])
        assert [people.by_handle[n].key for n in (1, 2)] == ["Ada", "Ada (2)"]

    def test_nobody(self):
        assert len(join([])) == 0


class TestThreads:
    def people(self, count=4) -> People:
        return join(handles(*((f"+1555010020{n}", "iMessage", "") for n in range(count))))

    def test_chats_with_the_same_person_are_one(self):
        people = join(handles(("+15550100200", "iMessage", ""), ("+15550100200", "SMS", ""), ("b@x.test", "", "")))
        chats = [Chat(1, DIRECT, ""), Chat(2, DIRECT, ""), Chat(3, DIRECT, "")]
        threads = merge(chats, {1: [1], 2: [2], 3: [3]}, people)
        assert [threads[n].key for n in (1, 2, 3)] == ["chat:1", "chat:1", "chat:3"]

    def test_a_group_and_a_conversation_of_two_are_not(self):
        threads = merge([Chat(1, DIRECT, ""), Chat(2, GROUP, "")], {1: [1], 2: [1]}, self.people())
        assert (threads[1].key, threads[2].key) == ("chat:1", "chat:2")
        assert (threads[1].only_handle, threads[2].only_handle) == (1, 0)

    def test_groups_of_the_same_people(self):
        members = {chat: [1, 2] for chat in (1, 2, 4)}
        unnamed = merge([Chat(1, GROUP, ""), Chat(2, GROUP, "trip")], members, self.people())
        assert unnamed[2].key == "chat:1"
        named = merge([Chat(1, GROUP, "home"), Chat(2, GROUP, "trip"), Chat(4, GROUP, "trip")], members, self.people())
        assert [named[n].key for n in (1, 2, 4)] == ["chat:1", "chat:2", "chat:2"]

    def test_chats_without_participants_stay_apart(self):
        threads = merge([Chat(1, GROUP, ""), Chat(2, GROUP, "")], {}, self.people())
        assert threads[1].key != threads[2].key

    def test_without_a_style_more_than_one_makes_a_group(self):
        threads = merge([Chat(1, None, ""), Chat(2, None, "")], {1: [1, 2], 2: [1]}, self.people())
        assert (threads[1].is_group, threads[2].is_group) == (True, False)
