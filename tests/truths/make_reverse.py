"""Compile RASP's ``reverse`` into a transformer with Tracr and keep its weights: not needed to run the tests.

    pip install 'wonderland[tracr]'
    python tests/truths/make_reverse.py

The program reverses what it reads: over the letters a, b, c and at most five of them Tracr makes 18,755 parameters in
four layers of one head. Weights go into ``reverse.safetensors`` under a `ChatTransformer`'s names; that of the
unembedding reads the residual stream where Tracr says that the answer stands. Lindner et al. 2023 (2301.05062).
"""

from pathlib import Path

import numpy as np
from safetensors.numpy import save_file
from tracr.compiler import compiling, lib

LETTERS = "abc"
LAYERS = 4


def compiled():
    return compiling.compile_rasp_to_model(
        lib.make_reverse(lib.rasp.tokens), vocab=set(LETTERS), max_seq_len=5, compiler_bos="BOS"
    )


def weights(model):
    """Return the weights under our names; every head has its own axis here."""
    params = {name: {part: np.array(w) for part, w in of.items()} for name, of in model.params.items()}
    encoding, labels = model.input_encoder.encoding_map, model.residual_labels
    found = {
        "embed.W_E": params["token_embed"]["embeddings"],
        "pos_embed.W_pos": params["pos_embed"]["embeddings"],
        "unembed.W_U": np.zeros((len(labels), len(encoding)), dtype=np.float32),
    }
    for letter in LETTERS:
        found["unembed.W_U"][labels.index(f"reverse_1:{letter}"), encoding[letter]] = 1
    for layer in range(LAYERS):
        to, at = f"blocks.{layer}.", f"transformer/layer_{layer}/"
        for ours, theirs in (("Q", "query"), ("K", "key"), ("V", "value")):
            found[f"{to}attn.W_{ours}"] = params[f"{at}attn/{theirs}"]["w"][None]
            found[f"{to}attn.b_{ours}"] = params[f"{at}attn/{theirs}"]["b"][None]
        found[f"{to}attn.W_O"] = params[f"{at}attn/linear"]["w"][None]
        found[f"{to}attn.b_O"] = params[f"{at}attn/linear"]["b"]
        for ours, theirs in (("in", "linear_1"), ("out", "linear_2")):
            found[f"{to}mlp.W_{ours}"] = params[f"{at}mlp/{theirs}"]["w"]
            found[f"{to}mlp.b_{ours}"] = params[f"{at}mlp/{theirs}"]["b"]
    return {name: np.ascontiguousarray(weight, dtype=np.float32) for name, weight in found.items()}


if __name__ == "__main__":
    model = compiled()
    print(sum(w.size for of in model.params.values() for w in of.values()), "parameters")
    print(model.input_encoder.encoding_map, model.residual_labels)
    print(model.apply(["BOS", *"abcab"]).decoded)
    save_file(weights(model), Path(__file__).with_name("reverse.safetensors"))
