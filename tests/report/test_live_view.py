"""The view that answers, in a browser, of a tiny model: its numbers are Python's, and what is typed stays there."""

from __future__ import annotations

import functools
import re
import zlib
from base64 import b64decode, b64encode
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import chromium
import numpy as np
import pytest
import sample
import sample_words
import torch

import wonderland.report
from wonderland.errors import Unsupported, UsageError
from wonderland.lab.evidence import Evidence
from wonderland.lab.interventions import Activations, Site, intervene
from wonderland.lab.live_page import donors, live_page, means
from wonderland.model.chat_transformer import ChatTransformer
from wonderland.model.presets import Config
from wonderland.report.build import render, write_report
from wonderland.report.encode import decode, encode
from wonderland.report.live_view import MODULES, SOURCES
from wonderland.tokenizer import ME, SEP, THEM, SpeakerTokenizer

pytestmark = chromium.MARKS
FRONTEND = Path(wonderland.report.__path__[0]) / "frontend" / "live"
LAYERS, HEADS, CONTEXT = 3, 4, 48
TEXT = "are you free tomorrow? it's me"


@functools.cache
def specimen():
    tokenizer = SpeakerTokenizer.train(
        [f"{word} tomorrow, isn't it? are you free 😀 naïve" for word in ("yes", "no", "maybe")], 300
    )
    cfg = Config(LAYERS, HEADS, 30, 8, 24, CONTEXT, tokenizer.vocab_size)
    model = ChatTransformer(cfg, tokenizer=tokenizer.fingerprint)
    generator = torch.Generator().manual_seed(3)
    for name, weight in model.named_parameters():
        deviation = 0.5 if name.endswith((".w", ".b")) else 0.3
        weight.data = torch.randn(weight.shape, generator=generator) * deviation + name.endswith(".w")
    drawn = np.random.default_rng(0)
    windows = [[ME, *drawn.integers(5, tokenizer.vocab_size, size=n)] for n in (20, 47, 33, 47, 12, 40)]
    evidence = Evidence.of_tokens(windows, [0, 1, 2, 1, 3, 4])
    return SimpleNamespace(model=model.requires_grad_(False).eval(), tokenizer=tokenizer, evidence=evidence)


COST = SimpleNamespace(
    value=np.full((LAYERS, HEADS), 0.038),
    low=np.full((LAYERS, HEADS), 0.027),
    high=np.full((LAYERS, HEADS), 0.05),
    n=42,
    resampled_over="conversations",
)


@functools.cache
def packed():
    return live_page(specimen(), {"head-ablation": SimpleNamespace(cost={"mean": COST})})


@functools.cache
def html() -> str:
    page = sample.page(conversations=1, length=16)
    fitting = [view for view in page.views if view.id in ("training", "corpus")]
    return render(replace(page, views=fitting, cards={}, controls={}, findings=[], about={}, live=packed()))


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("live") / "report-live.html"
    path.write_text(html(), encoding="utf-8")
    return path.as_uri()


@pytest.fixture
def page(browser, report):
    """Open the report; afterwards, check that it was quiet."""
    context = browser.new_context(viewport={"width": 1440, "height": 1000})
    tab = context.new_page()
    noise: list[str] = []
    tab.on("console", lambda message: noise.append(f"console: {message.text}"))
    tab.on("pageerror", lambda error: noise.append(f"error: {error}"))
    tab.on("dialog", lambda dialog: (noise.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    tab.on("request", lambda one: None if one.url.startswith(("file:", "blob:")) else noise.append(one.url))
    tab.add_init_script(
        "document.addEventListener('securitypolicyviolation', e => console.error('policy: ' + e.violatedDirective))"
    )
    open_at(tab, report)
    yield tab
    context.close()
    assert noise == []


def open_at(tab, report: str, query: str = "") -> None:
    tab.goto("about:blank")
    tab.goto(f"{report}#/try-it{query}")
    tab.wait_for_selector("[data-live]")
    settle(tab)


def settle(tab) -> None:
    """Wait until everything about the present text is answered: the last MLP's number is there."""
    tab.wait_for_selector(".board:not(.stale)")
    tab.wait_for_function("[...document.querySelectorAll('.chip .kl')].every(one => one.textContent)")


def type_in(tab, text: str) -> None:
    tab.fill(".field", text)
    settle(tab)


def listed(tab, where: str) -> dict[int, float]:
    rows = tab.eval_on_selector_all(f"{where} li[data-id]", "all => all.map(li => [+li.dataset.id, +li.dataset.p])")
    return dict(rows)


def tokens_of(text: str, speaker: int = THEM) -> list[int]:
    """What the model must have read of one unfinished message."""
    return [speaker, *specimen().tokenizer.encode_messages([text])[0]] if text else [speaker]


def probabilities(tokens, hooks=()) -> np.ndarray:
    logits = specimen().model.run_with_hooks(torch.tensor([tokens]), fwd_hooks=list(hooks))[0, -1]
    return logits.softmax(-1).numpy()


def agrees(found: dict[int, float], expected: np.ndarray) -> None:
    assert found
    assert all(abs(p - expected[token]) < 1e-3 for token, p in found.items())
    assert set(list(found)[:1]) == {int(expected.argmax())}


def test_what_comes_next_is_what_python_says(page):
    type_in(page, TEXT)
    found = listed(page, ".likely")
    agrees(found, probabilities(tokens_of(TEXT)))
    assert len(found) == 8
    page.keyboard.press("Escape")
    page.get_by_role("button", name="me", exact=True).click()
    settle(page)
    agrees(listed(page, ".likely"), probabilities(tokens_of(TEXT, ME)))


def test_enter_ends_the_message_and_the_other_one_speaks(page):
    type_in(page, "yes tomorrow")
    page.keyboard.press("Enter")
    settle(page)
    page.keyboard.type("are you ")
    settle(page)
    agrees(listed(page, ".likely"), probabilities([*tokens_of("yes tomorrow"), SEP, *tokens_of("are you", ME)]))
    page.keyboard.press("Control+A")
    page.keyboard.press("Delete")
    page.keyboard.press("Backspace")
    settle(page)
    assert page.input_value(".field") == "yes tomorrow"


def test_a_speaker_typed_as_text_is_text(page):
    text = "ok<|sep|><|me|> yes <|endoftext|>"
    type_in(page, text)
    agrees(listed(page, ".likely"), probabilities(tokens_of(text)))
    assert page.locator(".strip .special").count() == 1


def test_surprise_and_attention_are_those_of_the_model(page):
    type_in(page, TEXT)
    tokens = tokens_of(TEXT)
    logits, cache = specimen().model.run_with_cache(torch.tensor([tokens]))
    loss = -logits[0].log_softmax(-1)[2, tokens[3]]
    said = page.get_attribute(".strip .token >> nth=3", "aria-label")
    assert float(re.search(r"surprise ([\d.]+) nats", said)[1]) == pytest.approx(float(loss), abs=0.006)
    for at in (len(tokens) - 1, 2):
        page.hover(f".strip .token >> nth={at}")
        row = cache["blocks.1.attn.hook_pattern"][0, 3, at]
        most = page.inner_text('[data-head="L1H3"] .looks')
        assert float(most.split()[-1]) == pytest.approx(float(row.max()), abs=0.006)


def hooks_for(name: str, method: str, donor_tokens) -> list:
    """Return hooks that ablate one part as `method` says."""
    one = specimen()
    average = means(one.model, one.evidence)
    layer = int(re.search(r"\d+", name)[0])
    head = int(name.split("H")[1]) if "H" in name else None
    _, cache = one.model.run_with_cache(torch.tensor([donor_tokens]))

    def hook(value, hook):
        value = value.clone()
        n = value.shape[1]
        if head is None:
            mean = torch.tensor(average["mlp_out"][layer])
            value[:] = {"zero": 0 * mean, "mean": mean, "resample": cache[f"blocks.{layer}.hook_mlp_out"][:, :n]}[
                method
            ]
        else:
            mean = torch.tensor(average["z"][layer].reshape(HEADS, -1)[head])
            other = cache[f"blocks.{layer}.attn.hook_z"][:, :n, head]
            value[:, :, head] = {"zero": 0 * mean, "mean": mean, "resample": other}[method]
        return value

    return [(f"blocks.{layer}.hook_mlp_out" if head is None else f"blocks.{layer}.attn.hook_z", hook)]


@pytest.mark.parametrize(("label", "method"), [("its mean", "mean"), ("zeros", "zero"), ("another text’s", "resample")])
def test_what_is_off_changes_what_python_says_it_changes(page, label, method):
    type_in(page, TEXT)
    page.get_by_role("button", name=label).click()
    page.click('[data-head="L1H2"].chip')
    page.click('[data-part="MLP0"]')
    settle(page)
    page.wait_for_selector("[data-kl]")
    tokens = tokens_of(TEXT)
    before = probabilities(tokens)
    sources = [list(map(int, one)) for one in donors(specimen().evidence) if len(one) >= len(tokens)]
    assert len(sources) > 1
    after = [
        probabilities(tokens, [*hooks_for("L1H2", method, one), *hooks_for("MLP0", method, one)]) for one in sources
    ]
    agrees_after = np.mean(after, axis=0)
    found = listed(page, ".changed")
    assert len(found) >= 5
    assert all(abs(p - agrees_after[token]) < 1e-3 for token, p in found.items())
    divergence = np.mean([(before * np.log(before / one)).sum() for one in after])
    assert float(page.get_attribute("[data-kl]", "data-kl")) == pytest.approx(divergence, abs=2e-3)
    assert page.url.endswith("?off=L1H2.MLP0")
    assert "No average was measured for these together" in page.inner_text(".without")
    page.get_by_role("button", name="All on").click()
    page.click('[data-head="L1H2"].chip')
    page.wait_for_selector("[data-kl]")
    assert ("+0.038 nats a token [0.027, 0.050], 42 conversations" in page.inner_text(".without")) == (method == "mean")
    assert "n = 1" in page.inner_text(".without")


def test_what_is_off_is_in_the_address_and_what_is_typed_is_nowhere(page, report):
    type_in(page, "naïve maybe")
    page.click('[data-head="L2H0"].chip')
    page.keyboard.press("x")
    page.hover('[data-head="L0H3"].chip')
    page.keyboard.press("x")
    settle(page)
    assert page.url == f"{report}#/try-it?off=L0H3"
    kept = page.evaluate(
        "[location.href, JSON.stringify(history.state), ...Object.values({...localStorage, ...sessionStorage})].join()"
    )
    assert "na" not in kept.replace(report, "")
    page.reload()
    page.wait_for_selector("[data-live]")
    settle(page)
    assert page.input_value(".field") == ""
    assert page.get_attribute('[data-head="L0H3"].chip', "aria-pressed") == "true"
    page.keyboard.press("Shift+X")
    assert page.url == f"{report}#/try-it"
    open_at(page, report, "?off=L9H9.MLP1.<img>.MLP1")
    assert page.url.endswith("?off=L9H9.MLP1.%3Cimg%3E.MLP1")
    assert page.locator(".chip.off").count() == 1


@pytest.mark.parametrize(
    "text", [*sample_words.HOSTILE[:4], "</textarea><script>alert(1)</script>", "\u202egnp \u200b"]
)
def test_hostile_text_is_text(page, report, text):
    page.focus(".field")
    page.evaluate("text => document.execCommand('insertText', false, text)", text)  # as pasting does
    settle(page)
    page.keyboard.press("Enter")
    settle(page)
    page.keyboard.type(re.sub(r"[^ -~]", "", text) or "x")
    settle(page)
    assert page.url == f"{report}#/try-it"
    assert page.locator("main img, main script, main iframe").count() == 0


def test_keys(page):
    page.keyboard.press("i")
    assert page.evaluate("document.activeElement.className") == "field"
    page.keyboard.type("text?x1")  # each of them is a key of the page elsewhere
    settle(page)
    assert page.input_value(".field") == "text?x1"
    assert page.url.endswith("#/try-it")
    first = int(page.get_attribute(".likely li", "data-id"))
    page.keyboard.press("Tab")
    settle(page)
    assert page.input_value(".field") == "text?x1" + specimen().tokenizer.decode([first])
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.className") != "field"


def test_typing_on_cancels_what_is_under_way_and_leaves_nothing_half_done(page, report):
    # Every piece of work takes a slice of its own, so that the next text comes in the middle of reading one.
    page.add_init_script("performance.now = (now => () => (now += 100))(0)")
    open_at(page, report)
    page.evaluate(
        """async text => {
            const field = document.querySelector('.field'), wait = () => new Promise(go => setTimeout(go));
            for (const end of [18, 9, 25, 12, text.length]) {
                field.value = text.slice(0, end);
                field.dispatchEvent(new Event('input'));
                await wait();
            }
        }""",
        TEXT,
    )
    settle(page)
    agrees(listed(page, ".likely"), probabilities(tokens_of(TEXT)))
    page.hover(".strip .token >> nth=4")
    _, cache = specimen().model.run_with_cache(torch.tensor([tokens_of(TEXT)]))
    most = page.inner_text('[data-head="L2H1"] .looks')
    assert float(most.split()[-1]) == pytest.approx(
        float(cache["blocks.2.attn.hook_pattern"][0, 1, 4].max()), abs=0.006
    )


def test_a_browser_without_from_base64_reads_the_same_weights(page, report):
    page.add_init_script("delete Uint8Array.fromBase64")
    open_at(page, report)
    type_in(page, TEXT)
    assert page.evaluate("Uint8Array.fromBase64") is None
    agrees(listed(page, ".likely"), probabilities(tokens_of(TEXT)))


def test_a_text_that_is_too_long_loses_its_oldest_tokens_and_says_so(page):
    text = " ".join(["are you free tomorrow"] * 30)
    type_in(page, text)
    tokens = tokens_of(text)
    assert len(tokens) > CONTEXT
    agrees(listed(page, ".likely"), probabilities(tokens[-CONTEXT:]))
    assert f"oldest {len(tokens) - CONTEXT}, struck through" in page.inner_text(".write")
    assert page.locator(".strip s").count() == min(40, len(tokens) - CONTEXT)


def test_what_is_said_repeats_from_its_seed_with_and_without_a_head(page):
    type_in(page, "are you")
    said = []
    for seed in ("3", "4", "3"):
        page.fill(".seed", seed)
        page.get_by_role("button", name="Say it").click()
        page.wait_for_function("!document.querySelector('.said2').textContent.endsWith('…')")
        page.wait_for_timeout(300)
        said.append(page.inner_text(".said2"))
    assert said[0] == said[2] != said[1]
    page.click('[data-head="L1H2"].chip')
    settle(page)
    page.get_by_role("button", name="Say it").click()
    page.wait_for_selector(".said2 > div:nth-child(2)")
    assert "Without L1H2" in page.inner_text(".said2")


def test_a_swap_says_what_is_wrong_with_a_pair(page):
    type_in(page, "are you free")
    page.get_by_role("button", name="Keep this as A").click()
    page.wait_for_function("document.querySelector('.swap').innerText.includes('Identical prompts: nothing differs')")
    type_in(page, "are you free tomorrow")
    a, b = len(tokens_of("are you free")), len(tokens_of("are you free tomorrow"))
    assert f"Unequal lengths: {a} and {b} tokens" in page.inner_text(".swap")
    type_in(page, TEXT)
    page.get_by_role("button", name="A, and B with the speakers swapped").click()
    page.wait_for_function("document.querySelector('.swap').innerText.includes('at least 0.5 are needed')")
    assert "Gap too small: 0.33 logits" in page.inner_text(".swap")
    assert page.locator(".swap .cell").count() == 0


@pytest.mark.parametrize(("label", "site"), [("Stream", "resid_pre"), ("Attention", "attn_out"), ("By head", "z")])
def test_a_swap_patches_as_python_does(page, label, site):
    text = "are you free"
    type_in(page, text)
    page.get_by_role("button", name="A, and B with the speakers swapped").click()
    settle(page)
    page.get_by_role("button", name=label, exact=True).click()
    page.wait_for_function("[...document.querySelectorAll('.swap .cell')].every(cell => cell.dataset.v !== undefined)")
    found = page.eval_on_selector_all(".swap .cell", "cells => cells.map(cell => +cell.dataset.v)")
    a, b = tokens_of(text, THEM), tokens_of(text, ME)
    model, tokenizer = specimen().model, specimen().tokenizer
    shares = probabilities(a) - probabilities(b)
    shares[[*range(5), *a, *b]] = 0
    target, foil = int(shares.argmax()), int(shares.argmin())
    assert f"Target “{tokenizer.pieces([target])[0].replace(' ', '·')}”" in page.inner_text(".swap")
    clean, corrupted = (Activations.of(model, [tokens], [site]) for tokens in (a, b))
    rows = [(layer, head) for layer in range(LAYERS) for head in (range(HEADS) if site == "z" else (None,))]

    def difference(final, rows_):
        logits = model.unembed(model.ln_final(final[:, -1]))
        return logits[:, target] - logits[:, foil]

    sites = [[Site(site, layer, head, position)] for layer, head in rows for position in range(len(a))]
    without, patched = intervene(model, corrupted, clean.values, sites, difference)
    gap = float(difference(clean.final, None)[0] - without[0])
    assert gap > 0.5
    assert found == pytest.approx(((patched[:, 0] - without[0]) / gap).tolist(), abs=5e-3)


def damaged(kind: str) -> str:
    """The report with its weights changed: one of them by a little, cut off, or no numbers at all."""
    block = re.search(r'("blocks\.1\.W_O":\{"shape":\[\d+,\d+\],"planes":\{[^}]*"z":")([^"]+)', html())
    raw = bytearray(zlib.decompress(b64decode(block[2])))
    if kind == "one bit":
        raw[7] ^= 0x10
    elif kind == "not finite":
        raw[: len(raw) // 2] = b"\x7e" * (len(raw) // 2)
    text = b64encode(zlib.compress(bytes(raw))).decode()
    if kind == "cut off":
        text = text[: len(text) // 8 * 4]
    return html().replace(block[2], text)


@pytest.mark.parametrize("kind", ["one bit", "not finite", "cut off"])
def test_damaged_weights_are_noticed_and_the_rest_works(page, tmp_path, kind):
    path = tmp_path / "damaged.html"
    path.write_text(damaged(kind), encoding="utf-8")
    page.goto(f"{path.as_uri()}#/try-it")
    page.wait_for_selector('[data-live="off"]')
    assert "The model in this file cannot be used" in page.inner_text("main")
    assert page.is_hidden(".field")
    page.click('#nav [data-view="training"]')
    page.wait_for_selector("#title-training")
    assert page.locator("main svg").count() >= 1


def test_the_header_says_that_the_model_is_in_the_file_and_paper_that_it_answers_on_a_screen(page, report):
    page.wait_for_selector("html[data-warm]")
    assert "contains the model" in page.inner_text("#top")
    page.keyboard.press("?")
    assert "switch the head pointed at off or on" in page.inner_text("dialog.help")
    page.keyboard.press("Escape")
    page.click('#nav [data-view="training"]')
    page.wait_for_selector("#title-training")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert "answers only on a screen" in page.text_content("#sheets")
    page.evaluate("dispatchEvent(new Event('afterprint'))")


def test_one_column_on_a_phone(page):
    page.set_viewport_size({"width": 390, "height": 844})
    type_in(page, TEXT)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    order = page.eval_on_selector_all(".panel", "all => all.map(one => one.getBoundingClientRect().top)")
    assert len(set(order)) == len(order) == 6


def test_other_reports_hold_nothing_of_it():
    plain = render(sample.page(conversations=1, length=16))
    for word in ("LiveModel", "live-model", "Try it", "contains the model", "renderers.live", "the live view"):
        assert word in html()
        assert word not in plain


def test_the_code_keeps_its_budget_and_every_file_is_in_it():
    assert {path.stem for path in FRONTEND.glob("*.js")} == set(MODULES)
    size = {path.stem: path.stat().st_size for path in FRONTEND.iterdir()}
    assert sum(size[name] for name in SOURCES) <= 34 * 1024
    assert sum(size.values()) - sum(size[name] for name in SOURCES) <= 45 * 1024  # what shows, with its style


@pytest.mark.parametrize(
    "word", ["innerHTML", r"\beval\b", r"Function\(", "localStorage", "sessionStorage", r"\bfetch\(", "window.open"]
)
def test_the_code_has_no_way_to_make_html_of_words_or_to_keep_them(word):
    code = "".join(path.read_text() for path in FRONTEND.glob("*.js"))
    assert not re.search(word, code)


def test_bytes_travel_as_bytes():
    values = np.arange(2000, dtype=np.uint8)
    there = encode(values)
    assert there["$array"] == "u1"
    back = decode(there)
    assert back.dtype == np.uint8
    assert np.array_equal(back, values)


def test_means_are_over_tokens_and_not_over_padding_and_donors_are_of_different_conversations():
    one = specimen()
    average = means(one.model, one.evidence)
    total, count = 0.0, 0
    for tokens, length in zip(one.evidence.tokens, one.evidence.lengths, strict=True):
        _, cache = one.model.run_with_cache(torch.tensor(tokens[None, :length]))
        total, count = total + cache["blocks.1.attn.hook_z"][0].flatten(1).double().sum(0), count + length
    assert np.allclose(average["z"][1], total / count, atol=1e-5)
    assert average["mlp_out"].shape == (LAYERS, one.model.cfg.d_model)
    lengths = [len(tokens) for tokens in donors(one.evidence)]
    assert sorted(lengths, reverse=True) == lengths == [48, 41, 34, 21]


def test_a_live_report_is_not_redacted_and_a_foreign_model_not_packed(tmp_path):
    with pytest.raises(UsageError, match="cannot be redacted: the weights"):
        write_report(tmp_path / "r.html", {}, specimen(), redact=lambda page: page, live=packed())
    assert not list(tmp_path.iterdir())
    foreign = SimpleNamespace(model=torch.nn.Linear(2, 2), tokenizer=specimen().tokenizer, evidence=None)
    with pytest.raises(Unsupported, match="not a Linear with a SpeakerTokenizer"):
        live_page(foreign)
