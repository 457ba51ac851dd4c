"""Of how few of some hundred directions is the residual stream made, and did the model learn them?

For each layer two dictionaries are trained on the training text, from starts of their own, and measured on held-out
text: what they leave (FVU), what putting their reconstruction in place of the stream costs (ΔCE), how many latents are
active (L0) or dead, and whether the two agree. By default they are *context dictionaries*: the mean of each token is
taken off first, because otherwise most of the latents are the vocabulary, which the untrained model has as well.

Beside each number stand its controls: the same of scrambled weights (two starts, so that agreement has its control,
too), of noise with the same covariance, of a decoder that was drawn and never trained, and of as many principal
components as latents are active; and, through ``control``, of the untrained model. The stream of the untrained model
is its embedding in every layer, as what writes to the stream starts at zero; where that is so, one pair of
dictionaries serves all layers. Scrambled weights and the untrained model get the whole training, because agreement
rises with it. Noise and the drawn decoder get a quarter: what they leave has all but arrived by then (of the demo's
layer 2 22.8% and 15.7% of the variance, after twice as long 22.4% and 15.7%).

It needs 60,000 tokens and 100 conversations to train on: below that a dictionary fits its own text and not the
held-out one. Cost: about 5 s of a processor for a million tokens of training with 512 latents of 128 dimensions, 8 s
with 1,024, and one pass over the text for all layers that fit into memory together, and another with scrambled weights.
The dictionaries of a layer are trained beside each other. One that is finished is kept if the run is stopped.

What would fool it: any of the good numbers alone. The untrained model has a lower FVU than the trained one and as many
latents with an explanation. Only what is contextual and needed tells them apart; see `sparse-features`.

References: Bricken et al. 2023; Karvonen et al. 2025 (2503.09532), SAEBench; Heap et al. 2025 (2501.17727); Paulo and
Belrose 2025 (2501.16615), different features from different seeds.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

import wonderland as wl
from wonderland.advice import Hint, Options
from wonderland.lab.stats import cluster_bootstrap
from wonderland_sparse.asking import TrainsOnLayers
from wonderland_sparse.controls import components, moments, noise, partners_by_chance, scrambled
from wonderland_sparse.dictionaries_result import DictionariesResult, agreed, chosen_layers
from wonderland_sparse.dictionary import Dictionary, token_means
from wonderland_sparse.forecasting import trained
from wonderland_sparse.learning import KINDS, SOONER, Recipe, learn, passes, start_of, steps_of
from wonderland_sparse.quality import costs, densities, errors, lead, matched, ratio, spliced, unexplained
from wonderland_sparse.saved import clear
from wonderland_sparse.shares import share_of_latents
from wonderland_sparse.streams import Places, Stream, enough, held_out, of_text, together, writes
from wonderland_sparse.trainings import Trainings, Wanted

if TYPE_CHECKING:
    from wonderland.testing.truth import Truth

_CONTROLS = ("scrambled weights", "noise", "frozen decoder")
_PASSES = 2_400_000, 4, 6  # vectors a context dictionary sees, and how many passes that is at least and at most


@dataclass(frozen=True)
class SparseDictionaries(TrainsOnLayers):
    """Of what is the residual stream made? Sparse dictionaries of each layer from two starts, with their controls."""

    name: ClassVar[str] = "sparse-dictionaries"
    version: ClassVar[int] = 6
    needs: ClassVar[tuple[str, ...]] = ("resid_post", "background")
    groups: ClassVar[tuple[str, ...]] = ("sparse",)
    no_choices: ClassVar[str] = (
        "Nothing is chosen: all dictionaries are shown, trained on one text and measured on held-out conversations."
    )
    on_request: ClassVar[bool] = True

    tokens: Annotated[Literal["subtract", "keep"], "subtract the mean of each token first, or keep it"] = "subtract"
    kind: Annotated[
        Literal["batchtopk", "topk", "matryoshka", "jumprelu"], "how the active ones are chosen while training"
    ] = "batchtopk"
    epochs: Annotated[
        int,
        "passes over the training text, up to 15 million tokens in all; 0 for 4, or up to 6 over a text of less than "
        "600,000 tokens, and 12 where tokens are kept",
    ] = 0
    rate: Annotated[float, "learning rate; 0 for 0.006, and 0.008 where tokens are kept"] = 0.0

    @classmethod
    def truths(cls) -> list[Truth]:
        """Return what it must find in models whose answers are known."""
        from wonderland_sparse import truths

        return truths.dictionaries()

    @torch.no_grad()
    def run(self, specimen: wl.Specimen) -> DictionariesResult:
        """Train the dictionaries and their controls, and measure them on the evidence."""
        if self.kind not in KINDS:
            raise wl.UsageError(f"There is no kind of dictionary {self.kind!r}.", hint=f"Kinds: {', '.join(KINDS)}.")
        if self.tokens not in ("subtract", "keep"):
            raise wl.UsageError(
                f"Tokens are kept or subtracted, not {self.tokens!r}.",
                hint=Hint("For example: ", Options(tokens="keep")),
            )
        recipe = self.recipe(specimen)
        self.trainable("A dictionary", specimen.cfg.d_model, recipe.rate, recipe.epochs)
        layers = chosen_layers(self.layers, specimen.cfg.n_layers)
        enough(specimen.background)
        return _Job(self, specimen, layers).run()

    def recipe(self, specimen: wl.Specimen) -> Recipe:
        """Return how dictionaries of the stream of a model are trained on its training text."""
        epochs, rate = 12, 8e-3
        if self.tokens == "subtract":
            epochs, rate = passes(int(specimen.background.lengths.sum()), *_PASSES), 6e-3
        latents = self.latents or 4 * specimen.cfg.d_model
        return Recipe(latents, self.active, self.kind, self.rate or rate, self.epochs or epochs)


class _Job:
    """One run: what is trained, in which order, and how far it has come."""

    def __init__(self, asked: SparseDictionaries, specimen: wl.Specimen, layers: list[int]) -> None:
        self.asked, self.specimen, self.layers = asked, specimen, layers
        self.recipe = asked.recipe(specimen)
        self.quiet = specimen.running(None, specimen.scratch)
        self.held = held_out(specimen, layers)
        first = self.held[layers[0]].x
        self.shared = len(layers) > 1 and all(torch.equal(self.held[layer].x, first) for layer in layers)
        self.untrained = self.shared or not writes(specimen)
        self.together = together(specimen, specimen.background, layers[:1] if self.shared else layers)
        tokens, of = int(specimen.background.lengths.sum()), 1 if self.shared else len(layers)
        self.trainings = Trainings(
            specimen,
            steps=steps_of(self.recipe, tokens),
            trained=of * trained(self.recipe, tokens, untrained=self.untrained),
            passes=(1 if self.untrained else 2) * len(self.together),
        )

    def run(self) -> DictionariesResult:
        found = [one for layers in self.together for one in self.of_layers(layers)]
        if self.shared:
            found = [{**found[0], "layer": layer} for layer in self.layers]
        result = DictionariesResult.of(
            found,
            shared=self.shared,
            latents=self.recipe.latents,
            active=self.asked.active,
            kind=self.asked.kind,
            tokens=self.asked.tokens,
            trained_on=int(self.specimen.background.lengths.sum()),
            width=self.specimen.cfg.d_model,
            context=self.specimen.cfg.n_ctx,
            n_layers=self.specimen.cfg.n_layers,
            lead=float(self.lead.mean()),
            seed=self.asked.seed,
        )
        clear(self.specimen.scratch)
        return result

    @functools.cached_property
    def lead(self) -> np.ndarray:
        """By how many nats the model predicts each token better than counted trigrams do, [predicted token]."""
        return lead(self.quiet, self.specimen.background, self.unchanged)

    @functools.cached_property
    def unchanged(self) -> np.ndarray:
        """The model's own loss of each predicted token, [predicted token]."""
        return spliced(self.quiet, self.specimen.cfg.n_layers - 1, None)

    def of_layers(self, layers: list[int]) -> list[dict[str, Any]]:
        """Train and measure everything of some layers, whose vectors lie in memory together."""
        own = self.pass_over(self.specimen, layers)
        found = [self.layer(layer, own.pop(layer)) for layer in layers]
        if not self.untrained:
            other = self.specimen.with_model(scrambled(self.specimen.model, self.asked.seed))
            its, held = self.pass_over(other, layers), held_out(other, layers)
            for layer, one in zip(layers, found, strict=True):
                self.of_scrambled(layer, its.pop(layer), held[layer], one)
        return found

    def layer(self, layer: int, own: Stream) -> dict[str, Any]:
        """Train and measure everything of one layer of this model; ``own`` is the training text."""
        asked, held, cfg = self.asked, self.held[layer], self.specimen.cfg
        means = token_means(own.x, own.places.tokens, cfg.d_vocab)
        table = means if asked.tokens == "subtract" else None
        x, y = own.without(table), held.without(table)
        floor, about = _table_errors(own, held, means, cfg.n_ctx), moments(x)
        wanted = [self.wanted(f"L{layer}S{number}", x, asked.seed + number) for number in range(2)]
        if not self.untrained:
            sooner = self.recipe.sooner(SOONER)
            drawn_once = dataclasses.replace(sooner, frozen=True)
            wanted.append(self.wanted(f"L{layer}frozen", x, asked.seed, drawn_once))
            wanted.append(self.wanted(f"L{layer}noise", noise(about, len(x), seed=asked.seed), asked.seed, sooner))
        made = self.trainings.train(wanted)
        del wanted  # and the noise with it
        cosines, partner = matched(made[0].W_dec.numpy(), made[1].W_dec.numpy())
        seeds = [(asked.seed + 7) * 2 + i for i in range(2)]
        drawn = [partners_by_chance(x, about, self.recipe.latents, seed=seed) for seed in seeds]
        total = unexplained(held.x)
        measured = {"dictionary": self.measure(made[0], y, total, held.places, layer, table, floor)}
        measured["dictionary"]["fvu own"] = _own(made[0], x, own.x, own.places)
        by_components = components(about, 4 * asked.active)
        for count in (asked.active, 4 * asked.active):
            measured[f"{count} components"] = self.by_components(
                by_components, count, y, total, held, layer, table, floor
            )
        by_chance = matched(*drawn)[0]
        measured["dictionary"]["stable"] = agreed(cosines, float(agreed(by_chance).value))
        if not self.untrained:
            measured["frozen decoder"] = self.measure(made[2], y, total, held.places, layer, table, floor)
            fresh = noise(about, len(y), seed=asked.seed + 1)
            measured["noise"] = self.measure(made[3], fresh, unexplained(fresh), held.places, None, None, None)
        return {
            "layer": layer,
            "weights": {
                f"{whose}.{name}": part
                for whose, one in zip(("S0", "S1", "frozen"), made, strict=False)
                for name, part in one.arrays().items()
            },
            "table": table if table is not None else np.zeros((0, cfg.d_model), np.float32),
            "measured": measured,
            "stability": cosines,
            "partner": partner,
            "by chance": by_chance,
            "density": densities(made[0], y),
        }

    def of_scrambled(self, layer: int, own: Stream, held: Stream, into: dict[str, Any]) -> None:
        """Add the same of scrambled weights to what was found of a layer, weights for later analyses among it."""
        means = token_means(own.x, own.places.tokens, self.specimen.cfg.d_vocab)
        table = means if self.asked.tokens == "subtract" else None
        x, seed = own.without(table), self.asked.seed
        made = self.trainings.train([self.wanted(f"L{layer}scrambled{i}", x, seed + i) for i in range(2)])
        floor = _table_errors(own, held, means, self.specimen.cfg.n_ctx)
        found = self.measure(made[0], held.without(table), unexplained(held.x), held.places, None, None, floor)
        cosines = matched(made[0].W_dec.numpy(), made[1].W_dec.numpy())[0]
        found["stable"] = agreed(cosines)
        parts = {**made[0].arrays(), "stability": cosines} | ({} if table is None else {"table": table})
        into["weights"] |= {f"scrambled.{name}": part for name, part in parts.items()}
        measured = into["measured"] | {"scrambled weights": found}
        into["measured"] = {name: measured[name] for name in measured if name not in _CONTROLS} | {
            name: measured[name] for name in _CONTROLS
        }

    def pass_over(self, specimen: wl.Specimen, layers: list[int]) -> dict[int, Stream]:
        """Return the streams after some layers over the training text."""
        text, seed = self.specimen.background, self.asked.seed
        return self.trainings.over_text(specimen, lambda running: of_text(running, text, layers, seed=seed))

    def wanted(self, name: str, x: Tensor, seed: int, recipe: Recipe | None = None) -> Wanted:
        """Return a dictionary that is to be trained on vectors."""
        how = recipe or self.recipe
        model = self.specimen.fingerprints
        about = {"recipe": dataclasses.asdict(how), "seed": seed, "model": model, "tokens": self.asked.tokens}
        start = start_of(name, seed)
        steps, most = (steps_of(one, len(x)) for one in (how, self.recipe))
        return Wanted(name, about, steps, lambda tell: learn(x, how, start, tell), part=steps / most)

    def measure(
        self,
        one: Dictionary,
        y: Tensor,
        total: np.ndarray,
        places: Places,
        layer: int | None,
        table: np.ndarray | None,
        floor: np.ndarray | None,
    ) -> dict[str, wl.Estimate]:
        """Return the quality of a dictionary on held-out vectors; ΔCE only of a layer of this model."""
        left, density = errors(one, y), densities(one, y)
        conversation, ones = places.conversation, np.ones(len(left))
        fired = np.concatenate([(f > 0).sum(1).numpy() for _, f in one.chunks(y)])
        found = {
            "fvu": ratio(left, total, conversation),
            "l0": cluster_bootstrap(fired, ones, conversation, unit="latents a token"),
            "dead": share_of_latents(density == 0),
        }
        if floor is not None:
            found["fvu table"] = _against(floor, left, total, conversation)
        if layer is not None:
            found |= self.cost(layer, table, lambda x: one.decode(one.encode(x)))
        return found

    def by_components(
        self,
        parts: tuple[Tensor, Tensor],
        count: int,
        y: Tensor,
        total: np.ndarray,
        held: Stream,
        layer: int,
        table: np.ndarray | None,
        floor: np.ndarray,
    ) -> dict[str, wl.Estimate]:
        """Return FVU and ΔCE of the first principal components."""
        mean, directions = parts[0], parts[1][:count]

        def project(x: Tensor) -> Tensor:
            return (x - mean) @ directions.T @ directions + mean

        left = np.asarray((y.float() - project(y.float())).square().sum(1).numpy())
        return {
            "fvu": ratio(left, total, held.places.conversation),
            "fvu table": _against(floor, left, total, held.places.conversation),
            **self.cost(layer, table, project),
        }

    def cost(self, layer: int, table: np.ndarray | None, change: Callable[[Tensor], Tensor]) -> dict[str, wl.Estimate]:
        """Return by how many nats the loss rises with a reconstruction in the place of the stream, and as a share.

        The share is of the model's lead, what it knows beyond counted trigrams; both are resampled together.
        """
        means = None if table is None else torch.from_numpy(table)

        def put(x: Tensor, tokens: Tensor) -> Tensor:
            return change(x) if means is None else change(x - means[tokens]) + means[tokens]

        return costs(spliced(self.quiet, layer, put) - self.unchanged, self.lead, self.specimen.evidence)


def _against(floor: np.ndarray, left: np.ndarray, total: np.ndarray, conversation: np.ndarray) -> wl.Estimate:
    """Return the share left of what tokens and positions do not say; missing where they say all there is."""
    if floor.sum() < 1e-3 * total.sum():
        return wl.Estimate.missing(unit="share of variance")
    return ratio(left, floor, conversation)


def _own(one: Dictionary, x: Tensor, stream: Tensor, places: Places) -> wl.Estimate:
    """Return the FVU on the text the dictionary was trained on, of 20,000 tokens."""
    rows = np.sort(np.random.default_rng(0).permutation(len(x))[:20_000])
    some = torch.from_numpy(rows)
    return ratio(errors(one, x[some]), unexplained(stream[some]), places.conversation[rows])


def _table_errors(own: Stream, held: Stream, means: np.ndarray, context: int) -> np.ndarray:
    """Return ‖x − E[x | token] − E[· | position]‖² of each held-out vector, [token]."""
    by_position = token_means(own.without(means), own.places.position, context)
    left = held.x.float() - torch.from_numpy(means[held.places.tokens] + by_position[held.places.position])
    return np.asarray(left.square().sum(1).numpy())
