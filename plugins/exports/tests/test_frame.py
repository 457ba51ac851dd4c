"""What all sources share: archives are opened safely, JSON is read to its last byte, owners are found or asked for."""

import contextlib
import io
import json
import os
import random
import re
import zipfile
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import wonderland_exports.frame.archives as archives
import wonderland_exports.frame.files as files
from wonderland.errors import InputError, ResourceError
from wonderland_exports.discord import Discord
from wonderland_exports.frame import CUT, Member, find_owner, head, jsonstream, load, open_export, peek, walk
from wonderland_exports.frame.kept import Kept
from wonderland_exports.frame.window import Reader
from wonderland_exports.messenger import Messenger
from wonderland_exports.slack import Slack
from wonderland_exports.telegram import Telegram
from wonderland_exports.testing import make_discord, make_messenger, make_slack, make_telegram
from wonderland_exports.walking import run_rows, walk_list


@pytest.fixture(scope="module", autouse=True, params=[0, 1 << 26], ids=["walked", "parsed whole"])
def most_parsed_whole(request):
    """Everything here holds of small files, which are parsed whole, and of large ones, which are walked through."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("wonderland_exports.frame.jsonstream._WHOLE", request.param)
        yield request.param


def member(content, name="a.json"):
    content = content if isinstance(content, bytes) else json.dumps(content).encode()
    return Member(name, len(content), lambda: io.BytesIO(content))


def zipped(path, contents, **options):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, **options) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return path


def texts(name):
    return name.endswith(".txt")


# -- files -----------------------------------------------------------------------------------------------------------


def test_a_file_a_folder_and_an_archive_give_the_same_members(tmp_path):
    folder = tmp_path / "export"
    (folder / "in").mkdir(parents=True)
    for name, content in {"in/10.txt": "ten", "in/9.txt": "nine", "b.jpg": "x"}.items():
        (folder / name).write_text(content)
    archive = zipped(tmp_path / "export.zip", {"in/10.txt": "ten", "in/9.txt": "nine", "b.jpg": "x"})
    for path in (folder, archive):
        export = open_export(path, texts)
        assert [(m.name, m.size, m.read()) for m in export.members] == [
            ("in/9.txt", 4, b"nine"),
            ("in/10.txt", 3, b"ten"),
        ]
        export.close()
    (single,) = open_export(folder / "b.jpg", texts).members  # a file that was named is read, whatever its name
    assert (single.name, single.read()) == ("b.jpg", b"x")


def test_archives_in_a_folder_are_looked_into(tmp_path):
    zipped(tmp_path / "one.zip", {"a.txt": "1"})
    (tmp_path / "b.txt").write_text("2")
    assert [m.name for m in open_export(tmp_path, texts).members] == ["b.txt", "one.zip/a.txt"]
    assert [(m.name, m.read()) for m in peek(tmp_path, texts)] == [("b.txt", b"2"), ("one.zip/a.txt", b"1")]


def packed(contents, **options):
    """Return the bytes of an archive."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, **options) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return made.getvalue()


@pytest.mark.parametrize("folder", [False, True])
def test_archives_in_an_archive_are_looked_into_and_what_is_not_is_named(tmp_path, folder):
    deep = packed({"c.txt": "3", "deep.zip": packed({"d.txt": "4"})})
    held = {"b.txt": "2", "in/one.zip": deep, "no.zip": packed({"x.jpg": "5"}), "__MACOSX/._one.zip": b"\0"}
    zipped(tmp_path / "a.zip", held | {"torn.zip": deep[:-40]})
    where, before = (tmp_path, "a.zip/") if folder else (tmp_path / "a.zip", "")
    for _ in range(2):  # what an archive holds is remembered
        export = open_export(where, texts)
        wanted = [(f"{before}b.txt", b"2"), (f"{before}in/one.zip/c.txt", b"3")]
        assert (
            [(m.name, m.read()) for m in export.members] == wanted == [(m.name, m.read()) for m in peek(where, texts)]
        )
        assert export.notes == [
            f"{before}torn.zip was left out: it is no whole archive.",
            f"{before}in/one.zip/deep.zip was left out: it is an archive in an archive in an archive. If it is an "
            "export: Unpack it yourself and give the folder.",
        ]
        export.close()


def test_what_is_in_an_archive_in_an_archive_is_as_safe(tmp_path, monkeypatch):
    out = zipped(tmp_path / "out.zip", {"in.zip": packed({"../evil.txt": "x"})})
    with pytest.raises(InputError, match="leads out of the archive"):
        open_export(out, texts)
    monkeypatch.setattr(archives, "SMALL", 1 << 16)
    monkeypatch.setattr(files, "SMALL", 1 << 16)
    one = zipped(tmp_path / "bomb.zip", {"in.zip": packed({"a.txt": bytes(1 << 20)})})
    many = {f"{n}.zip": packed({f"{m}.txt": bytes(60_000) for m in range(n, n + 150)}) for n in range(20)}
    for path in (one, zipped(tmp_path / "many.zip", many)):
        with pytest.raises(InputError, match="made to fill a disk"):
            open_export(path, texts)
    large = zipped(tmp_path / "large.zip", {"in.zip": random.Random(0).randbytes(1 << 17)})
    with pytest.raises(InputError, match=r"in\.zip in it was not looked into: .* up to 0 MB") as caught:
        open_export(large, texts)
    assert "give the folder" in caught.value.hint


@pytest.mark.parametrize(
    ("raw", "name"), [("Żoë.txt".encode(), "Żoë.txt"), ("Zoë.txt".encode("cp437"), "Zoë.txt"), (b"Zoe.txt", "Zoe.txt")]
)
def test_a_name_that_is_utf_8_is_read_so_also_where_the_archive_does_not_say_it(raw, name, tmp_path):
    class Entry(zipfile.ZipInfo):
        def _encodeFilenameFlags(self):  # noqa: N802 - what zipfile asks
            return raw, 0

    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(Entry("x"), "hello")
    (one,) = open_export(tmp_path / "a.zip", texts).members
    assert (one.name, one.read()) == (name, b"hello")


@pytest.mark.parametrize("name", ["../evil.txt", "/etc/evil.txt", "a/../../evil.txt", "C:/evil.txt", "..\\evil.txt"])
def test_names_that_lead_out_of_an_archive_are_refused(tmp_path, name):
    archive = zipped(tmp_path / "a.zip", {name: "x"})
    with pytest.raises(InputError, match="leads out of the archive"):
        open_export(archive, texts)


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="no links here")
def test_a_link_out_of_a_folder_is_refused(tmp_path):
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "export").mkdir()
    (tmp_path / "export" / "a.txt").symlink_to(tmp_path / "secret.txt")
    with pytest.raises(InputError, match="link to a file outside"):
        open_export(tmp_path / "export", texts)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda path: path.symlink_to("nowhere"), "a.txt in .* is a link to a file that is not there"),
        (os.mkfifo, "a.txt in .* is no file that holds anything"),  # which would be waited for, without an end
    ],
)
def test_what_is_no_file_is_named_and_not_waited_for(tmp_path, make, why):
    make(tmp_path / "a.txt")
    with pytest.raises(InputError, match=why):
        open_export(tmp_path, texts)
    assert peek(tmp_path, texts) == []


def test_an_archive_that_would_fill_the_disk_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "SMALL", 1 << 16)
    bomb = zipped(tmp_path / "bomb.zip", {"a.txt": bytes(1 << 20)})
    with pytest.raises(InputError, match="made to fill a disk") as caught:
        open_export(bomb, texts)
    assert "unpack it yourself" in caught.value.hint
    many = zipped(tmp_path / "many.zip", {f"{n}.txt": bytes(60_000) for n in range(90)})
    with pytest.raises(InputError, match="made to fill a disk"):
        open_export(many, texts)
    honest = zipped(tmp_path / "honest.zip", {"a.txt": random.Random(0).randbytes(1 << 18)})
    assert open_export(honest, texts).members


def test_a_password_is_named(tmp_path):
    archive = zipped(tmp_path / "a.zip", {"a.txt": "x"})
    locked(archive)
    with pytest.raises(InputError, match="protected by a password") as caught:
        open_export(archive, texts)
    assert "Unpack it" in caught.value.hint
    assert peek(archive, texts) == []


def test_a_damaged_archive_is_said_when_it_is_read(tmp_path):
    archive = zipped(tmp_path / "a.zip", {"a.txt": random.Random(0).randbytes(5000)})
    raw = bytearray(archive.read_bytes())
    raw[1000:1100] = bytes(100)
    archive.write_bytes(raw)
    (one,) = open_export(archive, texts).members
    with pytest.raises(InputError, match="damaged inside its archive: it does not unpack to what was packed"):
        one.read()
    assert head(one) == b""


@pytest.mark.parametrize(("field", "wrong"), [(32, 200), (28, 134), (None, 52)], ids=["comment", "name", "size of all"])
def test_an_archive_whose_list_leaves_files_out_is_damaged(tmp_path, field, wrong):
    """Python's reader passes over entries without a word where a length in the list is wrong."""
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("a.json", "b.json", "c.json"):
            archive.writestr(name, "{}")
    with contextlib.ExitStack() as opened:
        assert len(list(archives.entries(path, lambda _: True, opened))) == 3
    raw = bytearray(path.read_bytes())
    at, end = raw.find(b"PK\x01\x02"), raw.find(b"PK\x05\x06")
    if field is None:
        raw[end + 12] -= wrong
    else:
        raw[at + field] = wrong
    path.write_bytes(raw)
    with zipfile.ZipFile(path) as archive:
        assert len(archive.namelist()) < 3
    with contextlib.ExitStack() as opened, pytest.raises(InputError, match="tells of 3 entries, and its list of files"):
        list(archives.entries(path, lambda _: True, opened))


def test_the_same_file_twice_is_read_once_and_said(tmp_path):
    for name, content in {
        "a.txt": "hello",
        "a (1).txt": "hello",
        "b.txt": "jello",
        "c.txt": "[]",
        "d.txt": "[]",
    }.items():
        (tmp_path / name).write_text(content)
    export = open_export(tmp_path, texts)
    assert [m.name for m in export.members] == ["a (1).txt", "b.txt", "c.txt", "d.txt"]
    assert export.notes == ["a.txt is the same file as a (1).txt; it was read once."]
    assert len(open_export(tmp_path, texts, once=False).members) == 5


def test_what_is_not_there_is_said(tmp_path):
    with pytest.raises(InputError, match="nothing at"):
        open_export(tmp_path / "missing", texts)
    with pytest.raises(InputError, match=r"no result\.json in"):
        open_export(tmp_path, texts, "result.json")
    if os.getuid():
        (tmp_path / "a.txt").write_text("x")
        (tmp_path / "a.txt").chmod(0)
        with pytest.raises(ResourceError, match="permission"):
            open_export(tmp_path, texts)


# -- JSON ------------------------------------------------------------------------------------------------------------

ACCOUNT = {"about": {"n": 1}, "chats": {"x": [], "list": [{"messages": [{"a": 1}, 2], "id": 5}, {"messages": []}]}}
WAYS = ("messages", "chats.list.*.messages")


def test_rows_and_everything_beside_the_way_to_them_come_with_their_paths():
    assert list(walk(member(ACCOUNT), WAYS)) == [
        (("about",), {"n": 1}),
        (("chats", "x"), []),
        (("chats", "list", 0, "messages", "*"), {"a": 1}),
        (("chats", "list", 0, "messages", "*"), 2),
        (("chats", "list", 0, "id"), 5),
    ]
    assert list(walk(member({"messages": [[1]]}), WAYS)) == [(("messages", "*"), [1])]
    assert load(member(ACCOUNT)) == ACCOUNT


def test_windows_may_end_anywhere(monkeypatch):
    content = json.dumps(
        {"messages": [{"t": 'é😀\\"{}[],:' * n, "n": n} for n in range(9)] + [123, True, None]}, indent=1
    )
    for raw in (content.encode(), content.encode("utf-16"), b"\xef\xbb\xbf" + content.encode(), ascii_json(content)):
        for chunk in (1, 2, 3, 7, 64, 1000):
            monkeypatch.setattr("wonderland_exports.frame.window._CHUNK", chunk)
            assert [row for _, row in walk(member(raw), WAYS)] == json.loads(content)["messages"]


NESTED = """{"id": 1, "messages": [
{"n": 1, "parts": [0,
{"t": "a}\\n,\\n{"},
{"t": ",\\n{"}], "more": {}},
{"n": 2, "big": 123456789012345678901234567890},
{"n": 3, "half": "\\ud83d"},
{"n": 4},
5,
{"n": 6}
], "end": true}"""


def test_rows_that_are_parsed_together_are_those_that_the_scanner_finds(monkeypatch):
    monkeypatch.setattr("wonderland_exports.frame.jsonstream._WHOLE", 0)
    found, real = [], Reader._at_once
    monkeypatch.setattr(Reader, "_at_once", lambda self: found.append(real(self)) or found[-1])
    for content in (NESTED, json.dumps(json.loads(NESTED), indent=1), NESTED.replace("\n", "")):
        for chunk in (1, 17, 60, 100, 150, 1000):
            monkeypatch.setattr("wonderland_exports.frame.window._CHUNK", chunk)
            assert list(walk(member(content.encode()), WAYS)) == [
                (("id",), 1),
                *((("messages", "*"), row) for row in json.loads(NESTED)["messages"]),
                (("end",), True),
            ]
    assert [{"n": 4}, 5] in found
    assert not any(part.get("t") for rows in found for part in rows if isinstance(part, dict))
    for broken in ("}", ",,", '"x": 1', "]"):
        content = member(NESTED.replace('{"n": 4}', broken).encode())
        told = []
        for at_once in (real, lambda self: []):
            monkeypatch.setattr(Reader, "_at_once", at_once)
            with pytest.raises(InputError, match="is not JSON from byte") as caught:
                list(walk(content, WAYS))
            told.append(caught.value.message)
            told.append([row for _, row in walk(content, WAYS, partial=True)])
        assert told[:2] == told[2:]


def ascii_json(content):
    return json.dumps(json.loads(content)).encode()


def test_a_file_cut_anywhere_is_refused_with_the_byte_or_kept_as_far_as_it_goes():
    raw = json.dumps({"id": 1, "messages": [{"t": "héllo 😀", "n": n} for n in range(4)]}, ensure_ascii=False).encode()
    for end in range(1, len(raw)):
        with pytest.raises(InputError, match=r"cut short.* at byte [\d,]+\.") as caught:
            list(walk(member(raw[:end]), WAYS))
        assert "--partial" in caught.value.hint
        *rows, (path, byte) = walk(member(raw[:end]), WAYS, partial=True)
        assert path == CUT
        assert byte <= end
        assert [row for path, row in rows if path[-1] == "*"] == [
            {"t": "héllo 😀", "n": n} for n in range(4) if raw[:end].count(b"}") > n and _separated(raw[:end], n)
        ]


def _separated(raw, n):
    """Whether the n-th row is followed by something, without which it might go on."""
    return raw.split(b"}")[n + 1] != b"" or raw.count(b"}") > n + 1


@pytest.mark.parametrize(
    ("raw", "byte"),
    [
        (b'{"messages": [1 2]}', 14),
        (b'{"messages": [{"a": 1}}', 22),
        (b'{"messages": []} x', 17),
        (b'{"messages": [nul]}        ....................', 14),
        (b'{"messages" [1]}', 11),
        (b"{1: 2}", 1),
        (b'{"messages": [' + b"[" * 100_000 + b"]" * 100_000 + b"]}", 14),
        (b'{"messages": [' + b"9" * 9000 + b"]}", 14),
        (b'{"messages": ["\x00 ................................."]}', 14),
    ],
)
def test_what_is_no_json_is_said_with_its_byte(raw, byte):
    with pytest.raises(InputError, match=rf"not JSON from byte {byte:,} on|begins at byte {byte:,}\."):
        list(walk(member(raw), WAYS))


def test_an_error_at_the_beginning_does_not_read_the_rest():
    class Endless(io.RawIOBase):
        read_so_far = 0

        def readable(self):
            return True

        def readinto(self, buffer):
            self.read_so_far += len(buffer)
            assert self.read_so_far < 1 << 24
            buffer[:] = b" " * len(buffer)
            buffer[:20] = b'{"messages": [1 : 2 '
            return len(buffer)

    with pytest.raises(InputError, match="not JSON from byte"):
        list(walk(Member("a", 1 << 40, Endless), WAYS))


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=20,
)


@settings(deadline=None)
@given(rows=st.lists(values, max_size=6), beside=values, indent=st.sampled_from([None, 1]))
def test_any_json_is_read_as_the_standard_library_reads_it(rows, beside, indent):
    raw = json.dumps({"beside": beside, "messages": rows}, indent=indent).encode()
    found = list(walk(member(raw), WAYS))
    assert found == [(("beside",), beside), *((("messages", "*"), row) for row in rows)]


@settings(deadline=None, max_examples=2 * settings().max_examples)
@given(data=st.data())
def test_damaged_json_is_refused_or_read_never_a_traceback(data):
    raw = bytearray(json.dumps(ACCOUNT).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = list(walk(member(bytes(raw)), WAYS))
    except InputError:
        return
    assert found is not None


# -- who is the owner ------------------------------------------------------------------------------------------------

SENDERS = {"Ada": 5, "Bo": 7, "+44 7700 900123": 1}


@pytest.mark.parametrize(
    ("me", "found"), [("Ada", "Ada"), (" aDA ", "Ada"), ("+447700900123", "+44 7700 900123"), ("u1", "u1")]
)
def test_the_owner_is_who_the_user_says(me, found):
    assert find_owner("x", SENDERS | {"u1": 1}, me) == {found}


def test_you_and_ones_own_name_are_one():
    assert find_owner("x", SENDERS | {"You": 3}, "Ada", own_words={"You"}) == {"Ada", "You"}
    assert find_owner("x", SENDERS | {"You": 3}, "You", own_words={"You"}) == {"You"}
    assert find_owner("x", SENDERS | {"You": 3}, None, own_words={"You"}) == {"You"}
    assert find_owner("x", SENDERS, None, known={"Bo"}) == {"Bo"}
    assert find_owner("x", {}, None) == frozenset()


def test_where_nothing_tells_the_owner_the_candidates_are_listed():
    with pytest.raises(InputError, match=r"x does not say which of its senders is you") as caught:
        find_owner("x", SENDERS, None)
    assert caught.value.hint == (
        "Say who you are, for example: --me Bo. "
        'Senders: Bo (7 messages), Ada (5 messages), "+44 7700 900123" (1 message).'
    )
    with pytest.raises(InputError, match="'Eve' sent no message in x"):
        find_owner("x", SENDERS, "Eve", known={"Ada"})


def test_a_name_two_senders_have_does_not_decide():
    names = {"u1": "Sam", "u2": "Sam", "u3": "Bo"}
    with pytest.raises(InputError, match="several senders") as caught:
        find_owner("x", {"u1": 1, "u2": 2, "u3": 9}, "Sam", names=names)
    assert "--me u2" in caught.value.hint
    assert find_owner("x", {"u1": 1, "u2": 2, "u3": 9}, "u1", names=names) == {"u1"}
    assert find_owner("x", {"u1": 1, "u2": 2, "u3": 9}, "Bo", names=names) == {"u3"}


@pytest.mark.parametrize(
    "content",
    [
        b"[12345678901234567890123]",
        b'{"messages": [-9223372036854775809]}',
        b'{"messages": ["\\ud83d", 1]}',
        b'\xef\xbb\xbf{"messages": [1]}',
        b'{"messages": [NaN, 1e400, -0.0, 18446744073709551615]}',
        '{"messages": ["x"]}'.encode("utf-16"),
    ],
)
def test_what_only_the_standard_library_reads_is_read_as_it_reads_it(content):
    found = [value for path, value in walk(member(content), WAYS) if path[-1:] == ("*",)]
    plain = json.loads(content.removeprefix(b"\xef\xbb\xbf"))
    assert repr(found) == repr(plain["messages"] if isinstance(plain, dict) else found)


def test_a_small_file_is_parsed_once_for_both_passes_and_let_go_of_at_the_end(tmp_path, monkeypatch, most_parsed_whole):
    (tmp_path / "a.json").write_text('{"messages": [1, 2]}')
    (tmp_path / "b.json").write_text('{"messages": [3]}')
    parsed = []
    real = jsonstream.orjson.loads
    monkeypatch.setattr(jsonstream.orjson, "loads", lambda raw: parsed.append(len(raw)) or real(raw))
    for most, times in ((100, 2), (25, 3), (0, 4)):
        export = open_export(tmp_path, lambda name: name.endswith(".json"))
        kept = Kept(most)
        export.members = tuple(replace(one, _kept=kept) for one in export.members)
        parsed.clear()
        for _ in range(2):
            assert [row for one in export.members for _, row in walk(one, WAYS)] == [1, 2, 3]
        assert len(parsed) == (times if most_parsed_whole else 0)
        kept.clear()
        assert not kept._made
        export.close()


def test_sources_read_the_same_of_a_file_parsed_whole_and_of_one_walked_through(tmp_path, monkeypatch):
    exports = [
        (Telegram, make_telegram(tmp_path / "result.json", 300, account=True).path, {}),
        (Messenger, make_messenger(tmp_path / "facebook", 300, layout="classic").path, {}),
        (Discord, make_discord(tmp_path / "discord", 200).path, {}),
        (Slack, make_slack(tmp_path / "slack.zip", 200).path, {}),
    ]
    for source, path, options in exports:
        found = []
        for whole in (0, 1 << 26):
            monkeypatch.setattr("wonderland_exports.frame.jsonstream._WHOLE", whole)
            opened = source(path, **options)
            found.append((opened.count(), list(opened.rows()), opened.facts()))
            opened.close()
        assert found[0] == found[1]
        assert found[0][0] > 100


def test_a_row_that_is_a_list_is_one_row(tmp_path):
    (tmp_path / "a.json").write_text('[[], [1, 2], {"a": 1}, [[3]]]')
    (one,) = open_export(tmp_path, lambda name: name.endswith(".json")).members
    assert list(walk_list(one)) == [(0, []), (1, [1, 2]), (2, {"a": 1}), (3, [[3]])]


@pytest.mark.parametrize("whole", [0, 1 << 26])
@pytest.mark.parametrize(
    ("content", "told"),
    [
        ({"chats": 5}, r"its 'chats' holds no list 'list\.\*\.messages'"),
        ({"chats": [{"messages": [1]}]}, r"its 'chats' holds no list 'list\.\*\.messages'"),
        ({"chats": {"list": {"0": {"messages": [1]}}}}, r"its 'chats\.list' holds no list '\*\.messages'"),
        ({"chats": {"list": [{"messages": [1]}, [1]]}}, r"its 'chats\.list\.1' holds no list 'messages'"),
        ({"chats": {"list": [{"messages": {"0": 1}}]}}, r"its 'chats\.list\.0' holds no list 'messages'"),
        ([{"messages": []}], "it holds no list 'messages'"),
    ],
)
def test_what_stands_on_the_way_to_rows_and_leads_to_none_is_refused(content, told, whole, monkeypatch):
    monkeypatch.setattr("wonderland_exports.frame.jsonstream._WHOLE", whole)
    with pytest.raises(InputError, match=told):
        list(run_rows(member(content), *WAYS))
    assert [path for path, _ in run_rows(member({"chats": {"list": None}, "about": 1}), *WAYS)] == [
        ("chats", "list"),
        ("about",),
    ]


def locked(archive):
    raw = bytearray(archive.read_bytes())
    raw[6] |= 1
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    archive.write_bytes(raw)


def torn(archive):
    raw = bytearray(archive.read_bytes())
    raw[60:90] = bytes(30)
    archive.write_bytes(raw)


UNREADABLE = {
    "password": lambda folder: locked(zipped(folder / "a.zip", {"a.txt": "x"})),
    "no archive": lambda folder: (folder / "a.zip").write_bytes(b"PK\x03\x04 cut"),
    "names that lead out": lambda folder: zipped(folder / "a.zip", {"../a.txt": "x"}),
    "damaged within": lambda folder: [
        torn(zipped(folder / f"a{n}.zip", {"a.txt": random.Random(n).randbytes(500)})) for n in range(5)
    ],
    "link to nothing": lambda folder: (folder / "a.txt").symlink_to("nowhere"),
    "link that leads out": lambda folder: (folder / "a.txt").symlink_to(__file__),
}


@pytest.mark.parametrize("make", UNREADABLE.values(), ids=UNREADABLE)
def test_what_cannot_be_read_hides_nothing_that_lies_beside_it(tmp_path, make):
    make(tmp_path)
    (tmp_path / "b.txt").write_text("2")
    zipped(tmp_path / "c.zip", {"c.txt": "3"})
    assert [(one.name, one.read()) for one in peek(tmp_path, texts)] == [("b.txt", b"2"), ("c.zip/c.txt", b"3")]
    refused = []
    try:
        export = open_export(tmp_path, texts)
    except InputError as error:
        refused = [error.message]
    else:
        export.leave_out([one for one in export.members if one.name not in ("b.txt", "c.zip/c.txt")])
        refused = [note for note in export.notes if "left out" in note]
        export.close()
    assert refused
    assert re.match(r"a\d?\.(zip|txt)", refused[0])
