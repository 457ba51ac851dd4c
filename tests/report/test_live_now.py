"""What the live view says is of the text, the parts and the method of now; what it leaves out, it counts."""

from __future__ import annotations

import json
import re

import chromium
import numpy as np
import pytest
import test_live_view as live
from chromium import until

from wonderland.lab.live_page import donors

pytestmark = chromium.MARKS
page, report, watched_tab = live.page, live.report, live.watched_tab

TICK = """
const tick = () => new Promise((go) => {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => go();
  port2.postMessage(null);
});
const press = (where, name) => [...document.querySelectorAll(where)].find((one) => one.textContent === name).click();
"""


def in_small_slices(tab) -> None:
    """From now on, until the next page, every piece of work takes a slice of its own."""
    tab.evaluate("performance.now = (now => () => (now += 100))(0)")


def test_a_swap_that_was_cut_short_while_it_read_a_starts_with_a_again(page):
    text = "are you free"
    live.type_in(page, text)
    in_small_slices(page)
    page.evaluate(f"""async () => {{ {TICK}
        press('.swap button', 'A, and B with the speakers swapped');
        do await tick(); while (document.querySelector('.board.stale'));
        for (let i = 0; i < 9; i++) {{
          press('.swap .choice button', i % 2 ? 'Stream' : 'Attention');
          for (let j = 0; j <= i; j++) await tick();
        }}
        press('.swap .choice button', 'Attention');
    }}""")
    count = len(live.tokens_of(text)) * live.LAYERS
    done = "[...document.querySelectorAll('.swap .cell')].filter((one) => one.dataset.v).length"
    until(page, f"document.querySelector('.choice [aria-pressed=true]') && {done} === {count}")
    _, expected = live.patched(text, "attn_out")
    assert live.recoveries(page) == pytest.approx(expected, abs=5e-3)


def test_a_part_has_one_kl_by_resampling_the_mean_over_the_other_texts(page):
    live.type_in(page, live.TEXT)
    page.get_by_role("button", name="another text’s").click()
    pressed = page.locator(".heads .choice >> nth=0").locator("[aria-pressed=true]")
    assert pressed.all_inner_texts() == ["another text’s"]
    page.click('[data-part="MLP0"]')
    live.settle(page)
    page.wait_for_selector("[data-kl]")
    tokens = live.tokens_of(live.TEXT)
    before = live.probabilities(tokens)
    sources = [list(map(int, one)) for one in donors(live.specimen().evidence) if len(one) >= len(tokens)]
    after = [live.probabilities(tokens, live.hooks_for("MLP0", "resample", one)) for one in sources]
    each = [float((before * np.log(before / one)).sum()) for one in after]
    assert abs(each[0] - np.mean(each)) > 0.02  # so that one alone would be noticed
    assert float(page.get_attribute("[data-kl]", "data-kl")) == pytest.approx(np.mean(each), abs=2e-3)
    told = page.inner_text('[data-part="MLP0"] .kl')
    assert float(told.split()[0]) == pytest.approx(np.mean(each), abs=3e-3)
    for place in (".without", ".heads"):
        assert f"mean over {len(sources)} other texts" in page.inner_text(place)
    page.get_by_role("button", name="Say it").click()
    page.wait_for_selector(".said2[data-done=true]")
    assert f"one other text, of {len(sources[0])} tokens" in page.inner_text(".said2")


def test_a_reply_says_what_it_does_not_read_and_where_it_was_cut(page):
    live.type_in(page, "are you free tomorrow " * 30)
    page.get_by_role("button", name="Say it").click()
    page.wait_for_selector(".said2[data-done=true]")
    assert "To leave room for 40 tokens, the oldest 40 are not read here." in page.inner_text(".said2")
    live.type_in(page, "are you")
    seeds = []
    for seed in range(12):
        page.fill(".seed", str(seed))
        page.get_by_role("button", name="Say it").click()
        page.wait_for_selector(".said2[data-done=true]")
        seeds.append(page.inner_text(".said2 .bubble").endswith("…"))
        assert "not read" not in page.inner_text(".said2")
        if {*seeds} == {True, False}:
            return
    pytest.fail("every reply was cut, or none")


def test_no_number_of_another_text_stands_unmarked(page):
    live.type_in(page, live.TEXT)
    page.click('[data-head="L1H2"].chip')
    live.settle(page)
    in_small_slices(page)
    seen = page.evaluate(f"""async () => {{ {TICK}
        const field = document.querySelector('.field'), seen = [];
        field.value = 'yes maybe are you free';
        field.dispatchEvent(new Event('input'));
        do await tick(); while (document.querySelector('.board.stale'));
        const now = () => [...document.querySelectorAll('.chip .kl, [data-kl], .lens small')].map((o) => o.textContent);
        for (;;) {{
          seen.push(now());
          if (seen.at(-1).every(Boolean)) return seen;
          await tick();
        }}
    }}""")
    assert len(seen) > 2
    final = seen[-1]
    assert all(one in ("", last) for row in seen for one, last in zip(row, final, strict=True))


@pytest.mark.parametrize(("number", "answer"), [(2, None), pytest.param(5, "no", marks=pytest.mark.slow)])
def test_what_a_lesson_judged_goes_with_what_it_judged(page, number, answer):
    live.type_in(page, live.TEXT)
    page.click('[data-head="L1H2"].chip')
    live.settle(page)
    judged, _ = live.lesson(page, number, answer)
    assert judged in ("true", "false")
    page.click('[data-head="L1H1"].chip')
    if number == 2:
        until(
            page,
            "document.querySelector('.judged').innerText === 'The parts that are off changed. Press “Check” again.'",
        )
    else:  # it asks nothing of what is off
        assert page.get_attribute(".judged", "data-right") == judged
    live.lesson(page, number, answer)
    live.type_in(page, "yes maybe")
    assert page.inner_text(".judged") == "The text changed. Press “Check” again."
    assert page.get_attribute(".judged", "data-right") is None


@pytest.mark.slow
def test_what_does_not_go_into_a_field_is_counted(page):
    page.focus(".field")
    page.keyboard.insert_text("are you free " * 200)
    live.settle(page)
    assert len(page.input_value(".field")) == 2000
    assert "600 characters left out: the field takes 2,000." in page.inner_text(".write")
    page.keyboard.press("Backspace")
    live.settle(page)
    assert "left out" not in page.inner_text(".write")


@pytest.mark.slow
def test_a_long_text_from_a_file_is_read_from_its_end(page, tmp_path):
    text = "are you free tomorrow " * 8000
    example = {"format": "wonderland-example", "version": 1, "turns": [], "who": "them", "text": text}
    (tmp_path / "long.json").write_text(json.dumps(example), encoding="utf-8")
    page.set_input_files(".keep input", tmp_path / "long.json")
    page.wait_for_selector(".kept li")
    live.settle(page)
    live.agrees(live.listed(page, ".likely"), live.probabilities(live.tokens_of(text.rstrip())[-live.CONTEXT :]))
    count = int(
        re.search(r"the oldest ([\d,]+) and more, struck through", page.inner_text(".write"))[1].replace(",", "")
    )
    assert 1000 <= count < 9000  # it does not look at the 176,000 characters
    assert page.locator(".strip .me").count() == 0


@pytest.mark.slow
def test_a_swap_has_the_colours_of_the_theme(page):
    live.type_in(page, "are you free")
    page.get_by_role("button", name="A, and B with the speakers swapped").click()
    live.settle(page)
    done = "[...document.querySelectorAll('.swap .cell')].every((one) => one.dataset.v)"
    until(page, f"document.querySelector('.swap .cell') && {done}")
    colours = "[...document.querySelectorAll('.swap .cell')].map((one) => one.style.background)"
    light = page.evaluate(colours)
    page.evaluate("store.set({ theme: 'dark' })")
    dark = page.evaluate(colours)
    page.evaluate("document.querySelectorAll('.swap .cell').forEach((one) => { delete one.dataset.v })")
    page.get_by_role("button", name="Stream", exact=True).click()
    until(page, done)
    assert page.evaluate(colours) == dark != light
    page.evaluate("store.set({ theme: 'light' })")
