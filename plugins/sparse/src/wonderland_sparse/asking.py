"""The options that analyses of this group share: what is trained on which layers, and which contrasts are used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import wonderland as wl
from wonderland.advice import Hint, Options

__all__ = ["AsksContrasts", "Foretold", "TrainsOnLayers"]

_LEAST_PAIRS = 4


class Foretold:
    """What says how long it will take before it begins."""

    def forecast(self, specimen: wl.Specimen, used: Mapping[str, Any]) -> wl.Forecast:
        """Return what it will take on this machine, from how long some steps and a little text take here.

        Args:
            specimen: The model with its evidence and its training text.
            used: By name, the analyses it uses with their parameters.
        """
        from wonderland_sparse import forecasting

        return forecasting.of(self, specimen, used)


@dataclass(frozen=True)
class TrainsOnLayers(Foretold):
    """The options of what is trained on the activations of some layers, from two starts."""

    layers: Annotated[str, "layers to train on, such as 2, 0,2 or 5-7; all if empty"] = ""
    latents: Annotated[int, "directions to learn in each layer; 0 for four times the width of the stream"] = 0
    active: Annotated[int, "how many of them are active on a token, on average"] = 16
    epochs: Annotated[int, "passes over the training text, up to 15 million tokens in all"] = 8
    seed: Annotated[int, "seed of the first start; the second has the next"] = 0

    def trainable(self, what: str, width: int, rate: float, epochs: int) -> None:
        """Refuse numbers that nothing can be trained with.

        Args:
            what: What is trained, with its article, to be named in the error.
            width: Of the stream.
            rate: The learning rate.
            epochs: How many passes over the text.

        Raises:
            UsageError: There is no latent, none or more than all are active, there is no epoch, or the rate is no
                number above 0.
        """
        if self.active < 1 or self.latents < 0 or epochs < 1:
            raise wl.UsageError(
                f"{what} needs at least one latent, one of them active, and one epoch.",
                hint=Hint("For example: ", Options(latents=512, active=16, epochs=6)),
            )
        latents = self.latents or 4 * width
        if self.active > latents:
            raise wl.UsageError(
                f"Of {latents} latents not {self.active} can be active on a token.",
                hint=Hint("At most: ", Options(active=latents)),
            )
        if not 0 < rate < float("inf"):
            raise wl.UsageError(
                f"The learning rate has to be above 0, not {rate}.", hint=Hint("For example: ", Options(rate=0.004))
            )


@dataclass(frozen=True)
class AsksContrasts(Foretold):
    """The options of what chooses on one half of mined contrasts and measures on the other."""

    contrast: Annotated[str, "what differs: speaker, first-speaker, affirmation or question"] = "speaker"
    pairs: Annotated[int, "contrasts to mine, half to choose on and half to measure on"] = 128
    seed: Annotated[int, "seed of the contrasts and of whatever else is drawn"] = 0

    def asked(self, specimen: wl.Specimen) -> wl.Contrasts:
        """Return the contrasts to ask about.

        Raises:
            UsageError: Too few are asked for.
            NotEnoughData: The model tells too few apart to choose on one half and measure on the other.
        """
        if self.pairs < 2 * _LEAST_PAIRS:
            raise wl.UsageError(
                f"{self.pairs} contrasts are too few to choose on one half and measure on the other.",
                hint=Hint("At least: ", Options(pairs=2 * _LEAST_PAIRS)),
            )
        mined = specimen.contrasts(self.contrast, pairs=self.pairs, seed=self.seed)
        if min(len(mined.explore), len(mined.confirm)) < _LEAST_PAIRS:
            raise wl.NotEnoughData(
                f"It needs {2 * _LEAST_PAIRS} contrasts of {self.contrast} that the model tells apart, half to choose "
                f"on and half to measure on; {len(mined)} were found.",
                hint="Hold more out, or train for longer.",
            )
        return mined
