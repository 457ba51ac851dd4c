"""What the app wrote itself: placeholders for media, deleted messages, edits, in the languages we know.

Two signs need no language: the iPhone puts U+200E before everything that nobody typed, and Android writes placeholders
in angle brackets, one of them in a chat and often. The words below add what class it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from wonderland_exports.whatsapp.phrases import DELETED, DELETED_BY_ME, LIVE_LOCATION, MARKED, MEDIA, phrases

__all__ = [
    "NOTICES",
    "OWN_WHOLE",
    "WHOLE",
    "attachment",
    "deleted",
    "deleted_by_me",
    "edited",
    "instead",
    "kind_of_file",
    "kind_of_omitted",
    "omitted",
    "placeholder",
]


def _folded(phrases: Iterable[str]) -> frozenset[str]:
    return frozenset(phrase.casefold() for phrase in phrases)


def _written(phrases: Iterable[str]) -> frozenset[str]:
    """Phrases as apps write them, with and without a period."""
    return frozenset(form for phrase in phrases for form in (phrase, f"{phrase}."))


_OMITTED = {
    "image": phrases(
        "image omitted|Bild weggelassen|imagen omitida|image absente|imagem ocultada|imagem omitida|immagine omessa",
        "afbeelding weggelaten|görüntü dahil edilmedi|изображение отсутствует|bild utelämnad|画像は省略されました",
    ),
    "video": phrases(
        "video omitted|video weggelassen|video omitido|vídeo omitido|vidéo absente|video omesso|video weggelaten",
        "video dahil edilmedi|видео отсутствует|video note omitted|videonachricht weggelassen",
    ),
    "audio": phrases(
        "audio omitted|audio weggelassen|audio omitido|audio omis|áudio ocultado|áudio omitido|audio omesso",
        "audio weggelaten|ses dahil edilmedi|аудиофайл отсутствует",
    ),
    "sticker": phrases(
        "sticker omitted|sticker weggelassen|sticker omitido|sticker omis|figurinha omitida|sticker non incluso",
        "sticker weggelaten|çıkartma dahil edilmedi|стикер отсутствует",
    ),
    "GIF": phrases(
        "GIF omitted|GIF weggelassen|GIF omitido|GIF retiré|GIF esclusa|GIF weggelaten|GIF dahil edilmedi",
        "GIF отсутствует",
    ),
    "document": phrases(
        "document omitted|Dokument weggelassen|documento omitido|document manquant|documento omesso",
        "document weggelaten|belge dahil edilmedi|документ отсутствует",
    ),
    "contact": phrases(
        "Contact card omitted|Kontaktkarte ausgelassen|Tarjeta de contacto omitida|Fiche contact retirée",
        "Cartão do contato omitido|Scheda contatto omessa|Contactkaart weggelaten|Kişi kartı dahil edilmedi",
    ),
}
_BY_PHRASE = {phrase.casefold(): kind for kind, some in _OMITTED.items() for phrase in some}
_MARKED = {phrase.casefold(): kind for kind, some in MARKED.items() for phrase in some}
_MEDIA = frozenset(f"<{phrase}>" for phrase in MEDIA) | phrases(
    "<Media omitted>|<Medien ausgeschlossen>|<Multimedia omitido>|<Archivo omitido>|<Médias omis>|<Mídia oculta>",
    "<Arquivo de mídia oculto>|<Media omessi>|<Media weggelaten>|<Medya dahil edilmedi>|<Без медиафайлов>",
    "<pominięto multimedia>|<Media utelämnat>|<メディアなし>|<미디어 파일 제외>|<媒体已省略>|<تم استبعاد الوسائط>",
)
_DELETED_BY_ME = DELETED_BY_ME | phrases(
    "You deleted this message|Du hast diese Nachricht gelöscht|Eliminaste este mensaje|Vous avez supprimé ce message",
    "Você apagou esta mensagem|Hai eliminato questo messaggio|U hebt dit bericht verwijderd",
    "Je hebt dit bericht verwijderd|Bu mesajı sildiniz|Вы удалили данное сообщение",
)
_DELETED = (
    _DELETED_BY_ME
    | DELETED
    | phrases(
        "This message was deleted|Diese Nachricht wurde gelöscht|Se eliminó este mensaje|Ce message a été supprimé",
        "Mensagem apagada|Esta mensagem foi apagada|Questo messaggio è stato eliminato|Dit bericht is verwijderd",
        "Bu mesaj silindi|Данное сообщение удалено|Сообщение удалено|Ta wiadomość została usunięta",
        "This message was deleted by admin|تم حذف هذه الرسالة",
    )
)
_LIVE, _AROUND = _folded(LIVE_LOCATION), "\u200e. 。۔।"
_ANY_DELETED, _OWN_DELETED, _ANY_MEDIA = _folded(_DELETED), _folded(_DELETED_BY_ME), _folded(_MEDIA)
OWN_WHOLE = _written(_DELETED_BY_ME)
_STILL_TO_COME = _written(("Waiting for this message", "Waiting for this message. This may take a while"))
_VIEW_ONCE = "You received a view once message. For added privacy, you can only open it on your phone."
WHOLE = (
    _written(_DELETED | LIVE_LOCATION | frozenset().union(*_OMITTED.values())) | _STILL_TO_COME | {"null", _VIEW_ONCE}
)
"""Whole texts that the app writes, for a quick look; the functions below do not mind capitals."""

NOTICES = (
    "Messages and calls are end-to-end encrypted.",
    "Messages to this chat and calls are now secured with end-to-end encryption.",
    "Messages to this group are now secured with end-to-end encryption.",
    "Nachrichten und Anrufe sind Ende-zu-Ende-verschlüsselt.",
    "Los mensajes y las llamadas están cifrados de extremo a extremo.",
    "Les messages et les appels sont chiffrés de bout en bout.",
    "As mensagens e as chamadas são protegidas com a criptografia de ponta a ponta",
    "I messaggi e le chiamate sono crittografati end-to-end.",
    "ההודעות והשיחות מוצפנות מקצה לקצה",
)
"""How the notice begins that stands at the top of a chat. An editor may take off the mark by which it is told."""

_EDITED = re.compile(
    r"\s?\u200e?<(?:This message was edited|ההודעה נערכה|Messaggio modificato|Diese Nachricht wurde bearbeitet"
    r"|Se editó este mensaje"
    r"|Ce message a été modifié|Mensagem editada|Questo messaggio è stato modificato|Dit bericht is bewerkt"
    r"|Bu mesaj düzenlendi|Данное сообщение изменено)\.?>\Z",
    re.IGNORECASE,
)
_ATTACHED = re.compile(r"\u200e?<[^<>:\n]{2,30}: (?P<file>[^<>\n]{1,200}\.\w{2,5}) ?>")
_ANY_OMITTED = re.compile(r"<[^<>\n]{2,40} omitted>", re.IGNORECASE)
_POLL = re.compile(r"[^\W\d_]{3,15} ?:[\r\n]+[^\r\n]+(?:[\r\n]+[^\W\d_]{3,15} ?: [^\r\n]* \(\d+ [^()\r\n]+\))+")
_BEFORE_2018 = re.compile(r"(?P<file>\S{1,80}\.\w{2,5}) <[^<>\n]{4,20}>")
_NAMED = re.compile(r"\u200e?(?P<file>[^\r\n/]{1,200}\.\w{2,5}) \([^()\r\n]{4,40}\)(?:[\r\n]|\Z)")
_PHONE_MADE = re.compile(r"(?:IMG|VID|AUD|PTT|STK|DOC)-\d{8}-WA\d{4}\.")
_ATTACHED_WORDS = (
    "dosya ekli",
    "קובץ מצורף",
    "file attached",
    "datei angehängt",
    "archivo adjunto",
    "fichier joint",
    "arquivo anexado",
)
_KINDS = (
    ("sticker", r"STK|STICKER|\.webp"),
    ("GIF", r"GIF"),
    ("image", r"IMG|PHOTO|\.jpe?g|\.png"),
    ("video", r"VID|VIDEO|\.mp4|\.mov|\.3gp"),
    ("audio", r"AUD|PTT|AUDIO|\.opus|\.m4a|\.mp3|\.ogg"),
    ("contact", r"\.vcf"),
)


def deleted(text: str) -> bool:
    """Say whether a text only says that a message was deleted."""
    return text.strip(_AROUND).casefold() in _ANY_DELETED


def deleted_by_me(text: str) -> bool:
    """Say whether a text only says that the owner deleted a message."""
    return text.strip(_AROUND).casefold() in _OWN_DELETED


def placeholder(text: str) -> bool:
    """Say whether a text is a placeholder for media that is known by its words."""
    plain = text.casefold().replace("< ", "<").replace(" >", ">")
    return plain in _ANY_MEDIA or text == _VIEW_ONCE or _ANY_OMITTED.fullmatch(text) is not None


def instead(text: str) -> str | None:
    """Return the class of a whole text that the app writes where there is none; None of any other.

    >>> instead("live location shared"), instead("Waiting for this message"), instead("on my way")
    ('location', 'no text', None)
    """
    if text.strip(_AROUND).casefold() in _LIVE:
        return "location"
    if text in _STILL_TO_COME:
        return "no text"
    return "poll" if text.endswith(")") and _POLL.fullmatch(text) else None


def omitted(text: str) -> tuple[str, str] | None:
    """Return (class, what was typed) where a text ends in the iPhone's words for media that was left out."""
    start = text.rfind("\u200e")
    tail = text[start + 1 :]
    phrase = tail.casefold().strip().removesuffix(".")
    kind = _BY_PHRASE.get(phrase) or (_MARKED.get(phrase) if start >= 0 else None)
    if kind is None or (start < 0 and len(text) > 40):
        return None
    typed = text[: max(start, 0)].replace("\u200e", "").strip()
    return kind, "" if "•" in typed or kind == "document" else typed  # "name.pdf • 3 pages" is no caption


def attachment(text: str) -> tuple[str, str] | None:
    """Return (class, what was typed) where a text names a file that came with the export."""
    found = _ATTACHED.search(text) if ">" in text else None
    if found:
        typed = (text[: found.start()] + text[found.end() :]).strip()
        return kind_of_file(found["file"]), "" if "•" in typed else typed
    if found := _BEFORE_2018.fullmatch(text) if text.endswith(">") else None:
        return kind_of_file(found["file"]), ""
    found = _NAMED.match(text) if ")" in text else None
    if found and (_PHONE_MADE.search(found["file"]) or any(word in text.casefold() for word in _ATTACHED_WORDS)):
        return kind_of_file(found["file"]), text[found.end() :].strip()
    return None


def edited(text: str) -> str | None:
    """Return the text without the mark that it was edited; None if there is none."""
    plain = _EDITED.sub("", text) if text.endswith(">") else text
    return plain if plain != text else None


def kind_of_omitted(phrase: str) -> str | None:
    """Return the class of the iPhone's words for media that was left out."""
    return _BY_PHRASE.get(phrase.casefold()) or _MARKED.get(phrase.casefold())


def kind_of_file(file: str) -> str:
    """Return the class of a file that came with an export, by its name."""
    return next((kind for kind, signs in _KINDS if re.search(signs, file, re.IGNORECASE)), "document")
