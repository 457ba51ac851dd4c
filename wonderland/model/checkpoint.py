"""One file with everything the next step depends on: a run that was killed goes on as if it had not been.

Weights, those of the best epoch so far, the state of the optimisers, the random number generator, the place in the
plan of batches and the history, in one file (`wonderland.model.tensor_file`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from wonderland.errors import InputError
from wonderland.model import tensor_file

__all__ = ["Checkpoint"]

FORMAT = 1


@dataclass(frozen=True)
class Checkpoint:
    """A run between two steps.

    Attributes:
        identity: What makes the run this run: shape, data, settings. A run resumes only from its own.
        progress: Counters and history as JSON values.
        tensors: Weights, optimiser states and generator state by name.
    """

    identity: dict[str, Any]
    progress: dict[str, Any]
    tensors: dict[str, Tensor]

    @classmethod
    def take(
        cls,
        identity: dict[str, Any],
        progress: dict[str, Any],
        model: torch.nn.Module,
        optimisers: list[torch.optim.Optimizer],
        best: Mapping[str, Tensor] | None = None,
    ) -> Checkpoint:
        """Collect the state of a run, with the weights of its best epoch so far."""
        tensors = {f"model.{name}": weight for name, weight in model.state_dict().items()}
        tensors |= {f"best.{name}": weight for name, weight in (best or {}).items()}
        for number, optimiser in enumerate(optimisers):
            for index, state in optimiser.state_dict()["state"].items():
                tensors |= {f"optimiser.{number}.{index}.{key}": torch.as_tensor(value) for key, value in state.items()}
        tensors["generator"] = torch.get_rng_state()
        return cls(identity, progress, tensors)

    def part(self, name: str) -> dict[str, Tensor]:
        """Return the weights kept under a name: "model", or "best" (empty before the first epoch ended)."""
        return {key.removeprefix(f"{name}."): t for key, t in self.tensors.items() if key.startswith(f"{name}.")}

    def restore(self, model: torch.nn.Module, optimisers: list[torch.optim.Optimizer]) -> None:
        """Put the state of a run back."""
        model.load_state_dict(self.part("model"))
        for number, optimiser in enumerate(optimisers):
            state: dict[int, dict[str, Tensor]] = {}
            for name, tensor in self.tensors.items():
                if name.startswith(f"optimiser.{number}."):
                    _, _, index, key = name.split(".")
                    state.setdefault(int(index), {})[key] = tensor
            optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})
        torch.set_rng_state(self.tensors["generator"])

    def save(self, path: Path) -> None:
        """Write the checkpoint in place of the one before.

        Raises:
            ResourceError: It could not be written; the one before is untouched.
        """
        about = {"format": FORMAT, "identity": self.identity, "progress": self.progress}
        tensor_file.write(path, about, self.tensors, what="checkpoint")

    @classmethod
    def load(cls, path: Path, identity: dict[str, Any]) -> Checkpoint | None:
        """Read the checkpoint of a run, or None if there is none.

        Raises:
            InputError: It is damaged, or belongs to a run with other settings, which are named.
        """
        if not path.exists():
            return None
        about, tensors = tensor_file.read(path, what="checkpoint", hint=f"Delete it to train from the start: rm {path}")
        wanted = json.loads(json.dumps(identity))
        if not all(isinstance(about.get(key), dict) for key in ("identity", "progress")) or "generator" not in tensors:
            raise InputError(
                f"The file {path} is no checkpoint of a training run.",
                hint=f"Delete it to train from the start: rm {path}",
            )
        if about.get("format") != FORMAT or about["identity"] != wanted:
            old, new = _flat(about["identity"]), _flat(wanted)
            names = dict.fromkeys([*new, *old])
            changed = [f"{k}: {_told(old, k)} then, {_told(new, k)} now" for k in names if old.get(k) != new.get(k)]
            raise InputError(
                f"The checkpoint {path} is of a run with other settings or messages "
                f"({'; '.join(changed) or 'another format'}).",
                hint=f"Put the settings back to go on with it, or delete it to train from the start: rm {path}",
            )
        return cls(about["identity"], about["progress"], tensors)


def _told(flat: dict[str, Any], name: str) -> str:
    return repr(flat[name]) if name in flat else "the default"


def _flat(identity: dict[str, Any]) -> dict[str, Any]:
    """Return {"settings.seed": 0, …}, so that a difference can be named."""
    flat: dict[str, Any] = {}
    for name, value in identity.items():
        flat |= {f"{name}.{key}": item for key, item in value.items()} if isinstance(value, dict) else {name: value}
    return flat
