"""Lines that Messenger wrote and no person did: they stand among the messages as if their sender had typed them.

"Ada sent an attachment.", "Reacted 😂 to your message", "Liked a message": in the language of the account, with the
sender's full or first name, or "You". A line is taken for the app's if the rest after such a name is a phrase that is
known here and nothing else stands in the text. What would fool it: a line in a language or wording that is not here; it
stays a message. A person who types "You sent a photo." loses it.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Iterable, Sequence

__all__ = ["beginnings", "candidates", "line_of_the_app", "may_be_of_the_app"]

_YOU = ("You", "Du", "Sie", "Vous", "Tu", "Você", "Je", "U", "Hai", "Has", "Ha")

# What stands after the name. Classes of lines: what they are called in the ledger, and how they read.
_AFTER_A_NAME = {
    "line of the app: attachment": (
        # en
        r"sent (?:an?|\d+) (?:attachment|photo|video|voice message|sticker|GIF|link|file|location|live location)s?\.",
        r"sent a GIF from \w+\.",
        r"shared a (?:story|post|reel|link|location|photo|video|live location|contact)\.",
        # de
        r"(?:hat|hast|haben) (?:ein(?:e|en)?|\d+) (?:Anhang|Anhänge|Fotos?|Bild|Videos?|Sprachnachricht|Sticker|GIF|"
        r"Link|Datei|Standort) (?:gesendet|geteilt|verschickt)\.",
        # fr
        r"(?:a|as|avez) (?:envoyé|partagé) (?:une?|\d+) (?:pièces? jointes?|photos?|vidéos?|message vocal|sticker|"
        r"autocollant|GIF|lien|fichier|publication|story|position)\.",
        # es
        r"(?:ha enviado|envió|has enviado|enviaste|compartió|ha compartido) (?:una?|\d+) (?:archivos? adjuntos?|"
        r"fotos?|videos?|vídeos?|mensaje de voz|sticker|GIF|enlace|ubicación|publicación|historia)\.",
        # pt
        r"(?:enviou|enviaste|compartilhou) (?:uma?|\d+) (?:anexos?|fotos?|vídeos?|mensagem de voz|figurinha|GIF|link|"
        r"arquivo|localização|publicação|story)\.",
        # it
        r"(?:ha|hai) (?:inviato|condiviso) (?:un[ao']?|\d+)\s?(?:allegat[oi]|foto|video|messaggio vocale|adesivo|GIF|"
        r"link|file|posizione|post|storia)\.",
        # nl
        r"(?:heeft|hebt) (?:een|\d+) (?:bijlagen?|foto(?:'s)?|video(?:'s)?|spraakbericht|sticker|GIF|link|bestand) "
        r"(?:verzonden|verstuurd|gestuurd|gedeeld)\.",
        # pl, sv, da, tr, id
        r"(?:wysłał(?:a|\(a\)|eś|aś|eś\(aś\))?) (?:załącznik|zdjęcie|film|wiadomość głosową)\.",
        r"skickade (?:en bilaga|ett foto|en video|ett röstmeddelande)\.",
        r"sendte (?:en vedhæftet fil|et billede|en video|et vedlegg|et bilde)\.",
        r"bir (?:ek|fotoğraf|video|sesli mesaj) gönderd(?:i|in|iniz)\.",
        r"mengirim (?:lampiran|foto|video)\.",
    ),
    "line of the app: reaction": (
        r"reacted .{1,20} to (?:your|a|\S+(?: \S+)?'s|their|his|her) message\s?",
        r"liked a message\s?",
        r"(?:hat|hast) mit .{1,20} auf (?:deine|eine|Ihre) Nachricht reagiert\.?\s?",
        r"(?:a|avez) réagi .{1,30} à (?:votre|ton|un) message\s?\.?",
        r"a aimé un message\s?\.?",
        r"(?:reaccionó|ha reaccionado) (?:con )?.{1,20} a (?:tu|un) mensaje\s?\.?",
        r"reagiu (?:com )?.{1,20} à (?:sua|uma) mensagem\s?\.?",
        r"ha reagito .{1,30} al tuo messaggio\s?\.?",
    ),
    "line of the app: group": (
        r"named the group .{1,200}\.",
        r"(?:left|joined|created) the group\.",
        r"created (?:a|this) group(?: chat)?\.",
        r"(?:added|removed) .{1,300} (?:to|from) the group\.",
        r"(?:added .{1,100} as a group admin|removed .{1,100} as a group admin|made .{1,100} a group admin)\.",
        r"changed the (?:group photo|group name|chat theme|theme|chat colou?rs|chat photo)(?: to .{1,100})?\.",
        r"set the (?:emoji|quick reaction) to .{1,20}\.",
        r"set (?:the|his|her|their|your|its) (?:own )?nickname (?:for .{1,100} )?to .{1,100}\.",
        r"set (?:his|her|their|your) own nickname\.?",
        r"cleared (?:the|his|her|their|your) (?:own )?nickname(?: for .{1,100})?\.",
        r"(?:pinned|unpinned|unsent) a message\.",
        r"(?:created a poll: .{1,300}|voted for .{1,300}|changed (?:his|her|their|your) vote .{1,300})",
        r"turned (?:on|off) .{1,200}\.",
        r"(?:hat|hast) die Gruppe .{1,200}genannt\.",
        r"(?:hat|hast) die Gruppe (?:verlassen|erstellt)\.",
        r"(?:hat|hast) .{1,300} (?:zur Gruppe hinzugefügt|aus der Gruppe entfernt)\.",
        r"(?:hat|hast) (?:das Gruppenfoto|das Chatdesign|das Design) .{0,100}geändert\.",
        r"(?:a|avez) nommé le groupe .{1,200}\.",
        r"(?:a|avez) (?:quitté|créé) le groupe\.",
        r"(?:a|avez) ajouté .{1,300} au groupe\.",
        r"(?:salió del|abandonó el|creó el) grupo\.",
        r"(?:agregó|añadió) a .{1,300} al grupo\.",
        r"(?:saiu do|criou o) grupo\.",
        r"adicionou .{1,300} ao grupo\.",
        r"ha (?:lasciato|abbandonato|creato) il gruppo\.",
    ),
    "line of the app: call": (
        r"(?:called you|called .{1,100}|missed your (?:video )?(?:call|chat))\.",
        r"missed a (?:video )?(?:call|chat) (?:from|with) .{1,100}\.",
        r"(?:started|joined|ended) (?:a|an|the) (?:audio |video |group )?(?:call|chat)\.?",
        r"started sharing video\.",
        r"(?:hat|hast) (?:dich|.{1,100}) angerufen\.",
        r"(?:hat|hast) (?:deinen|einen) Anruf .{0,60}verpasst\.",
        r"(?:vous|t'|t’)\s?(?:a|as) appelée?(?:\(e\))?\.",
    ),
}
# Lines in which no name stands.
_ALONE = {
    "line of the app: reaction": (
        r"Liked a message\s?",
        r"Reacted .{1,20} to (?:your|a) message\s?",
        r"A aimé un message\s?",
        r"Curtiu uma mensagem\s?",
        r"Hat mit .{1,20} auf deine Nachricht reagiert\s?",
        r"A réagi .{1,30} à (?:votre|ton) message\s?",
        r"Reagiu com .{1,20} à sua mensagem\s?",
        r"Reaccionó con .{1,20} a tu mensaje\s?",
        r"Le ha gustado un mensaje\s?",
        r"Indicó que le gusta un mensaje\s?",
    ),
    "line of the app: call": (
        r"(?:The|Missed|Your) (?:audio|video) (?:call|chat)(?: ended)?\.?",
        r"(?:Audio|Video) (?:call|chat) ended\.?",
        r"The (?:video|audio)? ?(?:chat|call) ended\.",
    ),
    "line of the app: attachment": (
        r"Enviaste (?:un archivo adjunto|una foto|un video)\.",
        r"Hai inviato (?:un allegato|una foto|un video)\.",
    ),
    "line of the app: greeting": (
        r"You (?:are|can) now (?:connected on Messenger|message and call each other.{0,200})\.?",
        r".{1,80} and .{1,80} are now connected on Messenger\.",
        r"Say hi to your new Facebook friend, .{1,80}\.",
        r".{0,40}This poll is no longer available\.",
        r".{1,80}'s poll has multiple updates\.",
        r"Messages and calls are (?:secured|protected) with end-to-end encryption\..{0,300}",
    ),
}


def _compiled(table: dict[str, tuple[str, ...]]) -> list[tuple[str, re.Pattern[str]]]:
    return [(name, re.compile("|".join(f"(?:{one})" for one in lines))) for name, lines in table.items()]


_NAMED, _BARE = _compiled(_AFTER_A_NAME), _compiled(_ALONE)
_BEGINS = frozenset(("A ", "Au", "Cu", "En", "Ha", "In", "Le", "Li", "Me", "Mi", "Re", "Sa", "Th", "Vi", "Yo"))
_ENDINGS = ("connected on Messenger.", "no longer available.", "has multiple updates.")
"""How the lines in which no name stands begin, or else end."""


def line_of_the_app(text: str, sender: str, people: Iterable[str] = ()) -> str | None:
    """Return the class of a line that the app wrote, or None for what a person wrote.

    Args:
        text: The text of the row, repaired.
        sender: Whose row it is.
        people: The names of the others in the conversation.
    """
    if not may_be_of_the_app(text, beginnings(sender, tuple(people))) or len(text) > 600 or "\n" in text:
        return None
    for reason, pattern in _BARE:
        if pattern.fullmatch(text):
            return reason
    rest = _after_a_name(text, sender, people)
    if rest is None:
        return None
    for reason, pattern in _NAMED:
        if pattern.fullmatch(rest):
            return reason
    return None


def candidates(texts: Sequence[str], beginnings: Collection[str]) -> list[int]:
    """Return the places of the texts that `may_be_of_the_app`."""
    ends = _ENDINGS
    return [at for at, text in enumerate(texts) if text[:2] in beginnings or text.endswith(ends)]


def may_be_of_the_app(text: str, beginnings: Collection[str]) -> bool:
    """Say whether the app may have written a text; quick, and right to say yes too often."""
    return text[:2] in beginnings or text.endswith(_ENDINGS)


@functools.lru_cache(maxsize=4096)
def beginnings(sender: str, people: tuple[str, ...]) -> frozenset[str]:
    """Return the first two letters of all that a line of the app can begin with."""
    names = (name for name in (sender, *people, *_YOU) if name)
    return _BEGINS | {f"{start} "[:2] for name in names for start in (name, name.split(" ", 1)[0])}


def _after_a_name(text: str, sender: str, people: Iterable[str]) -> str | None:
    for name in (sender, *people):
        for start in (name, name.split(" ", 1)[0]):
            if start and text.startswith(f"{start} "):
                return text[len(start) + 1 :]
    first, _, rest = text.partition(" ")
    return rest if rest and first in _YOU else None
