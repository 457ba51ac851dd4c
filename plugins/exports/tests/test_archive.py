"""Zip archives that nothing may be read from: refused with the reason, and only those."""

import zipfile

import pytest

import wonderland as wl
from wonderland import plugins
from wonderland.cli.main import run
from wonderland.corpus.source import choose_source
from wonderland.errors import InputError
from wonderland_exports.archive import Archive
from wonderland_exports.frame import open_export, peek
from wonderland_exports.testing import make_discord, make_telegram, make_whatsapp
from wonderland_exports.whatsapp import WhatsApp


def zipped(path, **contents):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return path


@pytest.fixture
def sound(tmp_path):
    """An archive with an export of Telegram."""
    export = make_telegram(tmp_path / "result.json", 20, account=False, hard=False).path
    return zipped(tmp_path / "export.zip", **{"result.json": export.read_bytes()})


def cut(path):
    path.write_bytes(path.read_bytes()[:-200])
    return path


BROKEN = {
    "stands at the end, is not there": lambda folder, sound: cut(sound),
    "There is no file in": lambda folder, sound: zipped(folder / "a.zip"),
    "whose name leads out": lambda folder, sound: zipped(folder / "a.zip", **{"../result.json": "{}"}),
    "would unpack to": lambda folder, sound: zipped(folder / "a.zip", **{"result.json": bytes(1 << 27)}),
}


@pytest.mark.parametrize("reason", BROKEN)
def test_the_reason_is_said(tmp_path, sound, reason):
    path = BROKEN[reason](tmp_path, sound)
    chosen = choose_source(path, plugins.load().sources)
    assert chosen is Archive
    with pytest.raises(InputError, match=reason) as caught:
        chosen(path).count()
    assert caught.value.hint
    with pytest.raises(InputError, match=reason):
        list(chosen(path).rows())


def test_a_sound_archive_is_left_to_others(tmp_path, sound):
    assert Archive.sniff(sound) == 0
    assert choose_source(sound, plugins.load().sources).name == "telegram"
    other = zipped(tmp_path / "other.zip", **{"notes.bin": b"\x00"})
    with pytest.raises(InputError, match="No source recognises"):
        choose_source(other, plugins.load().sources)
    with pytest.raises(InputError, match="no source says"):
        Archive(other).count()


@pytest.mark.parametrize("name", ["missing.zip", "text.txt", "folder"])
def test_what_is_no_archive_is_none(tmp_path, name):
    (tmp_path / "text.txt").write_text("PS: hi")
    (tmp_path / "folder").mkdir()
    assert Archive.sniff(tmp_path / name) == 0
    with pytest.raises(InputError, match="is no zip archive") as caught:
        Archive(tmp_path / name).count()
    assert "Leave --source out" in caught.value.hint


def texts(name):
    return name.endswith(".txt")


def test_of_a_folder_a_damaged_archive_is_left_out_and_named(tmp_path, sound):
    (tmp_path / "chat.txt").write_text("hi")
    cut(sound)
    (tmp_path / "files.zip").write_bytes(b"half-loaded")
    no_list = zipped(tmp_path / "no-list.zip", **{"b.txt": "x"})  # which ends as an archive does
    no_list.write_bytes(no_list.read_bytes().replace(b"PK\x01\x02", b"PK\x01\x03"))
    (tmp_path / "._export.zip").write_bytes(b"\x00\x05\x16\x07" + bytes(99))  # what a Mac leaves beside a copy
    for once in (True, False):
        export = open_export(tmp_path, texts, once=once)
        assert [member.name for member in export.members] == ["chat.txt"]
        assert export.notes == [
            f"{name}.zip was left out: it is no whole archive." for name in ("export", "files", "no-list")
        ]
    assert [member.name for member in peek(tmp_path, texts)] == ["chat.txt"]


def test_a_damaged_archive_is_refused_where_nothing_is_beside_it(tmp_path, sound):
    cut(sound)
    (tmp_path / "photo.jpg").write_bytes(b"x")
    with pytest.raises(
        InputError, match=r"export\.zip in .* is no whole archive, and there is no chat beside"
    ) as caught:
        open_export(tmp_path, texts, "chat")
    assert caught.value.hint
    with pytest.raises(InputError, match=r"export\.zip is a damaged archive"):
        open_export(sound, texts)


def test_a_folder_that_holds_a_damaged_archive_is_read_and_its_note_told(tmp_path):
    export = make_whatsapp(tmp_path / "WhatsApp Chat with Bo.txt", 30)
    (tmp_path / "00000012-files.zip").write_bytes(b"half-loaded")
    assert choose_source(tmp_path, plugins.load().sources) is WhatsApp
    opened = WhatsApp(tmp_path)
    assert opened.count() == export.rows
    assert opened.notes()[0] == "00000012-files.zip was left out: it is no whole archive."


@pytest.mark.parametrize("name", ["", ".", "/", "e", "\\"])
def test_an_entry_without_a_name_is_damage_and_no_crash(tmp_path, name):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("e", "x")
    raw = path.read_bytes()
    (tmp_path / "a.zip").write_bytes(raw.replace(b"e", name.encode()) if name else nameless(raw))
    for source in plugins.load().sources.values():
        assert 0 <= source.sniff(path) <= 1
    assert Archive.sniff(path) == (0 if name == "e" else 0.05)


def nameless(raw):
    """Take its one-letter name from the only entry of an archive."""
    raw = bytearray(raw)
    listed = raw.index(b"PK\x01\x02")
    raw[listed + 28], raw[26] = 0, 0
    del raw[listed + 46], raw[30]
    end = raw.index(b"PK\x05\x06")
    raw[end + 12] -= 1
    raw[end + 16] -= 1
    return bytes(raw)


def test_what_fails_in_an_unforeseen_way_is_damage(sound, monkeypatch):
    for error in (IndexError("x"), ValueError("x")):
        monkeypatch.setattr("wonderland_exports.archive.open_export", raising(error))
        assert Archive.sniff(sound) == 0.05
        with pytest.raises(InputError, match="damaged archive: x"):
            Archive(sound).count()


def raising(error):
    def fail(*args, **options):
        raise error

    return fail


def test_a_cut_archive_of_stored_texts_is_no_text(tmp_path):
    chat = make_whatsapp(tmp_path / "WhatsApp Chat with Bo.txt", 30).path
    path = tmp_path / "half.zip"
    with zipfile.ZipFile(path, "w") as archive:  # stored as it is, so that its first bytes hold lines of the chat
        archive.writestr("_chat.txt", "\n" + chat.read_text("utf-8"))
    path.write_bytes(path.read_bytes()[:600])
    assert {name: source.sniff(path) for name, source in plugins.load().sources.items() if source.sniff(path)} == {
        "archive": 1.0
    }
    with pytest.raises(InputError, match="damaged archive"):
        WhatsApp(path).count()


def test_what_is_wrong_with_an_archive_is_said_whatever_options_are_given(sound, tmp_path, monkeypatch, capsys):
    cut(sound)
    monkeypatch.chdir(tmp_path)
    for options in ([], ["--partial"], ["--me", "Ada"]):
        assert run(["extract", str(sound), *options]) == 3
        assert "no whole zip archive" in capsys.readouterr().err
    assert run(["extract", str(sound), "--partail"]) == 2  # which no source has
    assert "Did you mean --partial?" in capsys.readouterr().err
    with pytest.raises(InputError, match="no whole zip archive"):
        wl.Corpus.read(sound, partial=True)
    assert not (tmp_path / "me.wonderland").exists()


DAMAGED = {
    "discord": "channel.json",
    "google-chat": "Takeout/Google Chat/Groups/DM 1/messages.json",
    "imazing": "Messages - Bo.csv",
    "messenger": "messages/Bo_1.json",
    "sms": "sms-1.xml",
    "signal": "main.jsonl",
    "whatsapp": "_chat.txt",
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_file_that_is_damaged_inside_its_archive_is_not_said_to_be_another_apps(name, tmp_path):
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(DAMAGED[name], "some words " * 99)
    raw = bytearray(path.read_bytes())
    at = 30 + len(DAMAGED[name])  # where its content begins
    raw[at : at + 4] = b"\xff" * 4
    path.write_bytes(raw)
    with pytest.raises(InputError, match="is damaged inside its archive"):
        wl.Corpus.read(path, source=name)


def test_a_damaged_file_beside_sound_ones_is_refused_and_in_a_folder_left_out(tmp_path):
    half = make_discord(tmp_path / "half.zip", 60).path
    with zipfile.ZipFile(half) as archive:
        second = archive.infolist()[1]
    raw = bytearray(half.read_bytes())
    at = second.header_offset + 30 + len(second.filename.encode())
    raw[at : at + 8] = b"\xff" * 8
    half.write_bytes(raw)
    with pytest.raises(InputError, match="is damaged inside its archive"):
        wl.Corpus.read(half, source="discord")
    notes = wl.Corpus.read(tmp_path, source="discord", me="Bo").notes
    assert [note for note in notes if "left out" in note] == [
        f"half.zip/{second.filename} was left out: it is damaged inside its archive."
    ]
