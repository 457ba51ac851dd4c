"""What a row is, if it is no message."""

import pyarrow as pa
import pytest

from wonderland_imessage.kinds import Special, look_like_tapbacks, looks_like_tapback, passed_over
from wonderland_imessage.verdicts import Verdicts

NOTHING = Special._make([None] * len(Special._fields))
EXTENSION = "com.apple.messages.MSMessageExtensionBalloonPlugin:0000000000:"


def kind(handle=1, **columns):
    passed = passed_over(NOTHING._replace(**columns), handle)
    return (passed.reason, passed.name) if passed else None


class TestMessages:
    @pytest.mark.parametrize("number", [None, 0, 2, 3])
    def test_plain_numbers(self, number):
        assert kind(associated_message_type=number) is None

    def test_a_link_preview_is_what_was_written(self):
        assert kind(balloon_bundle_id="com.apple.messages.URLBalloonProvider") is None

    def test_an_edited_message_is_one_whatever_else_it_says(self):
        assert kind(date_edited=5, associated_message_type=5) is None


class TestOthers:
    @pytest.mark.parametrize(
        ("number", "expected"),
        [
            (2000, ("tapback", "loved")),
            (2005, ("tapback", "questioned")),
            (2006, ("tapback", "emoji")),
            (2007, ("tapback", "sticker")),
            (3001, ("tapback removed", "liked")),
            (3007, ("tapback removed", "sticker")),
            (1000, ("sticker", "")),
            (4000, ("poll vote", "")),
            (2008, ("of unknown kind", "associated_message_type 2008")),
            (-1, ("of unknown kind", "associated_message_type -1")),
        ],
    )
    def test_associated_messages(self, number, expected):
        assert kind(associated_message_type=number) == expected

    @pytest.mark.parametrize(
        ("columns", "expected"),
        [
            ({"item_type": 1, "group_action_type": 0, "other_handle": 2}, ("group event", "participant added")),
            ({"item_type": 1, "group_action_type": 0, "other_handle": 1}, ("group event", "number changed")),
            ({"item_type": 1, "group_action_type": 1}, ("group event", "participant removed")),
            ({"item_type": 2}, ("group event", "renamed")),
            ({"item_type": 3, "group_action_type": 0}, ("group event", "left")),
            ({"item_type": 3, "group_action_type": 1}, ("group event", "icon changed")),
            ({"item_type": 3, "group_action_type": 2}, ("group event", "icon removed")),
            ({"item_type": 3, "group_action_type": 4}, ("group event", "background changed")),
            ({"item_type": 3, "group_action_type": 6}, ("group event", "background removed")),
            ({"item_type": 3, "group_action_type": 9}, ("of unknown kind", "item_type 3, action 9")),
            ({"item_type": 4, "share_status": 0}, ("location sharing", "started")),
            ({"item_type": 4, "share_status": 1}, ("location sharing", "stopped")),
            ({"item_type": 5}, ("audio message kept", "")),
            ({"item_type": 6}, ("SharePlay", "")),
            ({"item_type": 99}, ("of unknown kind", "item_type 99, action 0")),
        ],
    )
    def test_events(self, columns, expected):
        assert kind(**columns) == expected

    @pytest.mark.parametrize(
        ("balloon", "expected"),
        [
            ("com.apple.Handwriting.HandwritingProvider", ("app message", "handwriting")),
            (EXTENSION + "com.apple.messages.Polls", ("poll", "")),
            (EXTENSION + "test.example.game", ("app message", "another app")),
            (12345, ("app message", "another app")),  # the column has numeric affinity
        ],
    )
    def test_apps(self, balloon, expected):
        assert kind(balloon_bundle_id=balloon) == expected


class TestToldByColumnsAlone:
    @pytest.mark.parametrize(
        ("columns", "told"),
        [
            ({}, ()),
            ({"reply": 1, "is_forward": 1}, ("reply", "forwarded")),
            ({"balloon_bundle_id": "com.apple.messages.URLBalloonProvider"}, ("link",)),
            ({"associated_message_type": 2000}, "tapback"),
            ({"associated_message_type": 99}, "of unknown kind"),
            ({"balloon_bundle_id": EXTENSION + "com.apple.messages.Polls"}, "poll"),
        ],
    )
    def test_what_is_told(self, columns, told):
        verdicts = Verdicts()
        for _ in range(2):
            found = verdicts.of(tuple(NOTHING._replace(**columns)))
            assert getattr(found, "reason", found) == told

    @pytest.mark.parametrize(
        "columns",
        [
            {"item_type": 1},
            {"is_audio_message": 1},
            {"date_edited": 7},
            {"date_retracted": 7},
            {"subject": "Re"},
            {"schedule_type": 2},
            {"message_summary_info": b""},
            {"associated_message_type": 2000.0},  # equals 2000 and is another value
        ],
    )
    def test_what_takes_more_is_not_told(self, columns):
        verdicts = Verdicts()
        verdicts.of(tuple(NOTHING._replace(associated_message_type=2000)))
        assert verdicts.of(tuple(NOTHING._replace(**columns))) is None


class TestTapbacksSentAsText:
    @pytest.mark.parametrize(
        "text",
        [
            "Loved “see you there”",
            'Liked "ok"',
            "Laughed at “two\nlines”",
            "Emphasized an image",
            "Questioned a photo",
            "Removed a heart from “see you”",
            "Reacted 😂 to “that one”",
            "\u200a\u200b👍\u200b to “\u200asee you\u200a” ",
            "Removed 😂 from “that one”",
            "Reacted 1️⃣ to an image",
            "Reacted with a sticker to “that one”",
            "Reacted 👍🏽 to “curly…”",
            "❤️ to “ok”",
            "Le encantó “hola”",
            "Le gustó “hola”",
            "Le dio risa “hola”",
            "Exclamó por “hola”",
            "Dudó sobre “hola”",
            "Le encantó una imagen",
            "Reaccionó con 😂 a “hola”",
            "A adoré « à demain »",
            "A aimé «\u00a0à demain\u00a0»",
            "N’a pas aimé « bof »",
            "N'a pas aimé « bof »",
            "A réagi 😂 à « lol »",
            "A réagi avec 😂 à « lol »",
            "A retiré la réaction 😂 à « lol »",
        ],
    )
    def test_are_recognised(self, text):
        assert looks_like_tapback(text)
        assert look_like_tapbacks(pa.array([text, f"\n\x1c{text}"], pa.large_string())).tolist() == [True, True]

    @pytest.mark.parametrize(
        "text",
        [
            "Loved it",
            "Liked that “film” a lot",
            "Loved an image of it",
            "I Loved “Dune”",
            "to “x”",
            "Removed the lid from a jar",
            "Removed my coat from “the rack”",
            "Reacted badly to a bee",
            "Reacted badly to “no”",
            '... to "be"',
            "Liked a girl",
            "Le encantó la película",
            "A aimé ça",
            "J’ai adoré « le film »",
            "A réagi vite à « x »",
            "",
        ],
    )
    def test_and_what_people_write_is_not(self, text):
        assert not looks_like_tapback(text)
        assert look_like_tapbacks(pa.array([text], pa.large_string())).tolist() == [False]
