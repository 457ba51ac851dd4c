"""A model in a folder on this machine, in the form of Hugging Face, opened without the network and without trust.

What is opened: a folder with ``config.json``, weights as safetensors (one file or several with their index) and a fast
tokenizer. Nothing is downloaded, no code of the folder is run, no pickle is opened. What cannot be opened truthfully is
refused, with the reason and what to type: adapters, quantised weights, weights of which some are missing (the library
would draw those at random), architectures that TransformerLens does not bridge, and those whose hooks do not do what
they say (`wonderland.lab.external.hook_audit`).

Memory: the weights in single precision, and a copy of them while a model of the GPT-2 family is converted. What would
fool it: a tokenizer of the same size that belongs to another model. Sizes are all that can be compared; `Opened` says
nothing about it, but the loss on any real text does.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wonderland.errors import InputError, Unsupported
from wonderland.lab.external.adapt import checked_model
from wonderland.lab.external.hf_tokenizer import HFTokenizer
from wonderland.paths import expanded

if TYPE_CHECKING:
    from wonderland.lab.protocols import HookedModel

__all__ = ["Opened", "files_of", "open_folder"]

_PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
_NAMES = ("tokenizer.json", "vocab.json", "merges.txt", "tokenizer_config.json", "special_tokens_map.json")
_READ = ["attn_scores", "pattern", "q", "k", "v", "z", "resid_pre", "resid_mid", "resid_post", "attn_out"]
_READ += ["mlp_out", "pre", "post"]


@dataclass(frozen=True)
class Opened:
    """A model from a folder, ready to be examined.

    Attributes:
        model: The model under the names that the analyses use.
        tokenizer: Its tokenizer.
        architecture: What its configuration calls it, for example "LlamaForCausalLM".
        lacking: Why an activation cannot be read, by its short name.
    """

    model: HookedModel
    tokenizer: HFTokenizer
    architecture: str
    lacking: dict[str, str]


def files_of(folder: Path) -> list[Path]:
    """Return the files that decide what a model in a folder is: configuration, weights and tokenizer."""
    wanted = [folder / "config.json", *(folder / name for name in _NAMES), *folder.glob("*.safetensors*")]
    return sorted(path for path in wanted if path.is_file())


def open_folder(folder: str | Path, *, start: str | None = None) -> Opened:
    """Open a model and its tokenizer.

    Args:
        folder: The folder, as ``save_pretrained`` writes one.
        start: The token that sequences begin with, where the tokenizer does not say.

    Raises:
        InputError: There is no such folder, or it holds no whole model that can be opened safely.
        Unsupported: It holds a model that the analyses cannot read.
        UsageError: The tokenizer does not say which token sequences begin with.
    """
    folder = expanded(folder)
    config = _config(folder)
    weights = _weights(folder)
    _refuse_integers(weights)
    with _quiet():
        names = _tokenizer(folder)
        tokenizer = HFTokenizer(names, start=start)
        bridge = _bridge(folder, config, names)
    _refuse_broken(folder, weights, bridge)
    architecture = str((config.get("architectures") or [config["model_type"]])[0])
    try:
        model = checked_model(bridge, tokenizer)
    except Unsupported as error:
        raise Unsupported(f"{architecture} cannot be examined. {error.message}", hint=error.hint) from error
    asked = getattr(model, "lacks", None)
    lacking = {} if asked is None else {short: why for short in _READ if (why := str(asked(short)))}
    return Opened(model, tokenizer, architecture, lacking)


def _config(folder: Path) -> dict[str, Any]:
    """Return the configuration of a folder that holds a whole model to continue text with."""
    if not folder.exists():
        named = folder.parent.name and not folder.parent.exists()
        name = f"{folder.parent.name}/{folder.name}" if named else "ORGANISATION/NAME"
        raise InputError(
            f"There is no folder {folder}, and nothing is downloaded from here.",
            hint="Fetch the model yourself and give its folder, for example: "
            f"hf download {name} --local-dir {folder.name or 'model'}",
        )
    if folder.is_file():
        raise InputError(
            f"{folder} is a file, not the folder of a model.",
            hint="Give the folder with config.json and model.safetensors in it; a GGUF file is to be converted first.",
        )
    file = folder / "config.json"
    if (folder / "adapter_config.json").is_file():
        raise InputError(
            f"{folder} holds an adapter, which changes another model and is none by itself.",
            hint="Merge it into its model, in Python: peft.AutoPeftModelForCausalLM.from_pretrained(ADAPTER)"
            ".merge_and_unload().save_pretrained(FOLDER)",
        )
    if not file.is_file():
        raise InputError(
            f"{folder} holds no model: there is no config.json in it.",
            hint="Give the folder that save_pretrained wrote, or the one of a snapshot, not the one above it.",
        )
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
        kind = config["model_type"]
    except (OSError, ValueError, RecursionError, KeyError, TypeError) as error:
        raise InputError(f"{file} is no configuration of a model: {error!r}.", hint="Copy the folder again.") from error
    architectures = config.get("architectures") or []
    if config.get("quantization_config"):
        how = config["quantization_config"].get("quant_method", "an unknown method")
        raise Unsupported(
            f"The weights of {folder} are quantised ({how}). What is measured on them is of the quantised model, and "
            "its matrices cannot be read.",
            hint="Give the folder of the model before it was quantised.",
        )
    if config.get("auto_map"):
        raise Unsupported(
            f"{folder} needs Python code of its own ({kind}), which is not run.",
            hint="Models that the transformers library knows by itself can be examined.",
        )
    if architectures and not any(name.endswith(("ForCausalLM", "LMHeadModel")) for name in architectures):
        raise Unsupported(
            f"A {architectures[0]} does not continue text, so there is nothing to examine as a language model.",
            hint="Models whose architecture ends in ForCausalLM or LMHeadModel can be examined.",
        )
    return dict(config)


def _weights(folder: Path) -> list[Path]:
    """Return the files of the weights, all of which are there."""
    whole, index = folder / "model.safetensors", folder / "model.safetensors.index.json"
    if whole.is_file():
        return [whole]
    if index.is_file():
        try:
            names = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
        except (OSError, ValueError, RecursionError, KeyError, AttributeError, TypeError) as error:
            raise InputError(f"{index} cannot be read: {error!r}.", hint="Copy the folder again.") from error
        if missing := [name for name in names if Path(name).name != name or not (folder / name).is_file()]:
            raise InputError(
                f"{len(missing)} of the {len(names)} files of weights are missing in {folder}, {missing[0]} first.",
                hint="Copy the folder again, with all of them.",
            )
        return [folder / name for name in names]
    if pickles := sorted(path.name for pattern in _PICKLES for path in folder.glob(pattern)):
        raise InputError(
            f"The weights in {folder} are a pickle ({pickles[0]}). Opening one can run any code, so it is not opened.",
            hint="If you trust whoever made it, convert it yourself, and copy the tokenizer's files beside it: "
            f"python -c \"from transformers import AutoModelForCausalLM as M; M.from_pretrained('{folder}')"
            f".save_pretrained('{folder.name}-safe')\"",
        )
    if ggufs := sorted(path.name for path in folder.glob("*.gguf")):
        raise InputError(
            f"{folder} holds the weights as GGUF ({ggufs[0]}), which is for running, mostly quantised.",
            hint="Give the folder of the original model, with model.safetensors.",
        )
    raise InputError(
        f"There are no weights in {folder}: no model.safetensors, and no model.safetensors.index.json.",
        hint="Copy them beside config.json.",
    )


def _refuse_integers(files: list[Path]) -> None:
    """Refuse weights that are stored as whole numbers, quantised by something that left no word in the config."""
    from safetensors import safe_open

    for file in files:
        try:
            with safe_open(file, framework="pt") as opened:
                kinds = {opened.get_slice(name).get_dtype() for name in opened.keys()}  # noqa: SIM118 - no mapping
        except Exception as error:  # safetensors raises its own kind for every damage
            raise InputError(f"{file} is damaged: {error}.", hint="Copy it again.") from error
        if whole := sorted(kind for kind in kinds if kind.startswith(("I8", "U8", "I4", "U4", "F8", "F4"))):
            raise Unsupported(
                f"{file.name} holds weights as {whole[0]}: they are quantised, and their matrices cannot be read.",
                hint="Give the folder of the model before it was quantised.",
            )


def _refuse_broken(folder: Path, files: list[Path], bridge: Any) -> None:
    """Refuse weights that are not finite, by their names in the file, which are not those of the bridge."""
    import torch
    from safetensors import safe_open

    if all(bool(torch.isfinite(weight).all()) for weight in bridge.parameters()):
        return
    broken: list[str] = []
    for file in files:
        with safe_open(file, framework="pt") as opened:
            weights = ((name, opened.get_tensor(name).float()) for name in opened.keys())  # noqa: SIM118 - no mapping
            broken += [f"{name} in {file.name}" for name, weight in weights if not torch.isfinite(weight).all()]
    more = f" and {len(broken) - 1} more" if len(broken) > 1 else ""
    raise InputError(
        f"{folder} holds weights that are not finite numbers: {''.join(broken[:1]) or 'after they were loaded'}{more}.",
        hint="They were saved so, or damaged later: copy the folder again from where it is whole, or give a checkpoint "
        "from before its training went wrong.",
    )


def _tokenizer(folder: Path) -> Any:
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    if not any((folder / name).is_file() for name in ("tokenizer.json", "vocab.json", "tokenizer.model")):
        raise InputError(
            f"There is no tokenizer in {folder}.",
            hint="Copy tokenizer.json and tokenizer_config.json of the model beside config.json.",
        )
    try:
        names = AutoTokenizer.from_pretrained(
            str(folder), local_files_only=True, use_fast=True, trust_remote_code=False
        )
    except Exception:  # noqa: BLE001 - the library raises whatever its dozens of tokenizers do; the file itself decides
        names = None
    if names is None or not getattr(names, "is_fast", False):
        try:
            names = PreTrainedTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"))
        except Exception as error:
            raise InputError(
                f"The tokenizer in {folder} cannot be read: {type(error).__name__}.",
                hint="Copy tokenizer.json and tokenizer_config.json of the model again.",
            ) from error
    return names


def _bridge(folder: Path, config: dict[str, Any], names: Any) -> Any:
    """Return a bridge around the model of a folder, all of whose weights were read."""
    import torch
    from transformer_lens import TransformerBridge
    from transformers import AutoModelForCausalLM

    kind = config["model_type"]
    try:
        model, about = AutoModelForCausalLM.from_pretrained(
            str(folder),
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=False,
            attn_implementation="eager",
            dtype=torch.float32,
            output_loading_info=True,
        )
    except Exception as error:  # the library raises whatever its hundreds of models do
        raise InputError(
            f"The transformers library cannot open {folder} as a {kind}: {_first(error)}.",
            hint="Copy the folder again, or upgrade: pip install -U transformers",
        ) from error
    for what, said in (
        ("missing_keys", "are missing"),
        ("mismatched_keys", "have another shape than config.json says"),
    ):
        if wrong := sorted(map(str, about.get(what) or ())):
            raise InputError(
                f"{len(wrong)} weights {said} in {folder}, {wrong[0]} first; they would be drawn at random.",
                hint="Copy the folder again: config.json and weights are not of one model.",
            )
    try:
        bridge = TransformerBridge.boot_transformers(str(folder), hf_model=model.eval(), tokenizer=names)
    except Exception as error:
        raise Unsupported(
            f"TransformerLens cannot look inside a {type(model).__name__}: {_first(error)}.",
            hint="GPT-2, GPT-NeoX (Pythia), Llama, SmolLM2, Qwen and their like can be examined.",
        ) from error
    return bridge


def _first(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0][:200].rstrip(".")


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep what the libraries print while they load away from the terminal."""
    from transformers.utils import logging as chatter

    level, bars = chatter.get_verbosity(), getattr(chatter, "is_progress_bar_enabled", lambda: True)()
    chatter.set_verbosity_error()
    chatter.disable_progress_bar()
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
        chatter.set_verbosity(level)
        if bars:
            chatter.enable_progress_bar()
