"""How many ways are there to be this model? The local learning coefficient, if its chains can be believed.

λ says how the volume of weights with nearly the same loss shrinks: a regular model of d parameters has d/2, one with
directions in which nothing changes has less (Watanabe 2009; Lau et al. 2023, 2308.12108). Over snapshots a fall of the
loss with a rise of λ is a structure that formed. It is estimated by λ̂ = nβ (E[L(w)] − L(w₀)) over chains of stochastic
gradient Langevin dynamics around the weights w₀ (`wonderland_cohorts.sgld`), with L the loss a token on text the model
was trained on, n its predicted tokens and β = 1/ln n.

- No number without its chains: each is told beside its trace, from two step sizes, ε and ε/4, and only if both have
  levelled and agree within 20%. Otherwise the result says why not, and shows the trace.
- The interval is over chains, which differ in their noise only. It does not hold other text, nor another training run.

What would fool it: the choice of γ and n. A strong pull back keeps flat directions from counting in full, and n is that
of the text used here, so λ of two models can be compared only if both were asked alike. A snapshot on its way lies at
no minimum; then the loss may fall, and the result says so.

Cost: 2 × ``chains`` × ``draws`` steps of training. A model of 1.3M parameters takes minutes for each snapshot, which is
why it runs only when asked for by name: ``wonderland analyze llc``, or ``wonderland analyze --cohort snapshots llc``.
"""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
import torch
from torch import Tensor

import wonderland as wl
from wonderland.advice import Hint, Options
from wonderland.errors import NotEnoughData, Unsupported
from wonderland.model.loss import token_losses
from wonderland.tokenizer import PAD
from wonderland_cohorts.llc_result import LlcResult
from wonderland_cohorts.sgld import Floats, chain, coefficient, why_not

if TYPE_CHECKING:
    from wonderland.testing.truth import Truth

_SMALLER = 4  # times that the second step is smaller
_SHOWN = 100  # places of the trace


@dataclass(frozen=True)
class Llc:
    """How degenerate is the model? The local learning coefficient by Langevin sampling, with its chains or not."""

    name: ClassVar[str] = "llc"
    version: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = ("background",)
    groups: ClassVar[tuple[str, ...]] = ()
    no_choices: ClassVar[str] = "Nothing is chosen: it is one number of the whole model, told with its chains or not."
    on_request: ClassVar[bool] = True

    step: Annotated[float, "step size of the longer steps; a quarter of it is tried as well"] = 1e-5
    pull: Annotated[float, "strength of the pull back to the model"] = 100.0
    chains: Annotated[int, "chains of each step size"] = 3
    draws: Annotated[int, "draws of each chain, of which the second half counts"] = 400
    windows: Annotated[int, "windows of training text"] = 64
    batch: Annotated[int, "windows of one draw"] = 16
    weights: Annotated[str, "sample only weights whose name holds this, such as unembed; all if empty"] = ""
    seed: Annotated[int, "seed of windows and noise"] = 0

    @classmethod
    def truths(cls) -> list[Truth]:
        """Return what it must find in models whose answers are known."""
        from wonderland_cohorts import truths

        return truths.llc()

    def run(self, specimen: wl.Specimen) -> LlcResult:
        """Sample around the model's weights with two step sizes."""
        if self.step <= 0 or self.pull < 0 or min(self.chains, self.batch) < 1 or self.draws < 8:
            raise wl.UsageError(
                "A chain needs a step over 0, a pull of 0 or more, a batch, and 8 draws.",
                hint=Hint("For example: ", Options(step=1e-5, draws=400)),
            )
        model, sampled = self._sampled(specimen)
        batches = self._batches(specimen)
        tokens = int(sum((where[:, 1:]).sum() for _, where in batches))
        if tokens < 8:
            raise NotEnoughData(
                "There are too few predicted tokens of training text.",
                hint=Hint("Ask for more windows: ", Options(windows=2 * self.windows)),
            )
        temperature = tokens / math.log(tokens)
        with torch.no_grad():
            base = np.array([float(_loss(model, *batch)) for batch in batches])

        def loss(draw: int) -> Tensor:
            return _loss(model, *batches[draw % len(batches)])

        excess: dict[float, Floats] = {}
        steps = [self.step, self.step / _SMALLER]
        for step in steps:
            made = []
            for number in range(self.chains):
                about: dict[str, Any] = {"temperature": temperature, "step": step, "pull": self.pull}
                seed = self.seed + len(excess) * self.chains + number
                made.append(chain(loss, sampled, draws=self.draws, seed=seed, **about) - np.resize(base, self.draws))
                specimen.progress(len(excess) * self.chains + number + 1, 2 * self.chains)
            excess[step] = np.stack(made)
        declined = why_not(excess, temperature, self.pull)
        by_step = np.stack([coefficient(of, temperature) for of in excess.values()])
        places = np.unique(np.linspace(0, self.draws - 1, min(_SHOWN, self.draws)).round().astype(np.int64))
        return LlcResult(
            llc=_estimate(by_step, told=not declined),
            by_step=by_step,
            steps=steps,
            trace=np.stack([temperature * _smooth(of.mean(0), len(batches))[places] for of in excess.values()]),
            draws=places,
            declined=declined,
            parameters=sum(weight.numel() for weight in sampled),
            tokens=tokens,
        )

    def _sampled(self, specimen: wl.Specimen) -> tuple[Any, list[Tensor]]:
        if not isinstance(specimen.model, torch.nn.Module):
            raise Unsupported("Only a model with weights of its own can be sampled around.")
        model: Any = copy.deepcopy(specimen.model).float().eval().requires_grad_(False)
        sampled = [weight for name, weight in model.named_parameters() if self.weights in name]
        if not sampled:
            names = ", ".join(sorted({name.split(".")[0] for name, _ in model.named_parameters()}))
            raise wl.UsageError(f"No weight is called {self.weights!r}.", hint=f"Names begin with: {names}.")
        for weight in sampled:
            weight.requires_grad_(True)
        return model, sampled

    def _batches(self, specimen: wl.Specimen) -> list[tuple[Tensor, Tensor]]:
        """Return windows of training text as rows of tokens, with where there is one."""
        background = specimen.background
        chosen = np.random.default_rng(self.seed).permutation(len(background))[: self.windows]
        found = []
        for start in range(0, len(chosen), self.batch):
            some = chosen[start : start + self.batch]
            rows = background.batch(some, PAD)
            where = np.arange(rows.shape[1]) < background.lengths[some][:, None]
            device = specimen.model.device
            found.append((torch.from_numpy(rows).to(device), torch.from_numpy(where).to(device)))
        return found


def _loss(model: Any, tokens: Tensor, where: Tensor) -> Tensor:
    """Return the mean loss of the predicted tokens, nats."""
    predicted = where[:, 1:]
    losses = token_losses(model(tokens), tokens)
    return (losses * predicted).sum() / predicted.sum()


def _smooth(trace: Floats, width: int) -> Floats:
    """Return the mean over the last round of batches at each draw, of fewer at the beginning."""
    sums = np.cumsum(np.r_[0.0, trace])
    ends = np.arange(1, len(trace) + 1)
    begins = np.maximum(ends - width, 0)
    return np.asarray((sums[ends] - sums[begins]) / (ends - begins))


def _estimate(by_step: Floats, *, told: bool) -> wl.Estimate:
    """Return λ with its 95% t interval over all chains."""
    from scipy.stats import t

    n = by_step.size
    if not told:
        return wl.Estimate.missing(resampled_over="chains")
    value = float(by_step.mean())
    half = float(t.ppf(0.975, n - 1) * by_step.std(ddof=1) / math.sqrt(n)) if n > 1 else math.nan
    return wl.Estimate(value, value - half, value + half, n=n, resampled_over="chains")
