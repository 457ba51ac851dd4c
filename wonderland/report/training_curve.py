"""The training curve: train and held-out loss against the tokens seen, with the baselines a model should beat."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from wonderland.report.schema import Axis, Curve, Lines, Mark, Reference, Right, View, Wording

if TYPE_CHECKING:
    from wonderland.model.history import History

__all__ = ["training_curve"]


def training_curve(history: History) -> View:
    """Return the view of a training run."""
    points, epochs = history.points, history.epochs
    series = [_curve("train", [(point.tokens, point.loss) for point in points])]
    measured = [(epoch.tokens, epoch.held_out_loss) for epoch in epochs if epoch.held_out_loss is not None]
    if measured:
        series.append(_curve("held out", measured))
    # The uniform level is far above the rest; it is named in the caption, not drawn, so that the curves have room.
    drawn = {name: loss for name, loss in history.baselines.items() if name != "uniform"}
    return View(
        "training",
        "Training curve",
        Lines(
            x=Axis("tokens seen", "millions"),
            y=Axis("loss", "nats a token"),
            series=series,
            references=[Reference(Wording(name), loss) for name, loss in drawn.items()],
            marks=[
                Mark(epoch.tokens / 1e6, f"after epoch {epoch.epoch}, as me", epoch.sample)
                for epoch in epochs
                if epoch.sample
            ],
            right=Right("perplexity"),
        ),
        subtitle="How did the model get better, and is it better than tables of counts?",
        caption="Loss in nats a token; the lines are n-gram models counted on the same training tokens and scored on "
        f"the same held-out tokens.{_facts(history)}",
        how_to_read="The distance between train and held out is what the model memorised. Under the trigram line it "
        "knows more than a table of counts. Point at a mark to read what it sounded like then.",
        misleads="Training loss is measured while the weights move, so it lags behind the held-out loss early on.",
        order=130,
    )


def _curve(name: str, points: Sequence[tuple[int, float]]) -> Curve:
    return Curve(Wording(name), [tokens / 1e6 for tokens, _ in points], [loss for _, loss in points])


def _facts(history: History) -> str:
    """Return what the curve does not show: chance, bytes, time and speed, and what came of the last epochs."""
    told = [f"A uniform guess would have {history.baselines['uniform']:.2f}."] if history.baselines else []
    held_out = history.held_out_loss
    each = None if held_out is None else history.per_byte(held_out)
    if each is not None:
        told.append(f"The model's {held_out:.2f} nats a held-out token are {each:.2f} nats a byte.")
    if history.epochs:
        last = history.epochs[-1]
        told.append(f"{last.tokens:,} tokens in {last.seconds:,.0f} s.")
    if history.speed:
        speed = history.speed
        told.append(
            f"{speed.tokens_per_second:,.0f} tokens a second, {speed.utilisation:.0%} of the speed that "
            f"{speed.processes} × {speed.device} reaches in a large matrix product."
        )
    told += [history.overfitting] if history.overfitting else []
    return "".join(f" {sentence}" for sentence in told)
