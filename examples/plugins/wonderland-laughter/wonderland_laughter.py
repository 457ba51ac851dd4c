"""Which heads look at laughter? Attention to tokens of "haha" and "lol", against what even attention would give.

A token counts as laughter if its text, without spaces, is one of ``words`` or a run of "ha", "he" or "ja". For each
head, the share of its attention that falls on such tokens, over rows that can see one; chance is the share a head
would give that spreads its attention evenly over what it can see. One pass over the patterns.

What would fool it: laughter often stands alone in a message, next to the speaker token; a head that looks at speakers'
neighbourhoods looks at laughter without hearing it. Compare with `head-patterns`.
"""

import re
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
import torch

import wonderland as wl
from wonderland.components import Head
from wonderland.errors import NotEnoughData
from wonderland.lab.stats import cluster_bootstrap

RUN = re.compile(r"a?(ha|he|ja){2,}h?", re.IGNORECASE)


@dataclass(frozen=True)
class LaughterResult(wl.Result):
    """Attention to laughter.

    Attributes:
        share: Share of attention on laughing tokens, [layer, head], chance beside it.
        tokens: The tokens that were counted as laughter, with how often they occur.
    """

    share: wl.Estimate
    tokens: dict[str, int]

    def summary(self):
        layer, head = np.unravel_index(np.argmax(self.share.value), self.share.value.shape)
        best = self.share[layer, head]
        sure = "beyond chance" if best.above_chance else "not beyond chance"
        sure = sure if best.trusted else f"on {best.over}, too few to say whether that is beyond chance"
        return f"L{layer}H{head} gives laughter {best.value:.1%} of its attention, {sure} ({float(best.chance):.1%})."

    def findings(self):
        layer, head = np.unravel_index(np.argmax(self.share.value), self.share.value.shape)
        best = self.share[layer, head]
        trust = "anecdotal" if not best.trusted else "solid" if best.above_chance else "weak"
        return [wl.Finding(self.summary(), "laughter", {"head": str(Head(layer, head))}, trust)]

    def views(self):
        words = {
            "how_to_read": "Strongly coloured heads look at laughter wherever they can see some.",
            "misleads": "Laughter stands next to speaker tokens, so a head that looks there stands out here too.",
        }
        return [wl.View.of_heads("laughter", "Who looks at laughter", self.card(), **words)]

    def card(self):
        return {"Attention to laughter": self.share}


@dataclass(frozen=True)
class Laughter:
    """Which heads look at laughter? Attention to tokens of "haha" and "lol", against even attention."""

    name: ClassVar[str] = "laughter"
    version: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = ("pattern",)
    no_choices: ClassVar[str] = (
        "All heads are shown; the best is named on the text that it was found on, too high by luck."
    )
    words: Annotated[str, "what else is laughter, words with spaces between"] = "lol lmao rofl haha hehe"

    def run(self, specimen: wl.Specimen) -> LaughterResult:
        texts = specimen.tokenizer.pieces(range(specimen.tokenizer.vocab_size))
        words = set(self.words.lower().split())
        laughs = np.array([text.strip().lower() in words or bool(RUN.fullmatch(text.strip())) for text in texts])
        evidence = specimen.evidence
        seen = evidence.tokens[evidence.mask & laughs[evidence.tokens]]
        if not len(seen):
            raise NotEnoughData("Nobody laughs in the held-out part.", hint="Say what laughter is: --words 'haha lol'")
        sums, even, rows = [], [], []
        for batch in specimen.batches():
            laughing = torch.from_numpy(laughs)[batch.tokens] & batch.mask
            heard = laughing.cumsum(-1)  # how many laughing tokens each row can see, [batch, query]
            kept = (heard > 0) & batch.mask
            share = (batch["pattern"] * laughing[:, None, None]).sum(-1)  # [layer, batch, head, query]
            sums.extend((share * kept[:, None]).sum(-1).movedim(1, 0).double().numpy())
            even.extend((heard / torch.arange(1, heard.shape[-1] + 1) * kept).sum(-1).double().numpy())
            rows.extend(kept.sum(-1).numpy())
        chance = float(np.sum(even) / np.sum(rows))
        heard_in = np.asarray(rows) > 0  # conversations without laughter say nothing about it
        share = cluster_bootstrap(
            np.asarray(sums)[heard_in],
            np.asarray(rows)[heard_in],
            evidence.conversation[heard_in],
            unit="share of attention",
            chance=chance,
        )
        counts = {texts[token]: int((seen == token).sum()) for token in np.unique(seen)}
        return LaughterResult(share, counts)

    @classmethod
    def truths(cls):
        from wonderland.testing.truth import Truth, untrained

        def listener(result):
            share = result.share.value
            return share.argmax() == 2 and share[0, 2] > 0.999, result.summary()

        def nobody(result):
            farthest = np.abs(result.share.value / result.share.chance - 1).max()
            return farthest < 0.1, f"at most {farthest:.1%} away from even attention"

        words = {"words": "a"}
        return [
            Truth("L0H2 looks at ' a' and at nothing else", listening_specimen, listener, words),
            Truth("its untrained baseline", untrained(listening_specimen), nobody, words, nothing=True),
        ]


def listening_specimen() -> wl.Specimen:
    """Return the hand-built model, in which L0H2 now asks for the word " a" wherever it stands."""
    from wonderland.testing.handwritten import handwritten_corpus, handwritten_model, handwritten_tokenizer

    model, tokenizer = handwritten_model(), handwritten_tokenizer()
    keys = model.blocks[0].attn.W_K  # [head, d_model, d_head]; its query is the same everywhere
    (a,) = tokenizer.encode(" a")
    keys[2] = 0
    keys[2, a, 0] = 1
    return wl.Specimen(model, tokenizer, handwritten_corpus(40, shortest=10))


@wl.hookimpl
def wonderland_analyses():
    return [Laughter]
