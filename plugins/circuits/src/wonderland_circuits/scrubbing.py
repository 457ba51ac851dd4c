"""Windows to scrub: features of every place, partners of equal feature in other conversations, and forward passes in
which heads are swapped between them, layer after layer.

Only heads are swapped, by their output z; MLPs and the embedding run as they are. All windows go through the model
together, so that what a head computed at a partner's place is at hand, already scrubbed below.
Memory: the residual stream, one layer's activations and the model's answers to all predicted tokens; 20 windows of 128
tokens in the `seed` preset take about 150 MB.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

import wonderland as wl
from wonderland.components import Head
from wonderland.lab.finite import require_finite
from wonderland.lab.names import hook_name
from wonderland.lab.stats import cluster_bootstrap
from wonderland.tokenizer import ME, THEM

FEATURES = ("nothing", "position", "speaker", "token", "previous", "pair")
"""What a head may be claimed to depend on, the simplest first."""

_CHUNK = 2048  # tokens whose logits stand side by side


@dataclass(frozen=True)
class Bench:
    """Windows, what the model says of them, and who may be swapped with whom.

    Attributes:
        model: The model.
        tokens: [window, pos].
        mask: Where there is a token, [window, pos].
        conversation: Conversation of each window, [window].
        stream: Residual stream before each layer, unscrubbed, [layer + 1, window, pos, d_model].
        labels: Feature of every token by name, [token], tokens being the places where ``mask`` is true.
        owner: Conversation of every token, [token].
        loss: Summed loss of each window, [window].
        counts: Predicted tokens of each window, [window].
        unrelated: Divergences under blind draws that were computed already, by head and places swapped.
        own: The model's own answers as log probabilities and as probabilities, a chunk of predicted tokens at a time,
            once asked for.
    """

    model: Any
    tokens: Tensor
    mask: Tensor
    conversation: np.ndarray
    stream: Tensor
    labels: Mapping[str, np.ndarray]
    owner: np.ndarray
    loss: np.ndarray
    counts: np.ndarray
    unrelated: dict[Any, np.ndarray] = field(default_factory=dict)
    own: dict[int, tuple[Tensor, Tensor]] = field(default_factory=dict)

    @classmethod
    @torch.no_grad()
    def of(cls, specimen: wl.Specimen, rows: np.ndarray) -> Bench:
        """Run the model on windows of the evidence."""
        evidence, model = specimen.evidence, specimen.model
        longest = int(evidence.lengths[rows].max())
        plain = evidence.tokens[rows, :longest]
        mask = evidence.mask[rows, :longest]
        tokens = torch.from_numpy(plain).to(model.device)
        layers = model.cfg.n_layers
        names = [hook_name("resid_pre", layer) for layer in range(layers)]
        final, cache = model.run_with_cache(tokens, stop_at_layer=layers, names_filter=names)
        require_finite(final)
        stream = torch.stack([*(cache[name] for name in names), final])
        made = cls(
            model=model,
            tokens=tokens,
            mask=torch.from_numpy(mask).to(model.device),
            conversation=evidence.conversation[rows],
            stream=stream,
            labels={name: label[mask] for name, label in features(plain).items()},
            owner=np.broadcast_to(evidence.conversation[rows][:, None], mask.shape)[mask],
            loss=np.zeros(len(rows)),
            counts=(mask.sum(1) - 1).clip(min=0).astype(float),
        )
        loss, _ = made._read(final)
        return cls(**{**vars(made), "loss": loss})

    def estimate(self, sums: np.ndarray, *, unit: str) -> wl.Estimate:
        """Return a mean over predicted tokens of sums by window."""
        return cluster_bootstrap(sums, self.counts, self.conversation, unit=unit)

    def scrubbed_loss(self, claims: Mapping[Head, str], seed: int) -> tuple[np.ndarray, float]:
        """Return the summed loss of each window under a hypothesis, and the share of places that were swapped."""
        final, places = self._scrub(claims, seed, blind=False)
        return self._read(final)[0], places

    def writes(self, head: Head) -> bool:
        """Whether a head writes anything at all into the residual stream."""
        return bool(self.model.W_O[head].abs().sum() > 0)

    def explained(self, head: Head, feature: str, seed: int) -> tuple[np.ndarray, np.ndarray, float]:
        """Swap one head's output where a feature is equal, and where it need not be, at the same places.

        Returns:
            Summed KL(model ‖ scrubbed) of each window with the feature kept, [window]; the same with partners drawn
            without regard to it; and the share of places that were swapped.
        """
        covered = self._partners(feature, np.random.default_rng([seed, *head]), blind=False) >= 0
        key = (head, seed, covered.tobytes())  # features with the same places share the blind draw
        if key not in self.unrelated:
            self.unrelated[key] = self._divergence({head: feature}, seed, blind=True)
        unrelated = self.unrelated[key]
        same = feature == "nothing"  # keeping nothing is the blind draw
        kept = unrelated if same else self._divergence({head: feature}, seed, blind=False)
        return kept, unrelated, float(covered.mean())

    def _divergence(self, claims: Mapping[Head, str], seed: int, *, blind: bool) -> np.ndarray:
        final, _ = self._scrub(claims, seed, blind=blind)
        return self._read(final, against=True)[1]

    def random_loss(self, seed: int) -> np.ndarray:
        """Return the summed loss of each window if every answer is the one the model gives to another place."""
        partner = self._partners("nothing", np.random.default_rng([seed, 7]), blind=True)
        final = self.stream[-1].clone()
        kept = final[self.mask]
        swap = torch.from_numpy(np.where(partner >= 0, partner, np.arange(len(partner)))).to(final.device)
        final[self.mask] = kept[swap]
        return self._read(final)[0]

    @torch.no_grad()
    def _scrub(self, claims: Mapping[Head, str], seed: int, *, blind: bool) -> tuple[Tensor, float]:
        """Return the final residual stream with heads swapped, and the share of (head, place) that were."""
        swapped = {head: feature for head, feature in claims.items() if feature != "everything"}
        layers = self.model.cfg.n_layers
        if not swapped:
            return self.stream[-1], 1.0
        first = min(layer for layer, _ in swapped)
        places: list[float] = []
        hooks: list[tuple[str, Callable[..., Any]]] = []
        for layer in range(first, layers):
            moves = {}
            for (at, head), feature in swapped.items():
                if at == layer:
                    random = np.random.default_rng([seed, layer, head])
                    partner = self._partners(feature, random, blind=blind)
                    places.append(float((partner >= 0).mean()))
                    own = np.arange(len(partner))
                    moves[head] = torch.from_numpy(np.where(partner >= 0, partner, own)).to(self.tokens.device)
            if moves:
                hooks.append((hook_name("z", layer), self._swapping(moves)))
        final: Tensor = self.model.run_with_hooks(
            self.stream[first], fwd_hooks=hooks, start_at_layer=first, stop_at_layer=layers
        )
        return final, float(np.mean(places))

    def _swapping(self, moves: Mapping[int, Tensor]) -> Callable[..., Tensor]:
        def swap(z: Tensor, hook: Any) -> Tensor:  # z [window, pos, head, d_head]
            z = z.clone()
            for head, partner in moves.items():
                column = z[:, :, head]
                column[self.mask] = column[self.mask][partner]
            return z

        return swap

    def _partners(self, feature: str, random: np.random.Generator, *, blind: bool) -> np.ndarray:
        """Draw for every token one of another conversation with an equal feature, -1 where there is none.

        With ``blind`` the same places get a partner of another conversation without regard to the feature.
        """
        label = self.labels[feature]
        found = _drawn(label, self.owner, random)
        if not blind:
            return found
        anywhere = _drawn(np.zeros_like(label), self.owner, random)
        return np.where(found >= 0, anywhere, -1)

    @torch.no_grad()
    def _read(self, final: Tensor, *, against: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """Return summed losses, and summed KL from the model's own answers if asked for, [window] each."""
        predicts = self.mask[:, 1:]
        window, position = predicts.nonzero(as_tuple=True)
        goal = self.tokens[window, position + 1]
        loss, apart = (torch.zeros(len(self.tokens), dtype=torch.float64, device=final.device) for _ in range(2))
        for chunk, part in enumerate(torch.arange(len(window), device=final.device).split(_CHUNK)):
            at = (window[part], position[part])
            said = self._answers(final[at])
            loss.index_add_(0, at[0], -said.gather(1, goal[part, None])[:, 0].double())
            if against:
                own, share = self._own(chunk, at)
                apart.index_add_(0, at[0], torch.linalg.vecdot(share, own - said).double())
        return loss.cpu().numpy(), apart.cpu().numpy()

    def _own(self, chunk: int, at: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        if chunk not in self.own:
            own = self._answers(self.stream[-1][at])
            self.own[chunk] = own, own.exp()
        return self.own[chunk]

    def _answers(self, residual: Tensor) -> Tensor:
        logits: Tensor = self.model.unembed(self.model.ln_final(residual)).float()
        return logits.log_softmax(-1)


def features(tokens: np.ndarray) -> dict[str, np.ndarray]:
    """Return the features of every place of windows [window, pos], as numbers that are equal where the feature is."""
    position = np.broadcast_to(np.arange(tokens.shape[1]), tokens.shape)
    speaks = np.isin(tokens, (ME, THEM))
    since = np.maximum.accumulate(np.where(speaks, position, 0), axis=1)
    previous = np.concatenate([np.full((len(tokens), 1), -1), tokens[:, :-1]], axis=1)
    return {
        "nothing": np.zeros_like(tokens),
        "position": position.copy(),
        "speaker": np.take_along_axis(tokens, since, axis=1),
        "token": tokens.copy(),
        "previous": previous,
        "pair": (previous + 1) * (int(tokens.max()) + 1) + tokens,
    }


def _drawn(label: np.ndarray, owner: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Draw for each item another of equal label and another owner, uniformly; -1 where there is none."""
    order = np.lexsort((owner, label))
    label, owner = label[order], owner[order]
    start, stop = np.searchsorted(label, label, "left"), np.searchsorted(label, label, "right")
    both = np.stack([label, owner], 1)
    fresh = np.concatenate([[True], (both[1:] != both[:-1]).any(1)])
    group = np.cumsum(fresh) - 1
    sizes = np.bincount(group)
    first = np.flatnonzero(fresh)[group]  # where the items of this label and owner begin
    others = stop - start - sizes[group]
    pick = start + (random.random(len(label)) * others).astype(int)
    pick = np.where(pick >= first, pick + sizes[group], pick)  # step over one's own
    found = np.full(len(label), -1)
    has = others > 0
    found[order[has]] = order[pick[has]]
    return found
