"""What does each latent fire for, and what does the model do with it?

Each latent of the first dictionary of each layer gets an explanation: the label, of some thousand, that its firing
agrees with best (`labels`), chosen on training text and reported on held-out conversations, of which none has a say in
the choice; which latents come first is decided on training text, too. Beside it: whether another start finds it too
(stability), how much of it the current token alone explains (token share, cross-validated: a contextual latent has
little), which token follows where it fires, how often it fires, and for the clearest ones what taking it out, and
holding it high where it does not fire, does to the tokens it promotes. What a latent reads is not what it writes, so
both are shown.

A latent is called *solid* only if it is stable and *needed*: with it taken out where it fires, the next token is
predicted worse than after steps of the same length along any of twenty latents of like density. The count is a finding
only if it is above that of the untrained model and that of scrambled weights.

Explanations have their nulls: the same firing rolled along the text, and neurons and random directions cut to fire as
often; and the same of scrambled weights and of the untrained model. For what is known of each place, such as who
speaks, the best latent stands beside the best neuron, direction and component and a probe on all dimensions.

Text of messages is shown of a latent only if it fires in five conversations or more, none of which holds over half of
its activation.

What would fool it: a good F1 for the token that is there. The untrained model has as many latents with such an
explanation. And labels are what somebody thought of: a latent without one may mean something all the same.

References: Bills et al. 2023; Kantamneni et al. 2025 (2502.16681), sparse probing; Gurnee et al. 2023 (2305.01610).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
import torch
from torch import Tensor

import wonderland as wl
from wonderland.advice import Command, Hint, Options
from wonderland_sparse.activations import Fires, cut, directions, fires, neurons, rolled
from wonderland_sparse.asking import Foretold
from wonderland_sparse.controls import scrambled
from wonderland_sparse.dataset_examples import card, may_be_shown, shaded
from wonderland_sparse.dictionaries_result import STABLE, DictionariesResult
from wonderland_sparse.dictionary import Dictionary
from wonderland_sparse.effects import promoted, taken_out
from wonderland_sparse.features_result import FeaturesResult
from wonderland_sparse.labels import COMING, CONTEXTUAL, Explained, Labels, explain, named
from wonderland_sparse.probing import known
from wonderland_sparse.streams import Places, Stream, held_out, of_text, some_windows
from wonderland_sparse.trainings import halves, one_by_one, side_by_side, woven

if TYPE_CHECKING:
    from wonderland.testing.truth import Truth

_CHOOSING = 60_000  # tokens of training text to choose labels on
_WRITES = 6
_LIVE = 6  # latents of a layer that a live report can steer along and take out


@dataclass(frozen=True)
class SparseFeatures(Foretold):
    """What does each latent fire for and do? Explanations, stability and effects, each beside its null."""

    name: ClassVar[str] = "sparse-features"
    version: ClassVar[int] = 4
    needs: ClassVar[tuple[str, ...]] = ("resid_post", "background")
    groups: ClassVar[tuple[str, ...]] = ("sparse",)
    no_choices: ClassVar[str] = (
        "Labels are chosen on training text and reported on held-out conversations, and the best of "
        "some thousand latents stands beside the best of as many directions, chosen alike."
    )
    uses: ClassVar[tuple[str, ...]] = ("sparse-dictionaries",)
    on_request: ClassVar[bool] = True

    effects: Annotated[int, "latents of each layer whose effect is measured, the clearest stable ones first"] = 48
    listed: Annotated[int, "latents to show with their contexts"] = 32
    seed: Annotated[int, "seed of the samples"] = 0

    @classmethod
    def truths(cls) -> list[Truth]:
        """Return what it must find in models whose answers are known."""
        from wonderland_sparse import truths

        return truths.features()

    @torch.no_grad()
    def run(self, specimen: wl.Specimen) -> FeaturesResult:
        """Explain the latents of the dictionaries."""
        if self.effects < 1 or self.listed < 0:
            raise wl.UsageError(
                "At least one latent is taken out, and no fewer than none are shown.",
                hint=Hint("For example: ", Options(effects=48, listed=32)),
            )
        found = specimen.results.get("sparse-dictionaries")
        if not isinstance(found, DictionariesResult):
            raise wl.NotEnoughData(
                "There are no dictionaries whose latents could be explained.",
                hint=Hint("Train some: ", Command("analyze", "sparse-dictionaries")),
            )
        layers = found.layers[:1] if found.shared else found.layers
        some = some_windows(specimen.background, _CHOOSING, self.seed)
        quiet = specimen.running(None, specimen.scratch)
        first, second = of_text(quiet, some, layers), held_out(specimen, layers)
        pieces = specimen.tokenizer.pieces(list(range(specimen.cfg.d_vocab)))
        labels = [
            Labels.read(of[layers[0]].places, pieces, speakers=specimen.evidence.speakers) for of in (first, second)
        ]
        text, others, done = _Text(some, labels), self._of_scrambled(specimen, found, layers, some), [0]
        specimen.progress(0, 2 * len(layers))

        def tell() -> None:
            done[0] += 1
            specimen.progress(done[0], 2 * len(layers))

        @torch.no_grad()  # which each thread has of its own
        def own(running: wl.Specimen, layer: int) -> Any:
            return self._layer(running, found, layer, (first[layer], second[layer]), text)

        @torch.no_grad()
        def control(running: wl.Specimen, layer: int) -> Any:
            return self._scrambled(found, layer, (running, others[1]), text)

        works = [
            one_by_one(of, running, some_layers)
            for model, of in ((specimen, own), (others[0], control))
            for running, some_layers in halves(model, layers)
        ]
        made = side_by_side(works, tell)
        half = len(works) // 2
        parts, others_parts = (woven(made[start : start + half]) for start in (0, half))
        parts = [part | {"scrambled": of} for part, of in zip(parts, others_parts, strict=True)]
        return FeaturesResult.of(parts, tokens=found.tokens, latents=found.latents, shared=found.shared)

    def _of_scrambled(
        self, specimen: wl.Specimen, found: DictionariesResult, layers: list[int], some: wl.Windows
    ) -> tuple[wl.Specimen, dict[int, tuple[Stream, Stream]]]:
        """Return the model with scrambled weights, and its streams on both texts after layers with a dictionary."""
        other = specimen.with_model(scrambled(specimen.model, found.seed))
        asked = [layer for layer in layers if found.of_scrambled(layer) is not None]
        if not asked:
            return other, {}
        first, second = of_text(other.running(None, specimen.scratch), some, asked), held_out(other, asked)
        return other, {layer: (first[layer], second[layer]) for layer in asked}

    def _scrambled(
        self,
        found: DictionariesResult,
        layer: int,
        others: tuple[wl.Specimen, dict[int, tuple[Stream, Stream]]],
        text: _Text,
    ) -> dict[str, Any] | None:
        """Return the same measures of the model with scrambled weights; None where it has no dictionary."""
        (other, streams), its = others, found.of_scrambled(layer)
        if its is None:
            return None
        of = self._measured(other, layer, *its, streams[layer], text, control=True)
        return {name: of[name] for name in ("arrays", "rise", "nulls", "known")}

    def _layer(
        self,
        specimen: wl.Specimen,
        found: DictionariesResult,
        layer: int,
        streams: tuple[Stream, Stream],
        text: _Text,
    ) -> dict[str, Any]:
        dictionary, table = found.dictionary(layer), found.table(layer)
        of = self._measured(specimen, layer, dictionary, table, found.stability[f"L{layer}"], streams, text)
        solid, order, there, about = of["arrays"]["solid"], of.pop("order"), of.pop("there"), of.pop("about")
        others = [int(one) for one in order if of["arrays"]["shown"][one] and one not in set(solid.tolist())]
        listed = [*solid.tolist(), *others][: self.listed]
        asked = of["arrays"]["asked"]
        ratio = dict(zip(asked.tolist(), range(len(asked)), strict=True))
        return of | {
            "layer": layer,
            "conversations": len(np.unique(streams[1].places.conversation)),
            "cards": [card(specimen, layer, unit, there, about, ratio.get(unit)) for unit in listed],
            "live": _live(specimen, layer, dictionary, table, there, listed[:_LIVE]),
            "examples": shaded(specimen, listed[:6], there) if listed else [],
            "shading": listed[:6],
        }

    def _measured(
        self,
        specimen: wl.Specimen,
        layer: int,
        dictionary: Dictionary,
        table: np.ndarray | None,
        stability: np.ndarray,
        streams: tuple[Stream, Stream],
        text: _Text,
        *,
        control: bool = False,
    ) -> dict[str, Any]:
        """Return what the latents of a model fire for and do, and the same of its neurons and of directions.

        Of a control only what stands beside the model's own: its latents are not held high, and nothing else is cut.
        """
        labels, some = text.labels, text.windows
        x, y = (of.without(table) for of in streams)
        here, there = fires(dictionary, x), fires(dictionary, y)
        places = streams[1].places
        size, count = len(places), dictionary.latents

        def explained(one: Fires, other: Fires, units: int, families: Any = None) -> Explained:
            return explain(one.rows, one.units, units, labels[0], other.rows, other.units, labels[1], families)

        best = explained(here, there, count)
        contextual = explained(here, there, count, CONTEXTUAL)
        coming = explained(here, there, count, COMING)
        density = np.bincount(there.units, minlength=count) / size
        nulls = {"rolled firing": explained(rolled(here, len(x)), rolled(there, size), count).f1}
        values: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        if not control:
            values["random directions"] = directions(x, y, min(count, 512), self.seed)
        if not control and not specimen.cfg.attn_only:
            rows = some.batch(np.arange(len(some)), 0), specimen.evidence.tokens
            lengths = some.lengths, specimen.evidence.lengths
            values["neurons"] = (
                neurons(specimen, rows[0], lengths[0], layer),
                neurons(specimen, rows[1], lengths[1], layer),
            )
        alive = density[density > 0]
        for name, (one, other) in values.items():
            if len(alive):
                nulls[name] = explained(*cut(one, other, alive, self.seed), one.shape[1]).f1
        allowed = may_be_shown(there, places, count)
        raised, by = promoted(specimen, dictionary.W_dec, _WRITES)
        # Which come first is decided where labels were chosen, else the F1 that is told would be too high.
        clear = np.maximum(contextual.chosen, 0.5 * best.chosen)
        order = np.argsort(-np.nan_to_num(clear, nan=-1), kind="stable")
        asked = np.array([one for one in order if allowed[one] and stability[one] >= STABLE][: self.effects], dtype=int)
        effects = taken_out(specimen, layer, dictionary, there, asked, raised[0], density, self.seed, held=not control)
        return {
            "order": order,
            "there": there,
            "arrays": {
                "stability": stability,
                "density": density,
                "share": _token_share(here, streams[0].places, there, places, count, specimen.cfg.d_vocab),
                "f1": best.f1,
                "precision": best.precision,
                "recall": best.recall,
                "chosen": best.chosen,
                "contextual": contextual.f1,
                "contextual chosen": contextual.chosen,
                "coming": coming.f1,
                "shown": allowed,
                "asked": asked,
                "rise null": effects.rise_null,
                "null": effects.null,
                "held null": effects.held_null,
                "solid": asked[effects.needed],
            },
            "rise": effects.rise,
            "effects": effects.ratio,
            "held": effects.held,
            "explanations": [named(labels[0], best, unit) for unit in range(count)],
            "contextual explanations": [named(labels[0], contextual, unit) for unit in range(count)],
            "coming explanations": [named(labels[0], coming, unit) for unit in range(count)],
            "nulls": nulls,
            "known": known(_subjects(dictionary, x, y, streams, values), labels, streams, self.seed),
            "about": {
                "pieces": specimen.tokenizer.pieces,
                "reads": _reads(here, streams[0].places, count, specimen.cfg.d_vocab),
                "raised": raised,
                "by": by,
            },
        }


@dataclass(frozen=True)
class _Text:
    """The training text that labels are chosen on, and the labels of it and of the evidence."""

    windows: wl.Windows
    labels: list[Labels]


def _live(
    specimen: wl.Specimen, layer: int, dictionary: Any, table: np.ndarray | None, fired: Fires, units: list[int]
) -> list[dict[str, Any]]:
    """Return what a live report needs of some latents, each as its encoder reads it and as long as it is on average."""
    found = []
    for unit in units:
        encoder = dictionary.W_enc[unit].numpy()
        length = float(fired.of_unit(unit)[1].mean())
        found.append(
            {
                "unit": unit,
                "vector": length * dictionary.W_dec[unit].numpy(),
                "encoder": encoder,
                "bias": float(dictionary.b_enc[unit] - dictionary.W_enc[unit] @ dictionary.b_dec),
                "threshold": float(dictionary.threshold[unit]),
                "length": length,
                "tokens": np.zeros(0, np.float32) if table is None else -(table @ encoder),
                "last": layer + 1 == specimen.cfg.n_layers,
                "attn_only": bool(specimen.cfg.attn_only),
            }
        )
    return found


def _token_share(here: Fires, first: Places, there: Fires, second: Places, count: int, d_vocab: int) -> np.ndarray:
    """Return how much of each latent's variance on held-out text its mean for each token on other text explains."""
    seen = np.maximum(np.bincount(first.tokens, minlength=d_vocab), 1)
    found = np.full(count, np.nan)
    for unit in np.unique(there.units).tolist():
        (rows, values), (held_rows, held_values) = here.of_unit(unit), there.of_unit(unit)
        mean = np.bincount(first.tokens[rows], values, d_vocab) / seen
        f = np.zeros(len(second))
        f[held_rows] = held_values
        left, total = ((f - mean[second.tokens]) ** 2).sum(), ((f - f.mean()) ** 2).sum()
        found[unit] = max(1 - left / total, 0.0) if total > 0 else np.nan
    return found


def _reads(here: Fires, places: Places, count: int, d_vocab: int) -> Any:
    """Return a function that gives the tokens a latent is most active at, with its mean there, among those seen."""
    seen = np.bincount(places.tokens, minlength=d_vocab)

    def reads(unit: int, most: int = 6) -> tuple[np.ndarray, np.ndarray]:
        rows, values = here.of_unit(unit)
        mean = np.bincount(places.tokens[rows], values, d_vocab) / np.maximum(seen, 1)
        mean[seen < 5] = 0
        top = np.argsort(-mean, kind="stable")[:most]
        return top[mean[top] > 0], mean[top][mean[top] > 0]

    return reads


def _subjects(
    dictionary: Any,
    x: Tensor,
    y: Tensor,
    streams: tuple[Stream, Stream],
    values: dict[str, tuple[np.ndarray, np.ndarray]],
) -> dict[str, tuple[Any, Any]]:
    from wonderland_sparse.controls import components, moments

    mean, axes = components(moments(streams[0].x), min(64, streams[0].x.shape[1]))
    both = [np.asarray(((of.x.float() - mean) @ axes.T).numpy()) for of in streams]
    latents = [np.asarray(dictionary.encode(of.float()).numpy()) for of in (x, y)]
    return {
        "latent": (latents[0], latents[1]),
        **{name.removesuffix("s").removeprefix("random "): pair for name, pair in values.items()},
        "component": (both[0], both[1]),
    }
