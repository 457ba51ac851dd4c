"""Other views asked about one's own text: what they show of it is what the model computes in Python."""

from __future__ import annotations

import re
from dataclasses import replace

import chromium
import numpy as np
import pytest
import sample
import sample_views
import test_live_view as live
import torch
from chromium import as_new, left, until

from wonderland.report.build import render
from wonderland.views import (
    Block,
    Card,
    Cards,
    Conversations,
    Matrix,
    Measure,
    Panel,
    Panels,
    Series,
    Shaded,
    Snippet,
    View,
    Wording,
    spoken,
)

pytestmark = chromium.MARKS
TEXT = "yes tomorrow, are you free"
NAMES = ("attention", "token-loss", "logit-lens", "neurons")


def views() -> list[View]:
    """The four views that can be asked, as analyses would make them of this model."""
    tokens, n = ["<|me|>", " yes", " you"], 3
    told = {"tokens": tokens, "speakers": ["me"] * n, "messages": [0] * n, "title": Wording("Window 1")}
    measures = [Measure("loss", "nats"), Measure("rank", "1"), Measure("entropy", "nats")]
    levels = [Wording(name) for name in ("embed", "L0", "L1", "L2")]
    shares = np.full((len(levels), n), 0.5)
    series = Series(Wording("probability of the final answer"), shares, "1", labels=[spoken(tokens)] * 4, domain=[0, 1])
    card = Card(
        "L1N5", blocks=[Block(title=Wording("Fires most"), snippets=[Snippet(tokens, 1, 2.0, [0.0, 2.0, 0.1])])]
    )
    return [
        sample_views.attention_view(1, 16, live.LAYERS, live.HEADS),
        View("token-loss", "Loss by token", Conversations(measures, [Shaded(**told, values=np.ones((3, n)))])),
        View(
            "logit-lens",
            "Logit lens",
            Panels([Panel(Wording(f"Window {i}"), Matrix(levels, spoken(tokens), [series])) for i in (1, 2)]),
        ),
        View("neurons", "Neurons", Cards([card, replace(card, title="L2N7", select=None)])),
    ]


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("live") / "report-live.html"
    page = replace(sample.page(conversations=1, length=16), views=views(), cards={}, controls={}, findings=[], about={})
    path.write_text(render(replace(page, live=live.packed())), encoding="utf-8")
    return path.as_uri()


@pytest.fixture
def page(watched_tab):
    with as_new(watched_tab) as tab:
        yield tab


def ask(tab, report: str, view: str, text: str = TEXT) -> None:
    left(tab)
    tab.goto(f"{report}#/{view}")
    tab.wait_for_selector("main .own-text .field")
    tab.fill("main .own-text .field", text)
    until(tab, "document.querySelector('main .own-text').innerText.includes('Your text, n = 1')")


def cached(text: str = TEXT):
    tokens = live.tokens_of(text)
    logits, cache = live.specimen().model.run_with_cache(torch.tensor([tokens]))
    return tokens, logits[0], cache


@pytest.mark.slow
def test_attention_is_that_of_the_text(page, report):
    ask(page, report, "attention")
    page.click('main [data-head="L1H3"]')
    tokens, _, cache = cached()
    page.locator("main .bubbles .token").nth(len(tokens) - 1).click()
    row = cache["blocks.1.attn.hook_pattern"][0, 3, -1]
    said = page.get_attribute("main .bubbles .token >> nth=2", "aria-label")
    assert float(re.search(r"attention ([\d.]+)", said)[1]) == pytest.approx(float(row[2]), abs=2e-3)
    assert page.url.split("#")[1].startswith("/attention")
    assert "tomorrow" not in page.url


def test_loss_rank_and_entropy_are_those_of_the_text_and_empty_text_is_the_report_again(page, report):
    ask(page, report, "token-loss")
    tokens, logits, _ = cached()
    page.locator("main .bubbles .token").nth(3).click()
    p = logits[2].softmax(-1)
    told = dict(zip(*(page.locator(f"main .detail {name}").all_inner_texts() for name in ("dt", "dd")), strict=True))
    assert float(told["loss"].split()[0]) == pytest.approx(float(-p[tokens[3]].log()), abs=0.01)
    assert float(told["entropy"].split()[0]) == pytest.approx(float(-(p * p.log()).sum()), abs=0.01)
    assert int(told["rank"].replace(",", "")) == int((p > p[tokens[3]]).sum()) + 1
    expected = live.specimen().tokenizer.pieces([int(p.argmax())])[0]
    assert page.locator("main .detail .options q").first.inner_text() == expected.replace(" ", "·")
    assert page.locator("main .bubbles .token").count() == len(tokens)
    page.fill("main .own-text .field", "  ")
    until(page, "document.querySelectorAll('main .bubbles .token').length === 3")
    assert "n = 1" not in page.inner_text("main .own-text")


def test_the_lens_is_that_of_the_text(page, report):
    ask(page, report, "logit-lens")
    tokens, logits, cache = cached()
    model, tokenizer = live.specimen().model, live.specimen().tokenizer
    assert page.is_hidden("main .controls > .sampler")  # it is none of the report's conversations
    words = page.locator("main .plot button[data-i]").all_inner_texts()
    streams = [cache[f"blocks.{layer}.hook_resid_pre"][0] for layer in range(live.LAYERS)]
    best = [model.unembed(model.ln_final(x)).argmax(-1).tolist() for x in streams] + [logits.argmax(-1).tolist()]
    shown = [tokenizer.pieces([one])[0] for row in best for one in row]
    assert len(words) == len(shown) == 4 * len(tokens)
    plain = [word.replace(" ", "·") for word in shown]
    same = [
        word == expected for word, expected in zip(words, plain, strict=True) if re.fullmatch(r"·?[!-;=-~]+", expected)
    ]
    assert len(same) > 10
    assert all(same)
    said = page.get_attribute("main .plot button[data-i='1']", "aria-label")
    p = model.unembed(model.ln_final(streams[0]))[1].softmax(-1)[best[-1][1]]
    assert float(re.search(r"final answer ([\d.e−-]+)", said)[1].replace("−", "-")) == pytest.approx(float(p), abs=5e-3)
    page.fill("main .own-text .field", "")
    until(page, "document.querySelector('main .controls > .sampler').innerText.includes('Conversation 1 of 2')")
    assert page.is_visible("main .controls > .sampler")


@pytest.mark.slow
def test_a_neuron_is_that_of_the_text(page, report):
    ask(page, report, "neurons")
    _, _, cache = cached()
    values = cache["blocks.1.mlp.hook_post"][0, :, 5]
    assert float(page.inner_text("main .sheet dd").replace("−", "-")) == pytest.approx(float(values.max()), abs=6e-3)
    assert page.locator("main .snippets .token").count() == len(values)


@pytest.mark.slow
def test_the_card_of_a_head_shows_it_and_a_long_text_says_what_is_not_seen(page, report):
    text = " ".join(["are you free"] * 40)
    ask(page, report, "attention", text)
    over = len(live.tokens_of(text)) - live.CONTEXT
    assert over > 0
    assert f"not seen: the oldest {over} tokens" in page.inner_text("main .own-text")
    page.goto(f"{report}#/token-loss?head=L1H2")
    page.wait_for_selector("html[data-warm]")
    page.goto("about:blank")
    page.goto(f"{report}#/attention")
    page.wait_for_selector("html[data-warm]")
    page.click('main [data-head="L1H3"]')
    page.fill("#card .field", "<|me|> \ud83d <img src=x>")
    page.wait_for_selector("#card canvas:visible")
    until(page, "document.querySelector('.own-card').innerText.includes('n = 1')")
    assert page.get_attribute(".own-card canvas", "aria-label") == "Attention pattern of L1H3 on your text"
    assert page.locator("#card img").count() == 0


def test_a_cell_of_the_text_is_opened_down_to_the_words_it_moves(page, report):
    """q · k, the score, the value and the logits it moves, beside the same from Python's own activations."""
    ask(page, report, "attention")
    tokens, _, cache = cached()
    model, layer, head, query, key = live.specimen().model, 1, 3, len(tokens) - 1, 2
    page.goto(f"{report}#/attention?head=L{layer}H{head}")
    page.locator("main .bubbles .token").nth(query).click()
    page.evaluate(f"location.hash = '#/attention?head=L{layer}H{head}&pos={query}&node={key}'")
    until(page, "document.querySelector('.zoom h2') !== null")
    names, values = (page.locator(f"main .zoom {tag}").all_inner_texts() for tag in ("dt", "dd"))
    told = {name: float(value.replace("−", "-")) for name, value in zip(names, values, strict=True)}
    q, k, v = (cache[f"blocks.{layer}.attn.hook_{name}"][0, :, head] for name in "qkv")
    weight = float(cache[f"blocks.{layer}.attn.hook_pattern"][0, head, query, key])
    product = float(q[query] @ k[key])
    width = model.cfg.d_head
    written = v[key] @ model.blocks[layer].attn.W_O[head]
    written = written - written.mean()
    assert told["q · k"] == pytest.approx(product, rel=0.01, abs=0.006)
    assert told["score"] == pytest.approx(product / width**0.5, rel=0.01, abs=0.006)
    assert told["length of the value, written"] == pytest.approx(float(written.norm()), rel=0.01)
    assert told["moved"] == pytest.approx(float(written.norm()) * weight, rel=0.01, abs=0.002)
    stream = cache[f"blocks.{live.LAYERS - 1}.hook_resid_post"][0, query]
    scale = ((stream - stream.mean()).pow(2).mean() + model.cfg.eps).sqrt()
    moved = (weight * written / scale * model.ln_final.w) @ model.W_U
    moved = moved - moved.mean()
    shown = [float(one.replace("−", "-")) for one in page.locator("main .zoom .twosides b").all_inner_texts()]
    expected = [*moved.topk(3).values.tolist(), *(-(-moved).topk(3).values).tolist()]
    assert shown == pytest.approx(expected, rel=0.02, abs=2e-3)


def test_each_field_has_its_own_text_and_answer(page, report):
    page.goto(f"{report}#/attention?head=L1H3")
    page.wait_for_selector("#card .own-text .field")
    page.evaluate(
        """() => ['main', '#card'].map((at) => document.querySelector(`${at} .own-text .field`)).forEach((one, i) => {
            one.value = ['are you', 'yes tomorrow'][i];
            one.dispatchEvent(new Event('input'));
        })"""
    )
    for place in ("main", "#card"):
        until(page, f"document.querySelector('{place} .own-text').innerText.includes('Your text, n = 1')")
    assert page.locator("main .bubbles .token").count() == len(live.tokens_of("are you"))
    page.locator("#card .own-text .choice button").first.click()
    assert page.locator("main .own-text [aria-pressed=true]").inner_text() == "them"
