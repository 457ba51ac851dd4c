"""What every source here shares. A source is one module (or small package) that follows one pattern.

1. The class has ``name``, ``version`` and a docstring whose first line says what it reads. Its ``__init__`` takes the
   path and keyword options, each ``Annotated[type, "help"]``, and reads nothing.
2. ``sniff`` asks `peek` for the members that could be its own, looks at the `head` of one and answers from 0 to 1. An
   export of another messenger gets 0.
3. The first of ``count`` and ``rows`` opens the export with `open_export` and makes the *survey*: one pass that counts
   rows and senders and collects what all rows need (names of chats, order of day and month). Where the store states a
   count of its own, the survey checks it.
4. ``rows`` makes the second pass and yields exactly one `Message` or `Skipped` for each stored row. The sender of the
   owner's messages is `ME`; who that is, `find_owner` decides from the survey. Other senders are what identifies them
   best: a number in E.164, an id, else the name. Where most rows are a text and nothing else, ``blocks`` decides them
   together and yields columns (`wonderland_exports.frame.laying`), and ``rows`` takes them apart.
5. ``facts`` returns counts kept in a `Tally`, ``notes`` the sentences of the export (`Export.notes`) and its own.
6. A row that cannot be read is `Skipped` with ``failed=True``; a file that cannot be read is an `InputError`. JSON is
   read with `walk`, which refuses a file that was cut short unless the user says ``--partial``.
7. ``wonderland_exports.testing`` has a seeded generator of its exports with the known answer.

Names of chats serve as threads only behind a prefix that keeps chats of one name apart.
"""

from __future__ import annotations

from wonderland_exports.frame.escaped import NOT_UTF8, is_broken
from wonderland_exports.frame.files import Export, Member, encoding_of, head, must_be_utf8, open_export, peek
from wonderland_exports.frame.jsonstream import CUT, load, runs, walk
from wonderland_exports.frame.mojibake import Mender
from wonderland_exports.frame.owner import ME, find_owner, maybe_own
from wonderland_exports.frame.phones import e164
from wonderland_exports.frame.surveyed import Surveyed
from wonderland_exports.frame.tally import Tally
from wonderland_exports.frame.times import from_unix

__all__ = [
    "CUT",
    "ME",
    "NOT_UTF8",
    "Export",
    "Member",
    "Mender",
    "Surveyed",
    "Tally",
    "e164",
    "encoding_of",
    "find_owner",
    "from_unix",
    "head",
    "is_broken",
    "load",
    "maybe_own",
    "must_be_utf8",
    "open_export",
    "peek",
    "runs",
    "walk",
]
