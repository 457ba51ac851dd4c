"""What does each MLP compute, a few latents at a time?

A *transcoder* reads what an MLP reads and predicts what it writes, as a sum of a few of some hundred directions. Where
it is close, the MLP can be replaced by it: then what a layer computes is a list of latents that each read one direction
and write one, and paths through the layer can be followed (`attribution-graphs`).

For each layer two transcoders are trained on the training text, from starts of their own, and measured on held-out
text: what they leave of the MLP's output (FVU), what putting their prediction in its place costs (ΔCE), how many
latents are active (L0) or dead, and whether the two starts agree on what latents write. Beside them stand a linear map,
fitted by least squares on the same text; as many of the layer's strongest neurons as latents are active, chosen for
each token; the mean output; and a transcoder of the MLPs of scrambled weights. Each latent gets the label that its
firing agrees with best, chosen on training text and scored on held-out text, as in `sparse-features`.

An untrained model's MLPs write nothing, so there is nothing to predict in it: its layers are left out, and that is
said.

What would fool it: a low cost where the MLP matters little. Compare with the mean output, which costs what the MLP is
worth. And a transcoder predicts what the MLP writes, not how: two computations that give the same are one to it.

References: Dunefsky et al. 2024 (2406.11944); Paulo et al. 2025 (2501.18823), transcoders beat autoencoders.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
import torch
from torch import Tensor

import wonderland as wl
from wonderland.lab.stats import cluster_bootstrap
from wonderland_sparse.activations import fires, rolled
from wonderland_sparse.asking import TrainsOnLayers
from wonderland_sparse.controls import scrambled
from wonderland_sparse.dataset_examples import may_be_shown
from wonderland_sparse.dictionaries_result import agreed, chosen_layers
from wonderland_sparse.dictionary import Transcoder
from wonderland_sparse.effects import promoted
from wonderland_sparse.labels import Labels, explain, named
from wonderland_sparse.learning import Recipe, passes, start_of, steps_of, transcode
from wonderland_sparse.quality import costs, densities, errors_across, lead, matched, ratio, spliced, unexplained
from wonderland_sparse.saved import clear
from wonderland_sparse.shares import share_of_latents
from wonderland_sparse.streams import Stream, enough, mlp_held_out, mlp_of_text, some_windows, together
from wonderland_sparse.trainings import Trainings, Wanted
from wonderland_sparse.transcoders_result import TranscodersResult

if TYPE_CHECKING:
    from wonderland.testing.truth import Truth

_CHOOSING = 60_000  # tokens of training text to choose labels on
_PASSES = 1_200_000, 2, 4  # vectors a transcoder sees, and how many passes that is at least and at most
_SILENT = 1e-6  # largest number an MLP writes that counts as nothing
_WRITES = 6


@dataclass(frozen=True)
class Transcoders(TrainsOnLayers):
    """What does each MLP compute? Sparse transcoders of it from two starts, with their controls."""

    name: ClassVar[str] = "transcoders"
    version: ClassVar[int] = 2
    needs: ClassVar[tuple[str, ...]] = ("resid_mid", "mlp_out", "background")
    groups: ClassVar[tuple[str, ...]] = ("sparse",)
    no_choices: ClassVar[str] = (
        "Nothing is chosen: all transcoders are shown, trained on one text and measured on held-out conversations."
    )
    on_request: ClassVar[bool] = True

    epochs: Annotated[
        int,
        "passes over the training text, up to 15 million tokens in all; 0 for 2, or up to 4 over a text of less than "
        "600,000 tokens",
    ] = 0
    rate: Annotated[float, "learning rate"] = 1.5e-2

    @classmethod
    def truths(cls) -> list[Truth]:
        """Return what it must find in models whose answers are known."""
        from wonderland_sparse import graph_truths

        return graph_truths.transcoders()

    @torch.no_grad()
    def run(self, specimen: wl.Specimen) -> TranscodersResult:
        """Train the transcoders and their controls, and measure them on the evidence."""
        recipe = self.recipe(specimen)
        self.trainable("A transcoder", specimen.cfg.d_model, recipe.rate, recipe.epochs)
        if not isinstance(specimen.model, wl.ChatTransformer):
            raise wl.Unsupported(
                "Transcoders are trained on a ChatTransformer's MLPs only.",
                hint="wl.ChatTransformer.from_transformer_lens(bridge), if it is of the GPT-2 family.",
            )
        layers = chosen_layers(self.layers, specimen.cfg.n_layers)
        enough(specimen.background)
        return _Job(self, specimen, layers).run()

    def recipe(self, specimen: wl.Specimen) -> Recipe:
        """Return how transcoders of a model are trained on its training text."""
        epochs = self.epochs or passes(int(specimen.background.lengths.sum()), *_PASSES)
        return Recipe(self.latents or 4 * specimen.cfg.d_model, self.active, rate=self.rate, epochs=epochs)


class _Job:
    """One run: what is trained, in which order, and how far it has come."""

    def __init__(self, asked: Transcoders, specimen: wl.Specimen, layers: list[int]) -> None:
        self.asked, self.specimen = asked, specimen
        self.quiet = specimen.running(None, specimen.scratch)
        self.held = mlp_held_out(self.quiet, layers)
        self.layers = [layer for layer in layers if float(self.held[layer][1].x.abs().max()) > _SILENT]
        self.silent = [layer for layer in layers if layer not in self.layers]
        self.recipe = asked.recipe(specimen)
        text = specimen.background
        self.together = together(specimen, text, self.layers, copies=2)
        self.trainings = Trainings(
            specimen,
            steps=steps_of(self.recipe, int(text.lengths.sum())),
            trained=3 * len(self.layers),
            passes=2 * len(self.together),
        )

    def run(self) -> TranscodersResult:
        self.unchanged = spliced(self.quiet, self.specimen.cfg.n_layers - 1, None, mlp=True)
        self.lead = lead(self.quiet, self.specimen.background, self.unchanged)
        result = TranscodersResult.of(
            [one for layers in self.together for one in self.of_layers(layers)],
            silent=self.silent,
            latents=self.recipe.latents,
            active=self.asked.active,
            trained_on=int(self.specimen.background.lengths.sum()),
            conversations=len(np.unique(self.specimen.evidence.conversation)),
            lead=float(self.lead.mean()),
        )
        self.specimen.progress(self.trainings.total, self.trainings.total)
        clear(self.specimen.scratch)
        return result

    def of_layers(self, layers: list[int]) -> list[dict[str, Any]]:
        """Train and measure everything of some layers, whose vectors lie in memory together."""
        seed, own = self.asked.seed, self.pass_over(self.specimen, layers)
        some = some_windows(self.specimen.background, _CHOOSING, seed)
        chosen = mlp_of_text(self.quiet, some, layers)
        found = [self.layer(layer, own.pop(layer), chosen.pop(layer)[0]) for layer in layers]
        other = self.specimen.with_model(scrambled(self.specimen.model, seed))
        its, held = self.pass_over(other, layers), mlp_held_out(other, layers)
        made = self.trainings.train([self.wanted(f"T{layer}scrambled", its[layer], seed) for layer in layers])
        for layer, one, into in zip(layers, made, found, strict=True):
            into["measured"]["scrambled weights"] = self.measure(
                layer, _predicting(one), *held[layer], cost=False
            ) | self.counted(one, held[layer][0])
        return found

    def layer(self, layer: int, text: tuple[Stream, Stream], chosen: Stream) -> dict[str, Any]:
        """Train and measure everything of one layer of this model.

        Args:
            layer: Which layer.
            text: What its MLP reads and writes over the training text.
            chosen: What it reads over the text that labels are chosen on.
        """
        seed, (read, written) = self.asked.seed, self.held[layer]
        pair = self.trainings.train([self.wanted(f"T{layer}S{i}", text, seed + i) for i in range(2)])
        cosines, partner = matched(pair[0].W_dec.numpy(), pair[1].W_dec.numpy())
        neurons = self.neurons(layer)
        linear, mean = _least_squares(text[0].x, text[1].x), text[1].x[: 1 << 18].float().mean(0)
        subjects: dict[str, Callable[[Tensor], Tensor]] = {
            "transcoder": _predicting(pair[0]),
            f"{self.asked.active} strongest neurons": neurons,
            "linear map": lambda part: part @ linear[:-1] + linear[-1],
            "mean output": lambda part: mean.expand(len(part), -1),
        }
        measured = {name: self.measure(layer, made, read, written, cost=True) for name, made in subjects.items()}
        measured["transcoder"] |= self.counted(pair[0], read) | {"stable": agreed(cosines)}
        return {
            "layer": layer,
            "weights": {f"S{n}.{name}": part for n, one in enumerate(pair) for name, part in one.arrays().items()},
            "measured": measured,
            "stability": cosines,
            "partner": partner,
            **self.explained(pair[0], chosen, read),
        }

    def pass_over(self, specimen: wl.Specimen, layers: list[int]) -> dict[int, tuple[Stream, Stream]]:
        """Return what the MLPs of some layers read and write over the training text."""
        text, seed = self.specimen.background, self.asked.seed
        return self.trainings.over_text(specimen, lambda running: mlp_of_text(running, text, layers, seed=seed))

    def wanted(self, name: str, text: tuple[Stream, Stream], seed: int) -> Wanted:
        """Return a transcoder that is to be trained on what an MLP reads and writes."""
        about = {"recipe": dataclasses.asdict(self.recipe), "seed": seed, "model": self.specimen.fingerprints}
        (x, y), start = (side.x for side in text), start_of(name, seed)
        steps = steps_of(self.recipe, len(x))
        return Wanted(name, about, steps, lambda tell: transcode(x, y, self.recipe, start, tell), Transcoder)

    def neurons(self, layer: int) -> Callable[[Tensor], Tensor]:
        """Return what the layer's MLP writes if only its strongest neurons act, as many as latents, chosen by token."""
        mlp, count = self.specimen.model.blocks[layer].mlp, self.asked.active
        w_in, b_in, w_out, b_out = (part.detach().float().cpu() for part in (mlp.W_in, mlp.b_in, mlp.W_out, mlp.b_out))
        reach = w_out.norm(dim=1)

        def made(part: Tensor) -> Tensor:
            post = mlp.act(part @ w_in + b_in)
            top = (post.abs() * reach).topk(min(count, post.shape[1]), dim=1).indices
            written: Tensor = torch.zeros_like(post).scatter(1, top, post.gather(1, top)) @ w_out + b_out
            return written

        return made

    def measure(
        self, layer: int, made: Callable[[Tensor], Tensor], read: Stream, written: Stream, *, cost: bool
    ) -> dict[str, wl.Estimate]:
        """Return how much of what an MLP writes is left by a prediction, and what that costs the model."""
        conversation = read.places.conversation
        left = errors_across(made, read.x, written.x)
        found = {"fvu": ratio(left, unexplained(written.x), conversation)}
        if cost:
            rise = spliced(self.quiet, layer, lambda x, _: made(x.float()), mlp=True) - self.unchanged
            found |= costs(rise, self.lead, self.specimen.evidence)
        return found

    def counted(self, one: Transcoder, read: Stream) -> dict[str, wl.Estimate]:
        """Return how many latents are active and dead."""
        fired = np.concatenate([(f > 0).sum(1).numpy() for _, f in one.chunks(read.x)])
        l0 = cluster_bootstrap(fired, np.ones(len(fired)), read.places.conversation, unit="latents a token")
        return {"l0": l0, "dead": share_of_latents(densities(one, read.x) == 0)}

    def explained(self, one: Transcoder, first: Stream, read: Stream) -> dict[str, Any]:
        """Return what each latent fires for and promotes, as far as that may be shown; labels chosen on ``first``."""
        specimen, count = self.specimen, one.latents
        pieces = specimen.tokenizer.pieces(list(range(specimen.cfg.d_vocab)))
        labels = [Labels.read(of.places, pieces, speakers=specimen.evidence.speakers) for of in (first, read)]
        here, there = fires(one, first.x), fires(one, read.x)
        size = len(first.x), len(read.x)

        def best(a: Any, b: Any) -> Any:
            return explain(a.rows, a.units, count, labels[0], b.rows, b.units, labels[1])

        found = best(here, there)
        raised, _ = promoted(specimen, one.W_dec, _WRITES)
        return {
            "f1": found.f1,
            "rolled": best(rolled(here, size[0]), rolled(there, size[1])).f1,
            "shown": may_be_shown(there, read.places, count),
            "density": densities(one, read.x),
            "explanations": [named(labels[0], found, unit) for unit in range(count)],
            "raises": [specimen.tokenizer.pieces(row.tolist()) for row in raised[0]],
        }


def _predicting(one: Transcoder) -> Callable[[Tensor], Tensor]:
    """Return what a transcoder predicts of vectors."""
    return lambda part: one.decode(one.encode(part))


def _least_squares(x: Tensor, y: Tensor) -> Tensor:
    """Return the linear map from x to y with a constant in its last row, [d + 1, d], by ridge regression."""
    d = x.shape[1] + 1
    gram, cross = torch.zeros(d, d, dtype=torch.float64), torch.zeros(d, y.shape[1], dtype=torch.float64)
    for start in range(0, len(x), 1 << 15):
        part = x[start : start + (1 << 15)].double()
        part = torch.cat([part, torch.ones(len(part), 1, dtype=torch.float64)], dim=1)
        gram += part.T @ part
        cross += part.T @ y[start : start + (1 << 15)].double()
    gram += 1e-6 * gram.trace() / d * torch.eye(d, dtype=torch.float64)
    solved: Tensor = torch.linalg.solve(gram, cross)
    return solved.float()
