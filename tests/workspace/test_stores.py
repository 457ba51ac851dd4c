"""Several stores in one workspace: each is read again only when it changed, and nobody changes who they are."""

import json

import pytest

import wonderland as wl
from wonderland.corpus.people import Pseudonyms
from wonderland.errors import OwnerUnknown, UsageError
from wonderland.workspace import several
from wonderland.workspace.wipe import traces


def write(path, *rows):
    lines = [json.dumps({"sender": who, "text": text, "timestamp": 1_700_000_000 + at}) for who, text, at in rows]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def workspace(tmp_path):
    write(tmp_path / "a.jsonl", ("me", "hi", 0), ("Ada", "ho", 1), ("+15550100001", "x", 2))
    write(tmp_path / "b.jsonl", ("me", "hi", 0), ("Bo", "hey", 5), ("+15550100001", "y", 3))
    workspace = wl.Workspace.create(tmp_path / "me.wonderland")
    workspace.configure("source", path=str(tmp_path / "a.jsonl"), more=[{"path": str(tmp_path / "b.jsonl")}])
    return workspace


@pytest.fixture
def reads(monkeypatch):
    """The stores that were really read, by label."""
    found = []

    def read_part(label, *args, **options):
        found.append(label)
        return original(label, *args, **options)

    original = several.read_part
    monkeypatch.setattr(several, "read_part", read_part)
    return found


def test_a_workspace_and_a_script_give_the_same(workspace, tmp_path):
    corpus = workspace.extract()
    assert corpus.fingerprint == wl.Corpus.read(tmp_path / "a.jsonl", tmp_path / "b.jsonl").fingerprint
    assert [ledger.stored for ledger in corpus.stores] == [3, 3]
    assert corpus.ledger.count("joined") == 1
    again = wl.Workspace(workspace.folder).extract()
    assert (list(again), again.ledger, again.stores) == (list(corpus), corpus.ledger, corpus.stores)


def test_only_what_changed_is_read_again(workspace, tmp_path, reads):
    before = {message.id: message for message in workspace.extract()}
    assert reads == ["jsonl", "jsonl-2"]
    workspace.extract()
    assert reads == ["jsonl", "jsonl-2"]
    write(tmp_path / "b.jsonl", ("me", "hi", 0), ("Bo", "hey", 5), ("+15550100001", "y", 3), ("Cem", "new", 9))
    assert workspace.stage("corpus").done
    after = {message.id: message for message in workspace.extract()}
    assert reads == ["jsonl", "jsonl-2", "jsonl-2"]
    assert {key: after[key] for key in before} == before
    assert [message.text for key, message in after.items() if key not in before] == ["new"]


def test_a_store_that_is_gone_is_kept_as_it_was_read(workspace, tmp_path, reads):
    before = list(workspace.extract())
    (tmp_path / "a.jsonl").rename(tmp_path / "elsewhere.jsonl")
    write(tmp_path / "b.jsonl", ("me", "hi", 0), ("Bo", "hey", 5), ("+15550100001", "y", 3), ("Bo", "new", 9))
    assert [message for message in workspace.extract() if message.text != "new"] == before


def test_a_store_is_added_to_one_that_was_read_alone_and_people_stay_who_they_are(workspace, tmp_path):
    more = workspace.settings.source.more
    workspace.configure("source", more=[])
    alone = {message.text: message for message in workspace.extract()}
    key = workspace.stage("corpus").key
    workspace.configure("source", more=more)
    assert workspace.stage("corpus").key != key
    joined = {message.text: message for message in workspace.extract()}
    for text, message in alone.items():
        assert (joined[text].sender, joined[text].thread) == (message.sender, message.thread)
    assert joined["y"].sender == joined["x"].sender
    assert joined["hey"].thread != joined["ho"].thread
    known = Pseudonyms.load(workspace.folder / "people.json")
    assert known.people == {"jsonl: Ada": "P001", "+15550100001": "P002", "jsonl-2: Bo": "P003"}


def test_a_store_of_several_that_is_read_alone_again_has_the_same_people(workspace):
    joined = {message.text: message for message in workspace.extract()}
    more = workspace.settings.source.more
    workspace.configure("source", more=[])
    alone = {message.text: message for message in workspace.extract()}
    assert alone
    for text, message in alone.items():
        assert (joined[text].sender, joined[text].thread) == (message.sender, message.thread)
    workspace.configure("source", more=more)  # and back
    again = {message.text: message for message in workspace.extract()}
    assert {text: message.sender for text, message in again.items()} == {
        text: message.sender for text, message in joined.items()
    }


def test_people_of_a_store_that_is_no_longer_read_are_those_of_no_other(workspace, tmp_path):
    source = workspace.settings.source
    (tmp_path / "c.csv").write_text("sender,text\nme,hello\nAda,that is me\n", encoding="utf-8")
    workspace.configure("source", path=str(tmp_path / "c.csv"), more=[])
    (alone,) = (message for message in workspace.extract() if message.text == "that is me")
    workspace.configure("source", path=source.path, more=source.more)
    joined = {message.text: message for message in workspace.extract()}
    assert joined["ho"].sender != alone.sender
    assert Pseudonyms.load(workspace.folder / "people.json").people["Ada"] == alone.sender


def test_of_two_stores_of_one_kind_the_second_alone_is_not_taken_for_the_first(workspace, tmp_path):
    source = workspace.settings.source
    write(tmp_path / "b.jsonl", ("me", "hi", 0), ("Ada", "another Ada", 5))
    joined = {message.text: message.sender for message in workspace.extract()}
    assert joined["another Ada"] != joined["ho"]
    workspace.configure("source", path=str(tmp_path / "b.jsonl"), more=[])
    alone = {message.text: message.sender for message in workspace.extract()}
    assert alone["another Ada"] != joined["ho"]
    workspace.configure("source", path=source.path, more=source.more)  # and back
    again = {message.text: message.sender for message in workspace.extract()}
    assert again["ho"] == joined["ho"] != again["another Ada"]


def test_what_is_said_of_people_is_read_again(workspace, reads):
    workspace.extract()
    (workspace.folder / "people.toml").write_text('["Ada"]\njsonl = "Ada"\njsonl-2 = "Bo"\n')
    assert not workspace.stage("corpus").done
    corpus = workspace.extract()
    assert reads == ["jsonl", "jsonl-2"] * 2
    assert len({message.sender for message in corpus if message.text in ("ho", "hey")}) == 1
    assert not [note for note in corpus.notes if "people.toml" in note]


def test_a_store_that_people_are_called_something_in_and_that_is_not_here_is_named(workspace):
    (workspace.folder / "people.toml").write_text('["Ada"]\njsonll = "Ada"\njsonl-2 = "Bo"\nany = "ada@x.example"\n')
    (note,) = (note for note in workspace.extract().notes if "people.toml" in note)
    assert note == (
        "people.toml says what people are called in 'jsonll', and no store here is called so; stores: jsonl, jsonl-2, "
        "or any for all."
    )


def test_a_name_that_nobody_has_is_told_without_being_named(workspace):
    (workspace.folder / "people.toml").write_text(
        '["Ada"]\njsonl = ["Ada", "Ida"]\njsonl-2 = ["Bo", "Bob", "Bobby"]\nany = ["ada@x.example", "Eve", "Ada"]\n'
    )
    told = [note for note in workspace.extract().notes if "people.toml" in note]
    assert [note.partition(" that nobody has")[0] for note in told] == [
        "people.toml gives 1 name for 'jsonl'",
        "people.toml gives 2 names for 'jsonl-2'",
        "people.toml gives 1 name for 'any'",
    ]
    assert not [note for note in told for name in ("Ida", "Bob", "Eve") if name in note]


def test_without_people_json_nothing_that_was_kept_is_used(workspace, reads):
    workspace.extract()
    (workspace.folder / "people.json").unlink()
    workspace.stage("corpus").unseal()
    workspace.extract()
    assert reads == ["jsonl", "jsonl-2"] * 2


def test_a_store_that_does_not_say_its_owner_is_named(workspace, tmp_path):
    write(tmp_path / "b.jsonl", ("Ada", "a", 0), ("Bo", "b", 1), ("Bo", "c", 2))
    with pytest.raises(OwnerUnknown) as caught:
        workspace.extract()
    assert caught.value.store == 1
    assert caught.value.candidates == (("Bo", 2), ("Ada", 1))
    workspace.configure("source", more=[{"path": str(tmp_path / "b.jsonl"), "options": {"me": "Bo"}}])
    assert workspace.extract().counts()["from me"] == 3


def test_a_store_without_a_path_is_refused(workspace):
    workspace.configure("source", more=[{"options": {}}])
    with pytest.raises(UsageError, match="has a path, options and perhaps a source"):
        workspace.extract()


def test_everything_that_was_written_is_wiped(workspace):
    workspace.extract()
    (workspace.folder / "people.toml").write_text("")
    assert traces(workspace.folder).strangers == ()


# -- choosing --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("person", ["P002", "+1 555 010 0001", "+15550100001"])
def test_people_are_chosen_by_pseudonym_or_number(workspace, person):
    workspace.extract()
    workspace.configure("filter", not_person=[person], names=[])
    kept = workspace.filter()
    assert [message.text for message in kept] == ["hi", "ho", "hey"]
    assert kept.ledger.count("people") == 2


def test_people_are_chosen_by_name(workspace):
    workspace.extract()
    workspace.configure("filter", person=["Bo"], names=[])
    assert {message.text for message in workspace.filter()} == {"hey", "y"}
    workspace.configure("filter", person=["Nobody"])
    with pytest.raises(UsageError, match="'Nobody' wrote no message here") as caught:
        workspace.filter()
    assert "people.json says who is who" in caught.value.hint


@pytest.mark.parametrize("person", ["Ada", "Bo", "jsonl-2: Bo"])
def test_somebody_is_chosen_by_a_name_of_a_store_that_the_list_of_people_joined(workspace, person):
    (workspace.folder / "people.toml").write_text('["Ada"]\njsonl = "Ada"\njsonl-2 = "Bo"\n')
    workspace.extract()
    workspace.configure("filter", person=[person], names=[])
    assert {"ho", "hey"} <= {message.text for message in workspace.filter()}
    workspace.configure("filter", person=[], not_person=[person])
    assert not {"ho", "hey"} & {message.text for message in workspace.filter()}


def test_a_name_of_two_people_is_not_guessed(workspace, tmp_path):
    write(tmp_path / "b.jsonl", ("me", "hi", 0), ("Ada", "hey", 5))
    workspace.extract()
    workspace.configure("filter", person=["Ada"])
    with pytest.raises(UsageError, match=r"several people: P001 \(jsonl: Ada\), P003 \(jsonl-2: Ada\)"):
        workspace.filter()


def test_a_choice_makes_the_filtered_messages_out_of_date_and_its_end_does_too(workspace):
    workspace.extract()
    workspace.filter()
    key = workspace.stage("filtered").key
    workspace.configure("filter", since="2023-11-14T22:13:22")
    assert not workspace.stage("filtered").done
    assert {message.text for message in workspace.filter()} == {"x", "y", "hey"}
    workspace.configure("filter", since="")
    assert workspace.stage("filtered").key == key
