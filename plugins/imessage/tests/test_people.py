"""Who is one person, and which chats are one conversation."""

import pytest

from wonderland_imessage.people import Handle, People, Person, address, automated, join
from wonderland_imessage.threads import DIRECT, GROUP, Chat, merge, participants


def handles(*rows):
    return [Handle(n, one, service, "us", person) for n, (one, service, person) in enumerate(rows, 1)]


class TestAddresses:
    @pytest.mark.parametrize(
        "written", ["+15550100200", "+1 (555) 010-0200", "15550100200", "tel:+1-555-010-0200", " +1.555.010.0200 "]
    )
    def test_one_number_in_many_ways(self, written):
        assert address(written, "us") == "+15550100200"

    def test_a_number_without_its_countrys_code_is_read_in_its_country(self):
        assert address("5550100200", "us") == "+15550100200"
        assert address("5550100200", "in") == "+915550100200"
        assert address("07700 900123", "gb") == "+447700900123"
        assert address("5550100200") == "5550100200"

    def test_a_number_that_is_not_possible_keeps_its_digits(self):
        assert address("+1 555 0100") == "+15550100"
        assert address("555-0100", "us") == "5550100"

    def test_numbers_of_different_countries_stay_apart(self):
        assert address("+6591234567") != address("+16591234567")
        assert address("01712345678") != address("+11712345678")

    def test_short_codes_are_not_read_as_numbers_of_their_country(self):
        assert address("32665", "de") == "32665"  # +49 32665 would be possible

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
            ("БАНК", ("business",)),
            ("+12345", ("short-code",)),
            ("tel:+15550100200", ()),
            ("tel:262966", ("short-code",)),
            ("+15550100200", ()),
            ("ada1@example.test", ()),
            ("", ()),
        ],
    )
    def test_machines_are_told_by_their_address(self, one, tags):
        assert automated(one) == tags

    def test_a_short_number_is_a_persons_where_all_are_short(self):
        assert automated("211234", "fo") == ()
        assert automated("211234", "us") == ("short-code",)


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

    def test_handles_without_an_address_are_not_one_person(self):
        people = join(handles(("", "SMS", ""), (" ", "SMS", ""), ("", "iMessage", "p1"), ("+15550100200", "SMS", "p1")))
        assert [people.by_handle[n].key for n in (1, 2, 3, 4)] == [
            "handle 1",
            "handle 2",
            "+15550100200",
            "+15550100200",
        ]

    def test_a_national_number_is_read_in_the_commonest_country_where_its_handle_has_none(self):
        rows = [
            Handle(1, "+447700900123", "iMessage", "gb", ""),
            Handle(2, "07700900123", "SMS", "", ""),
            Handle(3, "+447700900124", "SMS", "gb", ""),
            Handle(4, "+15550100200", "SMS", "us", ""),
        ]
        assert join(rows).home == "gb"
        assert join(rows).by_handle[2].key == "+447700900123"

    def test_so_is_a_short_number(self):
        rows = [Handle(1, "+298211234", "SMS", "fo", ""), Handle(2, "211235", "SMS", "", "")]
        assert join(rows).by_handle[2] == Person("+298211235", ())

    def test_a_store_that_states_no_country_has_that_of_its_numbers(self):
        rows = [Handle(1, "+4915112345678", "SMS", "", ""), Handle(2, "0151 12345678", "SMS", "", "")]
        assert join(rows).home == "de"
        assert len(join(rows)) == 1


class TestCards:
    def test_a_number_on_two_cards_joins_nobody(self):
        rows = handles(("+15550100001", "SMS", ""), ("+15550100002", "SMS", ""), ("+15550109999", "SMS", ""))
        mona = ("Mona Vale", ("+1 (555) 010-0001", "+1 555 010 9999"))
        dina = ("Dina Vale", ("+1 555 010 0002", "(555) 010-9999"))
        for cards in ([mona, dina], [dina, mona]):
            people = join(rows, cards)
            assert [people.by_handle[n].key for n in (1, 2, 3)] == ["Mona Vale", "Dina Vale", "+15550109999"]
            assert (people.named, people.shared) == (2, 1)

    def test_a_shared_number_without_a_handle_joins_nobody_either(self):
        rows = handles(("+15550100001", "SMS", ""), ("+15550100002", "SMS", ""))
        cards = [("Mona", ("+15550100001", "+15550109999")), ("Dina", ("+15550100002", "+15550109999"))]
        assert len(join(rows, cards)) == 2

    def test_the_card_of_one_person_in_two_accounts_is_one(self):
        rows = handles(("+15550100001", "SMS", ""), ("ann@example.test", "iMessage", ""), ("+15550100002", "SMS", ""))
        cards = [
            ("Ann Lee", ("+15550100001", "ann@example.test")),
            ("ann  lee", ("5550100001", "+15550100002")),
        ]
        people = join(rows, cards)
        assert {people.by_handle[n].key for n in (1, 2, 3)} == {"Ann Lee"}
        assert people.shared == 0

    def test_a_card_without_a_name_shares_like_any_other(self):
        rows = handles(("+15550100001", "SMS", ""), ("+15550100002", "SMS", ""))
        cards = [("", ("+15550100001", "+15550100002")), ("", ("+15550100002",))]
        people = join(rows, cards)
        assert len(people) == 2
        assert people.named == 0

    def test_cards_without_a_country_code_are_read_in_the_countries_of_the_handles(self):
        rows = [
            Handle(1, "+447700900123", "iMessage", "gb", ""),
            Handle(2, "+4915112345678", "iMessage", "de", ""),
            Handle(3, "+33612345678", "iMessage", "fr", ""),
            Handle(4, "+15550100001", "iMessage", "us", ""),
            Handle(5, "Ann@Example.test", "iMessage", "us", ""),
        ]
        cards = [
            ("Bea", ("07700 900123",)),
            ("Cem", ("0151 12345678",)),
            ("Dan", ("06 12 34 56 78",)),
            ("Eve", ("(555) 010-0001",)),
            ("Ann", ("ann@example.test",)),
        ]
        people = join(rows, cards)
        assert [people.by_handle[n].key for n in (1, 2, 3, 4, 5)] == ["Bea", "Cem", "Dan", "Eve", "Ann"]
        assert people.named == 5
        unstated = join([row._replace(country="") for row in rows], cards)
        assert unstated.named == 5
        wrong = join([row._replace(country="us") for row in rows], cards)  # the country of the account, not the number
        assert wrong.named == 5

    def test_a_national_number_that_could_be_two_handles_abroad_is_nobodys(self):
        rows = [
            Handle(1, "+15550100200", "SMS", "us", ""),
            Handle(2, "+915550100200", "SMS", "in", ""),
            Handle(3, "+447700900123", "SMS", "gb", ""),
            Handle(4, "+447700900124", "SMS", "gb", ""),
        ]
        assert join(rows, [("Raj", ("5550100200",))]).named == 0

    def test_but_at_home_it_is_the_one_of_the_commonest_country(self):
        rows = [
            Handle(1, "+15550100200", "SMS", "us", ""),
            Handle(2, "+915550100200", "SMS", "in", ""),
            Handle(3, "+915550100201", "SMS", "in", ""),
        ]
        people = join(rows, [("Raj", ("5550100200",))])
        assert [people.by_handle[n].key for n in (1, 2)] == ["+15550100200", "Raj"]

    @pytest.mark.parametrize("name", ["me", "unknown"])
    def test_a_card_cannot_take_the_place_of_the_owner(self, name):
        people = join(handles(("+15550100200", "SMS", "")), [(name, ("+15550100200",))])
        assert people.by_handle[1].key == f"{name} (2)"

    def test_a_short_code_on_a_card_is_not_named(self):
        assert join(handles(("262966", "SMS", "")), [("My Bank", ("262966",))]).named == 0


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

    def test_a_direct_chat_without_participants_is_with_its_identifier(self):
        chats = [
            Chat(1, DIRECT, "", "+15550100201"),
            Chat(2, DIRECT, "", "(555) 010-0201"),
            Chat(3, DIRECT, "", "x@y.test"),
        ]
        threads = merge(chats, {1: [2]}, self.people())
        assert [threads[n].key for n in (1, 2, 3)] == ["chat:1", "chat:1", "chat:3"]
        assert [threads[n].only_handle for n in (1, 2, 3)] == [2, 2, 0]

    def test_chats_with_an_address_that_no_handle_has_are_joined_by_it(self):
        chats = [Chat(1, DIRECT, "", "x@y.test"), Chat(2, DIRECT, "", "X@Y.test"), Chat(3, GROUP, "", "x@y.test")]
        threads = merge(chats, {}, self.people())
        assert [threads[n].key for n in (1, 2, 3)] == ["chat:1", "chat:1", "chat:3"]

    def test_a_group_without_participants_is_the_one_with_its_identifier(self):
        chats = [Chat(1, GROUP, "", "chat77"), Chat(2, GROUP, "", "chat77"), Chat(3, GROUP, "", "chat78")]
        threads = merge(chats, {1: [1, 2]}, self.people())
        assert [threads[n].key for n in (1, 2, 3)] == ["chat:1", "chat:1", "chat:3"]

    def test_whichever_of_the_two_is_older(self):
        chats = [Chat(1, GROUP, "", "chat77"), Chat(2, GROUP, "", "chat77")]
        assert merge(chats, {2: [1, 2]}, self.people())[2].key == "chat:1"

    def test_a_groups_identifier_is_nobodys_address(self):
        chats = [Chat(1, GROUP, "", "+15550100201"), Chat(2, DIRECT, "", "+15550100201")]
        assert participants(chats, {}, self.people()) == {1: (), 2: (2,)}

    def test_one_identifier_does_not_join_groups_whose_people_are_known(self):
        chats = [Chat(1, GROUP, "", "chat77"), Chat(2, GROUP, "", "chat77")]
        threads = merge(chats, {1: [1, 2], 2: [1, 3]}, self.people())
        assert threads[1].key != threads[2].key

    def test_handles_without_an_address_do_not_join_their_chats(self):
        people = join(handles(("", "SMS", ""), ("", "SMS", "")))
        threads = merge([Chat(1, DIRECT, ""), Chat(2, DIRECT, "")], {1: [1], 2: [2]}, people)
        assert threads[1].key != threads[2].key

    def test_two_handles_of_one_person_are_no_group(self):
        people = join(handles(("+15550100200", "iMessage", ""), ("+15550100200", "SMS", "")))
        thread = merge([Chat(1, None, "")], {1: [1, 2]}, people)[1]
        assert (thread.is_group, thread.only_handle) == (False, 1)

    def test_a_direct_chat_of_two_people_has_no_only_one(self):
        assert merge([Chat(1, DIRECT, "")], {1: [1, 2]}, self.people())[1].only_handle == 0

    def test_without_a_style_more_than_one_makes_a_group(self):
        threads = merge([Chat(1, None, ""), Chat(2, None, "")], {1: [1, 2], 2: [1]}, self.people())
        assert (threads[1].is_group, threads[2].is_group) == (True, False)
