"""What is said and shown of the heads' OV and QK circuits: claims, tables and the matrix of copying scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import wonderland as wl
from wonderland.estimate import exact
from wonderland.views import (
    Block,
    Card,
    Cards,
    Column,
    Matrix,
    Role,
    Row,
    SmallBars,
    Table,
    Token,
    Wording,
    counted,
    formatted,
)
from wonderland_weights.copying import MANY


@dataclass(frozen=True)
class OVCircuitsResult(wl.Result):
    """What the heads' OV and QK matrices are made of.

    Attributes:
        values: Singular values by circuit, "OV" and "QK", each [layer, head, k]; all zero for a head without one.
        ratio: σ₁/σ₂ by circuit, [layer, head]; infinite at rank 1, NaN without one.
        effective_rank: (Σσ²)² / Σσ⁴ by circuit, [layer, head].
        random_ratio: 2.5%, 50% and 97.5% quantile of σ₁/σ₂ of random weights of this shape.
        random_rank: The same of the effective rank.
        copying: Copying score [layer, head]; NaN for a head that writes nothing the unembedding reads.
        copying_null: 2.5%, 50% and 97.5% quantile of rotated heads, [3, layer, head].
        p: Two-sided p of the copying score, [layer, head].
        q: The same with false discoveries controlled over all heads that have a score.
        directions: By head ("L0H0") and circuit, the leading directions, as ``wonderland_weights.directions`` says.
        rotations: Rotations in the null.
        draws: Random weights drawn for ``random_ratio`` and ``random_rank``.
        level: q below which a score is called beyond chance.
        effective: Whether heads after layer 0 read tokens as W_E + MLP₀(W_E).
        counted: Tokens of evidence in which those shown were counted.
        turned: Whether the model turns queries and keys by position, so that QK holds between equal positions only.
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
    draws: int
    level: float
    effective: bool
    counted: int
    turned: bool

    def estimates(self) -> Mapping[str, wl.Estimate]:
        heads = ("layer", "head")
        found = {"copying": exact(self.copying, chance=self.copying_null[1], dims=heads)}
        for name, values, null in (
            ("ratio", self.ratio, self.random_ratio),
            ("effective_rank", self.effective_rank, self.random_rank),
        ):
            found |= {f"{name}.{of}": exact(one, chance=float(null[1]), dims=heads) for of, one in values.items()}
        return found

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

    @property
    def _drawn(self) -> str:
        """How many rotations of each head were drawn, in words: of many heads fewer where that is enough."""
        return f"up to {self.rotations:,}" if self.copying.size > MANY else f"{self.rotations:,}"

    def summary(self) -> str:
        return "\n".join([*(finding.sentence for finding in self.findings()), *self._remarks()])

    def findings(self) -> Sequence[wl.Finding]:
        has = np.isfinite(self.copying)
        rule = f"q < {self.level:g} against {self._drawn} random rotations of each"
        if not has.any():
            text = "No head has a copying score: none writes anything the unembedding reads."
            return [wl.Finding(text, "copying", {}, "anecdotal", "description")]
        claims = []
        for heads, verb in (
            (self.copiers, "copying"),
            (self.suppressors, "suppressing"),
        ):
            if heads:
                alone = len(heads) == 1
                leans = f"leans to {verb} what it attends to" if alone else f"lean to {verb} what they attend to"
                text = f"{len(heads)} of {has.sum()} heads {leans}, by their weights ({rule}); "
                text += f"{self._told(heads[0])}."
                select = {"head": head_name(heads[0])}
                claims.append(wl.Finding(text, "copying", select, "solid", "effect", self._score(heads[0])))
        if not claims:
            at = _at(int(np.nanargmax(np.abs(self.copying - self.copying_null[1]))), self.copying.shape)
            text = f"No head copies or suppresses, by its weights, beyond chance ({rule}); furthest: {self._told(at)}."
            claims.append(wl.Finding(text, "copying", {"head": head_name(at)}, "weak", "null", self._score(at)))
            if has.sum() / (1 + self.rotations) >= self.level:
                few = f"{counted(self.rotations, 'rotation')} {'is' if self.rotations == 1 else 'are'} too few"
                text = f"{few} for one head alone to pass among {has.sum()}."
                claims.append(wl.Finding(text, "copying", {}, "anecdotal", "description"))
        ratio = np.where(np.isfinite(self.ratio["OV"]), self.ratio["OV"], np.nan)
        if np.isfinite(ratio).any():
            at = _at(int(np.nanargmax(ratio)), ratio.shape)
            low, _, high = self.random_ratio
            beyond = ratio[at] > high
            text = (
                f"{head_name(at)} has the steepest OV spectrum: σ₁/σ₂ = {ratio[at]:.2f}"
                f"{'' if beyond else ', no more than chance'} (random weights of this shape: {low:.2f} to {high:.2f}; "
                f"effective rank {self.effective_rank['OV'][at]:.1f} of {self.values['OV'].shape[-1]})."
            )
            one = exact(float(ratio[at]), unit="σ₁/σ₂", chance=float(high))
            select = {"head": head_name(at)}
            trust, kind = ("solid", "effect") if beyond else ("weak", "null")
            claims.append(wl.Finding(text, "ov-heads", select, trust, kind, one))  # type: ignore[arg-type]
        return claims

    def _remarks(self) -> list[str]:
        has = np.isfinite(self.copying)
        remarks = []
        if has.any() and not has.all():
            without = ", ".join(head_name(at) for at in np.argwhere(~has))
            remarks.append(f"Without a copying score, as they write nothing the unembedding reads: {without}.")
        if self.turned:
            remarks.append(
                "The model turns queries and keys by position: QK is what it compares at equal positions only."
            )
        if isinstance(self.control, OVCircuitsResult):
            before = self.control.copying
            told = "none, as no head writes anything yet"
            if np.isfinite(before).any():
                told = f"{_signed(np.nanmin(before))} to {_signed(np.nanmax(before))}"
            remarks.append(f"Copying scores before training: {told}.")
        return remarks

    def _score(self, at: tuple[int, int]) -> wl.Estimate:
        """Return the copying score of a head beside the end of the range of its rotations that it is compared with."""
        low, _, high = self.copying_null[:, at[0], at[1]]
        score = float(self.copying[at])
        return exact(score, unit="copying score", chance=float(high if score >= 0 else low))

    def _told(self, at: tuple[int, int]) -> str:
        low, _, high = self.copying_null[:, at[0], at[1]]
        return f"{head_name(at)} scores {_signed(self.copying[at])} (rotated: {_signed(low)} to {_signed(high)})"

    def views(self) -> Sequence[wl.View]:
        layers, heads = self.copying.shape
        null = f"n={self._drawn} random rotations of each head with its singular values kept"
        about = " after MLP 0" if self.effective else ""
        copying = wl.View(
            "copying",
            "OV circuits: copying",
            Matrix.by_head({"Copying score": self.copying}, unit="Σ Re λ / Σ |λ|", scale="diverging", domain=[-1, 1]),
            subtitle="Does a head raise the token that it looks at?",
            caption=f"Copying score of each head's W_E W_V W_O W_U, between −1 and 1; null: {null}, in the table of "
            "OV and QK circuits.",
            how_to_read="+1 is a head that raises the logit of whatever token it attends to, −1 one that lowers it; "
            "rotated heads stand near 0. An empty cell is a head that writes nothing the unembedding reads.",
            misleads="The score says nothing of how much a head moves, nor whether it ever attends to anything.",
            order=60,
        )
        columns = [
            Column("head", "Head", help="L2H0 is head 0 of layer 2; click it for all that was measured about it."),
            Column("copying", "Copying", digits=2, help="Σ Re λ / Σ |λ|: +1 copies, −1 suppresses; chance is near 0."),
            Column("null", "Rotated", help="95% of random rotations of this head lie here."),
            Column("q", "q", digits=3, help="False-discovery rate over all heads, two-sided."),
        ]
        for circuit in ("OV", "QK"):
            steep = "Largest singular value over the second: large if it does nearly one thing."
            columns.append(Column(f"{circuit} ratio", f"{circuit} σ₁/σ₂", digits=2, help=steep))
            columns.append(
                Column(
                    f"{circuit} rank",
                    f"{circuit} rank",
                    digits=1,
                    help="(Σσ²)² / Σσ⁴: over how many directions it spreads.",
                )
            )
        low, _, high = self.random_ratio
        fewest, _, most = self.random_rank
        table = wl.View(
            "ov-heads",
            "Spectra of OV and QK",
            Table(columns, [self._row(at) for at in np.ndindex(layers, heads)], links="head"),
            subtitle="Does a head do one thing or many?",
            caption=f"Null of the copying score: {null}. Random weights of this shape have σ₁/σ₂ {low:.2f} to "
            f"{high:.2f} and an effective rank of {fewest:.1f} to {most:.1f} (95% of {counted(self.draws, 'draw')}).",
            how_to_read="OV is what a head does with what it attends to, QK what it attends to. A steep start of the "
            "singular values (σ₁/σ₂ well over that of random weights) and a low rank mean few different jobs.",
            misleads="Few directions are not one job: a single direction can carry many meanings at once.",
            order=61,
        )
        return [copying, table, self._cards(null, about)]

    def _cards(self, null: str, about: str) -> wl.View:
        return wl.View(
            "ov-directions",
            "What heads read and write",
            Cards([self._card(at) for at in np.ndindex(*self.copying.shape)]),
            subtitle="Which tokens does a head read, and which does it make likelier?",
            caption="Singular values, and tokens at both ends of the leading directions, read through the embedding"
            f"{about} and written through the unembedding; beside each how often it occurs in {self.counted:,} "
            f"held-out tokens. Null of the copying score: {null}.",
            how_to_read="OV: attending to a token under “reads” promotes those of the same sign. QK: a query looks for "
            "the keys of the same sign. The + and the − end of a direction are equally real; which is + is chance.",
            misleads="Tokens with 0× were hardly trained and stand at many ends by accident; later heads read more "
            "than embeddings.",
            order=62,
        )

    def _card(self, at: tuple[int, ...]) -> Card:
        name = head_name(at)
        blocks = [self._spectrum(circuit, at) for circuit in self.values]
        for circuit, described in self.directions[name].items():
            blocks += [_direction(circuit, one) for one in described]
        defined = bool(np.isfinite(self.copying[at]))
        note = Wording(f"copying {_signed(self.copying[at])}" if defined else "writes nothing")
        return Card(name, note, rows=self._facts(at), blocks=blocks)

    def _facts(self, at: tuple[int, ...]) -> list[Row]:
        if not np.isfinite(self.copying[at]):
            return [Row("copying score", Wording("none: it writes nothing the unembedding reads"))]
        low, _, high = self.copying_null[:, at[0], at[1]]
        return [
            Row("copying score", Wording(_signed(self.copying[at]))),
            Row("rotated heads, 95%", Wording(f"{_signed(low)} to {_signed(high)}")),
            Row("q over all heads", float(self.q[at])),
        ]

    def _spectrum(self, circuit: str, at: tuple[int, ...]) -> Block:
        low, _, high = self.random_ratio
        ratio, rank = float(self.ratio[circuit][at]), float(self.effective_rank[circuit][at])
        fewest, _, most = self.random_rank
        rows = [
            Row("σ₁/σ₂", Wording(f"{ratio:.2f}")),
            Row("of random weights", Wording(f"{low:.2f} to {high:.2f}")),
            Row("effective rank", Wording(f"{rank:.1f}")),
            Row("of random weights", Wording(f"{fewest:.1f} to {most:.1f}")),
        ]
        bars = SmallBars("σ, largest first", np.asarray(self.values[circuit][at], dtype=np.float32))
        return Block(f"{circuit}: singular values", rows=rows, bars=bars)

    def cards(self) -> Mapping[Any, Sequence[Block | Role]]:
        said: dict[Any, list[Block | Role]] = {}
        for at in np.ndindex(*self.copying.shape):
            name = head_name(at)
            spectrum = self._spectrum("OV", at)
            rows = [*self._facts(at)[:2], *spectrum.rows]
            first = self.directions[name].get("OV", [])[:1]
            said[name] = [replace(spectrum, title="What its OV circuit does", rows=rows)]
            said[name] += [_direction("OV", one) for one in first]
        return said

    def _row(self, at: tuple[int, ...]) -> Any:
        low, _, high = self.copying_null[:, at[0], at[1]]
        row: dict[str, Any] = {"head": head_name(at)}
        defined = bool(np.isfinite(self.copying[at]))
        row["copying"] = float(self.copying[at]) if defined else None
        row["null"] = Wording(f"{_signed(low)} to {_signed(high)}" if defined else "writes nothing read")
        row["q"] = float(self.q[at]) if defined else None
        for circuit in self.values:
            ratio, rank = float(self.ratio[circuit][at]), float(self.effective_rank[circuit][at])
            row[f"{circuit} ratio"] = ratio if np.isfinite(ratio) else None if np.isnan(ratio) else Wording("rank 1")
            row[f"{circuit} rank"] = rank if np.isfinite(rank) else None
        return row


def _direction(circuit: str, one: dict[str, Any]) -> Block:
    """Return one singular direction as a block: what it reads beside what it writes, at both of its ends."""
    reads, writes = ("reads", "promotes") if circuit == "OV" else ("queries", "keys")
    sides = [
        Block(f"{sign} {name}", tokens=[Token(text, None, f"{count}×") for text, count in end[side]])
        for sign, end in zip("+−", one["ends"], strict=True)
        for name, side in ((reads, "reads"), (writes, "writes"))
    ]
    position = one["position"]
    where = f", {position:.0%} of what it reads is position" if np.isfinite(position) and position >= 0.1 else ""
    return Block(f"{circuit} direction {one['number']}: {one['share']:.0%} of σ²{where}", beside=sides)


def head_name(at: Sequence[int] | np.ndarray) -> str:
    """Return the name of the head at (layer, head)."""
    return f"L{at[0]}H{at[1]}"


def _at(flat: int, shape: tuple[int, ...]) -> tuple[int, int]:
    layer, head = np.unravel_index(flat, shape)
    return int(layer), int(head)


def _signed(number: float) -> str:
    return formatted(number, "+.2f")
