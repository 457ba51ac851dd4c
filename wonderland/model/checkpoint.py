"""How does a run that was killed go on as if it had not been? One file with everything the next step depends on.

Weights, the state of both optimisers, the random number generator, the place in the plan of batches and the history,
in one safetensors file that is written beside the old one and then put in its place: a kill at any moment leaves the
old checkpoint or the new one, never half of one. No pickle.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from wonderland.errors import InputError, ResourceError

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
    ) -> Checkpoint:
        """Collect the state of a run."""
        tensors = {f"model.{name}": weight for name, weight in model.state_dict().items()}
        for number, optimiser in enumerate(optimisers):
            for index, state in optimiser.state_dict()["state"].items():
                tensors |= {f"optimiser.{number}.{index}.{key}": torch.as_tensor(value) for key, value in state.items()}
        tensors["generator"] = torch.get_rng_state()
        return cls(identity, progress, tensors)

    def restore(self, model: torch.nn.Module, optimisers: list[torch.optim.Optimizer]) -> None:
        """Put the state of a run back."""
        weights = {name.removeprefix("model."): t for name, t in self.tensors.items() if name.startswith("model.")}
        model.load_state_dict(weights)
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
        from safetensors.torch import save_file

        about = json.dumps({"format": FORMAT, "identity": self.identity, "progress": self.progress})
        partial = path.with_name(path.name + ".partial")
        tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in self.tensors.items()}
        try:
            save_file(tensors, partial, metadata={"wonderland": about})
            os.replace(partial, path)
        except Exception as error:  # safetensors wraps OSError in its own kind
            partial.unlink(missing_ok=True)
            raise ResourceError(
                f"The checkpoint {path} could not be written: {error}. The one before it is untouched.",
                hint="Free some disk space and run the command again; training goes on from there.",
            ) from error

    @classmethod
    def load(cls, path: Path, identity: dict[str, Any]) -> Checkpoint | None:
        """Read the checkpoint of a run, or None if there is none.

        Raises:
            InputError: It is damaged, or belongs to a run with other settings, which are named.
        """
        from safetensors import safe_open

        if not path.exists():
            return None
        try:
            with safe_open(path, framework="pt") as file:
                about = json.loads((file.metadata() or {})["wonderland"])
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except Exception as error:  # safetensors raises its own kind for every damage
            raise InputError(
                f"The checkpoint {path} is damaged: {error}.", hint=f"Delete it to train from the start: rm {path}"
            ) from error
        wanted = json.loads(json.dumps(identity))
        if about.get("format") != FORMAT or about["identity"] != wanted:
            old = about.get("identity", {})
            changed = [
                f"{k}: {old.get(k)!r} then, {wanted.get(k)!r} now" for k in wanted if old.get(k) != wanted.get(k)
            ]
            raise InputError(
                f"The checkpoint {path} is of a run with other settings ({'; '.join(changed) or 'another format'}).",
                hint=f"Put the settings back to go on with it, or delete it to train from the start: rm {path}",
            )
        return cls(about["identity"], about["progress"], tensors)
