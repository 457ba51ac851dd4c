"""The rest of the model after a layer, run again only where a change of the stream reaches.

A step along a latent is taken at a few places, and asked about there. Attention looks back only, so nothing before the
first of these places changes, and nothing behind the last one is asked. Of the layer that reads the changed stream only
the keys and values of the changed places are others, and of the last layer only the queries of the places that are
asked about matter. What stays is taken from one run without a step.

This is what the model computes, in another order of sums. A model that is no `ChatTransformer` is run on as a whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import linear, scaled_dot_product_attention

import wonderland as wl
from wonderland_sparse.streams import final_after

__all__ = ["Onward"]


@dataclass(frozen=True)
class _Asking:
    """Places of windows at which a layer answers, laid out as queries by window.

    Attributes:
        at: Window and position of each, [place] each.
        slot: Its number among those of its window, [place].
        seen: Which keys each may see, [window, 1, slot, pos].
    """

    at: tuple[Tensor, Tensor]
    slot: Tensor
    seen: Tensor

    @classmethod
    def of(cls, mask: Tensor) -> _Asking:
        """Lay out the places of a mask [window, pos]."""
        rows, columns = mask.nonzero(as_tuple=True)
        slot = mask.cumsum(1)[rows, columns] - 1
        size = int(mask.sum(1).max()) if len(rows) else 0
        seen = torch.zeros(len(mask), 1, size, mask.shape[1], dtype=torch.bool, device=mask.device)
        seen[:, :, :, 0] = True  # a slot without a query has to see something
        seen[rows, 0, slot] = torch.arange(mask.shape[1], device=mask.device) <= columns[:, None]
        return cls((rows, columns), slot, seen)


class Onward:
    """Windows of which the stream after a layer is changed at some places.

    Args:
        specimen: The model.
        layer: After which layer.
        stream: The stream there, [window, pos, d_model].
        rows: Window of each place that is changed, [place].
        columns: Its position, [place]; no place is named twice.
        asked: Which of the places are asked about, [place].
    """

    @torch.no_grad()
    def __init__(
        self, specimen: wl.Specimen, layer: int, stream: Tensor, rows: Tensor, columns: Tensor, asked: Tensor
    ) -> None:
        self.specimen, self.layer, self.stream, self.at, self.asked = specimen, layer, stream, (rows, columns), asked
        model = specimen.model
        self.parted = isinstance(model, wl.ChatTransformer)
        x = stream.to(model.device, model.W_E.dtype)
        if not self.parted:
            self.final = final_after(specimen, layer, x)
            return
        self.blocks: list[Any] = list(model.blocks[layer + 1 :])
        self.before: list[Tensor] = []
        self.keys_and_values: list[tuple[Tensor, Tensor]] = []
        for block in self.blocks:
            self.before.append(x)
            self.keys_and_values.append(_keys_and_values(block, x))
            x = block(x)
        self.final = x
        last, reached = self._asking()
        self.asking = [*[reached] * (len(self.blocks) - 1), last]

    def _asking(self) -> tuple[_Asking, _Asking]:
        """Return the places that are asked about, and those that a change reaches on the way there."""
        rows, columns = (of.to(self.final.device) for of in self.at)
        mask = torch.zeros(self.final.shape[:2], dtype=torch.bool, device=self.final.device)
        mask[rows, columns] = True
        changed = mask.clone()
        mask[rows, columns] = self.asked.to(mask.device)
        behind = mask.flip(1).cumsum(1).flip(1) > 0  # something is asked there or later
        return _Asking.of(mask), _Asking.of((changed.cumsum(1) > 0) & behind)

    def unchanged(self) -> Tensor:
        """Return the final stream at the places that are asked about without a step, [place asked about, d_model]."""
        rows, columns = (of[self.asked].to(self.final.device) for of in self.at)
        return self.final[rows, columns]

    @torch.no_grad()
    def stepped(self, steps: Tensor) -> Tensor:
        """Return the final stream at the places that are asked about after a step at each place, [place, d_model].

        Args:
            steps: What is added at each place, [place, d_model].
        """
        model = self.specimen.model
        x = self.stream[self.at] + steps
        if not self.parted:
            whole = self.stream.clone()
            whole[self.at] = x
            rows, columns = (of[self.asked].to(self.final.device) for of in self.at)
            return final_after(self.specimen, self.layer, whole)[rows, columns]
        x = x.to(model.device, model.W_E.dtype)
        if not self.blocks:
            return x[self.asked]
        at = tuple(of.to(x.device) for of in self.at)
        for block, before, kept, asking in zip(
            self.blocks, self.before, self.keys_and_values, self.asking, strict=True
        ):
            keys, values = (of.clone() for of in kept)
            keys[at], values[at] = _keys_and_values(block, x)
            whole = before.clone()
            whole[at] = x
            x, at = _answered(block, whole[asking.at], keys, values, asking), asking.at
        # The asked places now stand window by window; they are told in the order they were named in.
        number = torch.zeros(self.final.shape[:2], dtype=torch.long, device=x.device)
        number[at] = torch.arange(len(x), device=x.device)
        rows, columns = (of[self.asked].to(x.device) for of in self.at)
        return x[number[rows, columns]]


def _by_head(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Return what heads read of normalised vectors [..., d_model], [..., head, d_head]."""
    heads, _, d_head = weight.shape
    made: Tensor = linear(x, weight.permute(0, 2, 1).flatten(0, 1), bias.flatten()).unflatten(-1, (heads, d_head))
    return made


def _keys_and_values(block: Any, x: Tensor) -> tuple[Tensor, Tensor]:
    """Return the keys and values of streams [..., d_model] before a layer, [..., head, d_head] each."""
    read, attn = block.ln1(x), block.attn
    return _by_head(read, attn.W_K, attn.b_K), _by_head(read, attn.W_V, attn.b_V)


def _answered(block: Any, x: Tensor, keys: Tensor, values: Tensor, asking: _Asking) -> Tensor:
    """Return the stream after a layer at some places, of that before it there, [place, d_model]."""
    attn = block.attn
    read = _by_head(block.ln1(x), attn.W_Q, attn.b_Q)  # [place, head, d_head]
    windows, _, size, _ = asking.seen.shape
    queries = read.new_zeros(windows, size, *read.shape[1:])
    place = (asking.at[0], asking.slot)
    queries[place] = read
    q, k, v = (of.transpose(1, 2) for of in (queries, keys, values))
    z = scaled_dot_product_attention(q, k, v, attn_mask=asking.seen).transpose(1, 2)[place]
    x = x + linear(z.flatten(1), attn.W_O.flatten(0, 1).T, attn.b_O)
    if block.attn_only:
        return x
    written: Tensor = x + block.mlp(block.ln2(x))
    return written
