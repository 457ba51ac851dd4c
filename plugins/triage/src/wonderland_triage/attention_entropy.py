"""How spread is each head's attention?

For each query i the entropy of its attention row, H_i = −Σ_j A_ij ln A_ij, in nats, and H_i / ln(i + 1), which is 1 for
uniform attention whatever the number of visible tokens. Row 0 sees one token, so its entropy is always 0; it is left
out. Means are over rows, the interval over conversations.

What would fool it: short inputs. Raw nats grow with the number of visible tokens (a uniform head has 1.1 nats over six
tokens and 3.9 over 128), so heads can only be compared at equal lengths, or normalised, as here. A low entropy says
that a head is focused, not on what, nor that it matters. And the lowest of many is too low where it was found, so the
head that is named is chosen on one half of the conversations, and its number is of the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch

import wonderland as wl
from wonderland.components import Head
from wonderland.lab.halves import best_apart, first_half
from wonderland.lab.stats import cluster_bootstrap
from wonderland.views import Axis, Lines, Matrix, Reference, Series, Wording, with_bounds

if TYPE_CHECKING:
    from wonderland.testing.optimism import Choice
    from wonderland.testing.truth import Truth

_FOCUSED = 0.5  # of uniform attention's entropy


@dataclass(frozen=True)
class AttentionEntropyResult(wl.Result):
    """Entropy of attention by head.

    Attributes:
        normalised: H / ln(visible tokens), [layer, head]; 1 is uniform.
        nats: H in nats, [layer, head].
        effective: exp H, the number of tokens attended to as if equally, [layer, head].
        spread: Standard deviation over rows of the normalised entropy, [layer, head].
        by_position: Mean normalised entropy by query position, [layer, head, pos]; NaN where no window reaches.
        lowest: The head of the lowest entropy on the half of the conversations to choose on; "" if none was measured.
        lowest_apart: Its normalised entropy on the other half; missing if there is no other.
    """

    normalised: wl.Estimate
    nats: wl.Estimate
    effective: wl.Estimate
    spread: np.ndarray
    by_position: np.ndarray
    lowest: str
    lowest_apart: wl.Estimate

    @property
    def most_focused(self) -> Head | None:
        """The head of the lowest entropy, by the half to choose on; None if none was measured."""
        return Head.parse(self.lowest) if self.lowest else None

    def summary(self) -> str:
        lines = [finding.sentence for finding in self.findings()]
        if focused := self._focused():
            lines.append(f"Focused: {', '.join(map(str, focused))}.")
        if isinstance(self.control, AttentionEntropyResult) and self.control.most_focused is not None:
            lowest = float(self.control._of_lowest().value)
            lines.append(f"Before training the lowest was {'unknown' if np.isnan(lowest) else f'{lowest:.3f}'}.")
        return "\n".join(lines)

    def _focused(self) -> list[Head]:
        return [head for head, one in self.normalised.heads() if one.value < _FOCUSED]

    def _of_lowest(self) -> wl.Estimate:
        """Return the entropy of the head that is named: on the other half or, where there is none, on what there is."""
        return self.lowest_apart if self.lowest_apart.n else self.normalised[Head.parse(self.lowest)]

    def findings(self) -> Sequence[wl.Finding]:
        head, focused = self.most_focused, self._focused()
        if head is None or not np.isfinite(self._of_lowest().value):
            text = "The entropy of attention could not be measured: no window has more than one token."
            return [wl.Finding(text, "entropy-map", (), "anecdotal", "description")]
        one = self._of_lowest()
        count = f"{len(focused)} of {int(np.isfinite(self.normalised.value).sum())} heads"
        claim = f"{count} {'is' if len(focused) == 1 else 'are'} focused" if focused else "No head is focused"
        lowest = (
            f"the lowest on one half of the conversations is that of {head}, and on the other half it has"
            if self.lowest_apart.n
            else f"the lowest is that of {head}, which has, on the text it was found on,"
        )
        text = (
            f"{claim} (entropy under half of uniform attention's); {lowest} {with_bounds(one, '.2f')} of the "
            f"entropy of uniform attention (n={one.over}{'' if one.trusted else ', too few to trust the interval'})."
        )
        apart = one.high < _FOCUSED if focused else one.low >= _FOCUSED
        trust: Any = "solid" if one.trusted and apart else "weak"
        return [wl.Finding(text, "entropy-map", head, trust, "effect" if focused else "null", one)]

    def card(self) -> Mapping[str, wl.Estimate]:
        return {
            "Entropy, normalised, all conversations": self.normalised,
            "Entropy, nats": self.nats,
            "Tokens attended to": self.effective,
        }

    def claims(self) -> Mapping[str, wl.Estimate]:
        if self.most_focused is None:
            return {}
        more = self._of_lowest().map(lambda entropy: 1 - entropy)
        return {"More focused than uniform attention: largest over heads": more}

    def views(self) -> Sequence[wl.View]:
        over = f"n={self.nats.over}"
        curves = {head: self.by_position[head][1:] for head, _ in self.normalised.heads()}
        normalised = Series(Wording("normalised"), self.normalised, domain=[0, 1])
        of_rows = Series(Wording("spread over rows"), self.spread, "standard deviation")
        by_head = {"normalised": normalised, "nats": self.nats, "tokens attended to": self.effective}
        return [
            wl.View(
                "entropy-map",
                "Attention entropy by head",
                Matrix.by_head({**by_head, "spread": of_rows}),
                subtitle="Does a head look at few tokens or at many?",
                caption=f"Mean entropy of attention rows, row 0 left out; 95% interval over {over}. Chance is uniform "
                "attention. The spread over rows has no interval.",
                how_to_read="Low numbers: the head looks at few tokens. High numbers: it looks at many. Normalised, "
                "1 is uniform attention and 0 is one token. Spread says how much this differs from token to token.",
                misleads="Low entropy says that a head is focused, not that it matters: a head that always looks at "
                "the first token may do nothing at all.",
                order=20,
            ),
            wl.View(
                "entropy-by-position",
                "Attention entropy by position",
                Lines.of(
                    curves,
                    Axis("query position", "tokens"),
                    "normalised entropy",
                    np.arange(1, self.by_position.shape[-1]),
                    references=[Reference(Wording("uniform attention"), 1.0)],
                ),
                subtitle="Does a head look more widely later in the window?",
                caption="Mean normalised entropy of the rows at each position, over all windows that reach it; a line "
                "for each head, without intervals.",
                how_to_read="A flat line is a head that behaves alike anywhere in the window. Select a head to see "
                "which line is its own.",
                misleads="Few windows reach the last positions, so the right end is noisier.",
                order=25,
            ),
        ]


@dataclass(frozen=True)
class AttentionEntropy:
    """How spread is each head's attention? Normalised, in nats, and by position."""

    name: ClassVar[str] = "attention-entropy"
    version: ClassVar[int] = 2
    needs: ClassVar[tuple[str, ...]] = ("pattern",)
    groups: ClassVar[tuple[str, ...]] = ("triage",)

    @classmethod
    def choices(cls) -> list[Choice]:
        """Return what it chooses on one half of the conversations and measures on the other."""
        from wonderland_triage import choices

        return choices.attention_entropy()

    @classmethod
    def truths(cls) -> list[Truth]:
        """Return what it must find in models whose answers are known."""
        from wonderland_triage import truths

        return truths.attention_entropy()

    def run(self, specimen: wl.Specimen) -> AttentionEntropyResult:
        """Compute the entropies over the specimen's evidence."""
        evidence = specimen.evidence
        sums, counts = [], []
        longest = evidence.tokens.shape[1]
        position_sum: Any = 0.0
        position_count = np.zeros(longest)
        for batch in specimen.batches():
            pattern = batch["pattern"].double()  # [layer, batch, head, query, key]
            entropy = torch.special.entr(pattern).sum(-1)  # [layer, batch, head, query]
            visible = torch.arange(1, entropy.shape[-1] + 1, dtype=torch.float64)
            normalised = entropy / visible.log().clamp(min=1e-12)
            rows = batch.mask.clone()  # [batch, query]
            rows[:, 0] = False
            kept = rows[None, :, None].double()
            measures = torch.stack([normalised, entropy, entropy.exp(), normalised**2])
            sums.append((measures * kept).sum(-1).permute(2, 0, 1, 3).numpy())  # [batch, measure, layer, head]
            counts.append(rows.sum(-1).numpy())
            padded = torch.zeros(*normalised.shape[:1], normalised.shape[2], longest, dtype=torch.float64)
            padded[..., : normalised.shape[-1]] = (normalised * kept).sum(1)
            position_sum = position_sum + padded.numpy()
            position_count[: rows.shape[1]] += rows.sum(0).numpy()
        total, rows_each = np.concatenate(sums), np.concatenate(counts)

        def estimate(index: int, unit: str, chance: Any) -> wl.Estimate:
            return cluster_bootstrap(
                total[:, index],
                rows_each,
                evidence.conversation,
                unit=unit,
                chance=chance,
                dims=("layer", "head"),
                seed=evidence.seed,
            )

        uniform = _uniform_levels(evidence.lengths)
        lowest, lowest_apart = best_apart(
            total[:, 0],
            rows_each,
            evidence.conversation,
            first_half(evidence.conversation, evidence.seed),
            least=True,
            unit="share of ln(visible tokens)",
            chance=1.0,
            seed=evidence.seed,
        )
        normalised_mean = estimate(0, "share of ln(visible tokens)", 1.0)
        second_moment = total[:, 3].sum(0) / rows_each.sum()
        with np.errstate(invalid="ignore", divide="ignore"):
            by_position = position_sum / np.where(position_count > 0, position_count, np.nan)
        return AttentionEntropyResult(
            normalised=normalised_mean,
            nats=estimate(1, "nats", uniform[0]),
            effective=estimate(2, "tokens", uniform[1]),
            spread=np.sqrt(np.maximum(second_moment - normalised_mean.value**2, 0)),
            by_position=by_position,
            lowest="" if lowest is None else str(Head(*lowest)),
            lowest_apart=lowest_apart,
        )


def _uniform_levels(lengths: np.ndarray) -> tuple[float, float]:
    """Return the mean nats and effective tokens that uniform attention has over the same rows."""
    visible = np.concatenate([np.arange(2, length + 1) for length in lengths]).astype(float)
    return float(np.log(visible).mean()), float(visible.mean())
