"""Columns mean what their names and values say; what may mean two things is refused with what to type."""

from __future__ import annotations

import pytest

from wonderland.corpus.corpus import Corpus
from wonderland.corpus.csv_source import CsvSource
from wonderland.corpus.jsonl_source import JsonLines
from wonderland.corpus.messages import Skipped
from wonderland.errors import InputError, UsageError


def said(path, **options):
    """Who said what, as (sender, text), or the reason it was passed over."""
    found = list(CsvSource(path, **options).rows())
    return [row.reason if isinstance(row, Skipped) else (row.sender, row.text) for row in found]


# -- two columns of one name -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("header", ["body,Body,from", "body ,body,from", "BODY,body,from", "body,from,FROM"])
def test_columns_that_differ_in_case_or_spaces_only_are_refused(write, header):
    with pytest.raises(InputError, match=r"two columns named '(body|from)'") as caught:
        said(write("a.csv", f"{header}\nx,y,me\n"))
    assert "--text" in caught.value.hint or "--sender" in caught.value.hint


def test_the_one_the_user_names_is_taken(write):
    path = write("a.csv", "body,Body,from\nx,y,me\n")
    assert said(path, text="Body") == [("me", "y")]
    assert said(path, text="body") == [("me", "x")]


def test_doubles_of_columns_nobody_needs_are_no_matter(write):
    assert said(write("a.csv", "text,note,Note,from\nhi,1,2,me\n")) == [("me", "hi")]


def test_in_json_lines_too(write):
    path = write("a.jsonl", [{"sender": "me", "text": "hi"}, {"sender": "me", "Text": "ho"}])
    with pytest.raises(InputError, match="two columns named 'text'"):
        Corpus.read(path)
    assert Corpus.read(path, text="text").texts == ["hi"]


def test_a_name_given_in_another_case_is_found_if_there_is_one(write):
    assert said(write("a.csv", "Was Da Steht,from\nhi,me\n"), text="was da steht") == [("me", "hi")]
    with pytest.raises(UsageError, match="no column 'WAS'"):
        said(write("a.csv", "Was,was,from\nhi,ho,me\n"), text="WAS")


# -- whose message is it ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "mine"),
    [("1", True), ("1.0", True), ("TRUE", True), ("Yes", True), ("y", True), (" true ", True), ("-1", True),
     ("sent", True), ("Outgoing", True), ("0", False), ("0.0", False), ("False", False), ("NO", False), ("n", False),
     ("Received", False), ("incoming", False)],
)  # fmt: skip
def test_yes_and_no_are_understood_however_they_are_written(write, cell, mine):
    found = said(write("a.csv", f"text,from,is_from_me\nhi,Ivo,{cell}\nho,Ivo,no\n"))
    assert found == [("me" if mine else "Ivo", "hi"), ("Ivo", "ho")]


@pytest.mark.parametrize("blank", ["", "null", "NaN", "None", "n/a"])
def test_an_empty_cell_is_unclear_where_others_say_no(write, blank):
    path = write("a.csv", f"text,from,is_from_me\na,Ivo,{blank}\nb,Ivo,1.0\nc,Ivo,0.0\n")
    assert said(path) == ["unclear whether it is from me", ("me", "b"), ("Ivo", "c")]


@pytest.mark.parametrize("blank", ["", "null"])
def test_an_empty_cell_means_no_where_nothing_else_does(write, blank):
    path = write("a.csv", f"text,from,is_from_me\na,Ivo,{blank}\nb,,yes\n")
    assert said(path) == [("Ivo", "a"), ("me", "b")]


@pytest.mark.parametrize(
    ("values", "wanted"),
    [([1.0, 0.0, None], [True, False, None]), ([True, False, ...], [True, False, None]), ([True, ...], [True, False]),
     (["true", "false"], [True, False]), ([1, -0.0], [True, False]), ([[1], False], [None, False])],
)  # fmt: skip
def test_json_says_it_in_as_many_ways(write, values, wanted):
    records = [{"sender": "Ivo", "text": "hi", **({} if value is ... else {"from_me": value})} for value in values]
    found = list(JsonLines(write("a.jsonl", records)).rows())
    assert [None if isinstance(row, Skipped) else row.is_from_me for row in found] == wanted


def test_a_column_that_says_incoming_is_read_the_other_way_round(write):
    assert said(write("a.csv", "text,from,is_incoming\na,Ivo,true\nb,Ivo,false\n"), from_me="is_incoming") == [
        ("Ivo", "a"),
        ("me", "b"),
    ]


@pytest.mark.parametrize(
    ("column", "sent", "received"),
    [("Type", "Sent", "Received"), ("Direction", "OUT", "IN"), ("Folder", "Sent", "Inbox"), ("type", "envoyé", "reçu")],
)
def test_a_column_that_says_sent_or_received_says_whose_a_message_is(write, column, sent, received):
    content = (
        f"Date,Contact,{column},Message\n2022-03-01 09:00,Vera,{received},lunch?\n2022-03-01 09:01,Vera,{sent},ok\n"
    )
    assert said(write("a.csv", content)) == [("Vera", "lunch?"), ("me", "ok")]


def test_a_contact_that_stands_on_both_sides_names_the_conversation(write):
    content = "Contact,Type,Message\nVera,Received,a\nIvo,Received,b\nVera,Sent,c\nIvo,Sent,d\n"
    corpus = Corpus.read(write("a.csv", content), names=True)
    assert [(m.thread, m.text) for m in corpus] == [("Vera", "a"), ("Vera", "c"), ("Ivo", "b"), ("Ivo", "d")]


def test_a_type_that_says_something_else_is_no_matter(write):
    assert said(write("a.csv", "type,from,text\nimage,Vera,a\ntext,Vera,b\n")) == [("Vera", "a"), ("Vera", "b")]
    assert said(write("a.csv", "type,from,text\nalpha,Vera,a\nbeta,me,b\n")) == [("Vera", "a"), ("me", "b")]


def test_two_words_that_may_mean_the_two_sides_are_asked_for_and_can_be_said(write):
    path = write("a.csv", "Contact,Type,Message\nVera,Kapott,a\nVera,Küldött,b\n")
    with pytest.raises(InputError, match="'kapott' or 'küldött'") as caught:
        said(path)
    assert "--from-me Type --me" in caught.value.hint
    assert said(path, from_me="Type", me="Küldött") == [("Vera", "a"), ("me", "b")]


SESSIONS = (
    "Chat Session,Message Date,Delivered Date,Read Date,Edited Date,Service,Type,Sender ID,Sender Name,Status,"
    "Replying to,Subject,Text,Attachment,Attachment type\n"
    "Vera Lund,2022-03-01 09:00:00,,,,SMS,Incoming,+15550100007,Vera Lund,Read,,,lunch at one?,,\n"
    "Vera Lund,2022-03-01 08:00:00,,,,SMS,Outgoing,,,Delivered,,,morning,,\n"
    "Trip,2022-03-01 10:00:00,,,,iMessage,Incoming,+15550100008,,Read,,,who drives,,\n"
    "Trip,2022-03-01 10:01:00,,,,iMessage,Notification,,,,,,Vera Lund named the conversation Trip,,\n"
    "Trip,2022-03-01 10:02:00,,,,iMessage,Outgoing,,,Read,,,,photo.jpg,image\n"
)


def test_a_phone_managers_fifteen_columns_need_no_option(write):
    corpus = Corpus.read(write("a.csv", SESSIONS), source="csv", names=True)
    found = [(m.thread, m.sender, m.timestamp.hour, m.text) for m in corpus]
    assert found == [
        ("Vera Lund", "me", 8, "morning"),
        ("Vera Lund", "Vera Lund", 9, "lunch at one?"),
        ("Trip", "+15550100008", 10, "who drives"),
    ]
    assert corpus.ledger.count("read", "notification") == corpus.ledger.count("read", "empty text") == 1


# -- who is who ------------------------------------------------------------------------------------------------------


def test_own_messages_without_a_sender_are_those_of_nobody_if_the_user_says_so(write):
    path = write("a.csv", "from,text\nVera,a\n,b\nIvo,c\n")
    with pytest.raises(InputError) as caught:
        said(path)
    assert "--me ''" in caught.value.hint
    assert said(path, me="") == [("Vera", "a"), ("me", "b"), ("Ivo", "c")]


def test_a_name_typed_on_two_systems_is_one_person(write):
    content = "thread,from,text\nNoe\u0308l,Noe\u0308l,a\nNo\u00ebl,No\u00ebl,b\nNo\u00ebl,me,c\n"
    found = list(CsvSource(write("a.csv", content)).rows())
    assert {row.sender for row in found} == {"No\u00ebl", "me"}
    assert {row.thread for row in found} == {"No\u00ebl"}
    assert said(write("b.csv", content), me="Noe\u0308l")[:2] == [("me", "a"), ("me", "b")]


@pytest.mark.parametrize("word", ["Me", "ME", " me "])
def test_me_is_me_in_any_case(write, word):
    assert said(write("a.csv", f"from,text\nVera,a\n{word},b\nme,c\n")) == [("Vera", "a"), ("me", "b"), ("me", "c")]


def test_where_the_user_is_somebody_else_me_is_a_name_like_any_other(write):
    path = write("a.csv", "from,text\nVera,a\nME,b\nme,c\n")
    assert said(path, me="Vera") == [("me", "a"), ("ME", "b"), ("me (not you)", "c")]
    corpus = Corpus.read(path, me="Vera")
    assert len({m.sender for m in corpus}) == 3


def test_where_a_column_says_whose_it_is_somebody_called_me_is_not_the_owner(write):
    corpus = Corpus.read(write("a.csv", "from,is_from_me,text\nme,0,a\nVera,1,b\n"), names=True)
    assert [(m.sender, m.is_from_me) for m in corpus] == [("me (not you)", False), ("me", True)]
