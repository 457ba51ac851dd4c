"""Bridges of several architectures, tiny and with every weight drawn, and plain evidence for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from tokenizers import Tokenizer, models

if TYPE_CHECKING:
    from transformer_lens import TransformerBridge  # it loads transformers, for which each worker would wait

WORDS = 30
_ROTARY = {"normalization_type": "RMS", "positional_embedding_type": "rotary", "gated_mlp": True, "act_fn": "silu"}
NATIVE = {
    "learned positions": {},
    "attention only": {"attn_only": True},
    "no norm": {"normalization_type": None},
    "norm without weights": {"normalization_type": "LNPre"},
    "rotary": _ROTARY,
    "shared keys": {**_ROTARY, "n_key_value_heads": 2},
}


@torch.no_grad()
def drawn(bridge: TransformerBridge, seed: int = 0) -> TransformerBridge:
    """Draw every weight, biases and norms included: what is zero hides mistakes."""
    generator = torch.Generator().manual_seed(seed)
    for name, weight in bridge.named_parameters():
        norm = weight.ndim == 1 and name.endswith("weight")
        weight.copy_(torch.randn(weight.shape, generator=generator) * 0.3 + norm)
    return bridge.eval()


def native(kind: str = "learned positions") -> TransformerBridge:
    """Return a bridge of TransformerLens' own kind."""
    from transformer_lens import TransformerBridge, TransformerBridgeConfig

    shape = {"d_model": 16, "d_head": 4, "n_layers": 2, "n_ctx": 32, "n_heads": 4, "d_vocab": WORDS, "d_mlp": 24}
    return drawn(TransformerBridge.boot_native(TransformerBridgeConfig(**{**shape, "act_fn": "gelu", **NATIVE[kind]})))


def hugging_face(kind: str) -> TransformerBridge:
    """Return a bridge around a model of the transformers library: "gpt2", "llama" or "neox"."""
    import transformers as hf
    from transformer_lens import TransformerBridge

    both = {"vocab_size": WORDS, "attn_implementation": "eager"}
    llama = {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 4}
    model = {
        "gpt2": lambda: hf.GPT2LMHeadModel(
            hf.GPT2Config(n_positions=32, n_embd=16, n_layer=2, n_head=4, n_inner=24, **both)
        ),
        "llama": lambda: hf.LlamaForCausalLM(
            hf.LlamaConfig(num_key_value_heads=2, max_position_embeddings=32, **llama, **both)
        ),
        "neox": lambda: hf.GPTNeoXForCausalLM(hf.GPTNeoXConfig(max_position_embeddings=32, **llama, **both)),
    }[kind]()
    names = hf.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer(), bos_token="w0", eos_token="w0", name_or_path="none", add_bos_token=True
    )
    return drawn(TransformerBridge.boot_transformers("none", hf_model=model.eval(), tokenizer=names))


def bridge(kind: str) -> TransformerBridge:
    """Return a bridge by its name in `NATIVE`, or one of `hugging_face`."""
    return native(kind) if kind in NATIVE else hugging_face(kind)


def tokenizer() -> Tokenizer:
    """Return a tokenizer of thirty words, w0 to w29."""
    return Tokenizer(models.WordLevel({f"w{i}": i for i in range(WORDS)}, unk_token="w0"))


def sequences(count: int = 12, length: int = 20, seed: int = 0) -> list[list[int]]:
    """Return random sequences that begin with word 0."""
    random = np.random.default_rng(seed)
    return [[0, *random.integers(1, WORDS, length - 1).tolist()] for _ in range(count)]
