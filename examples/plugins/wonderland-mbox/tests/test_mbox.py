"""E-mails become messages, and what is no message is said."""

from pathlib import Path

import wonderland as wl
from wonderland_mbox import Mbox

SAMPLE = Path(__file__).with_name("sample.mbox")


def test_replies_belong_to_the_conversation_and_quotations_are_left_out():
    first, reply, *_ = Mbox(SAMPLE).rows()
    assert (first.thread, first.sender, first.text) == ("Tea", "ada@example.org", "Are you free on Friday?")
    assert (reply.thread, reply.is_from_me, reply.text) == ("Tea", True, "Yes! At four?")
    assert reply.timestamp.utcoffset().total_seconds() == 7200


def test_headers_and_bodies_are_decoded():
    eve = list(Mbox(SAMPLE).rows())[2]
    assert (eve.thread, eve.text) == ("Café", "Le café est prêt.")


def test_html_and_mere_quotations_are_accounted_for():
    skipped = [row for row in Mbox(SAMPLE).rows() if isinstance(row, wl.Skipped)]
    assert [(row.id, row.reason) for row in skipped] == [
        ("mail 4", "no plain text"),
        ("mail 5", "nothing but a quotation"),
    ]


def test_who_the_owner_is_can_be_said_and_is_else_the_address_in_the_most_mails():
    guessed, said = Mbox(SAMPLE), Mbox(SAMPLE, me="Ada@example.org")
    assert [row.is_from_me for row in guessed.rows() if isinstance(row, wl.Message)] == [False, True, False]
    assert [row.is_from_me for row in said.rows() if isinstance(row, wl.Message)] == [True, False, False]
    assert "bob@example.org" in " ".join(guessed.notes())
    assert not list(said.notes())
