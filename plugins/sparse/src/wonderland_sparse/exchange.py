"""Dictionaries and transcoders as folders of SAELens, to be read there, and read from there.

``cfg.json`` and ``sae_weights.safetensors``: an encoder that takes ``b_dec`` off, thresholds of each latent
("jumprelu"), matrices [d_in, d_sae] and [d_sae, d_in], everything in single precision. Nothing is unpickled, and a
file with anything else in it is refused.

A transcoder ("jumprelu_transcoder") has a decoder [d_sae, d_out] and takes nothing off its input. Its hooks are what
the MLP reads after its norm, ``blocks.2.ln2.hook_normalized``, and what it writes, ``blocks.2.hook_mlp_out``. One with
a linear part beside its latents ("skip_transcoder") is refused: `Transcoder` has no place for it.

A context dictionary has a table of token means, for which the format has no place: without it the numbers would be
wrong, so it is not written. Train one with ``tokens="keep"``.

The weights were learned from messages: whoever has them knows something about those. Give them away like the model.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import wonderland as wl
from wonderland.advice import Command, Hint
from wonderland.lab.result_files import write_folder
from wonderland_sparse.dictionary import Dictionary, Transcoder

__all__ = ["Read", "read", "write"]

VERSION = "6.54.12"
"""The SAELens whose format this is."""
_CONFIG, _WEIGHTS = "cfg.json", "sae_weights.safetensors"
_HOOK = re.compile(r"blocks\.([0-9]{1,4})\.hook_resid_post")
_READS = re.compile(r"blocks\.([0-9]{1,4})\.ln2\.hook_normalized")
_KINDS = {
    "jumprelu": Dictionary,
    "standard": Dictionary,
    "jumprelu_transcoder": Transcoder,
    "transcoder": Transcoder,
}
_PICKLED = (".pt", ".pth", ".bin", ".pkl", ".pickle", ".ckpt")


@dataclass(frozen=True)
class Read:
    """A dictionary or transcoder that was read.

    Attributes:
        dictionary: Its parts; a `Transcoder` if it is one.
        layer: The layer whose stream, or whose MLP, it is of.
        model_name: What its model is called there.
        context: Most tokens of a window it was trained on; 0 if not said.
    """

    dictionary: Dictionary
    layer: int
    model_name: str
    context: int


def write(one: Dictionary, folder: Path, *, tokens: str, layer: int, context: int, model_name: str) -> Path:
    """Write a dictionary or a transcoder as a folder that SAELens reads.

    Args:
        one: The dictionary, or the transcoder of an MLP.
        folder: Where to; a new one, or one that holds such a dictionary already.
        tokens: What was done with what tokens alone say; "keep" for a dictionary of the whole stream.
        layer: Of which layer it is.
        context: Most tokens of a window it was trained on; 0 if it shall not be said.
        model_name: What to call its model.

    Raises:
        UsageError: It is a context dictionary.
    """
    from safetensors.numpy import save

    if tokens != "keep":
        raise wl.UsageError(
            "A context dictionary cannot be exchanged: the format has no place for its table of token means, and "
            "without it every number would be wrong.",
            hint=Hint("Train one of the whole stream: ", Command("analyze", "sparse-dictionaries", tokens="keep")),
        )
    parts = one.arrays()
    weights = {
        "W_enc": np.ascontiguousarray(parts["W_enc"].T),
        "b_enc": parts["b_enc"],
        "W_dec": parts["W_dec"],
        "b_dec": parts["b_dec"],
        "threshold": parts["threshold"],
    }
    across = isinstance(one, Transcoder)
    metadata = {
        "sae_lens_version": VERSION,
        "model_name": model_name,
        "hook_name": f"blocks.{layer}.{'ln2.hook_normalized' if across else 'hook_resid_post'}",
        "hook_head_index": None,
        "context_size": context or None,
        "prepend_bos": False,
    }
    config = {
        "architecture": "jumprelu",
        "d_in": parts["W_enc"].shape[1],
        "d_sae": parts["W_dec"].shape[0],
        "dtype": "float32",
        "device": "cpu",
        "apply_b_dec_to_input": not across,
        "normalize_activations": "none",
        "reshape_activations": "none",
        "metadata": metadata,
    }
    if across:
        config |= {"architecture": "jumprelu_transcoder", "d_out": parts["W_dec"].shape[1]}
        metadata["hook_name_out"] = f"blocks.{layer}.hook_mlp_out"

    def fill(partial: Path) -> None:
        plain = {name: np.ascontiguousarray(part, np.float32) for name, part in weights.items()}
        (partial / _WEIGHTS).write_bytes(save(plain))
        (partial / _CONFIG).write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")

    folder = folder.expanduser()
    write_folder(folder, _CONFIG, fill)
    return folder


def read(folder: str | Path) -> Read:
    """Read a dictionary of a residual stream, or a transcoder of an MLP, from a folder of SAELens.

    Args:
        folder: With ``cfg.json`` and ``sae_weights.safetensors``.

    Raises:
        InputError: It is not there, of another kind or hook, or its weights do not fit or are not finite.
    """
    folder = Path(folder).expanduser()
    config = _config(folder)
    kind = config.get("architecture", "standard")
    if "skip_transcoder" in str(kind):
        raise wl.InputError(
            f"The transcoder in {folder} has a linear part beside its latents ({_told(kind)}).",
            hint="Train one without it: here a transcoder is a sum of latents alone.",
        )
    if not isinstance(kind, str) or kind not in _KINDS:
        raise wl.InputError(
            f"The dictionary in {folder} is of the kind {_told(kind)}, which reads its activations in another way.",
            hint=f"Kinds that can be read: {', '.join(_KINDS)}.",
        )
    across = _KINDS[kind] is Transcoder
    if not isinstance(config.get("apply_b_dec_to_input", False), bool):
        raise wl.InputError(
            f"apply_b_dec_to_input in {folder} is {_told(config['apply_b_dec_to_input'])}.", hint="It is true or false."
        )
    if across and config.get("apply_b_dec_to_input", False):
        raise wl.InputError(
            f"The transcoder in {folder} wants b_dec taken off its input, which is no output.",
            hint="Set apply_b_dec_to_input to false if it was trained so; SAELens refuses it as well.",
        )
    for name, wanted in (("normalize_activations", "none"), ("reshape_activations", "none")):
        if config.get(name, wanted) not in (wanted, None):
            raise wl.InputError(
                f"The dictionary in {folder} wants its input changed first ({name} is {_told(config[name])}).",
                hint="Fold that into its weights with SAELens, and save it again.",
            )
    about = config.get("metadata", config)
    about = about if isinstance(about, dict) else {}
    if about.get("hook_head_index") is not None:
        raise wl.InputError(
            f"The dictionary in {folder} is of one head (hook_head_index is {_told(about['hook_head_index'])}), not of "
            "all that is written there.",
            hint="Give one of a whole residual stream, whose hook_head_index is null.",
        )
    hook, nameless = str(about.get("hook_name") or "")[:80], "an activation without a name"
    match = (_READS if across else _HOOK).fullmatch(str(about.get("hook_name")))
    if match is None:
        raise wl.InputError(
            f"The {'transcoder' if across else 'dictionary'} in {folder} is of {hook or nameless}"
            f", not of {'what an MLP reads after its norm' if across else 'a residual stream'}.",
            hint=f"Its hook must be named like blocks.2.{'ln2.hook_normalized' if across else 'hook_resid_post'}.",
        )
    writes = f"blocks.{match[1]}.hook_mlp_out"
    if across and about.get("hook_name_out") != writes:
        raise wl.InputError(
            f"The transcoder in {folder} predicts {str(about.get('hook_name_out') or nameless)[:80]}, "
            "not what the MLP writes that it reads the input of.",
            hint=f"Its hook_name_out must be {writes}.",
        )
    context, name = about.get("context_size"), about.get("model_name", "")
    if context is not None and (type(context) is not int or context < 0):
        raise wl.InputError(f"context_size in {folder} is {_told(context)}.", hint="It is a whole number, or null.")
    if not isinstance(name, str):
        raise wl.InputError(f"model_name in {folder} is {_told(name)}.", hint="It is a name in quotation marks.")
    return Read(_weights(folder, config, kind), int(match[1]), name, context or 0)


def _told(value: Any) -> str:
    """Return a value of a field as an error names it, cut where it is long."""
    told = repr(value)
    return told if len(told) <= 80 else f"{told[:80]}…"


def _size(config: dict[str, Any], name: str) -> int:
    value = config[name]
    if type(value) is not int:
        raise ValueError(f"{name} is {_told(value)} and no whole number")
    return value


def _config(folder: Path) -> dict[str, Any]:
    try:
        config = json.loads((folder / _CONFIG).read_text(encoding="utf-8"))
        if not isinstance(config, dict):
            raise ValueError("it is no mapping")
    except (OSError, ValueError, RecursionError) as error:
        raise wl.InputError(
            f"There is no readable {_CONFIG} in {folder}: {error}.", hint="Give the folder that SAELens saved to."
        ) from error
    if not (folder / _WEIGHTS).is_file():
        pickled = sorted(path.name for path in folder.iterdir() if path.suffix in _PICKLED)
        why = f"only {pickled[0]}, which could run code when it is opened" if pickled else "none"
        raise wl.InputError(
            f"There are no weights as {_WEIGHTS} in {folder}: {why}.", hint="Save it with SAELens 6, as safetensors."
        )
    return config


def _weights(folder: Path, config: dict[str, Any], kind: str) -> Dictionary:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        parts = load_file(folder / _WEIGHTS)
        d_in, d_sae = _size(config, "d_in"), _size(config, "d_sae")
        d_out = _size(config, "d_out") if _KINDS[kind] is Transcoder else d_in
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise wl.InputError(
            f"The weights in {folder} cannot be read: {error!r}.", hint="Save it with SAELens 6, in float32."
        ) from error
    if kind in ("standard", "transcoder") and "b_enc" in parts:  # as many as there are, whatever d_sae says
        parts.setdefault("threshold", np.zeros(parts["b_enc"].shape, np.float32))
    shapes = {
        "W_enc": (d_in, d_sae),
        "b_enc": (d_sae,),
        "W_dec": (d_sae, d_out),
        "b_dec": (d_out,),
        "threshold": (d_sae,),
    }
    for name, shape in shapes.items():
        found = parts[name].shape if name in parts else None
        if found != shape or min(shape) < 1:
            raise wl.InputError(
                f"{name} in {folder} has the shape {found}, where {_CONFIG} says {shape}.",
                hint="The two files do not belong together: save it again.",
            )
        if parts[name].dtype.kind != "f" or not np.isfinite(parts[name]).all():
            raise wl.InputError(f"{name} in {folder} holds numbers that are not finite.", hint="Save it again.")
    encoder, decoder = (np.asarray(parts[name], np.float32) for name in ("W_enc", "W_dec"))
    # Where nothing is taken off the input, that is the same as another bias of the encoder.
    taken_off = _KINDS[kind] is Transcoder or bool(config.get("apply_b_dec_to_input", True))
    b_enc = np.asarray(parts["b_enc"], np.float32)
    b_enc = b_enc if taken_off else b_enc + np.asarray(parts["b_dec"], np.float32) @ encoder
    length = np.linalg.norm(decoder, axis=1)
    if not (length > 0).all():
        raise wl.InputError(
            f"A direction in {folder} has no length.", hint="Leave such latents out, and save it again."
        )
    return _KINDS[kind].of(  # with rows of length 1, activations are lengths
        {
            "W_enc": encoder.T * length[:, None],
            "b_enc": b_enc * length,
            "W_dec": decoder / length[:, None],
            "b_dec": parts["b_dec"],
            "threshold": np.asarray(parts["threshold"], np.float32) * length,
        }
    )
