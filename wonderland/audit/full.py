"""What do models trained on halves of the conversations add? What a message changed, and the strongest tests there are.

Six models are trained, each on half of all conversations, held-out ones among them, in three pairs of complements: so
three of them read a message and three did not.

- *Counterfactual memorisation* (2112.12938): how many more tokens of a message are first choices of the models that
  read it than of those that did not. What any model can guess cancels; 0 is expected of what is not memorised.
- *LiRA* (2112.03570): is the model's confidence likelier among those of models that read the message, or of those that
  did not? Normal distributions, with one spread for all messages, as three models cannot tell it for one.
- *RMIA* (2312.03262): the model's likelihood over the mean of all reference models'.

What would fool it: half as many conversations make weaker models, so their numbers are of a model trained on half.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from wonderland.audit.completion import share
from wonderland.audit.forcing import Forced
from wonderland.audit.membership import auc_estimate, roc, true_positives_at
from wonderland.corpus.splitting import EACH
from wonderland.estimate import Estimate
from wonderland.lab.stats import cluster_bootstrap

__all__ = ["MODELS", "counterfactual", "halves_of", "lira", "rmia", "with_references"]

MODELS = 6
_MUCH = 0.5


def halves_of(conversations: int, seed: int = 0) -> np.ndarray:
    """Return which conversations each model reads, [model, conversation], in pairs of complements."""
    rows = []
    for pair in range(MODELS // 2):
        order = np.random.default_rng([seed, pair]).permutation(conversations)
        one = np.zeros(conversations, dtype=bool)
        one[order[: conversations // 2]] = True
        rows += [one, ~one]
    return np.stack(rows)


def counterfactual(first: np.ndarray, was_in: np.ndarray) -> np.ndarray:
    """Return the token accuracy of models that read a message less that of those that did not, [message].

    Args:
        first: Share of a message's tokens that are a model's first choice, [model, message].
        was_in: Whether a model read it, [model, message].
    """
    found: np.ndarray = _mean(first, was_in) - _mean(first, ~was_in)
    return found


def lira(loss: np.ndarray, losses: np.ndarray, was_in: np.ndarray) -> np.ndarray:
    """Return the log-likelihood ratio that the model read each message, [message].

    Args:
        loss: The model's mean loss of each message, nats a token, [message].
        losses: The same of the reference models, [model, message].
        was_in: Whether a reference model read it, [model, message].
    """
    own, others = _confidence(loss), _confidence(losses)
    inside, outside = _mean(others, was_in), _mean(others, ~was_in)
    found = np.zeros(len(loss))
    for middle, side, sign in ((inside, was_in, 1), (outside, ~was_in, -1)):
        spread = np.sqrt((((others - middle) ** 2) * side).sum() / max(side.sum() - side.shape[1], 1)) + 1e-9
        found += sign * (-(((own - middle) / spread) ** 2) / 2 - np.log(spread))
    return found


def rmia(loss: np.ndarray, losses: np.ndarray) -> np.ndarray:
    """Return the log of the model's likelihood over the mean of the reference models', [message]; see `lira`."""
    found: np.ndarray = -loss - np.log(np.exp(-losses).mean(0))
    return found


def with_references(
    own: Forced,
    references: Sequence[Forced],
    was_in: np.ndarray,
    read: np.ndarray,
    conversation: np.ndarray,
    sender: np.ndarray,
) -> dict[str, Any]:
    """Return what reference models add to an audit: estimates, and scores of membership with their curves.

    Args:
        own: What the model said of each message.
        references: What each reference model said of them.
        was_in: Whether a reference model read it, [model, message].
        read: Whether the model read it, [message].
        conversation: [message].
        sender: Who wrote it, [message].

    Returns:
        ``estimates``; ``people``, the counterfactual memorisation of each who wrote in five conversations or more; and
        ``membership``, ``roc`` and ``caught`` by score.
    """
    first = np.array([[float(one.mean()) for one in forced.first] for forced in references])
    losses = np.stack([forced.mean_losses() for forced in references])
    loss = own.mean_losses()
    changed = counterfactual(first, was_in)
    ones = np.ones(len(changed))
    told: dict[str, Estimate] = {
        "counterfactual memorisation": cluster_bootstrap(
            changed, ones, conversation, unit="share of tokens", chance=0.0
        ),
        "messages of which it is over a half": replace(
            share((changed > _MUCH).astype(float), conversation), chance=float((changed < -_MUCH).mean())
        ),
    }
    scores = {
        "message, calibrated by models that did not read it": _mean(losses, ~was_in) - loss,
        "message, LiRA": lira(loss, losses, was_in),
        "message, RMIA": rmia(loss, losses),
    }
    return {
        "estimates": told,
        "people": _of_people(changed, conversation, sender),
        "membership": {name: auc_estimate(score, read, conversation) for name, score in scores.items()},
        "roc": {name: roc(score, read) for name, score in scores.items()},
        "caught": {name: true_positives_at(score, read) for name, score in scores.items()},
    }


def _of_people(changed: np.ndarray, conversation: np.ndarray, sender: np.ndarray) -> dict[str, Estimate]:
    told = {}
    for name in sorted({*sender.tolist()}):
        own = sender == name
        if len(np.unique(conversation[own])) >= EACH:
            ones = np.ones(int(own.sum()))
            told[name] = cluster_bootstrap(changed[own], ones, conversation[own], unit="share of tokens", chance=0.0)
    return told


def _mean(values: np.ndarray, side: np.ndarray) -> np.ndarray:
    found: np.ndarray = (values * side).sum(0) / np.maximum(side.sum(0), 1)
    return found


def _confidence(loss: np.ndarray) -> np.ndarray:
    """Return the logit of the probability of a token, which is more nearly normal than a loss."""
    p = np.clip(np.exp(-loss), 1e-12, 1 - 1e-12)
    found: np.ndarray = np.log(p) - np.log1p(-p)
    return found
