"""What the app wrote itself: placeholders for media, deleted messages, edits, in the languages we know.

Two signs need no language: the iPhone puts U+200E before everything that nobody typed, and Android writes placeholders
in angle brackets, one of them in a chat and often. The words below add what class it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["OWN_WHOLE", "WHOLE", "attachment", "deleted", "deleted_by_me", "edited", "omitted", "placeholder"]


def _phrases(*lines: str) -> frozenset[str]:
    return frozenset(phrase for line in lines for phrase in line.split("|"))


def _folded(phrases: Iterable[str]) -> frozenset[str]:
    return frozenset(phrase.casefold() for phrase in phrases)


def _written(phrases: Iterable[str]) -> frozenset[str]:
    """Phrases as apps write them, with and without a period."""
    return frozenset(form for phrase in phrases for form in (phrase, f"{phrase}."))


_OMITTED = {
    "image": _phrases(
        "image omitted|Bild weggelassen|imagen omitida|image absente|imagem ocultada|imagem omitida|immagine omessa",
        "afbeelding weggelaten|görüntü dahil edilmedi|изображение отсутствует|bild utelämnad|画像は省略されました",
    ),
    "video": _phrases(
        "video omitted|video weggelassen|video omitido|vídeo omitido|vidéo absente|video omesso|video weggelaten",
        "video dahil edilmedi|видео отсутствует|video note omitted|videonachricht weggelassen",
    ),
    "audio": _phrases(
        "audio omitted|audio weggelassen|audio omitido|audio omis|áudio ocultado|áudio omitido|audio omesso",
        "audio weggelaten|ses dahil edilmedi|аудиофайл отсутствует",
    ),
    "sticker": _phrases(
        "sticker omitted|sticker weggelassen|sticker omitido|sticker omis|figurinha omitida|sticker non incluso",
        "sticker weggelaten|çıkartma dahil edilmedi|стикер отсутствует",
    ),
    "GIF": _phrases(
        "GIF omitted|GIF weggelassen|GIF omitido|GIF retiré|GIF esclusa|GIF weggelaten|GIF dahil edilmedi",
        "GIF отсутствует",
    ),
    "document": _phrases(
        "document omitted|Dokument weggelassen|documento omitido|document manquant|documento omesso",
        "document weggelaten|belge dahil edilmedi|документ отсутствует",
    ),
    "contact": _phrases(
        "Contact card omitted|Kontaktkarte ausgelassen|Tarjeta de contacto omitida|Fiche contact retirée",
        "Cartão do contato omitido|Scheda contatto omessa|Contactkaart weggelaten|Kişi kartı dahil edilmedi",
    ),
}
_BY_PHRASE = {phrase.casefold(): kind for kind, phrases in _OMITTED.items() for phrase in phrases}
_MEDIA = _phrases(
    "<Media omitted>|<Medien ausgeschlossen>|<Multimedia omitido>|<Archivo omitido>|<Médias omis>|<Mídia oculta>",
    "<Arquivo de mídia oculto>|<Media omessi>|<Media weggelaten>|<Medya dahil edilmedi>|<Без медиафайлов>",
    "<pominięto multimedia>|<Media utelämnat>|<メディアなし>|<미디어 파일 제외>|<媒体已省略>|<تم استبعاد الوسائط>",
)
_DELETED_BY_ME = _phrases(
    "You deleted this message|Du hast diese Nachricht gelöscht|Eliminaste este mensaje|Vous avez supprimé ce message",
    "Você apagou esta mensagem|Hai eliminato questo messaggio|U hebt dit bericht verwijderd",
    "Je hebt dit bericht verwijderd|Bu mesajı sildiniz|Вы удалили данное сообщение",
)
_DELETED = _DELETED_BY_ME | _phrases(
    "This message was deleted|Diese Nachricht wurde gelöscht|Se eliminó este mensaje|Ce message a été supprimé",
    "Mensagem apagada|Esta mensagem foi apagada|Questo messaggio è stato eliminato|Dit bericht is verwijderd",
    "Bu mesaj silindi|Данное сообщение удалено|Сообщение удалено|Ta wiadomość została usunięta",
    "This message was deleted by admin|تم حذف هذه الرسالة",
)
_ANY_DELETED, _OWN_DELETED, _ANY_MEDIA = _folded(_DELETED), _folded(_DELETED_BY_ME), _folded(_MEDIA)
OWN_WHOLE = _written(_DELETED_BY_ME)
WHOLE = _written(_DELETED) | _written(phrase for phrases in _OMITTED.values() for phrase in phrases) | {"null"}
"""Whole texts that the app writes, for a quick look; the functions below do not mind capitals."""

_EDITED = re.compile(
    r"\s?\u200e?<(?:This message was edited|Diese Nachricht wurde bearbeitet|Se editó este mensaje"
    r"|Ce message a été modifié|Mensagem editada|Questo messaggio è stato modificato|Dit bericht is bewerkt"
    r"|Bu mesaj düzenlendi|Данное сообщение изменено)>\Z",
    re.IGNORECASE,
)
_ATTACHED = re.compile(r"\u200e?<[^<>:\n]{2,30}: (?P<file>[^<>\n]{1,200}\.\w{2,5}) ?>")
_BEFORE_2018 = re.compile(r"(?P<file>\S{1,80}\.\w{2,5}) <[^<>\n]{4,20}>")
_NAMED = re.compile(r"\u200e?(?P<file>[^\n/]{1,200}\.\w{2,5}) \([^()\n]{4,40}\)(?:\n|\Z)")
_PHONE_MADE = re.compile(r"(?:IMG|VID|AUD|PTT|STK|DOC)-\d{8}-WA\d{4}\.")
_ATTACHED_WORDS = ("file attached", "datei angehängt", "archivo adjunto", "fichier joint", "arquivo anexado")
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
    return text.strip("\u200e. ").casefold() in _ANY_DELETED


def deleted_by_me(text: str) -> bool:
    """Say whether a text only says that the owner deleted a message."""
    return text.strip("\u200e. ").casefold() in _OWN_DELETED


def placeholder(text: str) -> bool:
    """Say whether a text is a placeholder for media that is known by its words."""
    return text.casefold() in _ANY_MEDIA


def omitted(text: str) -> tuple[str, str] | None:
    """Return (class, what was typed) where a text ends in the iPhone's words for media that was left out."""
    start = text.rfind("\u200e")
    tail = text[start + 1 :]
    kind = _BY_PHRASE.get(tail.casefold().strip())
    if kind is None or (start < 0 and len(text) > 40):
        return None
    typed = text[: max(start, 0)].replace("\u200e", "").strip()
    return kind, "" if "•" in typed or kind == "document" else typed  # "name.pdf • 3 pages" is no caption


def attachment(text: str) -> tuple[str, str] | None:
    """Return (class, what was typed) where a text names a file that came with the export."""
    found = _ATTACHED.search(text) if ">" in text else None
    if found:
        typed = (text[: found.start()] + text[found.end() :]).strip()
        return _kind(found["file"]), "" if "•" in typed else typed
    if found := _BEFORE_2018.fullmatch(text) if text.endswith(">") else None:
        return _kind(found["file"]), ""
    found = _NAMED.match(text) if ")" in text else None
    if found and (_PHONE_MADE.search(found["file"]) or any(word in text.casefold() for word in _ATTACHED_WORDS)):
        return _kind(found["file"]), text[found.end() :].strip()
    return None


def edited(text: str) -> str | None:
    """Return the text without the mark that it was edited; None if there is none."""
    plain = _EDITED.sub("", text) if text.endswith(">") else text
    return plain if plain != text else None


def _kind(file: str) -> str:
    return next((kind for kind, signs in _KINDS if re.search(signs, file, re.IGNORECASE)), "document")
