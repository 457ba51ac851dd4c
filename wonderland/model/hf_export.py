"""A trained model as a folder that the transformers library opens: GPT-2, of which ours is a case.

The same computation under other names: learned positions, LayerNorm before each part, an unembedding of its own. What
has no equivalent there is refused: a model without norms, and heads that together are not as wide as the stream. A
model without MLPs gets ones that write exactly nothing. Logits are compared after writing, with the folder opened anew.

The tokenizer goes along with its special tokens and a chat template. What would fool it: messages. Here a message that
holds ``<|me|>`` is text; the transformers tokenizer takes it for the token, so do not feed it what strangers wrote.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from wonderland.errors import ResourceError, Unsupported
from wonderland.model.transformer import Transformer
from wonderland.paths import as_os_error
from wonderland.tokenizer import END, ME, PAD, SEP, SPECIALS, THEM, SpeakerTokenizer

__all__ = ["save_gpt2"]

_EQUAL = 1e-5  # of the largest logit
_TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|me|>' if message['role'] == 'assistant' else '<|them|>' }} {{ message['content'] }}<|sep|>"
    "{% endfor %}{% if add_generation_prompt %}<|me|>{% endif %}"
)


def save_gpt2(model: Transformer, tokenizer: SpeakerTokenizer, folder: Path) -> None:
    """Write a model and its tokenizer into an empty folder, and show that it comes back with the same logits.

    Args:
        model: The model.
        tokenizer: Its tokenizer.
        folder: Where to.

    Raises:
        Unsupported: GPT-2 has no equivalent of the model.
        ResourceError: What was written gives other logits.
    """
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

    cfg = model.cfg
    if cfg.normalization_type is None:
        raise Unsupported(
            "GPT-2 has norms in every layer, and this model has none.", hint="Export its results instead."
        )
    if cfg.n_heads * cfg.d_head != cfg.d_model:
        raise Unsupported(
            f"In GPT-2 all heads together are as wide as the stream; here {cfg.n_heads} heads of {cfg.d_head} stand "
            f"against {cfg.d_model}.",
            hint="The presets nano, seed and large have an equivalent.",
        )
    config = GPT2Config(
        vocab_size=cfg.d_vocab,
        n_positions=cfg.n_ctx,
        n_embd=cfg.d_model,
        n_layer=cfg.n_layers,
        n_head=cfg.n_heads,
        n_inner=1 if cfg.attn_only else cfg.d_mlp,
        activation_function="gelu" if cfg.attn_only else cfg.act_fn,
        layer_norm_epsilon=cfg.eps,
        tie_word_embeddings=False,
        bos_token_id=THEM,
        eos_token_id=[SEP, END],
        pad_token_id=PAD,
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
    )
    with _quiet():
        theirs = GPT2LMHeadModel(config).to(model.embed.W_E.dtype).eval()
        with torch.no_grad():
            own = dict(theirs.named_parameters())
            for name, weight in _weights(model):
                own.pop(name).copy_(weight)
            for name in list(own):  # the MLPs of a model that has none
                if ".mlp." not in name and ".ln_2." not in name:
                    raise Unsupported(f"GPT-2 has weights {name} that this model has not.")
                own[name].zero_()
        with _writing():
            theirs.save_pretrained(str(folder))
        names = PreTrainedTokenizerFast(
            tokenizer_object=_tokenizer(tokenizer),
            eos_token=SPECIALS[END],
            sep_token=SPECIALS[SEP],
            pad_token=SPECIALS[PAD],
            additional_special_tokens=[SPECIALS[ME], SPECIALS[THEM]],
            model_max_length=cfg.n_ctx,
            clean_up_tokenization_spaces=False,
        )
        names.chat_template = _TEMPLATE
        with _writing():
            names.save_pretrained(str(folder))
        _compare(model, folder)


@contextlib.contextmanager
def _writing() -> Iterator[None]:
    try:
        yield
    except Exception as error:  # safetensors and tokenizers wrap OSError in kinds of their own
        raise as_os_error(error) from error


def _tokenizer(tokenizer: SpeakerTokenizer) -> Any:
    from tokenizers import Tokenizer

    return Tokenizer.from_str(tokenizer.serialized)


def _weights(model: Transformer) -> Iterator[tuple[str, Tensor]]:
    """Yield GPT-2's weights by name; its matrices are [in, out], with the heads side by side."""
    yield "transformer.wte.weight", model.embed.W_E
    yield "transformer.wpe.weight", model.pos_embed.W_pos
    yield "transformer.ln_f.weight", model.ln_final.w
    yield "transformer.ln_f.bias", model.ln_final.b
    yield "lm_head.weight", model.unembed.W_U.T
    blocks: Any = model.blocks
    for layer, block in enumerate(blocks):
        name, attn = f"transformer.h.{layer}", block.attn
        heads = [getattr(attn, f"W_{part}").permute(1, 0, 2).flatten(1) for part in "QKV"]
        biases = [getattr(attn, f"b_{part}").flatten() for part in "QKV"]
        yield f"{name}.ln_1.weight", block.ln1.w
        yield f"{name}.ln_1.bias", block.ln1.b
        yield f"{name}.attn.c_attn.weight", torch.cat(heads, dim=1)
        yield f"{name}.attn.c_attn.bias", torch.cat(biases)
        yield f"{name}.attn.c_proj.weight", attn.W_O.flatten(0, 1)
        yield f"{name}.attn.c_proj.bias", attn.b_O
        if not model.cfg.attn_only:
            yield f"{name}.ln_2.weight", block.ln2.w
            yield f"{name}.ln_2.bias", block.ln2.b
            yield f"{name}.mlp.c_fc.weight", block.mlp.W_in
            yield f"{name}.mlp.c_fc.bias", block.mlp.b_in
            yield f"{name}.mlp.c_proj.weight", block.mlp.W_out
            yield f"{name}.mlp.c_proj.bias", block.mlp.b_out


@torch.no_grad()
def _compare(model: Transformer, folder: Path) -> None:
    from transformers import AutoModelForCausalLM

    again = AutoModelForCausalLM.from_pretrained(str(folder), local_files_only=True, dtype=torch.float32).eval()
    tokens = torch.arange(model.cfg.n_ctx)[None] * 7 % model.cfg.d_vocab
    exact = model.embed.W_E.dtype == torch.float32
    ours: Tensor = model(tokens.to(model.device)).float().cpu() if exact else _single(model)(tokens)
    apart = float((again(tokens).logits - ours).abs().max() / ours.abs().max())
    if not apart <= _EQUAL:
        raise ResourceError(
            f"The folder, opened again, gives other logits (by {apart:.1g} of the largest); it was not kept.",
            hint=f"Please report this with the model's configuration: {json.dumps(model.cfg.to_json())}",
        )


def _single(model: Transformer) -> Transformer:
    import copy

    single: Transformer = copy.deepcopy(model).float().cpu()
    return single


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    from transformers.utils import logging as chatter

    level = chatter.get_verbosity()
    chatter.set_verbosity_error()
    chatter.disable_progress_bar()
    try:
        yield
    finally:
        chatter.set_verbosity(level)
        chatter.enable_progress_bar()
