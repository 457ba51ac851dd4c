"""What does each head read and write, and does it copy? From its weights alone.

W_V W_O says what a head does with what it attends to (OV), W_Q W_Kᵀ what it attends to (QK). Both are taken apart by
SVD: singular values, σ₁/σ₂, effective rank (participation ratio, (Σσ²)² / Σσ⁴), and the leading directions as pairs of
tokens, both signs. OV also has a copying score (see ``copying``). Weights are folded and centred as
``wonderland.lab.weights`` says. σ₁/σ₂ and effective rank stand beside those of products of two Gaussian matrices of the
same shape, the copying score beside random rotations of the head with its singular values kept.

Cost: d_model · d_head² for each SVD and ``rotations`` eigenvalue problems of d_head for each head; seconds.

What would fool it: tokens at the end of a direction are often rare ones, whose embeddings hardly were trained (each
has its count beside it); heads of later layers read what earlier ones wrote, not embeddings; and a weight says what a
head can do, not what it does on any text. Weights have no sampling error, hence no intervals here: nulls instead.

References: Elhage et al. 2021; Millidge and Black 2022, The SVD of Weight Matrices is Highly Interpretable.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np

import wonderland as wl
from wonderland.errors import Unsupported
from wonderland.lab.stats import benjamini_hochberg
from wonderland.lab.weights import FoldedWeights, effective_embedding, fold
from wonderland_weights import directions as vocabulary
from wonderland_weights.copying import copying_null, copying_scores
from wonderland_weights.low_rank import Spectrum, random_spectra, svd
from wonderland_weights.ov_result import OVCircuitsResult, head_name

if TYPE_CHECKING:
    from wonderland.testing.truth import Truth

_DRAWS = 100


@dataclass(frozen=True)
class OVCircuits:
    """What does each head read and write, and does it copy? SVD of OV and QK, both sides and signs; copying score."""

    name: ClassVar[str] = "ov-circuits"
    version: ClassVar[int] = 2
    needs: ClassVar[tuple[str, ...]] = ()
    groups: ClassVar[tuple[str, ...]] = ("weights",)
    no_choices: ClassVar[str] = (
        "Weights are no sample: each head is measured exactly, and named by a p against rotations of "
        "it that is corrected for the number of heads."
    )

    directions: Annotated[int, "singular directions described for each head and circuit"] = 2
    tokens: Annotated[int, "tokens shown at each end of a direction"] = 5
    min_count: Annotated[int, "show only tokens that occur this often in the held-out evidence"] = 0
    effective: Annotated[bool, "read tokens as W_E + MLP0(W_E) in heads after layer 0"] = False
    rotations: Annotated[int, "random rotations in the null of the copying score, of clear cases among many fewer"] = (
        500
    )
    level: Annotated[float, "false-discovery rate below which a copying score is called beyond chance"] = 0.05
    seed: Annotated[int, "seed of the rotations"] = 0

    @classmethod
    def truths(cls) -> list[Truth]:
        """Return what it must find in models whose answers are known."""
        from wonderland_weights import truths

        return truths.ov_circuits()

    def run(self, specimen: wl.Specimen) -> OVCircuitsResult:
        """Take the specimen's heads apart."""
        random = np.random.default_rng(self.seed)
        weights = fold(specimen.model)
        if not weights.d_effective:
            raise Unsupported(
                "The residual stream has one dimension, which its LayerNorm makes 0: there is no direction."
            )
        circuits = {
            "OV": svd(weights.W_V, weights.W_O),
            "QK": svd(weights.W_Q, np.swapaxes(weights.W_K, -1, -2)),
        }
        layers = len(circuits["OV"].values)
        embeddings = [weights.W_E] * layers
        if self.effective:
            embeddings[1:] = [effective_embedding(specimen.model)] * (layers - 1)
        copying, draws = self._copying(weights, circuits["OV"], embeddings, random)
        exceeding = (np.abs(draws) >= np.abs(copying) - 1e-12).sum(
            0
        )  # what was not drawn is NaN, which exceeds nothing
        p = np.where(np.isfinite(copying), (1 + exceeding) / (1 + np.isfinite(draws).sum(0)), np.nan)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # a head that writes nothing has no null
            quantiles = np.nanquantile(draws, [0.025, 0.5, 0.975], axis=0)
        null = np.where(np.isfinite(copying), quantiles, np.nan)
        shape = weights.W_V.shape[-2:]
        by_chance = random_spectra(_DRAWS, weights.d_effective, shape[1], random=random)
        counts = np.bincount(specimen.evidence.tokens[specimen.evidence.mask], minlength=len(weights.W_E))
        return OVCircuitsResult(
            values={name: circuit.values for name, circuit in circuits.items()},
            ratio={name: circuit.ratio for name, circuit in circuits.items()},
            effective_rank={name: circuit.effective_rank for name, circuit in circuits.items()},
            random_ratio=np.quantile(by_chance.ratio, [0.025, 0.5, 0.975]),
            random_rank=np.quantile(by_chance.effective_rank, [0.025, 0.5, 0.975]),
            copying=copying,
            copying_null=null,
            p=p,
            q=benjamini_hochberg(p),
            directions={
                head_name((layer, head)): found
                for layer in range(layers)
                for head, found in enumerate(self._described(layer, weights, circuits, embeddings, counts, specimen))
            },
            rotations=self.rotations,
            draws=_DRAWS,
            level=self.level,
            effective=self.effective,
            counted=int(counts.sum()),
            turned=weights.rotary,
        )

    def _copying(
        self, weights: FoldedWeights, OV: Spectrum, embeddings: list[np.ndarray], random: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the scores [layer, head] and those of rotations [rotation, layer, head]."""
        parts: list[tuple[np.ndarray, np.ndarray]] = []
        alike = [slice(0, 1), slice(1, None)] if self.effective else [slice(None)]
        for layers in alike:
            if not len(weights.W_V[layers]):
                continue
            meeting = weights.W_U @ embeddings[layers][0]
            some = Spectrum(OV.reads[layers], OV.values[layers], OV.writes[layers])
            scores = copying_scores(weights.W_V[layers], weights.W_O[layers], meeting)
            drawn = copying_null(
                some,
                meeting,
                room=weights.d_effective,
                rotations=self.rotations,
                random=random,
                scores=scores,
                level=self.level,
            )
            parts.append((scores, drawn))
        return np.concatenate([score for score, _ in parts]), np.concatenate([drawn for _, drawn in parts], axis=1)

    def _described(
        self,
        layer: int,
        weights: FoldedWeights,
        circuits: Mapping[str, Spectrum],
        embeddings: list[np.ndarray],
        counts: np.ndarray,
        specimen: wl.Specimen,
    ) -> list[dict[str, list[dict[str, Any]]]]:
        """Describe the leading directions of the heads of a layer, which meet the vocabulary in one product."""
        hidden, W_E = np.where(counts >= self.min_count, 0.0, np.nan), embeddings[layer]

        def read(directions: np.ndarray) -> np.ndarray:  # [d_model, head, direction] to [d_vocab, head, direction]
            return np.asarray(W_E @ directions.reshape(len(directions), -1)).reshape(-1, *directions.shape[1:])

        def written(directions: np.ndarray) -> np.ndarray:
            return np.asarray(weights.W_U.T @ directions.reshape(len(directions), -1)).reshape(
                -1, *directions.shape[1:]
            )

        share = vocabulary.position_share(weights.W_pos, counts)
        found: list[dict[str, list[dict[str, Any]]]] = [{} for _ in range(circuits["OV"].values.shape[1])]
        for name, circuit in circuits.items():
            u, v = (np.moveaxis(part[layer][..., : self.directions], 0, 1) for part in (circuit.reads, circuit.writes))
            reading, writing = read(u), (written if name == "OV" else read)(v)
            for head, described in enumerate(found):
                several = range(u.shape[-1])
                positions = [share(reading[:, head, i], u[:, head, i]) for i in several]
                if name == "QK":
                    keys = [share(writing[:, head, i], v[:, head, i]) for i in several]
                    positions = [max(pair) for pair in zip(positions, keys, strict=True)]
                described[name] = vocabulary.describe(
                    circuit,
                    (layer, head),
                    (reading[:, head] + hidden[:, None], writing[:, head] + hidden[:, None]),
                    position=positions,
                    counts=counts,
                    piece=lambda token: specimen.tokenizer.pieces([token])[0],
                    tokens=min(self.tokens, int((counts >= self.min_count).sum())),
                )
        return found
