"""Steps of paths between the parts of a cut stream: estimated from gradients, and taken for real one by one.

What a step carries is how much of the gap between two prompts goes by it. It is asked twice:

- *Taken for real*. In the clean run the reader alone sees what the sender writes in the corrupted one; in the corrupted
  run it sees what the sender writes in the clean one. The reader computes anew (a head with new queries, keys and
  values, a latent with its threshold), and the rest of the model runs on with nothing held. The mean of what the answer
  loses in the one and gains in the other is what the step carries. So much is true whatever comes of the estimate.
- *Estimated*, for all steps at once: the change of the sender times the gradient of the reader, times what the reader's
  change does for the answer. Gradients are taken at five points on the way from one run to the other, and a latent's
  at the slope of the line between its values in both, as a threshold has none (the rescale rule of DeepLIFT).

Both are sums over the positions of a prompt.

What would fool it: steps are taken one at a time, so two senders that say the same both look unneeded in the clean run
and sufficient in the corrupted one; the mean of the two hides it.

References: Marks et al. 2024 (2403.19647), sparse feature circuits; Sundararajan et al. 2017 (1703.01365), integrated
gradients; Shrikumar et al. 2017 (1704.02685), DeepLIFT.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from wonderland_sparse.paths import Edge
from wonderland_sparse.replacement import LOGITS, Part
from wonderland_sparse.stream_runs import TOKENS, Runs
from wonderland_sparse.swapping import answered

__all__ = ["Steps"]

_POINTS = 5
_LEAST = 1e-6  # of a difference of pre-activations that a slope is taken from


class Steps:
    """What steps between the parts of some runs carry."""

    def __init__(self, runs: Runs) -> None:
        self.runs = runs
        self._slopes: dict[tuple[str, int], Tensor] = {}

    @functools.cached_property
    def answers(self) -> np.ndarray:
        """The logit differences of both runs as the model computes them, [2, pair]."""
        runs = self.runs
        with torch.no_grad():
            found = [answered(runs.specimen, runs.last, side.post[-1], runs.batch) for side in runs.sides]
        return np.stack([one.double().numpy() for one in found])

    @property
    def gap(self) -> np.ndarray:
        """By how much the logit difference of each pair is larger on the clean prompt, [pair]."""
        return np.asarray(self.answers[0] - self.answers[1])

    def slope(self, site: str, layer: int) -> Tensor:
        """Return what a change of the stream does for the answer, on average on the way between the runs.

        Args:
            site: "mid" for the stream after the heads of a layer, "post" for that after the layer.
            layer: Which layer.

        Returns:
            [pair, pos, d_model].
        """
        if (site, layer) not in self._slopes:
            runs = self.runs
            clean, corrupted = (getattr(side, site)[layer] for side in runs.sides)
            total = torch.zeros_like(clean)
            for share in _shares():
                with torch.enable_grad():
                    stream = (share * clean + (1 - share) * corrupted).requires_grad_()
                    after = runs.after_mlp(layer, stream) if site == "mid" else stream
                    said = answered(runs.specimen, layer, after, runs.batch).sum()
                    (one,) = torch.autograd.grad(said, stream)
                total += one / _POINTS
            self._slopes[site, layer] = total
        return self._slopes[site, layer]

    def of_latents(self, layer: int) -> np.ndarray:
        """Return what each latent of a cut carries, estimated, [pair, latent]."""
        runs, of = self.runs, self.runs.cuts[layer].dictionary
        change = runs.sides[0].values[layer] - runs.sides[1].values[layer]
        return np.asarray(((self.slope("post", layer) @ of.W_dec.T) * change).sum(1).double().numpy())

    def of_part(self, part: Part, layer: int) -> np.ndarray:
        """Return what another part of a cut carries, its error or the means of its tokens, estimated, [pair]."""
        change = self.runs.change(part, layer)
        return np.asarray((self.slope("post", layer) * change).sum((1, 2)).double().numpy())

    def estimated(self, readers: Sequence[Part], senders: Sequence[Part]) -> dict[Edge, np.ndarray]:
        """Return what each step between some parts carries, estimated, [pair]; steps that cannot be are left out."""
        found: dict[Edge, np.ndarray] = {}
        for start in sorted({self.runs.begin(reader) for reader in readers}):
            mine = [reader for reader in dict.fromkeys(readers) if self.runs.begin(reader) == start]
            found |= self._between(start, mine, list(dict.fromkeys(senders)))
        return found

    def possible(self, sender: Part, reader: Part) -> bool:
        """Whether a step can lead from one part to another: no cut between them, and the sender comes first."""
        if sender == LOGITS or reader == TOKENS:
            return False
        start = self.runs.begin(reader)
        if sender == TOKENS:
            return start < 0 or self.runs.cuts[start].table is not None
        if sender[0] == "head":
            end = float("inf") if reader == LOGITS else reader[1] + (0 if reader[0] == "head" else 0.5)
            return bool(start < sender[1] < end)
        return bool(sender[1] == start)

    def _between(self, start: int, readers: Sequence[Part], senders: Sequence[Part]) -> dict[Edge, np.ndarray]:
        """Return the steps from one cut to the next."""
        runs = self.runs
        end = max(runs.last if reader == LOGITS else reader[1] for reader in readers)
        layers = list(range(start + 1, end + 1))
        cut = runs.cuts.get(end) if any(reader[0] in ("feature", "rest") for reader in readers) else None
        means = [torch.zeros(()) if cut is None else cut.means(side.tokens) for side in runs.sides]
        begins = [side.pre[0] if start < 0 else side.post[start] for side in runs.sides]
        heads = [[runs.heads_of(side, layer) for layer in layers] for side in (0, 1)]
        asked = {reader: [s for s in senders if self.possible(s, reader)] for reader in readers}
        found = {(s, reader): np.zeros(len(runs.batch)) for reader in readers for s in asked[reader]}
        for share in _shares():
            with torch.enable_grad():
                x, offset = (_way(ends, share).requires_grad_() for ends in (begins, means))
                written = [_way(ends, share).requires_grad_() for ends in zip(*heads, strict=True)]
                streams, stream = {}, x
                for layer, made in zip(layers, written, strict=True):
                    streams[layer] = stream
                    stream = runs.after_mlp(layer, stream + made)
                for reader in readers:
                    if not asked[reader]:
                        continue
                    said = self._said(reader, streams.get(reader[1]) if reader[0] == "head" else stream, offset)
                    inputs = [x, offset, *written]
                    slopes = torch.autograd.grad(said, inputs, retain_graph=True, allow_unused=True)
                    for sender in asked[reader]:
                        found[sender, reader] += self._carried(sender, start, slopes, means, layers) / _POINTS
        return found

    def _said(self, reader: Part, stream: Tensor | None, offset: Tensor) -> Tensor:
        """Return what a reader that reads this stream does for the answer, to first order, summed over pairs."""
        runs = self.runs
        assert stream is not None
        if reader == LOGITS:
            return answered(runs.specimen, runs.last, stream, runs.batch).sum()
        kind, layer = reader[:2]
        if kind == "head":
            return (self.slope("mid", layer) * runs.head(layer, reader[2], stream)).sum()
        cut, slope = runs.cuts[layer], self.slope("post", layer)
        line, read = self._lines(layer), stream - offset
        if kind == "rest":
            explained = (slope @ cut.dictionary.W_dec.T) * line * cut.before(read)
            return (slope * read).sum() - explained.sum()
        unit, of = reader[2], cut.dictionary
        before = (read - of.b_dec) @ of.W_enc[unit] + of.b_enc[unit]
        return ((slope @ of.W_dec[unit]) * line[:, :, unit] * before).sum()

    def _lines(self, layer: int) -> Tensor:
        """Return the slope of the line between a latent's values in both runs, [pair, pos, latent]."""
        runs, cut = self.runs, self.runs.cuts[layer]
        with torch.no_grad():
            before = [cut.before(side.post[layer] - cut.means(side.tokens)) for side in runs.sides]
            values = [side.values[layer] for side in runs.sides]
            apart = before[0] - before[1]
            flat = apart.abs() < _LEAST
            line = (values[0] - values[1]) / torch.where(flat, torch.ones(()), apart)
            return torch.where(flat, (values[0] > 0).float(), line)

    def _carried(
        self,
        sender: Part,
        start: int,
        slopes: Sequence[Tensor | None],
        means: Sequence[Tensor],
        layers: Sequence[int],
    ) -> np.ndarray:
        """Return the change of a sender times the slopes of (beginning, offset, heads by layer), [pair]."""
        of_begin, of_offset, *of_heads = slopes
        total = torch.zeros(len(self.runs.batch))
        slope = of_heads[layers.index(sender[1])] if sender[0] == "head" else of_begin
        if slope is not None:
            total = total + (slope * self.runs.change(sender, start)).sum((1, 2))
        if sender == TOKENS and of_offset is not None and of_offset.ndim:
            total = total + (of_offset * (means[0] - means[1])).sum((1, 2))
        return np.asarray(total.double().numpy())

    @torch.no_grad()
    def taken(self, edges: Sequence[Edge]) -> np.ndarray:
        """Return what each step carries, taken for real in both runs, [edge, pair]."""
        found = [(self._taken(edge, 0) + self._taken(edge, 1)) / 2 for edge in edges]
        return np.asarray(found, dtype=np.float64).reshape(len(edges), len(self.runs.batch))

    def _taken(self, edge: Edge, side: int) -> np.ndarray:
        """Return what the answer loses in the clean run (0), or gains in the corrupted one (1), by a step, [pair]."""
        sender, reader = edge
        runs, one = self.runs, self.runs.sides[side]
        start, sign = runs.begin(reader), (-1, 1)[side]
        step = sign * runs.change(sender, start)
        where = sender[1] if sender[0] == "head" else start + 1  # the layer from which on the stream is another
        stream = step + (one.mid[where] if sender[0] == "head" else one.pre[0] if start < 0 else one.post[start])
        if sender[0] == "head":
            stream, where = runs.after_mlp(where, stream), where + 1
        end = runs.last + 1 if reader == LOGITS else reader[1] + (reader[0] != "head")
        for layer in range(where, end):
            stream = runs.after_mlp(layer, stream + runs.heads_of(side, layer))
        if reader == LOGITS:
            said = answered(runs.specimen, runs.last, stream, runs.batch)
        else:
            said = self._read(reader, side, stream, other_tokens=sender == TOKENS)
        return np.asarray(sign * (said.double().numpy() - self.answers[side]))

    def _read(self, reader: Part, side: int, stream: Tensor, *, other_tokens: bool) -> Tensor:
        """Return the logit differences if a reader alone reads this stream, [pair]."""
        runs, one = self.runs, self.runs.sides[side]
        kind, layer = reader[:2]
        if kind == "head":
            more = runs.head(layer, reader[2], stream) - runs.head(layer, reader[2], one.pre[layer])
            return answered(runs.specimen, layer, runs.after_mlp(layer, one.mid[layer] + more), runs.batch)
        cut = runs.cuts[layer]
        read = stream - cut.means(runs.sides[1 - side].tokens if other_tokens else one.tokens)
        if kind == "rest":
            more = cut.error(read) - one.errors[layer]
        else:
            alone = cut.dictionary.kept([reader[2]])
            more = (alone.encode(read) - one.values[layer][:, :, [reader[2]]]) * alone.W_dec[0]
        return answered(runs.specimen, layer, one.post[layer] + more, runs.batch)


def _shares() -> list[float]:
    """Return how far along the way from the corrupted to the clean run each point lies."""
    return [(point + 0.5) / _POINTS for point in range(_POINTS)]


def _way(ends: Sequence[Tensor], share: float) -> Tensor:
    """Return the point so far along the way from the corrupted run's tensor to the clean one's."""
    clean, corrupted = ends
    return share * clean + (1 - share) * corrupted
