"""The pictures of an audit. No text of a message and no secret is in them, only counts, ranks and intervals.

The file is long because a picture stands beside all of its words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from wonderland.audit.completion import TRIES
from wonderland.audit.found import NOT_RANKED, is_ranked, tries_told
from wonderland.audit.measured import Measured
from wonderland.audit.people import who_has_no_row
from wonderland.estimate import Estimate
from wonderland.report.schema import (
    Axis,
    Bar,
    Bars,
    Block,
    Column,
    Curve,
    Lines,
    Panel,
    Panels,
    Quoted,
    Row,
    Table,
    View,
    Wording,
    told_p,
    with_bounds,
)
from wonderland.report.schema.numbers import counted

__all__ = ["views"]

_NOT_SHOWN = "That these tests draw nothing out does not show that nothing can be drawn out."
_PLACES = {
    "training text": "the training text",
    "generations": "what was sampled",
    "generations, also in training": "what was sampled and the training text, the same ones",
    "report": "the report",
}
_PARTS = (("training", "training"), ("held-out", "held out"))
_WAYS = {
    "this model, the message alone": "{}",
    "this model, behind earlier messages": "{}, in a window",
    "a trigram, the message alone": "n-gram, {}",
    "an untrained model, the message alone": "untrained, {}",
}
"""How a message was put before a model, in words, and by which name its counts are kept; "{}" is the part."""


def views(of: Measured) -> list[View]:
    """Return the views of an audit: those of parts that were examined."""
    made = [_completion(of), _secrets(of), _people(of), _membership(of), _tokens(of)]
    return [view for view in made if view is not None]


def _completion(of: Measured) -> View | None:
    if not of.completion:
        return None
    parts = ["training", "held out"]
    shares = {**of.completion, **{f"{part}, in a window": one for part, one in of.in_window.items()}}
    bars = {
        way: Estimate.stacked([_percent(shares[name.format(part)]) for part in parts]) for way, name in _WAYS.items()
    }
    figure = Bars.by_place(parts, bars, Axis("completed word for word", "% of messages"), aside=[])
    counts = {
        way: Wording(" · ".join(f"{k:,} of {n:,} {part}" for part, (k, n) in _of_parts(of.hits, name)))
        for way, name in _WAYS.items()
    }
    more = {way: of.fisher[name] for way, name in zip(_WAYS, ("alone", "in a window"), strict=False)}
    near = {name: Wording(f"{k:,} of {n:,}") for name, (k, n) in of.near.items()}
    tries = {
        f"{name}: sampled {'once' if n == 1 else f'{n:,} times'}": _percent(one[i])
        for name, one in of.discoverable.items()
        for i, n in enumerate(TRIES.tolist())
        if n in (1, 1_000, 1_000_000)
    }
    sampled = {f"in the {name} text": of.generated[key] for name, key in _PARTS if key in of.generated}
    aside = [
        Block("Messages completed word for word", rows=Row.each(counts)),
        Block(
            "Training above held out",
            "One-sided Fisher test.",
            rows=Row.each({way: Wording(told_p(p)) for way, p in more.items()}),
        ),
        Block(
            "Completed nearly word for word", "Of the messages whose rest the model finds likeliest.", Row.each(near)
        ),
        Block(
            "How often a completed message stands in the training text",
            rows=Row.each({row["said"]: row["hits"] for row in of.eidetic}),
        ),
        Block(
            "How often must one sample?",
            "The model is sampled so many times for the rest of a message. Share of messages whose rest then comes up "
            "at least once, with a probability of 90% (% of messages); (n, p)-discoverable in papers.",
            rows=Row.each(tries),
        ),
        Block(
            "What the model says by itself",
            f"{counted(of.generated.get('messages', 0), 'message')} of eight tokens or more came up when the model was "
            "sampled without a prompt. So many of them stand, word for word,",
            rows=Row.each(sampled),
        ),
    ]
    (training, held_out) = (of.hits[name][1] for name in ("training", "held out"))
    return View(
        "audit-completion",
        "Verbatim completion",
        replace(figure, aside=aside),
        subtitle="How many messages does the model finish exactly as they were written, from their first tokens?",
        caption="The model is given the first four tokens of a message and goes on with its likeliest token each time "
        "(greedy decoding): of the message alone, after the token of its speaker, and again behind the messages that "
        f"stood before it. Share of messages it finishes word for word, of those with at least eight tokens; n = "
        f"{training:,} training and {held_out:,} held-out messages alone. 95% intervals: the wider of a bootstrap "
        "over conversations and of Clopper and Pearson. One-sided Fisher test of training against held out, the "
        f"message alone: {told_p(of.fisher['alone'])}.",
        how_to_read="Held-out messages were never read, so what is completed of them is common phrases: that is the "
        "chance level. The trigram is a table of counts of other conversations. What lies above both was learned by "
        "heart.",
        misleads=f"{_NOT_SHOWN} Other prompts or access to the weights may draw out more.",
        order=160,
    )


def _of_parts(of: Mapping[str, Sequence[int]], name: str) -> list[tuple[str, Sequence[int]]]:
    return [(part, of[name.format(part)]) for part in ("training", "held out")]


def _secrets(of: Measured) -> View:
    heads = [
        Column("number", "Secret", help="Its number, those said most often first; the secret itself is nowhere here."),
        Column("kind", "Kind", help="What it is by its shape: a phone number, a code, an address."),
        Column("times", "Times said", help="How often it stands in the training text; a count."),
        Column(
            "bits",
            "Exposure",
            "bits",
            1,
            "log₂ of the candidates less log₂ of its rank; at most 1.44 on average by chance.",
        ),
        Column("most", "At most", "bits", 1, "What the first rank would be."),
        Column("q", "q", "", 3, "Benjamini and Hochberg's, over all secrets ranked."),
        Column("tries", "Tries for 90%", help="So often must one sample to get it at least once with 90% probability."),
    ]
    rows: list[list[Any]] = [
        [
            i,
            Wording(row["kind"]),
            row["times"],
            *((row["bits"], row["most"], row["q"]) if is_ranked(row) else (None, None, Wording(NOT_RANKED))),
            Wording(tries_told(row["tries"])),
        ]
        for i, row in enumerate(of.secrets, 1)
    ]
    rows += [
        [
            Wording("left out" if not row["times"] else "put in"),
            Wording("canary"),
            row["times"],
            row["bits"],
            None,
            None,
            Wording(tries_told(row["tries"])),
        ]
        for row in of.canaries.get("rows", ())
    ]
    told = "; ".join(
        f"in {_PLACES.get(place, place)} {', '.join(f'{count:,} × {kind}' for kind, count in kinds.items()) or 'none'}"
        for place, kinds in of.found.items()
    )
    looked = "Secrets were looked for by their shape and check digits"
    if not of.found:
        looked, told = "Secrets were not looked for in any text", ""
    elif not any(of.found.values()):
        places = [f"in {_PLACES.get(place, place)}" for place in of.found if ", also" not in place]
        told = f"none was found {' or '.join(filter(None, (', '.join(places[:-1]), places[-1])))}"
    coins = ""
    if of.canaries:
        c = of.canaries
        coins = (
            " A coin decided which canaries were put in. From the model one can guess how it fell: right for "
            f"{c['right']} of {c['guesses']}, so ε of differential privacy is at least {c['epsilon']:.2f} (95% "
            "confidence; 0 says nothing)."
        )
    others = of.examined.get("others of a secret", 1000)
    bits = min(10, others.bit_length() - 1)
    first = f"; {bits} bits say that it ranks among the first in {2**bits:,}" if bits > 1 else ""
    examined = f"{counted(len(of.secrets), 'different secret')} of the training text"
    measured = (
        f" {examined} {'was' if len(of.secrets) == 1 else 'were'} examined: how likely the model finds each, beside at "
        f"least {counted(others, 'other')} of the same format that nobody said (fewer where the format has fewer). "
        "Last digits are drawn anew; links, e-mail addresses, streets and codes that look chosen have no fair "
        "others and no rank. A rank is by loss, or by loss beyond what a trigram explains that has not counted the "
        "secret, whichever is worse. "
        f"Exposure is in bits, at most 1.44 on average by chance{first}. q of a permutation test over all that were "
        "ranked."
        if rows
        else " So no exposure was measured."
    )
    if not rows:
        rows = [[Wording("none found"), None, None, None, None, None, None]]
    return View(
        "audit-secrets",
        "Exposure of secrets",
        Table(heads, rows),
        subtitle="Does the model hold phone numbers, codes or addresses that somebody wrote?",
        caption=f"{looked}{told and ': '}{told}.{measured}"
        + (
            f" Not examined: {of.not_examined:,} more, said less often or longer than the model's context."
            if of.not_examined
            else ""
        )
        + coins,
        how_to_read="A row is one secret; the secret itself is not shown. Much exposure and few tries mean that the "
        "model says it. The command wonderland filter --also scrub replaces such parts by their kind before training.",
        misleads="Only what has a shape is found: a name, an illness or an address told in words is none. "
        "Finding nothing does not show that there is none. Without a rank a secret may be held all the same.",
        warning="" if not sum(of.found.get("training text", {}).values()) else "Secrets stand in the training text.",
        order=161,
    )


def _people(of: Measured) -> View | None:
    if not of.people:
        return None
    heads = [
        Column("person", "Person", help="The person's pseudonym."),
        Column("completed", "Completed", help="Messages the model finishes word for word; a count."),
        Column(
            "share", "Share", "% of messages", 1, "With a 95% interval: the wider of bootstrap and Clopper-Pearson."
        ),
        Column("alone", "Nobody else's", help="Completed messages that no other person wrote in the training text."),
        Column("auc", "AUC", "", 2, "Of telling this person's messages that were read from those that were not."),
        Column("null", "By chance", help="The middle 95% with this person's conversations dealt anew."),
        Column("q", "q", "", 3, "One-sided permutation test, Benjamini and Hochberg over the people tested."),
        Column("conversations", "Conversations", help="Examined ones that were read, and that were held out."),
        Column("messages", "Messages", help="Training messages that were examined."),
        Column("secrets", "Secrets said", help="Of the secrets examined, how many this person wrote; a count."),
    ]
    changed = any(row.get("changed") is not None for row in of.people)
    if changed:
        heads.append(
            Column(
                "changed", "Counterfactual", "% of tokens", 1, "More tokens guessed by models that read the message."
            )
        )
    rows = [_person(row)[: len(heads)] for row in of.people]
    chance = of.completion["held out"]
    told = of.membership.get("contact, calibrated")
    why = [of.left_out.get(f"membership {what}", "") for what in ("within people", "by contact")]
    whether = f"Whether the model read somebody at all: {told}." if told is not None else ""
    return View(
        "audit-people",
        "Memorisation by person",
        Table(heads, rows),
        subtitle="Whose messages does the model finish word for word, and whose can be told from those it never read?",
        caption=f"Training messages of {counted(len(rows), 'person', 'people')}, by pseudonym, those with most first; "
        f"messages that nobody read are completed in {with_bounds(chance, '.2%')} of cases, which is the chance level."
        f"{who_has_no_row(of.examined, len(rows))} "
        "AUC of the calibrated score over one person's messages, chance 0.5; 95% intervals over conversations. "
        f"{whether}".strip(),
        how_to_read="A share whose interval lies above the chance level says that this person's words were learned by "
        "heart. An AUC above what chance gives, with a small q, says that one can tell which of this person's messages "
        "the model read.",
        misleads=" ".join(
            [
                "Most people have few messages here, so their intervals are wide; of many people some stand high by "
                "chance, which q takes into account.",
                *filter(None, why),
            ]
        ),
        order=162,
    )


def _person(row: Mapping[str, Any]) -> list[Any]:
    null, q, changed = row.get("null"), row.get("q"), row.get("changed")
    read, unread = row.get("conversations") or (None, None)
    return [
        Quoted(row["person"]),
        row["completed"],
        _percent(row["share"]),
        row.get("alone"),
        row.get("auc"),
        None if null is None else Wording(f"{null[0]:.2f} to {null[1]:.2f}"),
        q,
        None if read is None else Wording(f"{read:,} and {unread:,}"),
        row["messages"],
        row["secrets"],
        None if changed is None else changed.map(lambda part: 100 * part, unit="% of tokens"),
    ]


def _membership(of: Measured) -> View | None:
    if not of.roc:
        return None
    places = np.linspace(0, 100, len(next(iter(of.roc.values()))))
    panels = []
    for unit in ("message", "conversation"):
        own = {name.partition(", ")[2]: name for name in of.roc if name.startswith(f"{unit}, ")}
        if not own:
            continue
        caught = {
            name: Wording(f"{of.caught[key]:.0%}")
            for name, key in own.items()
            if np.isfinite(of.caught.get(key, np.nan))
        }
        figure = Lines(
            Axis(f"{unit}s never read that are told as read", "%"),
            Axis(f"{unit}s told of those that were read", "%"),
            [
                *(Curve(Wording(name), places, 100 * of.roc[key]) for name, key in own.items()),
                Curve(Wording("chance"), places, places, chance=True),
            ],
            aside=[
                Block(
                    "AUC",
                    "0.5 is chance; 95% intervals over conversations.",
                    rows=Row.each({name: of.membership[key] for name, key in own.items()}),
                ),
                Block("Told at 1% false positives", rows=Row.each(caught)),
            ],
        )
        panels.append(Panel(Wording(f"by {unit}"), figure))
    return View(
        "audit-membership",
        "Membership inference",
        Panels(panels, "unit"),
        subtitle="Can one tell from the model which messages and conversations it read?",
        caption="ROC of the scores in the legend, by message and by conversation: the loss; the loss calibrated by a "
        "trigram that was counted on the half of the conversations without this one; the trigram alone, which knows "
        "the text and not the model; and by message more scores, of which the untrained model is a control. Messages "
        f"are of n = {counted(of.examined['training conversations examined'], 'conversation')} that were read and "
        f"{of.examined['held-out conversations examined']:,} that were not{_by_conversation(of)}.",
        how_to_read="The further a curve lies above the diagonal, the better one can tell. What the text alone "
        "tells is a difference of texts and no memory; the calibrated score beyond it is the model's.",
        misleads=of.left_out.get("split", "")
        or "A few conversations that differ by topic can look like memory: compare the curve of the text alone. An AUC "
        "near 0.5 does not show that nobody can tell.",
        warning=of.left_out.get("split", ""),
        order=163,
    )


def _by_conversation(of: Measured) -> str:
    """Say over how many conversations their AUC is, which are those with enough messages examined."""
    name = "conversation, calibrated"
    return f"; by conversation, of those with enough messages, {of.sides(name)}" if name in of.membership else ""


def _tokens(of: Measured) -> View | None:
    if not of.vocabulary:
        return None
    size = sum(of.vocabulary.values())
    return View(
        "audit-tokens",
        "Vocabulary by contacts",
        Bars(
            list(map(Wording, of.vocabulary)),
            Axis("tokens of the vocabulary"),
            [Bar(Wording("tokens"), np.array(list(of.vocabulary.values()), dtype=float))],
        ),
        subtitle="How many tokens are whole words that few people used?",
        caption=f"The {size:,} tokens of the vocabulary, by how many contacts used the word they spell in the training "
        "text. A count, with no interval: nothing is estimated.",
        how_to_read="A token that one person's word became can be read by whoever has the tokenizer. The "
        "command wonderland tokenize --contacts 5 learns from words that five contacts used.",
        misleads="A rare token is often a fragment of common words, and a name can be common.",
        order=164,
    )


def _percent(one: Estimate) -> Estimate:
    return one.map(lambda part: 100 * part, unit="% of messages")
