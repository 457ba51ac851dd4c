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

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np

import wonderland as wl
from wonderland.lab.stats import benjamini_hochberg
from wonderland.lab.weights import FoldedWeights, effective_embedding, fold
from wonderland_weights import directions as vocabulary
from wonderland_weights.copying import copying_null, copying_scores
from wonderland_weights.factored import Spectrum, random_spectra, svd

_DRAWS = 100


@dataclass(frozen=True)
class OVCircuitsResult(wl.Result):
    """What the heads' OV and QK matrices are made of.

    Attributes:
        values: Singular values by circuit, "OV" and "QK", each [layer, head, k]; all zero for a head without one.
        ratio: σ₁/σ₂ by circuit, [layer, head]; infinite at rank 1, NaN without one.
        effective_rank: (Σσ²)² / Σσ⁴ by circuit, [layer, head].
        random_ratio: 2.5 %, 50 % and 97.5 % quantile of σ₁/σ₂ of random weights of this shape.
        random_rank: The same of the effective rank.
        copying: Copying score [layer, head]; NaN for a head that writes nothing the unembedding reads.
        copying_null: 2.5 %, 50 % and 97.5 % quantile of rotated heads, [3, layer, head].
        p: Two-sided p of the copying score, [layer, head].
        q: The same with false discoveries controlled over all heads that have a score.
        directions: By head ("L0H0") and circuit, the leading directions, as ``wonderland_weights.directions`` says.
        rotations: Rotations in the null.
        level: q below which a score is called beyond chance.
        effective: Whether heads after layer 0 read tokens as W_E + MLP₀(W_E).
        counted: Tokens of evidence in which those shown were counted.
    """

    values: dict[str, np.ndarray]
    ratio: dict[str, np.ndarray]
    effective_rank: dict[str, np.ndarray]
    random_ratio: np.ndarray
    random_rank: np.ndarray
    copying: np.ndarray
    copying_null: np.ndarray
    p: np.ndarray
    q: np.ndarray
    directions: dict[str, dict[str, list[dict[str, Any]]]]
    rotations: int
    level: float
    effective: bool
    counted: int

    @property
    def copiers(self) -> list[tuple[int, int]]:
        """Heads whose copying score is above chance, highest first."""
        return self._beyond(1)

    @property
    def suppressors(self) -> list[tuple[int, int]]:
        """Heads whose copying score is below chance, lowest first."""
        return self._beyond(-1)

    def _beyond(self, sign: int) -> list[tuple[int, int]]:
        middle = self.copying_null[1]
        found = np.argwhere((self.q < self.level) & (sign * (self.copying - middle) > 0))
        return sorted(((int(layer), int(head)) for layer, head in found), key=lambda at: -sign * self.copying[at])

    def summary(self) -> str:
        return "\n".join(finding.text for finding in self._claims())

    def findings(self) -> Sequence[wl.Finding]:
        return self._claims()

    def _claims(self) -> list[wl.Finding]:
        has = np.isfinite(self.copying)
        rule = f"q < {self.level:g} against {self.rotations} random rotations of each"
        without = [_name(at) for at in np.argwhere(~has)]
        if not has.any():
            text = "No head has a copying score: none writes anything the unembedding reads."
            return [wl.Finding(text, "copying", {}, "anecdotal")]
        claims = []
        for heads, verb in (
            (self.copiers, "lean to copying what they attend to"),
            (self.suppressors, "lean to suppressing it"),
        ):
            if heads:
                text = f"{len(heads)} of {has.sum()} heads {verb}, by their weights ({rule}); {self._told(heads[0])}."
                claims.append(wl.Finding(text, "copying", {"head": _name(heads[0])}, "solid"))
        if not claims:
            at = _at(int(np.nanargmax(np.abs(self.copying - self.copying_null[1]))), self.copying.shape)
            text = f"No head copies or suppresses, by its weights, beyond chance ({rule}); furthest: {self._told(at)}."
            claims.append(wl.Finding(text, "copying", {"head": _name(at)}, "weak"))
            if has.sum() / (1 + self.rotations) >= self.level:
                text = f"{self.rotations} rotations are too few for one head alone to pass among {has.sum()}."
                claims.append(wl.Finding(text, "copying", {}, "anecdotal"))
        ratio = np.where(np.isfinite(self.ratio["OV"]), self.ratio["OV"], np.nan)
        if np.isfinite(ratio).any():
            at = _at(int(np.nanargmax(ratio)), ratio.shape)
            low, _, high = self.random_ratio
            beyond = ratio[at] > high
            text = (
                f"{_name(at)} has the steepest OV spectrum: σ₁/σ₂ = {ratio[at]:.2f}"
                f"{'' if beyond else ', no more than chance'} (random weights of this shape: {low:.2f} to {high:.2f}; "
                f"effective rank {self.effective_rank['OV'][at]:.1f} of {self.values['OV'].shape[-1]})."
            )
            claims.append(wl.Finding(text, "ov-heads", {"head": _name(at)}, "solid" if beyond else "weak"))
        if without:
            text = f"Without a copying score, as they write nothing the unembedding reads: {', '.join(without)}."
            claims.append(wl.Finding(text, "ov-heads", {"head": without[0]}, "solid"))
        if isinstance(self.control, OVCircuitsResult):
            before = self.control.copying
            found = "none, as no head writes anything yet"
            if np.isfinite(before).any():
                found = f"{np.nanmin(before):+.2f} to {np.nanmax(before):+.2f}"
            claims.append(wl.Finding(f"Copying scores before training: {found}.", "copying", {}, "solid"))
        return claims

    def _told(self, at: tuple[int, int]) -> str:
        low, _, high = self.copying_null[(slice(None), *at)]
        return f"{_name(at)} scores {self.copying[at]:+.2f} (rotated: {low:+.2f} to {high:+.2f})"

    def views(self) -> Sequence[wl.View]:
        layers, heads = self.copying.shape
        null = f"n={self.rotations} random rotations of each head with its singular values kept"
        about = " after MLP 0" if self.effective else ""
        copying = wl.View(
            "copying",
            "Which heads copy",
            "matrix",
            {
                "rows": [f"L{layer}" for layer in range(layers)],
                "columns": [f"H{head}" for head in range(heads)],
                "links": "head",
                "series": [
                    {
                        "name": "Copying score",
                        "unit": "Σ Re λ / Σ |λ|",
                        "values": self.copying,
                        "scale": "diverging",
                        "domain": [-1, 1],
                    }
                ],
            },
            caption=f"Copying score of each head's W_E W_V W_O W_U, between −1 and 1; null: {null}, in the table of "
            "OV and QK circuits.",
            how_to_read="+1 is a head that raises the logit of whatever token it attends to, −1 one that lowers it; "
            "rotated heads stand near 0. An empty cell is a head that writes nothing the unembedding reads.",
            misleads="The score says nothing of how much a head moves, nor whether it ever attends to anything.",
            order=60,
        )
        columns = [
            {"key": "head", "label": "Head"},
            {"key": "copying", "label": "Copying", "digits": 2, "help": "Σ Re λ / Σ |λ|; +1 copies, −1 suppresses"},
            {"key": "null", "label": "Rotated", "help": "95 % of random rotations of this head lie here"},
            {"key": "q", "label": "q", "digits": 3, "help": "False-discovery rate over all heads, two-sided"},
        ]
        for circuit in ("OV", "QK"):
            columns += [
                {"key": f"{circuit} ratio", "label": f"{circuit} σ₁/σ₂", "digits": 2},
                {"key": f"{circuit} rank", "label": f"{circuit} rank", "digits": 1, "help": "(Σσ²)² / Σσ⁴"},
            ]
        low, _, high = self.random_ratio
        fewest, _, most = self.random_rank
        table = wl.View(
            "ov-heads",
            "OV and QK circuits",
            "table",
            {"columns": columns, "rows": [self._row(at) for at in np.ndindex(layers, heads)], "links": "head"},
            caption=f"Null of the copying score: {null}. Random weights of this shape have σ₁/σ₂ {low:.2f} to "
            f"{high:.2f} and an effective rank of {fewest:.1f} to {most:.1f} (95 % of {_DRAWS} draws).",
            how_to_read="OV is what a head does with what it attends to, QK what it attends to. A steep start of the "
            "singular values (σ₁/σ₂ well over that of random weights) and a low rank mean few different jobs.",
            misleads="Few directions are not one job: a single direction can carry many meanings at once.",
            order=61,
        )
        shown = [row for at in np.ndindex(layers, heads) for row in self._direction_rows(_name(at))]
        if not shown:
            return [copying, table]
        directions = wl.View(
            "ov-directions",
            "What each head reads and writes",
            "table",
            {
                "columns": [
                    {"key": "head", "label": "Head"},
                    {"key": "circuit", "label": "Circuit"},
                    {"key": "end", "label": "Direction", "help": "Its number, and which of its two ends"},
                    {"key": "share", "label": "Share", "unit": "of σ²", "digits": 2},
                    {"key": "position", "label": "Position", "unit": "share", "digits": 2}
                    | {"help": "How much of what it reads in embeddings is position, not token; of QK the larger"},
                    {"key": "reads", "label": "Reads, or query"},
                    {"key": "writes", "label": "Promotes, or key"},
                ],
                "rows": shown,
                "links": "head",
            },
            caption=f"Tokens at both ends of the leading singular directions, read through the embedding{about} and "
            f"written through the unembedding; beside each how often it occurs in {self.counted} held-out tokens.",
            how_to_read="OV: attending to a token on the left promotes those on the right. QK: a query on the left "
            "looks for a key on the right. The + and the − end of a direction are equally real; which is + is chance.",
            misleads="Tokens with 0× were hardly trained and stand at many ends by accident; later heads read more "
            "than embeddings.",
            order=62,
        )
        return [copying, table, directions]

    def _row(self, at: tuple[int, ...]) -> dict[str, Any]:
        low, _, high = self.copying_null[(slice(None), *at)]
        row: dict[str, Any] = {"head": _name(at)}
        defined = bool(np.isfinite(self.copying[at]))
        row["copying"] = float(self.copying[at]) if defined else None
        row["null"] = f"{low:+.2f} to {high:+.2f}" if defined else "writes nothing read"
        row["q"] = float(self.q[at]) if defined else None
        for circuit in self.values:
            ratio, rank = float(self.ratio[circuit][at]), float(self.effective_rank[circuit][at])
            row[f"{circuit} ratio"] = ratio if np.isfinite(ratio) else None if np.isnan(ratio) else "rank 1"
            row[f"{circuit} rank"] = rank if np.isfinite(rank) else None
        return row

    def _direction_rows(self, head: str) -> list[dict[str, Any]]:
        return [
            {
                "head": head,
                "circuit": circuit,
                "end": f"{one['number']} {sign}",
                "share": one["share"],
                "position": one["position"],
                "reads": vocabulary.words(end["reads"]),
                "writes": vocabulary.words(end["writes"]),
            }
            for circuit, described in self.directions[head].items()
            for one in described
            for sign, end in zip("+−", one["ends"], strict=True)
        ]


@dataclass(frozen=True)
class OVCircuits:
    """What does each head read and write, and does it copy? SVD of OV and QK, both sides and signs; copying score."""

    name: ClassVar[str] = "ov-circuits"
    version: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = ()
    groups: ClassVar[tuple[str, ...]] = ("weights",)

    directions: Annotated[int, "singular directions described for each head and circuit"] = 2
    tokens: Annotated[int, "tokens shown at each end of a direction"] = 5
    min_count: Annotated[int, "show only tokens that occur this often in the held-out evidence"] = 0
    effective: Annotated[bool, "read tokens as W_E + MLP0(W_E) in heads after layer 0"] = False
    rotations: Annotated[int, "random rotations in the null of the copying score"] = 500
    level: Annotated[float, "false-discovery rate below which a copying score is called beyond chance"] = 0.05
    seed: Annotated[int, "seed of the rotations"] = 0

    def run(self, specimen: wl.Specimen) -> OVCircuitsResult:
        """Take the specimen's heads apart."""
        random = np.random.default_rng(self.seed)
        weights = fold(specimen.model)
        circuits = {
            "OV": svd(weights.W_V, weights.W_O),
            "QK": svd(weights.W_Q, np.swapaxes(weights.W_K, -1, -2)),
        }
        layers, heads = circuits["OV"].values.shape[:2]
        embeddings = [weights.W_E] * layers
        if self.effective:
            embeddings[1:] = [effective_embedding(specimen.model)] * (layers - 1)
        copying, draws = self._copying(weights, circuits["OV"], embeddings, random)
        exceeding = (np.abs(draws) >= np.abs(copying) - 1e-12).sum(0)
        p = np.where(np.isfinite(copying), (1 + exceeding) / (1 + self.rotations), np.nan)
        null = np.where(np.isfinite(copying), np.quantile(draws, [0.025, 0.5, 0.975], axis=0), np.nan)
        shape = weights.W_V.shape[-2:]
        by_chance = random_spectra(_DRAWS, weights.room, shape[1], random=random)
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
                _name(at): self._described(at, weights, circuits, embeddings[at[0]], counts, specimen)
                for at in np.ndindex(layers, heads)
            },
            rotations=self.rotations,
            level=self.level,
            effective=self.effective,
            counted=int(counts.sum()),
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
            drawn = copying_null(some, meeting, room=weights.room, rotations=self.rotations, random=random)
            parts.append((copying_scores(weights.W_V[layers], weights.W_O[layers], meeting), drawn))
        return np.concatenate([score for score, _ in parts]), np.concatenate([drawn for _, drawn in parts], axis=1)

    def _described(
        self,
        at: tuple[int, ...],
        weights: FoldedWeights,
        circuits: Mapping[str, Spectrum],
        W_E: np.ndarray,
        counts: np.ndarray,
        specimen: wl.Specimen,
    ) -> dict[str, list[dict[str, Any]]]:
        hidden = np.where(counts >= self.min_count, 0.0, np.nan)

        def embedding(direction: np.ndarray) -> np.ndarray:
            return np.asarray(W_E @ direction + hidden)

        def unembedding(direction: np.ndarray) -> np.ndarray:
            return np.asarray(direction @ weights.W_U + hidden)

        layer, head = at
        position = vocabulary.position_share(W_E, weights.W_pos, counts)
        return {
            name: vocabulary.describe(
                circuit,
                (layer, head),
                (embedding, unembedding if name == "OV" else embedding),
                position=position if name == "OV" else lambda u, v: max(position(u, v), position(v, u)),
                counts=counts,
                piece=lambda token: specimen.tokenizer.pieces([token])[0],
                directions=self.directions,
                tokens=min(self.tokens, int((counts >= self.min_count).sum())),
            )
            for name, circuit in circuits.items()
        }


def _name(at: Sequence[int] | np.ndarray) -> str:
    return f"L{at[0]}H{at[1]}"


def _at(flat: int, shape: tuple[int, ...]) -> tuple[int, int]:
    layer, head = np.unravel_index(flat, shape)
    return int(layer), int(head)
