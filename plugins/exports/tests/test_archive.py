"""Zip archives that nothing may be read from: refused with the reason, and only those."""

import zipfile

import pytest

from wonderland import plugins
from wonderland.corpus.source import choose_source
from wonderland.errors import InputError
from wonderland_exports.archive import Archive
from wonderland_exports.frame import open_export
from wonderland_exports.testing import make_telegram


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


def test_a_cut_archive_in_a_folder_is_not_passed_over(tmp_path, sound):
    (tmp_path / "chat.txt").write_text("hi")
    cut(sound)
    with pytest.raises(InputError, match=r"export\.zip is a damaged archive"):
        open_export(tmp_path, lambda name: name.endswith(".txt"))
