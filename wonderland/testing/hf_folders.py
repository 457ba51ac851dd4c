"""Folders in the form of Hugging Face, with small models of random weights and a tokenizer trained on a few sentences.

For tests and measurements: nothing is downloaded, and what is in them is known.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

__all__ = ["ARCHITECTURES", "SENTENCES", "write_model", "write_texts"]

ARCHITECTURES = ("gpt2", "gpt_neox", "llama")
"""The architectures that `write_model` can write."""
_WHO = (
    "the old man",
    "a young woman",
    "the teacher",
    "my neighbour",
    "the doctor",
    "her brother",
    "a farmer",
    "the cook",
)
_DID = ("opened the door", "read a letter", "walked to the river", "sold two horses", "lost the key", "wrote a song")
_WHEN = ("in the morning", "before the rain came", "after the long winter", "while the others slept", "at noon")
SENTENCES = tuple(f"{who} {did} {when}." for who in _WHO for did in _DID for when in _WHEN)
"""What the tokenizer is trained on, and the texts are made of."""
_START = "<|endoftext|>"


def write_model(
    folder: str | Path,
    architecture: str = "llama",
    *,
    layers: int = 2,
    heads: int = 4,
    d_model: int = 32,
    vocabulary: int = 400,
    context: int = 64,
    seed: int = 0,
    shards: bool = False,
    scale: float = 1.0,
) -> Path:
    """Write a model of random weights with its tokenizer, and return the folder.

    Args:
        folder: Where to.
        architecture: One of `ARCHITECTURES`.
        layers: Layers.
        heads: Attention heads in each.
        d_model: Width of the residual stream, a multiple of the heads.
        vocabulary: Rows of the embedding; the tokenizer has at most so many tokens.
        context: Most tokens of an input.
        seed: Seed of the weights.
        shards: Write the weights in several files.
        scale: What the weights of matrices are multiplied with; the drawn ones are so small that little is said.
    """
    import transformers as hf
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    folder = Path(folder)
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[_START],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(SENTENCES, trainer=trainer)
    rest = range(tokenizer.get_vocab_size(), vocabulary)
    tokenizer.add_tokens([f"@{number}" for number in rest])  # so that both have one size
    names = hf.PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token=_START, eos_token=_START)
    ends: dict[str, Any] = {"bos_token_id": 0, "eos_token_id": 0, "vocab_size": vocabulary}
    shape: dict[str, Any] = {
        "hidden_size": d_model,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "max_position_embeddings": context,
        "intermediate_size": int(d_model * 8 / 3),
    }
    torch.manual_seed(seed)
    model: Any = {
        "gpt2": lambda: hf.GPT2LMHeadModel(
            hf.GPT2Config(n_embd=d_model, n_layer=layers, n_head=heads, n_positions=context, **ends)
        ),
        "gpt_neox": lambda: hf.GPTNeoXForCausalLM(hf.GPTNeoXConfig(**shape, **ends)),
        "llama": lambda: hf.LlamaForCausalLM(
            hf.LlamaConfig(
                num_key_value_heads=max(heads // 3, 1) if heads % 3 == 0 else heads // 2,
                tie_word_embeddings=True,
                **shape,
                **ends,
            )
        ),
    }[architecture]()
    with torch.no_grad():
        for weight in model.parameters():
            if weight.ndim > 1:
                weight *= scale
    model.save_pretrained(str(folder), max_shard_size="20KB" if shards else "5GB")
    names.save_pretrained(str(folder))
    return folder


def write_texts(path: str | Path, count: int = 24, *, sentences: int = 12, seed: int = 0) -> Path:
    """Write texts as JSON Lines, each of some sentences, and return the file."""
    generator = torch.Generator().manual_seed(seed)
    path = Path(path)
    lines = []
    for _ in range(count):
        drawn = torch.randint(len(SENTENCES), (sentences,), generator=generator).tolist()
        lines.append(json.dumps({"text": " ".join(SENTENCES[i] for i in drawn)}))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
