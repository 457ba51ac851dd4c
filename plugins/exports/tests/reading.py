"""What the tests of every source ask: the planted answer is found, and damage never loses a row in silence."""

from collections import Counter

import wonderland as wl
from wonderland.errors import PluginError, WonderlandError
from wonderland.testing import check_source


def read(source, path, **options):
    """Return every item of a source and the source, with the law checked."""
    opened = source(path, **options)
    try:
        count = opened.count()
        items = list(opened.rows())
    except WonderlandError:
        getattr(opened, "close", list)()
        raise
    assert len(items) == count
    assert all(isinstance(item, wl.Message | wl.Skipped) for item in items)
    return items, opened


def messages(items):
    return [item for item in items if isinstance(item, wl.Message)]


def reasons(items):
    return Counter(item.reason for item in items if isinstance(item, wl.Skipped))


def finds_what_was_planted(source, planted, **options):
    """The texts and senders in their order, and every class of row with its count."""
    items, opened = read(source, planted.path, **options)
    found = messages(items)
    assert [m.text for m in found] == planted.texts
    assert [m.sender for m in found] == planted.senders
    assert [m.is_from_me for m in found] == [sender == "me" for sender in planted.senders]
    assert reasons(items) == planted.reasons
    assert len(items) == planted.rows
    return opened


def keeps_the_contract(source, planted):
    check_source(source, planted.path)


def survives(source, path, **options):
    """Read what was damaged: a refusal in words, or every row accounted for."""
    try:
        read(source, path, **options)
    except PluginError as error:
        raise AssertionError(str(error)) from error
    except WonderlandError as error:
        return error.message
    return None
