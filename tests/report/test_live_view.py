"""The view that answers, in a browser, of a tiny model: its numbers are Python's, and what is typed stays there."""

from __future__ import annotations

import functools
import json
import re
import zlib
from base64 import b64decode, b64encode
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace

import axe
import chromium
import numpy as np
import pytest
import sample
import sample_words
import torch
from chromium import as_new, go, left, listening, painted, until, watched

import wonderland.report
from wonderland.errors import PluginError, Unsupported, UsageError
from wonderland.lab.evidence import Evidence
from wonderland.lab.interventions import Activations, Site, intervene
from wonderland.lab.live_lessons import PROMPTS
from wonderland.lab.live_page import donors, live_page, means, speaker_directions
from wonderland.model.chat_transformer import ChatTransformer
from wonderland.model.presets import Config
from wonderland.report import build
from wonderland.report.build import bare, render, write_report
from wonderland.report.encode import decode, encode
from wonderland.report.live_directions import Reading, supplied
from wonderland.report.live_view import MODULES
from wonderland.tokenizer import ME, SEP, THEM, SpeakerTokenizer
from wonderland.views import Row

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
    sizes = enumerate((20, 47, 33, 47, 12, 40))
    windows = [[(ME, THEM)[i % 2], *drawn.integers(5, tokenizer.vocab_size, size=n)] for i, n in sizes]
    evidence = Evidence.of_tokens(windows, [0, 1, 2, 1, 3, 4])
    return SimpleNamespace(model=model.requires_grad_(False).eval(), tokenizer=tokenizer, evidence=evidence)


COST = SimpleNamespace(
    value=np.full((LAYERS, HEADS), 0.038),
    low=np.full((LAYERS, HEADS), 0.027),
    high=np.full((LAYERS, HEADS), 0.05),
    n=42,
    resampled_over="conversations",
)


THROUGH = SimpleNamespace(
    value=np.full((LAYERS, HEADS), 0.4), low=np.full((LAYERS, HEADS), 0.3), high=np.full((LAYERS, HEADS), 0.5)
)
SPEAKS = SimpleNamespace(
    swap={"current": {"confirm": {"through": THROUGH}}},
    pairs={"current": {"confirm": 31}},
    heads_that_are=lambda verdict: {"current-speaker": ["L1H2"]}[verdict],
)


@functools.cache
def latent():
    """A latent of the stream after L1 that fires on some of the text, in a dictionary that takes token means off."""
    drawn = np.random.default_rng(4)
    encoder, vector = drawn.normal(size=(2, 30)).astype(np.float32)
    by_token = drawn.normal(size=specimen().tokenizer.vocab_size).astype(np.float32)
    return (
        "L1F7, me speaks",
        2,
        vector,
        "resid_pre",
        Reading(encoder, 1.0, 0.5, float(np.linalg.norm(vector)), by_token),
    )


@functools.cache
def packed():
    measured = {"head-ablation": SimpleNamespace(cost={"mean": COST}), "speaker-tracking": SPEAKS}
    measured["sparse-features"] = SimpleNamespace(live_directions=lambda: [latent()])
    return live_page(specimen(), measured)


@functools.cache
def html() -> str:
    page = sample.page(conversations=1, length=16)
    fitting = [view for view in page.views if view.id in ("training", "corpus")]
    told = {"audit": "These tests drew out nothing.", "audit_figures": Row.each({"Secrets said": 7}), "sharing": "Why."}
    return render(replace(page, views=fitting, cards={}, controls={}, findings=[], about={}, live=packed(), **told))


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("live") / "report-live.html"
    path.write_text(html(), encoding="utf-8")
    return path.as_uri()


@pytest.fixture(scope="module")
def watched_tab(browser):
    yield from watched(browser, ("file:", "blob:"))  # damaged reports are other files


@pytest.fixture
def page(watched_tab, report):
    """Open the report; afterwards, check that it was quiet."""
    with as_new(watched_tab) as tab:
        open_at(tab, report)
        yield tab


def open_at(tab, report: str, query: str = "") -> None:
    left(tab)
    tab.goto(f"{report}#/try-it{query}")
    tab.wait_for_selector("[data-live]")
    settle(tab)


def settle(tab) -> None:
    """Wait until everything about the present text is answered: the last MLP's number is there."""
    tab.wait_for_selector(".board:not(.stale)")
    until(tab, "[...document.querySelectorAll('.chip .kl')].every(one => one.textContent)")


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


@functools.cache
def averages():
    return means(specimen().model, specimen().evidence)


def hooks_for(name: str, method: str, donor_tokens) -> list:
    """Return hooks that ablate one part as `method` says."""
    one = specimen()
    average = averages()
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


@pytest.mark.parametrize(
    ("label", "method"),
    [
        ("its mean", "mean"),
        pytest.param("zeros", "zero", marks=pytest.mark.slow),
        pytest.param("another text’s", "resample", marks=pytest.mark.slow),
    ],
)
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
    assert (
        "The report, mean ablation, on average: +0.038 nats a token [0.027, 0.050], 42 conversations"
        in page.inner_text(".without")
    ) == (method == "mean")
    assert "n = 1" in page.inner_text(".without")


def test_what_is_pointed_at_is_known_at_once_and_told_in_a_task_of_its_own_unless_a_press_came_first(page):
    page.evaluate("() => { window.heard = []; store.listeners.push((changed) => heard.push([...changed].join())); }")
    look = "store.look({ key: 'head:L0H0' }, true), store.look({ key: 'head:L0H1' }, true)"
    assert page.evaluate(f"({look}, [store.shownHead, heard.length])") == ["L0H1", 0]
    until(page, "heard.join() === 'peek'")  # once, of both
    page.evaluate("(store.look({ key: 'head:L0H2' }, true), store.set({ off: 'L0H2' }))")
    painted(page)
    assert page.evaluate("heard") == ["peek", "off"]


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


@pytest.mark.slow
@axe.NEEDED
def test_an_open_live_view_has_no_serious_violation(page):
    type_in(page, TEXT)
    page.click('[data-head="L1H2"].chip')
    page.get_by_role("button", name="Trace it").click()
    page.wait_for_selector(".picture svg")
    axe.load(page)
    assert axe.violations(page) == []
    chip = page.locator('[data-head="L1H2"].chip')
    assert chip.get_attribute("role") is None
    assert chip.get_attribute("aria-pressed") == "true"  # it is off
    page.hover('[data-head="L1H1"].chip')
    page.keyboard.press("ArrowRight")  # to choose another one is not to press it
    assert page.locator('[data-head="L1H1"].chip').get_attribute("aria-pressed") == "false"


@pytest.mark.slow
def test_an_arrow_stands_only_where_the_numbers_differ_as_they_are_printed(page):
    type_in(page, "isn't it")
    before = probabilities(tokens_of("isn't it"))
    told = {"up": 0, "down": 0, "close": 0}
    for chip in page.locator("[data-head].chip").all():
        if min(told.values()) > 0:
            return
        chip.click()
        settle(page)
        page.wait_for_selector("[data-kl]")
        rows = page.eval_on_selector_all(
            ".changed li", "all => all.map(li => [+li.dataset.id, +li.dataset.p, li.querySelector('b').textContent])"
        )
        chip.click()
        for token, after, text in rows:
            one, other = text.rstrip(" ▲▼").split(" → ")
            assert (text[-1] in "▲▼") == (one != other)
            if one != other:
                assert (text[-1] == "▲") == (after > before[token])
                told["up" if text[-1] == "▲" else "down"] += 1
            else:
                told["close"] += abs(after - before[token]) > 1e-3  # it did change, by less than is printed
    assert min(told.values()) > 0


def test_what_points_at_a_head_says_whether_it_is_off(page):
    type_in(page, "naïve maybe")
    chip = page.locator('[data-head="L2H0"].chip')
    settle(page)
    for act, state in ((chip.click, "off"), (lambda: page.keyboard.press("x"), "on")):
        act()
        until(page, f"document.querySelector('#tip').innerText.split(/\\s+/)[1] === '{state}'")
        assert page.is_visible("#tip")
        assert re.match(rf"L2H0 .+ [\d.]+ nats, {state}, ", chip.get_attribute("aria-label"))


def test_a_lit_head_of_the_map_has_no_line_under_it_and_reading_along_is_not_trying(page, report):
    page.goto(f"{report}#/findings")
    page.evaluate("document.querySelector('.part').classList.add('lit')")
    below, above = page.evaluate(
        "['borderBottomWidth', 'borderTopWidth'].map((side) => getComputedStyle(document.querySelector('.part'))[side])"
    )
    assert below == above
    steps = page.locator(".steps a").all_inner_texts()
    assert "What it is about, in a minute" in steps
    assert not [one for one in steps if one.startswith("Read along")]  # nothing but what is typed


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(text, marks=[pytest.mark.slow] * again)
        for text, again in [
            *((text, True) for text in sample_words.HOSTILE[:4]),
            ("</textarea><script>alert(1)</script>", False),
            ("\u202egnp \u200b", True),
        ]
    ],
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


@pytest.fixture
def page_with(browser, report):
    """A function that opens the report in a tab of its own, which runs a script before those of the report."""
    tab, noise, may = listening(browser)
    may[:] = "file:", "blob:"

    def page_with(script: str):
        tab.add_init_script(script)
        open_at(tab, report)
        return tab

    yield page_with
    tab.context.close()
    assert noise == []


def test_typing_on_cancels_what_is_under_way_and_leaves_nothing_half_done(page_with):
    # Every piece of work takes a slice of its own, so that the next text comes in the middle of reading one.
    page = page_with("performance.now = (now => () => (now += 100))(0)")
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


@pytest.mark.slow
def test_a_browser_without_from_base64_reads_the_same_weights(page_with):
    page = page_with("delete Uint8Array.fromBase64")
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
        page.wait_for_selector(".said2[data-done=true]")
        said.append(page.inner_text(".said2"))
    assert said[0] == said[2] != said[1]
    page.click('[data-head="L1H2"].chip')
    settle(page)
    page.get_by_role("button", name="Say it").click()
    page.wait_for_selector(".said2 > div:nth-child(2)")
    assert "Without L1H2" in page.inner_text(".said2")


def test_the_view_and_the_first_page_say_what_the_model_gives_away_with_its_figures(page):
    for view, place in (("findings", ".first"), ("try-it", ".gives")):
        go(page, view)
        folded = ".gives summary" if view == "try-it" else "text=Figures of the audit"
        assert "Secrets said" not in page.inner_text("main")
        page.locator(folded).click()
        said = page.inner_text(f"main {place}")
        assert [one for one in ("These tests drew out nothing.", "Secrets said", "7", "Why.") if one not in said] == []


@pytest.mark.slow
def test_while_one_types_on_a_phone_say_it_is_at_hand_and_leaves_the_keyboard_open(browser, report):
    context = browser.new_context(viewport={"width": 390, "height": 520}, has_touch=True)
    tab = context.new_page()
    open_at(tab, report)
    tab.wait_for_selector("[data-live=on]")
    tab.tap("textarea.field")
    tab.keyboard.type("are you")
    settle(tab)
    say = tab.get_by_role("button", name="Say it")
    box = say.bounding_box()
    assert box["y"] >= 0
    assert box["y"] + box["height"] <= 520
    say.tap()
    until(tab, "document.querySelector('.said2').textContent.length > 2")
    assert tab.is_visible(".said2")
    assert tab.evaluate("document.activeElement.tagName") == "TEXTAREA"
    context.close()


def test_a_swap_says_what_is_wrong_with_a_pair(page):
    type_in(page, "are you free")
    page.get_by_role("button", name="Keep this as A").click()
    until(page, "document.querySelector('.swap').innerText.includes('Identical prompts: nothing differs')")
    type_in(page, "are you free tomorrow")
    a, b = len(tokens_of("are you free")), len(tokens_of("are you free tomorrow"))
    assert f"Unequal lengths: {a} and {b} tokens" in page.inner_text(".swap")
    type_in(page, TEXT)
    page.get_by_role("button", name="A, and B with the speakers swapped").click()
    until(page, "document.querySelector('.swap').innerText.includes('at least 0.5 are needed')")
    assert "Gap too small: 0.33 logits" in page.inner_text(".swap")
    assert page.locator(".swap .cell").count() == 0


@pytest.mark.parametrize(
    ("label", "site"),
    [
        pytest.param("Stream", "resid_pre", marks=pytest.mark.slow),
        ("Attention", "attn_out"),
        pytest.param("By head", "z", marks=pytest.mark.slow),
    ],
)
def test_a_swap_patches_as_python_does(page, label, site):
    text = "are you free"
    type_in(page, text)
    page.get_by_role("button", name="A, and B with the speakers swapped").click()
    settle(page)
    until(page, "document.querySelector('.swap .cell[data-v]')")
    page.evaluate("document.querySelectorAll('.swap .cell').forEach(cell => { cell.dataset.before = '1' })")
    page.get_by_role("button", name=label, exact=True).click()
    a = tokens_of(text)
    count = len(a) * LAYERS * (HEADS if site == "z" else 1)
    until(page, f"document.querySelectorAll('.swap .cell[data-v]:not([data-before])').length === {count}")
    target, expected = patched(text, site)
    assert f"Target “{specimen().tokenizer.pieces([target])[0].replace(' ', '·')}”" in page.inner_text(".swap")
    assert recoveries(page) == pytest.approx(expected, abs=5e-3)
    names = page.locator(".swap .rowname").all_inner_texts()
    if site == "z":
        totals = [float(re.fullmatch(r"L\dH\d <?([−\d.]+)%", name)[1].replace("−", "-")) for name in names]
        assert totals == pytest.approx(100 * shares(a)[1], abs=1)
    else:
        assert names == [f"L{layer}" for layer in range(LAYERS)]


def recoveries(tab) -> list[float]:
    return tab.eval_on_selector_all(".swap .cell", "cells => cells.map(cell => +cell.dataset.v)")


def patched(text: str, site: str) -> tuple[int, list[float]]:
    """The target of a text and the same with the speakers swapped, and how much each patch brings back, in Python."""
    a, b = tokens_of(text, THEM), tokens_of(text, ME)
    model = specimen().model
    shares = probabilities(a) - probabilities(b)
    shares[[*range(5), *a, *b]] = 0
    target, foil = int(shares.argmax()), int(shares.argmin())
    clean, corrupted = (Activations.of(model, [tokens], [site]) for tokens in (a, b))
    rows = [(layer, head) for layer in range(LAYERS) for head in (range(HEADS) if site == "z" else (None,))]

    def difference(final, rows_):
        logits = model.unembed(model.ln_final(final[:, -1]))
        return logits[:, target] - logits[:, foil]

    sites = [[Site(site, layer, head, position)] for layer, head in rows for position in range(len(a))]
    without, after = intervene(model, corrupted, clean.values, sites, difference)
    gap = float(difference(clean.final, None)[0] - without[0])
    assert gap > 0.5
    return target, ((after[:, 0] - without[0]) / gap).tolist()


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


@pytest.mark.parametrize(
    "kind", ["cut off", *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("not finite", "one bit"))]
)
def test_damaged_weights_are_noticed_and_the_rest_works(page, tmp_path, kind):
    path = tmp_path / "damaged.html"
    path.write_text(damaged(kind), encoding="utf-8")
    page.goto(f"{path.as_uri()}#/try-it")
    page.wait_for_selector('[data-live="off"]')
    assert "The model in this file cannot be used" in page.inner_text("main")
    assert ("packed numbers are not what was written" in page.inner_text("main")) == (kind == "cut off")
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
    assert len(set(order)) == len(order) == 9


def lesson(tab, number: int, answer: str | None = None, also: bool = False) -> tuple[str, str]:
    """Answer a lesson by the keyboard and return what is judged, and said."""
    tab.locator(".lessons .choice button").nth(number - 1).focus()
    tab.keyboard.press("Enter")
    if answer:
        tab.select_option(".lessons select", answer)
    tab.locator(".lessons .answer button").nth(1 if also else 0).focus()
    tab.keyboard.press("Enter")
    until(tab, "(said => said && !said.includes('is asked'))(document.querySelector('.judged').innerText)")
    return tab.get_attribute(".judged", "data-right"), tab.inner_text(".judged")


def lesson_prompts() -> list[list[int]]:
    found = []
    for prompt in PROMPTS:
        tokens: list[int] = []
        for who, text in prompt:
            tokens += [*([SEP] if tokens else []), *tokens_of(text, ME if who == "me" else THEM)]
        found.append(tokens[-CONTEXT:])
    return found


def shares(tokens) -> tuple[float, np.ndarray]:
    """The gap of a prompt and the same with the speakers swapped, and the share that comes back through each head."""
    model = specimen().model
    other = [{ME: THEM, THEM: ME}.get(token, token) for token in tokens]
    apart = probabilities(tokens) - probabilities(other)
    apart[[*range(5), *tokens]] = 0
    target, foil = int(apart.argmax()), int(apart.argmin())
    clean, corrupted = (Activations.of(model, [one], ["z"]) for one in (tokens, other))

    def difference(final, rows):
        logits = model.unembed(model.ln_final(final[:, -1]))
        return logits[:, target] - logits[:, foil]

    sites = [[Site("z", layer, head, None)] for layer in range(LAYERS) for head in range(HEADS)]
    without, patched = intervene(model, corrupted, clean.values, sites, difference)
    gap = float(difference(clean.final, None)[0] - without[0])
    return gap, ((patched[:, 0] - without[0]) / gap).numpy()


def test_the_speaker_head_of_the_lesson_is_the_one_that_python_finds(page):
    found = [share for gap, share in map(shares, lesson_prompts()) if gap >= 0.5]
    assert found
    mean = np.mean(found, axis=0)
    best = int(mean.argmax())
    name = f"L{best // HEADS}H{best % HEADS}"
    right = name if mean[best] >= 0.2 else "none of them"
    wrong = "L0H1" if right != "L0H1" else "L0H2"
    judged, said = lesson(page, 1, right)
    assert judged == "true"
    assert "To reach 20% proves nothing of speakers" in page.inner_text(".lessons")
    told = re.search(rf"by any head: {name} brings back ([\d.]+)%.*n = {len(found)}\)", said)
    assert float(told[1]) == pytest.approx(100 * mean[best], abs=0.6)
    assert f"not your text but {len(PROMPTS)} invented ones" in page.inner_text(".lessons")
    assert "The report, over 31 pairs of real conversations: L1H2 (40%, [0.30, 0.50])" in said
    assert lesson(page, 1, wrong)[0] == "false"


def test_breaking_it_counts_what_is_left_and_compares_with_others(page):
    assert "Nothing is off yet" in lesson(page, 2)[1]
    for name in ("L0H0", "L0H1", "L0H2", "L0H3"):
        page.click(f'[data-head="{name}"].chip')
    assert "three are the most" in lesson(page, 2)[1]
    page.click('[data-head="L0H3"].chip')
    settle(page)
    judged, said = lesson(page, 2)
    left, _ = left_without(["L0H0", "L0H1", "L0H2"])
    told = re.search(r"Without L0H0, L0H1, L0H2, ([−\d.<]+)%", said)
    assert float(told[1].replace("−", "-")) == pytest.approx(100 * left, abs=0.6)
    assert (judged == "true") == (left <= 0.5 and f"{left:.0%}" in said)


def test_where_breaking_it_turns_it_round_less_than_nothing_is_left_and_that_is_said(page):
    left, _ = left_without(["L0H3", "L1H2"])
    assert left < -0.1
    for name in ("L0H3", "L1H2"):
        page.click(f'[data-head="{name}"].chip')
    settle(page)
    _, said = lesson(page, 2)
    assert f"Without L0H3, L1H2, −{-100 * left:.0f}% of what swapping" in said
    assert "under 0%: the reverse of it" in page.inner_text(".lessons")


def left_without(names: list[str]) -> tuple[float, int]:
    """The share of what swapping the speakers changes that is left without some parts, and the number of texts."""
    average, model, left = averages(), specimen().model, []
    hooks = []
    for name in names:
        layer, head = int(re.search(r"\d+", name)[0]), int(name.split("H")[1]) if "H" in name else slice(None)
        means_ = torch.tensor(average["z"][layer].reshape(HEADS, -1) if "H" in name else average["mlp_out"][layer])

        def hook(value, hook, head=head, means_=means_):
            value = value.clone()
            value[..., head, :] = means_[head]
            return value

        hooks.append((f"blocks.{layer}.{'attn.hook_z' if 'H' in name else 'hook_mlp_out'}", hook))
    for tokens in lesson_prompts():
        both = torch.tensor([tokens, [{ME: THEM, THEM: ME}.get(token, token) for token in tokens]])
        logits = model(both)[:, -1]
        apart = logits.softmax(-1).diff(dim=0)[0].neg()
        apart[[*range(5), *tokens]] = 0
        target, foil = int(apart.argmax()), int(apart.argmin())
        gap, less = (
            float((one[:, target] - one[:, foil]).diff().neg())
            for one in (logits, model.run_with_hooks(both, fwd_hooks=hooks)[:, -1])
        )
        if gap >= 0.5:
            left.append(less / gap)
    return float(np.mean(left)), len(left)


def test_whether_one_part_alone_can_break_it_is_asked_of_every_head_and_every_mlp(page):
    names = [*(f"L{i // HEADS}H{i % HEADS}" for i in range(LAYERS * HEADS)), *(f"MLP{i}" for i in range(LAYERS))]
    each = {name: left_without([name]) for name in names}
    least = min(each, key=each.get)
    left, n = each[least]
    judged, said = lesson(page, 2, also=True)
    assert judged == str(left > 0.5).lower()
    assert f"Each of {len(names)} parts (heads, MLPs) was switched off alone: without {least} the least is left" in said
    assert float(re.search(rf"([\d.]+)% \(mean over invented texts, n = {n}\)", said)[1]) == pytest.approx(
        100 * left, abs=0.6
    )
    assert "Two or three together were not tried" in said
    assert "say that no one alone does it, whatever two or three do" in page.inner_text(".lessons")


def test_a_text_of_an_earlier_lesson_is_no_second_pair_whoever_says_it(page):
    refused = "This text was there before"
    type_in(page, TEXT)
    lesson(page, 1, "L0H0")
    assert refused in lesson(page, 3, "L0H0")[1]
    page.get_by_role("button", name="A, and B with the speakers swapped").click()
    settle(page)
    assert refused in lesson(page, 3, "L0H0")[1]
    type_in(page, "yes maybe are you free")
    for _ in range(2):  # what was asked here may be asked again
        assert refused not in lesson(page, 3, "L0H0")[1]


@pytest.mark.slow
def test_a_second_pair_is_the_readers_own(page):
    assert "Write a text of your own" in lesson(page, 3, "L0H0")[1]
    type_in(page, "yes maybe are you free")
    gap, share = shares(tokens_of("yes maybe are you free"))
    judged, said = lesson(page, 3, "none of them")
    if gap < 0.5:
        assert f"moves the next word by {gap:.2f} logits" in said
    else:
        assert judged == str(bool(share.max() < 0.2)).lower()
        assert f"{share.max():.0%}" in said
    assert page.url.endswith("#/try-it")


def test_induction_is_answered_with_an_interval(page):
    judged, said = lesson(page, 4, "yes")
    numbers = re.search(r"worth (\S+) nats a word \[(\S+), (\S+)\]", said.replace("−", "-"))
    mean, low, high = map(float, numbers.groups())
    assert low < mean < high
    right = "yes" if low > 0.05 else "no" if high < 0.05 else "cannot tell"
    assert judged == str(right == "yes").lower()
    assert f"on it counts): {right}." in said
    words = (CONTEXT - 1) // 2
    even = np.mean([1 / n for n in range(words + 2, 2 * words + 1)])
    assert re.search(rf"[\d.]+% of its attention \(spread evenly: {100 * even:.1f}%\)", said)
    assert "This report did not measure induction" in said


@pytest.mark.slow
def test_one_prompt_is_compared_with_others(page):
    assert "Write a text above first" in lesson(page, 5, "no")[1]
    type_in(page, TEXT)
    _, said = lesson(page, 5, "no")
    texts = [tokens_of(TEXT), *lesson_prompts()]
    each = []
    for tokens in texts:
        before = probabilities(tokens)
        row = []
        for layer in range(LAYERS):
            for head in range(HEADS):
                after = probabilities(tokens, hooks_for(f"L{layer}H{head}", "mean", tokens))
                row.append(float((before * np.log(before / after)).sum()))
        each.append(row)
    each = np.array(each)
    best = int(each[0].argmax())
    times = int((each[1:].argmax(1) == best).sum())
    assert f"On your text L{best // HEADS}H{best % HEADS} is the largest of 12" in said
    assert f"On {len(PROMPTS)} other texts it is the largest {times} time{'s' * (times != 1)}," in said
    assert (page.get_attribute(".judged", "data-right") == "true") == (times <= len(PROMPTS) / 2)


def test_what_carries_a_token_adds_up_and_is_of_the_text(page):
    type_in(page, TEXT)
    page.get_by_role("button", name="Trace it").click()
    page.wait_for_selector(".picture svg")
    tokens = tokens_of(TEXT)
    logits = specimen().model(torch.tensor([tokens]))[0, -1]
    top = int(logits.argmax())
    total = float(page.get_attribute("[data-total]", "data-total"))
    assert total == pytest.approx(float(logits[top] - logits.mean()), abs=2e-2)  # weights in half precision
    assert abs(float(page.get_attribute("[data-missing]", "data-missing"))) < 5e-5
    page.get_by_role("button", name="the runner-up").click()
    until(page, f"document.querySelector('[data-total]').dataset.total !== '{total:.6f}'")
    second = logits.topk(2).values
    found = float(page.get_attribute("[data-total]", "data-total"))
    assert found == pytest.approx(float(second[0] - second[1]), abs=2e-2)
    page.get_by_role("button", name="A, and B with the speakers swapped").click()
    settle(page)
    page.get_by_role("button", name="A less this text").click()
    page.wait_for_selector("[data-missing]")
    assert abs(float(page.get_attribute("[data-missing]", "data-missing"))) < 5e-5
    type_in(page, "are you")
    assert page.locator(".picture svg").count() == 0


def test_the_token_that_is_traced_is_the_likeliest_of_now_until_the_reader_chose_one(page):
    box = page.get_by_label("Token", exact=True)
    for text in ("", TEXT, "yes tomorrow"):
        type_in(page, text)
        top = int(probabilities(tokens_of(text)).argmax())
        assert box.input_value() == str(top)
    both = [{*np.argsort(-probabilities(tokens_of(text)))[1:10].tolist()} for text in (TEXT, "yes tomorrow")]
    chosen = str(min(both[0] & both[1]))
    box.select_option(chosen)
    type_in(page, TEXT)
    assert box.input_value() == chosen


def test_steering_along_a_direction_is_what_hooks_do(page):
    type_in(page, TEXT)
    page.select_option(".steer select", label="L1H2, me less them")
    page.eval_on_selector(".steer input", "one => { one.value = 3; one.dispatchEvent(new Event('input')); }")
    page.wait_for_selector("[data-steered]")
    (way,) = (w for w in speaker_directions(specimen().model, specimen().evidence) if w.name == "L1H2, me less them")
    hook = ("blocks.1.hook_attn_out", lambda value, hook: value + 3 * torch.tensor(way.vector))
    before, after = probabilities(tokens_of(TEXT)), probabilities(tokens_of(TEXT), [hook])
    kl = float((before * np.log(before / after)).sum())
    assert kl > 0.01
    assert float(page.get_attribute("[data-steered]", "data-steered")) == pytest.approx(kl, rel=0.02, abs=2e-3)


def test_a_latent_is_shown_where_it_fires_and_taken_out(page):
    type_in(page, TEXT)
    assert page.get_by_label("Take it out where it fires").is_hidden()  # a head's direction has nothing to take out
    page.select_option(".steer select", label="L1F7, me speaks")
    page.wait_for_selector(".fires span")
    _, _, vector, _, reads = latent()
    tokens = tokens_of(TEXT)
    _, cache = specimen().model.run_with_cache(torch.tensor([tokens]))
    z = cache["blocks.2.hook_resid_pre"][0].numpy() @ reads.encoder + 1 + reads.tokens[tokens]
    f = np.where(z > 0.5, z, 0)
    found = page.eval_on_selector_all(".fires span", "all => all.map(one => +one.dataset.f)")
    np.testing.assert_allclose(found, f, rtol=0.01, atol=0.05)  # weights in half precision
    assert 0 < (f > 0).sum() < len(f)
    assert page.locator(".fires .lit").count() == (f > 0).sum()
    box = page.get_by_label("Take it out where it fires")
    assert box.evaluate("one => one.getBoundingClientRect().width") < 30  # its words stand beside it
    box.check()
    page.wait_for_selector("[data-steered]")
    less = torch.tensor(f[:, None] * vector / reads.length, dtype=torch.float32)
    hook = ("blocks.2.hook_resid_pre", lambda value, hook: value - less)
    before, after = probabilities(tokens), probabilities(tokens, [hook])
    kl = float((before * np.log(before / after)).sum())
    assert kl > 1e-3
    assert float(page.get_attribute("[data-steered]", "data-steered")) == pytest.approx(kl, rel=0.05, abs=2e-3)


def test_a_kept_text_is_in_the_page_or_in_a_file_that_the_reader_saved(page, tmp_path):
    type_in(page, "yes naïve <|me|>")
    page.click('[data-head="L2H0"].chip')
    page.get_by_role("button", name="Keep as an example").click()
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save as a file").click()
    assert saved.value.suggested_filename == "wonderland-example.json"
    saved.value.save_as(tmp_path / "saved.json")
    stored = json.loads((tmp_path / "saved.json").read_text(encoding="utf-8"))
    assert stored == {
        "format": "wonderland-example",
        "version": 1,
        "turns": [],
        "who": "them",
        "text": "yes naïve <|me|>",
        "off": "L2H0",
    }
    type_in(page, "are you")
    page.keyboard.press("Escape")
    page.keyboard.press("Shift+X")
    page.locator(".kept .link").click()
    settle(page)
    assert page.input_value(".field") == "yes naïve <|me|>"
    assert page.url.endswith("?off=L2H0")
    page.reload()
    page.wait_for_selector("[data-live]")
    settle(page)
    assert page.locator(".kept li").count() == 0
    page.set_input_files(".keep input", tmp_path / "saved.json")
    page.wait_for_selector(".kept li")
    settle(page)
    assert page.input_value(".field") == "yes naïve <|me|>"
    agrees(listed(page, ".likely"), probabilities(tokens_of("yes naïve <|me|>")))


NO_EXAMPLES = [
    ("{", "it is not JSON"),
    ("[]", "it does not say"),
    ('{"format":"wonderland-example","version":2}', "it does not say"),
    (
        '{"format":"wonderland-example","version":1,"turns":[{"who":"us","text":""}],"who":"me","text":""}',
        "no speaker",
    ),
    ('{"format":"wonderland-example","version":1,"turns":7,"who":"me","text":""}', "no speaker"),
    (
        json.dumps({"format": "wonderland-example", "version": 1, "turns": [], "who": "me", "text": "a" * 199_000}),
        "199,000 characters in it are one word; 4,000 are the most",
    ),
    (" " * 200_001, "longer than"),
    (" " * 800_001, "larger than"),
]


@pytest.mark.slow
def test_a_file_that_is_no_example_is_refused_and_changes_nothing(page, tmp_path):
    type_in(page, "are you")
    told = "[...document.querySelectorAll('.keep *')].find(one => one.innerHTML.startsWith('This file cannot'))"
    for number, (content, said) in enumerate(NO_EXAMPLES):
        bad = tmp_path / f"bad{number}.json"
        bad.write_text(content, encoding="utf-8")
        page.set_input_files(".keep input", bad)
        until(page, f"{told} !== undefined")
        assert said in page.inner_text(".keep")
        assert page.input_value(".field") == "are you"
        assert page.locator(".kept li").count() == 0
        page.evaluate(f"{told}.textContent = ''")


@pytest.mark.slow
def test_on_a_phone_the_likely_tokens_lie_above_the_keyboard_while_one_writes(page):
    page.set_viewport_size({"width": 390, "height": 844})
    page.click(".field")
    type_in(page, TEXT)
    box = page.locator(".next").bounding_box()
    assert box["y"] + box["height"] == pytest.approx(844, abs=1)
    assert box["height"] < 200
    assert page.locator(".likely li:visible").count() == 3
    page.locator(".likely .link:visible").first.click()
    settle(page)
    assert page.input_value(".field").startswith(TEXT)
    assert len(page.input_value(".field")) > len(TEXT)
    page.keyboard.press("Escape")
    page.wait_for_selector(".board:not(.typing)")
    assert page.locator(".likely li:visible").count() == 8


def test_results_supply_directions_that_fit_the_model():
    fits = SimpleNamespace(live_directions=lambda: [("feature 3", 1, np.ones(30)), ("out", 2, np.ones(30), "mlp_out")])
    found = supplied({"features": fits, "other": SimpleNamespace()}, LAYERS, 30)
    assert [(one.name, one.layer, one.site) for one in found] == [("feature 3", 1, "resid_pre"), ("out", 2, "mlp_out")]
    view = live_page(specimen(), {"features": fits})["view"]
    assert [one["name"] for one in view["directions"]][-2:] == ["feature 3", "out"]
    assert len(view["directions"]) == LAYERS * HEADS + 2
    nan, short = Reading(np.full(30, np.nan), 0.0, 0.0, 1.0), Reading(np.ones(29), 0.0, 0.0, 1.0)
    for bad in (
        ("x", 1, np.ones(30), "resid_pre", nan),
        ("x", 1, np.ones(30), "resid_pre", short),
        ("x", 1, np.ones(30), "resid_pre", Reading(np.ones(30), 0.0, 0.0, 0.0)),
        ("x", 1, np.ones(30), "resid_pre", Reading(np.ones(30), 0.0, np.inf, 1.0)),
        ("x", 3, np.ones(30)),
        ("x", 0, np.ones(29)),
        ("x", 0, np.full(30, np.nan)),
        ("x", 0, np.ones(30), "z"),
    ):
        with pytest.raises(PluginError, match="does not fit the model"):
            supplied({"features": SimpleNamespace(live_directions=lambda bad=bad: [bad])}, LAYERS, 30)


def test_a_direction_is_the_mean_where_i_speak_less_the_mean_where_they_speak():
    one = specimen()
    windows = [[ME, 9, 12, SEP, THEM, 30, 31, 9], [THEM, 40, 12, SEP, ME, 33]]
    evidence = Evidence.of_tokens(windows, [0, 1])
    mine, theirs = [], []
    for tokens in windows:
        _, cache = one.model.run_with_cache(torch.tensor([tokens]))
        speaker = None
        for at, token in enumerate(tokens):
            speaker = token if token in (ME, THEM) else speaker
            out = cache["blocks.2.attn.hook_z"][0, at, 1] @ one.model.state_dict()["blocks.2.attn.W_O"][1]
            (mine if speaker == ME else theirs).append(out)
    (found,) = (way for way in speaker_directions(one.model, evidence) if way.name == "L2H1, me less them")
    assert np.allclose(found.vector, torch.stack(mine).mean(0) - torch.stack(theirs).mean(0), atol=1e-4)
    assert (found.layer, found.site) == (2, "attn_out")
    assert speaker_directions(one.model, Evidence.of_tokens([[ME, 9, 12]], [0])) == []


def test_other_reports_hold_nothing_of_it():
    plain = render(sample.page(conversations=1, length=16))
    for word in ("live-code", "live-model", "Try it", "renderers.live", "openLive"):
        assert word in html()
        assert word not in plain
    for word in ("LiveModel", "contains the model", "renderers.live", "writePanel("):
        assert word in code_in_the_file()["script"]
        assert word not in plain


def test_other_reports_are_made_without_reading_a_file_of_it(monkeypatch):
    page, read = sample.page(conversations=1, length=16), []
    before = render(page)
    frontend = build._frontend
    monkeypatch.setattr(build, "_frontend", lambda name: (read.append(name), frontend(name))[1])
    assert render(page) == before
    assert read
    assert not [name for name in read if name.startswith("live/")]


@pytest.mark.slow
def test_a_model_of_64_heads_fits_a_phone(browser, tmp_path):
    tokenizer = specimen().tokenizer
    cfg = Config(8, 8, 16, 4, 8, 24, tokenizer.vocab_size)
    model = ChatTransformer(cfg, tokenizer=tokenizer.fingerprint).requires_grad_(False).eval()
    evidence = Evidence.of_tokens([[ME, 9, 12, 40], [THEM, 30, 31]], [0, 1])
    page = sample.page(conversations=1, length=16)
    fitting = [view for view in page.views if view.id == "training"]
    page = replace(page, views=fitting, cards={}, controls={}, findings=[], about={})
    live = live_page(SimpleNamespace(model=model, tokenizer=tokenizer, evidence=evidence))
    (tmp_path / "r.html").write_text(render(replace(page, live=live)), encoding="utf-8")
    context = browser.new_context(viewport={"width": 390, "height": 844})
    tab = context.new_page()
    open_at(tab, (tmp_path / "r.html").as_uri())
    assert tab.locator(".chip:not(.mlp)").count() == 64
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390
    tab.locator('[data-head="L7H7"].chip').click()
    assert tab.url.endswith("?off=L7H7")
    _, said = lesson(tab, 1, "none of them")
    assert "This report did not measure who speaks" in said
    context.close()


def test_the_code_keeps_its_budget_and_every_file_is_in_it():
    assert {path.stem for path in FRONTEND.glob("*.js")} == {*MODULES, "open"}
    opens = bare((FRONTEND / "open.js").read_text(encoding="utf-8"))
    assert opens in html()
    packed_code = re.search(r'<script type="application/json" id="live-code">.*?</script>', html(), re.S)[0]
    assert len((packed_code + opens).encode()) <= 45 * 1024  # as it stands in the file


def code_in_the_file() -> dict[str, str]:
    found = re.search(r'<script type="application/json" id="live-code">(.*?)</script>', html(), re.S)[1]
    return {tag: zlib.decompress(b64decode(one["z"])).decode() for tag, one in json.loads(found).items()}


def test_the_code_in_the_file_is_that_of_the_repository_and_the_policy_names_it():
    there = code_in_the_file()
    assert there["style"] == bare((FRONTEND / "live.css").read_text(encoding="utf-8"))
    for name in MODULES:
        assert bare((FRONTEND / f"{name}.js").read_text(encoding="utf-8")) in there["script"], name
    policy = re.search(r'Content-Security-Policy" content="(.*?)"', html())[1]
    for tag, code in there.items():
        named = re.search(rf"{tag}-src ([^;]*);", policy)[1].split()
        assert len(named) == 2
        assert f"'sha256-{b64encode(sha256(code.encode()).digest()).decode()}'" in named


@pytest.mark.parametrize("kind", ["another code", pytest.param("cut off", marks=pytest.mark.slow)])
def test_code_that_is_not_what_was_written_does_not_run_and_the_rest_works(browser, tmp_path, kind):
    there = code_in_the_file()["script"]
    was = b64encode(zlib.compress(there.encode(), 9)).decode()
    assert was in html()
    other = there + "\ndocument.title = 'taken over';"
    now = b64encode(zlib.compress(other.encode())).decode() if kind == "another code" else was[: len(was) // 8 * 4]
    (tmp_path / "damaged.html").write_text(html().replace(was, now), encoding="utf-8")
    tab = browser.new_page()
    chromium.open_at(tab, f"{(tmp_path / 'damaged.html').as_uri()}#/try-it")
    tab.wait_for_selector('[data-live="off"]')
    assert "The part of this file that answers cannot be used" in tab.inner_text("main")
    assert tab.title() != "taken over"
    go(tab, "training")
    assert tab.locator("main svg").count() >= 1
    tab.close()


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


@pytest.mark.slow
def test_on_a_phone_a_press_shows_a_pattern_and_then_a_cell_of_it(browser, report):
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    tab = context.new_page()
    open_at(tab, report)
    tab.wait_for_selector("[data-live=on]")
    type_in(tab, TEXT)
    tokens = tokens_of(TEXT)
    tab.keyboard.press("Escape")
    tab.wait_for_selector(".board:not(.typing)")
    chip = tab.locator('[data-head="L1H2"].chip')
    assert chip.locator("canvas").is_visible()
    tab.locator(".press button").nth(1).tap()
    chip.tap()
    assert "off=" not in tab.url  # it is shown and not switched off
    assert tab.inner_text(".look h3").startswith("L1H2")
    assert "nats" in tab.inner_text(".look h3")
    box = tab.locator(".look canvas.pixels").bounding_box()
    assert 0 <= box["x"] <= box["x"] + box["width"] <= 390
    n, query, key = len(tokens), 5, 2
    tab.locator(".look canvas.pixels").scroll_into_view_if_needed()
    at = {"x": (key + 0.5) / n * box["width"], "y": (query + 0.5) / n * box["height"]}
    tab.locator(".look canvas.pixels").tap(position=at)
    _, cache = specimen().model.run_with_cache(torch.tensor([tokens]))
    weight = float(cache["blocks.1.attn.hook_pattern"][0, 2, query, key])
    assert float(tab.inner_text(".look .quiet").rpartition(" ")[2]) == pytest.approx(weight, abs=6e-4)
    tab.locator(".press button").nth(0).tap()
    assert not tab.is_visible(".look")
    chip.tap()
    assert tab.url.endswith("?off=L1H2")
    context.close()
