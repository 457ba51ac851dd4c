"""The page's engine computes what the model computes in Python: logits, caches, ablations, patches, replies, tokens."""

import gzip
import json
import unicodedata
from importlib import resources

import numpy as np
import pytest
import torch
from node_engine import NODE, run

from wonderland.errors import Unsupported
from wonderland.model.chat_transformer import ChatTransformer
from wonderland.model.generate import generate
from wonderland.model.presets import Config
from wonderland.report.live import half_planes, live_data
from wonderland.report.live_directions import Reading
from wonderland.testing.handwritten import handwritten_model, handwritten_tokenizer
from wonderland.tokenizer import SpeakerTokenizer

pytestmark = pytest.mark.skipif(NODE is None, reason="node is not installed")
CLOSE = {"atol": 5e-5, "rtol": 0}
SHAPES = {
    "as trained": {},
    "without norms": {"normalization_type": None},
    "attention only": {"attn_only": True},
    "tanh": {"act_fn": "gelu_new"},
    "relu": {"act_fn": "relu"},
    "odd sizes": {"n_heads": 3, "d_head": 5, "d_mlp": 13, "n_layers": 2},
}


@pytest.fixture(scope="module")
def tokenizer():
    return SpeakerTokenizer.train([f"{word} tomorrow, isn't it? 😀 naïve" for word in ("yes", "no", "maybe")], 300)


def drawn(tokenizer, **parts):
    """A model all of whose weights matter: norms, biases and what writes to the stream are drawn, too."""
    shape = {"n_layers": 3, "n_heads": 4, "d_model": 30, "d_head": 8, "d_mlp": 24, "n_ctx": 24} | parts
    model = ChatTransformer(Config(**shape, d_vocab=tokenizer.vocab_size), tokenizer=tokenizer.fingerprint)
    generator = torch.Generator().manual_seed(3)
    for name, weight in model.named_parameters():
        deviation = 0.5 if name.endswith((".w", ".b")) else 0.3 if model.cfg.normalization_type else 0.15
        weight.data = torch.randn(weight.shape, generator=generator) * deviation + name.endswith(".w")
    return model.requires_grad_(False).eval()


@pytest.fixture(scope="module", params=SHAPES.values(), ids=SHAPES)
def model(request, tokenizer):
    return drawn(tokenizer, **request.param)


TOKENS = [2, 40, 71, 260, 33, 3, 1, 280, 9, 9, 120, 55]
OTHER = [1, 40, 71, 260, 33, 3, 2, 280, 9, 9, 77, 55]
READ = """
const model = finish(modelOf(given.live.cfg, tensorsOf(given.live)));
const read = (tokens) => finish(readTokens(new LiveRun(model), tokens));
"""


def asked(script, model, tokenizer, **given):
    return run(READ + script, {"live": live_data(model, tokenizer, half=False), **given})


def logits_of(model, tokens, hooks=()):
    return model.run_with_hooks(torch.tensor([tokens]), fwd_hooks=list(hooks))[0].numpy()


def test_logits_and_activations_are_those_of_the_model(model, tokenizer):
    script = """
    const run = read(given.tokens), rows = run.final.subarray(0, run.length * model.width);
    const pattern = run.pattern[1].subarray(0, run.length * model.heads * model.context);
    const resid = run.residPre[1].subarray(0, run.length * model.width);
    return { logits: finish(logitsOf(model, rows)), pattern, z: run.z[1].subarray(0, run.length * model.inner), resid };
    """
    answer = asked(script, model, tokenizer, tokens=TOKENS)
    n, cfg = len(TOKENS), model.cfg
    _, cache = model.run_with_cache(torch.tensor([TOKENS]))
    assert np.allclose(np.reshape(answer["logits"], (n, -1)), logits_of(model, TOKENS), **CLOSE)
    pattern = np.reshape(answer["pattern"], (n, cfg.n_heads, cfg.n_ctx))[:, :, :n].swapaxes(0, 1)
    assert np.allclose(pattern, cache["blocks.1.attn.hook_pattern"][0], atol=2e-6)
    assert np.allclose(answer["z"], cache["blocks.1.attn.hook_z"][0].flatten(), **CLOSE)
    assert np.allclose(answer["resid"], cache["blocks.1.hook_resid_pre"][0].flatten(), **CLOSE)


def test_a_run_that_is_extended_or_changed_is_the_run_made_afresh(model, tokenizer):
    script = """
    const run = read(given.tokens.slice(0, 5)), heard = [];
    for (const tokens of [given.tokens, given.other, given.tokens.slice(0, 7), given.other]) {
      finish(readTokens(run, tokens));
      heard.push(finish(nextLogits(run)));
    }
    return heard;
    """
    heard = asked(script, model, tokenizer, tokens=TOKENS, other=OTHER)
    for tokens, logits in zip((TOKENS, OTHER, TOKENS[:7], OTHER), heard, strict=True):
        assert np.allclose(logits, logits_of(model, tokens)[-1], **CLOSE)


def test_a_model_of_64_heads_is_the_same_as_in_python(tokenizer):
    model = drawn(tokenizer, n_layers=4, n_heads=16, d_head=4)
    found = asked("return finish(nextLogits(read(given.tokens)));", model, tokenizer, tokens=TOKENS)
    assert np.allclose(found, logits_of(model, TOKENS)[-1], **CLOSE)


def test_what_the_order_of_a_repetition_is_worth_has_an_interval_of_its_sequences(tokenizer):
    script = """
    const found = finish(repetitions(model, { sequences: 4, words: 6, seed: 2 }));
    const [mean, low, high] = meanInterval([1, 2, 4, 7, 1, 2, 4, 7, 1, 2, 4, 7]);
    return { ...found, mean, low, high };
    """
    model = drawn(tokenizer)
    found = asked(script, model, tokenizer)
    assert len(found["worth"]) == 4
    assert len(found["scores"]) == 12
    assert found["words"] == 6
    again, mixed = found["example"]
    assert again[1:7] == again[7:] == mixed[7:] != mixed[1:7]
    assert sorted(again[1:7]) == sorted(mixed[1:7])

    def loss(tokens):
        logp = torch.tensor(logits_of(model, tokens)).log_softmax(-1)
        return float(np.mean([-logp[t - 1, tokens[t]] for t in range(8, 13)]))

    assert found["worth"][-1] == pytest.approx(loss(mixed) - loss(again), abs=5e-5)
    assert found["mean"] == 3.5
    half = 2.200985 * np.std([1, 2, 4, 7] * 3, ddof=1) / 12**0.5
    assert (found["low"], found["high"]) == pytest.approx((3.5 - half, 3.5 + half), abs=0.002)


def test_surprise_is_the_loss_of_each_token(model, tokenizer):
    found = asked("return finish(surprise(read(given.tokens)));", model, tokenizer, tokens=TOKENS)
    logp = torch.tensor(logits_of(model, TOKENS)).log_softmax(-1)
    assert found[0] is None
    assert np.allclose(found[1:], [-logp[i, token] for i, token in enumerate(TOKENS[1:])], **CLOSE)


def _ablating(model, layer, head, values, positions=None):
    def hook(z, hook):
        z = z.clone()
        at = slice(None) if positions is None else positions
        z[:, at, head] = values[at] if values.ndim == 2 else values
        return z

    return (f"blocks.{layer}.attn.hook_z", hook)


@pytest.mark.parametrize("method", ["zero", "mean", "resample"])
def test_every_head_ablated_alone_gives_what_hooks_give(model, tokenizer, method):
    script = """
    const run = read(given.tokens), donor = read(given.other);
    const by = { method: given.method, donor, means: { z: given.means } };
    const parts = [];
    for (let layer = 0; layer < model.layers; layer++) {
      for (let head = 0; head < model.heads; head++) parts.push({ layer, head });
    }
    return [false, true].map((lastOnly) => finish(ablateEach(run, parts, by, { lastOnly, together: 3 })));
    """
    cfg = model.cfg
    means = np.random.default_rng(0).normal(size=(cfg.n_layers, cfg.n_heads * cfg.d_head)).astype(np.float32)
    found = asked(script, model, tokenizer, tokens=TOKENS, other=OTHER, method=method, means=list(means))
    _, cache = model.run_with_cache(torch.tensor([OTHER]))
    for logits, positions in zip(found, (None, [len(TOKENS) - 1]), strict=True):
        logits = np.reshape(logits, (cfg.n_layers, cfg.n_heads, -1))
        for layer in range(cfg.n_layers):
            for head in range(cfg.n_heads):
                mean = torch.tensor(means[layer].reshape(cfg.n_heads, -1)[head])
                donor = cache[f"blocks.{layer}.attn.hook_z"][0, :, head]
                values = {"zero": torch.zeros(cfg.d_head), "mean": mean, "resample": donor}[method]
                hook = _ablating(model, layer, head, values, positions)
                assert np.allclose(logits[layer, head], logits_of(model, TOKENS, [hook])[-1], **CLOSE)


def test_several_components_ablated_together_and_mlps_give_what_hooks_give(tokenizer):
    model = drawn(tokenizer)
    script = """
    const run = read(given.tokens);
    const parts = [{ layer: 0, head: 1 }, { layer: 2, head: 3 }, { layer: 1, mlp: true }];
    return finish(ablated(run, parts, { method: 'zero' }));
    """
    nothing = torch.zeros(model.cfg.d_head)
    hooks = [_ablating(model, 0, 1, nothing), _ablating(model, 2, 3, nothing)]
    hooks.append(("blocks.1.hook_mlp_out", lambda out, hook: torch.zeros_like(out)))
    found = asked(script, model, tokenizer, tokens=TOKENS)
    assert np.allclose(found, logits_of(model, TOKENS, hooks)[-1], **CLOSE)


@pytest.mark.parametrize("place", ["between layers", "after the last"])
@pytest.mark.parametrize("by_token", [True, False])
def test_a_latent_fires_and_is_taken_out_as_in_python(model, tokenizer, place, by_token):
    """Its activation at each token, and the logits without it: w·f taken off the stream wherever it fires."""
    random, d = np.random.default_rng(5), model.cfg.d_model
    last = place == "after the last"
    layer = model.cfg.n_layers - 1 if last else 1
    site = ("attn_out" if model.cfg.attn_only else "mlp_out") if last else "resid_pre"
    hook = f"blocks.{layer}.hook_resid_{'post' if last else 'pre'}"
    _, cache = model.run_with_cache(torch.tensor([TOKENS]))
    stream = cache[hook][0].numpy()
    encoder, vector = random.normal(size=(2, d)).astype(np.float32)
    encoder /= (stream @ encoder).std()
    table = random.normal(size=tokenizer.vocab_size).astype(np.float32)
    z = stream @ encoder + (table[TOKENS] if by_token else 0)
    bias = float(1 - z[-1])  # so that it fires on the last token, where the answer is
    reads = Reading(encoder, bias, 0.5, float(np.linalg.norm(vector)), table if by_token else None).to_page()
    script = """
    const run = read(given.tokens), way = given.way;
    return { fires: firing(run, way), without: finish(withoutLatent(run, way)) };
    """
    way = {"layer": layer, "site": site, "vector": vector, "reads": reads}
    found = asked(script, model, tokenizer, tokens=TOKENS, way=way)
    f = np.where(z + bias > 0.5, z + bias, 0)
    assert 0 < (f > 0).sum() < len(TOKENS)
    assert np.allclose(found["fires"], f, **CLOSE)
    less = torch.tensor(f[:, None] * vector / np.linalg.norm(vector), dtype=torch.float32)
    wanted = logits_of(model, TOKENS, [(hook, lambda x, hook: x - less)])[-1]
    assert np.allclose(found["without"], wanted, **CLOSE)
    assert not np.allclose(found["without"], logits_of(model, TOKENS)[-1], atol=1e-3)


@pytest.mark.parametrize("site", ["resid_pre", "attn_out", "mlp_out", "z"])
def test_patching_one_position_gives_what_hooks_give_and_equal_cells_change_nothing(tokenizer, site):
    model = drawn(tokenizer)
    script = """
    const base = read(given.other), donor = read(given.tokens), cells = [];
    for (let layer = 0; layer < model.layers; layer++) for (let position = 0; position < base.length; position++) {
      cells.push({ site: given.site, layer, position, head: given.site === 'z' ? 2 : null });
    }
    return finish(patchEach(base, donor, cells, 17, 90, { together: 5 }));
    """
    found = asked(script, model, tokenizer, tokens=TOKENS, other=OTHER, site=site)
    name = {"z": "attn.hook_z"}.get(site, f"hook_{site}")
    _, clean = model.run_with_cache(torch.tensor([TOKENS]))
    _, corrupted = model.run_with_cache(torch.tensor([OTHER]))
    cells = np.reshape(found["found"], (model.cfg.n_layers, len(TOKENS)))
    plain = logits_of(model, OTHER)[-1]
    assert found["untouched"] == pytest.approx(float(plain[17] - plain[90]), abs=5e-5)
    for layer in range(model.cfg.n_layers):
        full = f"blocks.{layer}.{name}"
        take = (lambda a: a[:, :, 2]) if site == "z" else (lambda a: a)
        for position in range(len(TOKENS)):

            def hook(value, hook, full=full, position=position, take=take):
                value = value.clone()
                take(value)[:, position] = take(clean[full])[:, position]
                return value

            logits = logits_of(model, OTHER, [(full, hook)])[-1]
            assert cells[layer, position] == pytest.approx(float(logits[17] - logits[90]), abs=5e-5)
            if torch.equal(take(clean[full])[:, position], take(corrupted[full])[:, position]):
                assert cells[layer, position] == found["untouched"]
    if site == "resid_pre":
        assert (cells[0, 1:6] == found["untouched"]).all()  # what comes before the layers is equal there


@pytest.mark.parametrize("site", ["resid_pre", "attn_out"])
def test_steering_adds_a_direction_everywhere(model, tokenizer, site):
    direction = np.random.default_rng(1).normal(size=model.cfg.d_model).astype(np.float32)
    script = "return finish(steered(read(given.tokens), 1, given.direction, 0.7, given.site));"
    found = asked(script, model, tokenizer, tokens=TOKENS, direction=direction, site=site)
    hook = (f"blocks.1.hook_{site}", lambda value, hook: value + 0.7 * torch.tensor(direction))
    assert np.allclose(found, logits_of(model, TOKENS, [hook])[-1], **CLOSE)


FLOW = """
const work = effectFlow(read(given.tokens), 17, given.foil), flow = finish(work);
const edges = finish(flow.edges(flow.nodes)), name = (n) => (n ? `${n.part}@${n.position}` : 'logit');
return { total: flow.total, constant: flow.constant, sources: flow.nodes.filter(isSource).map(name),
  nodes: flow.nodes.map((n) => [name(n), n.value]), edges: edges.map((e) => [name(e.from), name(e.to), e.value]) };
"""


def held(model, tokens, towards):
    """Run the model by hand with attention and the norms' scales held, and differentiate: parts by name, and total."""
    cfg, weights = model.cfg, model.state_dict()
    _, cache = model.run_with_cache(torch.tensor([tokens]))
    n = len(tokens)

    def norm(x, name):
        if not cfg.normalization_type:
            return x
        actual = cache[seen[name]][0]
        scale = (actual.var(-1, unbiased=False, keepdim=True) + cfg.eps).sqrt()
        return (x - x.mean(-1, keepdim=True)) / scale * weights[f"{name}.w"] + weights[f"{name}.b"]

    seen = {f"blocks.{layer}.ln1": f"blocks.{layer}.hook_resid_pre" for layer in range(cfg.n_layers)}
    seen["ln_final"] = f"blocks.{cfg.n_layers - 1}.hook_resid_post"
    parts = {"embed": cache["blocks.0.hook_resid_pre"][0].clone().requires_grad_()}
    x = parts["embed"]
    for layer in range(cfg.n_layers):
        block = f"blocks.{layer}"
        read = norm(x, f"{block}.ln1")
        for head in range(cfg.n_heads):
            values = read @ weights[f"{block}.attn.W_V"][head] + weights[f"{block}.attn.b_V"][head]
            out = cache[f"{block}.attn.hook_pattern"][0, head] @ values @ weights[f"{block}.attn.W_O"][head]
            parts[f"L{layer}H{head}"] = out
            out.retain_grad()
            x = x + out
        x = x + weights[f"{block}.attn.b_O"]
        if not cfg.attn_only:
            parts[f"MLP{layer}"] = cache[f"{block}.hook_mlp_out"][0].clone().requires_grad_()
            x = x + parts[f"MLP{layer}"]
    total = norm(x, "ln_final")[-1] @ towards
    total.backward(retain_graph=True)
    values = {f"{part}@{t}": float(one.grad[t] @ one[t].detach()) for part, one in parts.items() for t in range(n)}
    return parts, values, float(total.detach())


@pytest.mark.parametrize("foil", [90, None])
def test_the_flow_into_a_logit_is_that_of_a_model_with_attention_and_norms_held(model, tokenizer, foil):
    found = asked(FLOW, model, tokenizer, tokens=TOKENS, foil=foil)
    towards = model.W_U[:, 17] - (model.W_U.mean(1) if foil is None else model.W_U[:, foil])
    parts, values, total = held(model, TOKENS, towards)
    logits = logits_of(model, TOKENS)[-1]
    assert found["total"] == pytest.approx(
        float(logits[17] - (logits.mean() if foil is None else logits[foil])), abs=5e-5
    )
    assert found["total"] == pytest.approx(total, abs=5e-5)
    nodes = dict(found["nodes"])
    assert nodes.keys() == values.keys()
    assert nodes == pytest.approx(values, abs=5e-5)
    # The sources and the constant are the logit; a head is no source, for it passes on what it read.
    assert set(found["sources"]) == {name for name in nodes if not name.startswith("L")}
    assert sum(nodes[name] for name in found["sources"]) + found["constant"] == pytest.approx(total, abs=5e-5)
    # What goes out of a node is its value.
    out = dict.fromkeys(nodes, 0.0)
    for source, _, value in found["edges"]:
        out[source] += value
    assert out == pytest.approx(nodes, abs=5e-5)
    # An edge: what one source writes, seen by the values of one head, times how much it is looked at and what is asked.
    edges = {(a, b): value for a, b, value in found["edges"]}
    last, end = model.cfg.n_layers - 1, len(TOKENS) - 1
    weights, block = model.state_dict(), f"blocks.{model.cfg.n_layers - 1}"
    _, cache = model.run_with_cache(torch.tensor([TOKENS]))
    for source, at, head in (("embed", 3, 0), ("L0H1", 5, 1), ("L0H0", end, 2)):
        written = parts[source][at].detach()
        if model.cfg.normalization_type:
            scale = (cache[f"{block}.hook_resid_pre"][0, at].var(unbiased=False) + model.cfg.eps).sqrt()
            written = (written - written.mean()) / scale * weights[f"{block}.ln1.w"]
        share = cache[f"{block}.attn.hook_pattern"][0, head, end, at]
        through = share * written @ weights[f"{block}.attn.W_V"][head] @ weights[f"{block}.attn.W_O"][head]
        value = float(through @ parts[f"L{last}H{head}"].grad[end])
        assert edges[f"{source}@{at}", f"L{last}H{head}@{end}"] == pytest.approx(value, abs=5e-5)


def test_the_lens_reads_every_layer(tokenizer):
    model = drawn(tokenizer)
    found = asked("return finish(lens(read(given.tokens), 6, 3));", model, tokenizer, tokens=TOKENS)
    _, cache = model.run_with_cache(torch.tensor([TOKENS]))
    streams = [cache[f"blocks.{layer}.hook_resid_pre"] for layer in range(3)] + [cache["blocks.2.hook_resid_post"]]
    for best, stream in zip(found, streams, strict=True):
        p = model.unembed(model.ln_final(stream[0, 6])).softmax(-1)
        expected = p.topk(3)
        assert [token for token, _ in best] == expected.indices.tolist()
        assert np.allclose([share for _, share in best], expected.values, atol=1e-5)


def test_greedy_replies_are_those_of_python(tokenizer):
    model = drawn(tokenizer)
    script = """
    return given.prompts.map((tokens) => {
      const work = reply(read(tokens), { temperature: 0, most: 12 }), said = finish(work);
      return said;
    });
    """
    prompts = [[2], [1, 40, 71], TOKENS]
    found = asked(script, model, tokenizer, prompts=prompts)
    for tokens, said in zip(prompts, found, strict=True):
        speaker = "me" if 1 in tokens and (2 not in tokens or tokens[::-1].index(1) < tokens[::-1].index(2)) else "them"
        sampled = generate(model, tokenizer, tokenizer.decode(tokens), speaker=speaker, temperature=0, max_tokens=12)
        expected = sampled.tokens[:-1] if sampled.finished else sampled.tokens
        if sampled.prompt == tokens:
            assert said == expected
    assert any(found)


def test_draws_follow_the_nucleus_and_repeat_from_their_seed():
    script = """
    const logits = Float32Array.from(given.logits), counts = logits.map(() => 0), draw = draws(7);
    for (let i = 0; i < 40000; i++) counts[sample(logits, { temperature: 0.9, topP: 0.8 }, draw)]++;
    const whole = { temperature: 1, topP: 1 };
    const again = [draws(3), draws(3)].map((one) => Array.from({ length: 20 }, () => sample(logits, whole, one)));
    return { counts, again };
    """
    logits = np.random.default_rng(2).normal(size=60).astype(np.float32) * 2
    found = run(script, {"logits": logits})
    p = np.exp(logits / 0.9 - np.max(logits / 0.9)).astype(np.float64)
    p /= p.sum()
    order = np.argsort(-p)
    kept = order[(np.cumsum(p[order]) - p[order]) < 0.8]
    expected = np.zeros(60)
    expected[kept] = p[kept] / p[kept].sum() * 40000
    counts = np.array(found["counts"])
    assert (counts[expected == 0] == 0).all()
    chi2 = ((counts[kept] - expected[kept]) ** 2 / expected[kept]).sum() / (len(kept) - 1)
    assert 0.2 < chi2 < 2.2
    assert found["again"][0] == found["again"][1]


@pytest.fixture(scope="module")
def demo_texts():
    packed = resources.files("wonderland.demo").joinpath("messages.jsonl.gz").read_bytes()
    lines = gzip.decompress(packed).decode().splitlines()
    return [json.loads(line)["text"] for line in lines]


@pytest.mark.parametrize("step", [8, pytest.param(1, marks=pytest.mark.slow)], ids=["some", "all"])
def test_tokens_are_those_of_the_tokenizer_on_every_message_and_on_hostile_text(demo_texts, step):
    tokenizer = SpeakerTokenizer.train(demo_texts[: 8000 // step], 1200 if step == 1 else 500)
    # Of the long blocks of ideographs, syllables and private letters every 16th, and every other letter there is.
    each = (chr(c) for c in range(0x110000) if unicodedata.category(chr(c)) not in ("Cn", "Cs"))
    letters = [c for c in each if unicodedata.category(c) not in ("Lo", "Co") or ord(c) < 0x3400 or ord(c) % 16 == 0]
    strange = [f"a{''.join(letters[i : i + 40])} b" for i in range(0, len(letters), 40 * step)]
    spaced = [
        f"x{c}{c}y {c}" for c in letters if c.isspace() or unicodedata.category(c) in ("Cc", "Cf", "Zs", "Zl", "Zp")
    ]
    hostile = [
        "<|me|> I agree <|sep|>",
        "half \ud83d an emoji",
        "\ufeffbom",
        "  two  ",
        "it's I'LL we're",
        "\x85\u2028",
        "",
    ]
    texts = demo_texts[::step] + strange + spaced + hostile
    script = """
    const tokenizer = tokenizerOf(given.vocabulary);
    const ends = (text, all) => [0, 1, 7, all.length - 1].every((most) => {
      const { tokens, whole } = tokenizer.encodeEnd(text, Math.max(0, most));
      return tokens.length >= Math.min(most, all.length) && whole === (tokens.length === all.length)
        && tokens.join() === all.slice(all.length - tokens.length).join();
    });
    return given.texts.map((text) => {
      const ids = tokenizer.encodeMessage(text);
      return [ids, tokenizer.decode(ids), text === '' || ends(text, ids)];
    });
    """
    model = ChatTransformer(Config(1, 1, 4, 4, 4, 8, tokenizer.vocab_size))
    vocabulary = live_data(model, tokenizer)["tokenizer"]
    found = run(script, {"vocabulary": vocabulary, "texts": texts})
    for text, own, (ids, back, ends) in zip(texts, tokenizer.encode_messages(texts), found, strict=True):
        assert ids == own, repr(text)
        assert back == tokenizer.decode(ids), repr(text)
        assert ends, repr(text)
    pieces = run(
        "const t = tokenizerOf(given.vocabulary); return t.names.map((_, i) => t.piece(i));", {"vocabulary": vocabulary}
    )
    assert pieces == tokenizer.pieces(range(tokenizer.vocab_size))


def test_half_precision_travels_as_numpy_rounds_it():
    every = np.arange(65536, dtype=np.uint16).view(np.float16)
    finite = every[np.isfinite(every)]
    found = run(
        "return Array.from(finish(fromHalves(given.planes)));", {"planes": half_planes(finite.astype(np.float32))}
    )
    assert np.array_equal(np.array(found, dtype=np.float32), finite.astype(np.float32))


def test_a_model_for_the_page_checks_itself(tokenizer):
    model = drawn(tokenizer)
    script = """
    const model = finish(modelOf(given.live.cfg, tensorsOf(given.live))), { tokens, logits } = given.live.check;
    const run = finish(readTokens(new LiveRun(model), Array.from(tokens)));
    return Math.max(...finish(nextLogits(run)).map((value, i) => Math.abs(value - logits[i])));
    """
    assert run(script, {"live": live_data(model, tokenizer)}) < 5e-5


def test_a_model_too_large_for_a_page_is_refused_before_anything_is_written(tokenizer):
    large = ChatTransformer(Config(1, 2, 1024, 512, 4096, 8, tokenizer.vocab_size))
    with pytest.raises(Unsupported, match="too slow in a page") as refused:
        live_data(large, tokenizer)
    assert "wonderland generate" in refused.value.hint


def test_a_tokenizer_of_whole_words_is_refused_in_words():
    """The page reads merges of byte pairs; a tokenizer of words has none."""
    with pytest.raises(Unsupported, match="byte-pair tokenizers, not one of the kind WordLevel") as refused:
        live_data(handwritten_model(), handwritten_tokenizer())
    assert "without live=True" in refused.value.hint
