"""Effects of a latent: it is taken out where it fires, and the next token is asked for.

In some windows f·w is taken from the stream wherever the latent fires (what the dictionary leaves stays), and the rest
of the model runs on. Two things are read off after those places:

- *The rise of the loss* of the token that does follow, in nats a place. A latent is *needed* if the loss rises (the
  interval lies over 0) and rises more than after steps of the same length along each of twenty other latents that fire
  about as often. Any step does some harm; of a latent that the model has no use for, one in 21 passes by chance. A
  latent is refused as soon as that is decided: no other is tried where the interval reaches to 0, and none after one
  that does as much harm.
- *The ratio of the probability of what it promotes*, without the latent over with it: 1 is no effect, 0.6 means that
  four tenths of it went. The promoted tokens are read off the weights, w·W_U with the final norm folded in. That the
  ratio falls says nothing about training: these tokens were chosen as those that w raises, so it falls in an untrained
  model as well. It describes what a latent says and counts for nothing.

A latent is also *held high*: at places where it does not fire, the 90% quantile of its activation times w is added, and
the same ratio is taken. What a latent can make the model say is not what it does by itself: this describes, too.

What would fool it: where others say the same, taking one out costs little; and a latent that is read by later positions
only is not seen, as the loss is read where it fires.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

import wonderland as wl
from wonderland.lab.stats import cluster_bootstrap
from wonderland.lab.weights import fold
from wonderland_sparse.activations import Fires
from wonderland_sparse.dictionary import Dictionary
from wonderland_sparse.onward import Onward
from wonderland_sparse.streams import logits_of

__all__ = ["Effects", "promoted", "taken_out"]

NULLS = 20
_WINDOWS = 24  # windows that a latent is taken out of
_HELD = 12  # places where it does not fire, to hold it high at
_HIGH = 0.9  # quantile of its activation that it is held at
_LEAST = 6  # places that a latent must fire at


@dataclass(frozen=True)
class Effects:
    """What follows if a latent is taken out where it fires, or held high where it does not.

    Attributes:
        rise: Rise of the loss of the next token without it, in nats a place, [latent asked for].
        rise_null: The same after steps along other latents, [latent asked for, null]; NaN of those not tried.
        ratio: Probability of promoted tokens without it over with it, [latent asked for].
        null: The same for steps along the same others, [latent asked for, null].
        held: That ratio with the latent held high over without, where it does not fire, [latent asked for].
        held_null: The same for other latents held as high, [latent asked for, null].
    """

    rise: wl.Estimate
    rise_null: np.ndarray
    ratio: wl.Estimate
    null: np.ndarray
    held: wl.Estimate
    held_null: np.ndarray

    @property
    def needed(self) -> np.ndarray:
        """Whether the loss rises without each, and by more than after any other step, [latent asked for]."""
        beyond = np.asarray(self.rise.value) > np.nan_to_num(self.rise_null, nan=-np.inf).max(1, initial=-np.inf)
        return np.asarray(beyond & (np.asarray(self.rise.low) > 0))


def promoted(specimen: wl.Specimen, directions: Tensor, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the tokens each direction raises and lowers most, with the change of their logits for a step of 1.

    Args:
        specimen: The model.
        directions: [latent, d_model].
        count: How many of each.

    Returns:
        Numbers of tokens and changes, [2 (raised, lowered), latent, count] each.
    """
    changes = directions @ torch.from_numpy(np.asarray(fold(specimen.model).W_U, np.float32))
    changes -= changes.mean(1, keepdim=True)
    tops = [changes.topk(count, dim=1), changes.topk(count, dim=1, largest=False)]
    return np.stack([top.indices.numpy() for top in tops]), np.stack([top.values.numpy() for top in tops])


@torch.no_grad()
def taken_out(
    specimen: wl.Specimen,
    layer: int,
    dictionary: Dictionary,
    fired: Fires,
    asked: np.ndarray,
    raised: np.ndarray,
    density: np.ndarray,
    seed: int = 0,
    held: bool = True,
) -> Effects:
    """Return what taking out each of some latents does to the loss and to the probability of what it promotes.

    Args:
        specimen: The model and its evidence.
        layer: After which layer.
        dictionary: Its dictionary.
        fired: Where latents fire on the evidence.
        asked: The latents, [latent asked for].
        raised: Tokens that each of all latents promotes, [latent, count].
        density: Of all latents.
        seed: Seed of windows and of the interval.
        held: Hold them high as well; else ``held`` is missing.
    """
    evidence = specimen.evidence
    stream = torch.cat([_padded(batch["resid_post"][layer], evidence) for batch in specimen.batches("resid_post")])
    window, position = np.nonzero(evidence.mask)
    alive = np.flatnonzero(density > 0)
    rises, ratios, highs = [], [], []
    for number in asked.tolist():
        rows, strength = fired.of_unit(number)
        random = np.random.default_rng([seed, number])
        others = alive[np.argsort(np.abs(np.log(density[alive] / max(density[number], 1e-9))), kind="stable")]
        others = others[others != number][:NULLS]
        directions = dictionary.W_dec[[number, *others.tolist()]]
        there = random.permutation(np.unique(window[rows]))[:_WINDOWS]
        some = np.isin(window[rows], there)
        at = window[rows[some]], position[rows[some]]
        conversation = evidence.conversation[at[0][at[1] + 1 < evidence.lengths[at[0]]]]
        if len(conversation) < _LEAST or not len(others):
            rises.append((wl.Estimate.missing(unit="nats a place", chance=0.0), np.full(NULLS, np.nan)))
            ratios.append((wl.Estimate.missing(unit="ratio", chance=1.0), np.full(NULLS, np.nan)))
        else:
            told = _without(specimen, layer, stream, at, strength[some], directions, raised[number])
            (loss, chance), (less, without) = next(told), next(told)
            ones = np.ones(len(loss))
            rise = cluster_bootstrap(less - loss, ones, conversation, unit="nats a place", chance=0.0, seed=seed)
            ratio = cluster_bootstrap(without, chance, conversation, unit="ratio", chance=1.0, seed=seed)
            null = _tried(told if float(rise.low) > 0 else None, loss, chance, float(rise.value))
            rises.append((rise, null[0]))
            ratios.append((ratio, null[1]))
        silent = random.permutation(len(window)) if held else np.zeros(0, dtype=np.int64)
        silent = silent[~np.isin(silent, rows)][:_HELD]
        if min(len(rows), len(silent)) < _LEAST or not len(others):
            highs.append((wl.Estimate.missing(unit="ratio", chance=1.0), np.full(NULLS, np.nan)))
            continue
        high = float(np.quantile(strength, _HIGH)) * directions
        asked_for = _held(specimen, layer, stream, (window[silent], position[silent]), high, raised[number])
        conversation = evidence.conversation[window[silent]]
        ratio = cluster_bootstrap(asked_for[:, 1], asked_for[:, 0], conversation, unit="ratio", chance=1.0, seed=seed)
        highs.append((ratio, _filled(asked_for[:, 2:].sum(0) / asked_for[:, 0].sum(), 1.0)))
    return Effects(
        *_stacked(rises, "nats a place", 0.0), *_stacked(ratios, "ratio", 1.0), *_stacked(highs, "ratio", 1.0)
    )


def _tried(
    others: Iterator[tuple[np.ndarray, np.ndarray]] | None, loss: np.ndarray, chance: np.ndarray, rise: float
) -> np.ndarray:
    """Return the rise and the ratio after steps along others, [2, null], until one does as much harm; NaN behind it.

    Args:
        others: Loss and probability after each step, [place] each; nothing if none is to be tried.
        loss: The loss without a step, [place].
        chance: The probability without a step, [place].
        rise: What the others are measured by, in nats a place.
    """
    null = np.full((2, NULLS), np.nan)
    if others is None:
        return null
    for place, (without, told) in enumerate(others):
        null[:, place] = (without - loss).mean(), told.sum() / chance.sum()
        if null[0, place] >= rise:
            return null
    return np.where(np.isnan(null), [[0.0], [1.0]], null)  # where there are fewer others, those not there do nothing


def _filled(values: np.ndarray, nothing: float) -> np.ndarray:
    """Return the values of as many others as there are, and no effect for those that are not there, [null]."""
    made = np.full(NULLS, nothing)
    made[: len(values)] = values
    return made


def _stacked(found: list[tuple[wl.Estimate, np.ndarray]], unit: str, chance: float) -> tuple[wl.Estimate, np.ndarray]:
    if not found:
        return wl.Estimate.missing((0,), unit=unit, chance=chance, dims=("latent",)), np.zeros((0, NULLS))
    return wl.Estimate.stacked([one for one, _ in found], dims=("latent",)), np.stack([null for _, null in found])


def _without(
    specimen: wl.Specimen,
    layer: int,
    stream: Tensor,
    at: tuple[np.ndarray, np.ndarray],
    strength: np.ndarray,
    directions: Tensor,
    tokens: np.ndarray,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the loss after places, and the summed probability of tokens, without a step and with each, [place] each.

    Args:
        specimen: The model and its evidence.
        layer: After which layer.
        stream: Of the whole evidence, [window, pos, d_model].
        at: Window and position of each place.
        strength: How long the steps are there, [place].
        directions: [direction, d_model]; each is stepped along at all places of a window at once.
        tokens: Whose probability is summed.

    Yields:
        Both at those places that a token follows, in their order, first without a step. What is not asked for is not
        computed.
    """
    evidence = specimen.evidence
    windows, row = np.unique(at[0], return_inverse=True)
    follows = at[1] + 1 < evidence.lengths[at[0]]
    end = int(at[1].max()) + 1
    rows, columns, kept = torch.from_numpy(row), torch.from_numpy(at[1]), torch.from_numpy(follows)
    onward = Onward(specimen, layer, stream[torch.from_numpy(windows), :end], rows, columns, kept)
    amount = torch.from_numpy(strength).float()[:, None]
    following = torch.from_numpy(evidence.tokens[at[0][follows], at[1][follows] + 1]).long()[:, None]
    asked = torch.from_numpy(np.asarray(tokens))
    for direction in (None, *directions):
        final = onward.unchanged() if direction is None else onward.stepped(-amount * direction)
        with torch.no_grad():
            told = torch.log_softmax(logits_of(specimen, final).cpu(), 1)
        yield -told.gather(1, following)[:, 0].double().numpy(), told[:, asked].exp().sum(1).double().numpy()


def _padded(values: Tensor, evidence: wl.Evidence) -> Tensor:
    made = torch.zeros(len(values), evidence.tokens.shape[1], values.shape[2])
    made[:, : values.shape[1]] = values
    return made


def _held(
    specimen: wl.Specimen,
    layer: int,
    stream: Tensor,
    at: tuple[np.ndarray, np.ndarray],
    steps: Tensor,
    tokens: np.ndarray,
) -> np.ndarray:
    """Return the summed probability of tokens after each place alone, with each step added there, [place, 1 + step].

    Args:
        specimen: The model and its evidence.
        layer: After which layer.
        stream: Of the whole evidence, [window, pos, d_model].
        at: Window and position of each place.
        steps: [step, d_model].
        tokens: Whose probability is summed.

    Returns:
        The probabilities, first without a step.
    """
    every, columns = torch.arange(len(at[0])), torch.from_numpy(at[1])
    windows = stream[torch.from_numpy(at[0]), : int(at[1].max()) + 1]
    onward = Onward(specimen, layer, windows, every, columns, torch.ones(len(every), dtype=torch.bool))
    asked = torch.from_numpy(np.asarray(tokens))
    finals = (onward.unchanged(), *(onward.stepped(step.expand(len(every), -1)) for step in steps))
    told = [torch.softmax(logits_of(specimen, final).cpu(), 1)[:, asked].sum(1) for final in finals]
    return np.asarray(torch.stack(told, 1).numpy())
