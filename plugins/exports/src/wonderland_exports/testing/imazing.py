"""CSV files of iMazing with a known answer."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from wonderland_exports.testing.known import Known, Letters, Said
from wonderland_exports.testing.writing import write

__all__ = ["make_imazing"]

_LINE = (
    "Chat Session,Message Date,Delivered Date,Read Date,Edited Date,Service,Type,Sender ID,Sender Name,Status,"
    "Replying to,Subject,Text,Reactions,Attachment,Attachment type"
)
_COLUMNS = _LINE.split(",")
_OTHERS: tuple[tuple[str, dict[str, str]], ...] = (
    ("notice of the app", {"Type": "Notification", "Text": "You named the conversation."}),
    ("attachment only", {"Attachment": "IMG_1.HEIC", "Attachment type": "Image"}),
    ("no text", {}),
)


def make_imazing(path: Path, rows: int = 80, seed: int = 0, *, rare: bool = False) -> Known:
    """Write two conversations with about so many rows; a zip if the path ends so, else a folder.

    ``rare`` adds records that cannot be read, and a second file of one of the conversations.
    """
    random = Random(seed)  # noqa: S311 (no secret)
    known, letters, files = Known(Path(path), "me"), Letters(random), {}
    for thread, people, tags in (
        ("Ada", ["+15550100001"], ()),
        ("Ada & Zoë", ["+15550100001", "zoe@x.example"], ("group",)),
    ):
        lines, moment = io.StringIO(), datetime(2024, 5, 1, 12, tzinfo=UTC)
        table = csv.DictWriter(lines, _COLUMNS, restval="")
        table.writeheader()
        for index in range(max(rows // 2, 12)):
            moment += timedelta(seconds=random.randint(1, 10**5))
            sender = people[index % len(people)] if index % 3 else "me"
            row = {"Chat Session": thread, "Message Date": moment.strftime("%Y-%m-%d %H:%M:%S"), "Service": "iMessage"}
            row |= {"Type": "Outgoing"} if sender == "me" else {"Type": "Incoming", "Sender ID": sender}
            if index < 2 * len(_OTHERS):
                reason, columns = _OTHERS[index % len(_OTHERS)]
                known.other(reason)
                row |= columns
            else:
                row["Text"], more = letters.text(), ("sms",) if index % 5 == 4 else ()
                row["Service"] = "SMS" if more else "iMessage"
                milliseconds = round(moment.replace(tzinfo=None).timestamp() * 1000)
                known.message(Said(thread, sender, milliseconds, row["Text"], (*tags, *more)))
            table.writerow(row)
        text = lines.getvalue()
        content = ("\ufeff" + text).encode()
        if rare:
            first, *_ = text.split("\r\n", 1)
            of = f"{thread},2024-05-01 11:00:00,,,,iMessage"
            content += (
                f"{of},Hologram,,,,,,x,,,\r\n".encode() + f"{of},Incoming,+1555,,,,,caf".encode() + b"\xe9,,,\r\n"
            )
            content += b"one cell\r\n"
            for reason in ("of an unknown type", "not UTF-8", "wrong number of cells"):
                known.other(reason)
            if not tags:
                again = next(line for line in text.split("\r\n")[1:] if "Notification" in line)
                files[f"Messages - {thread} (2).csv"] = f"\ufeff{first}\r\n{again}\r\n".encode()
                known.other("in two files, counted once")
        files[f"Messages - {thread}.csv"] = content
    write(known.path, dict(files))
    return known
