"""The built file: one page, a policy of hashes, nothing that could reach out, written at once or not at all."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import stat
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import sample
import sample_views
import sample_words

import wonderland.report
from wonderland.errors import PluginError, ResourceError
from wonderland.estimate import Estimate
from wonderland.lab.result import Result
from wonderland.lab.results import Results
from wonderland.report.build import MODULES, bare, render, write_report
from wonderland.report.encode import decode
from wonderland.report.findings import Check, Finding
from wonderland.report.gather import gather
from wonderland.report.plots import figure
from wonderland.report.views import RENDERERS
from wonderland.views import Matrix, View

FRONTEND = Path(wonderland.report.__path__[0]) / "frontend"


@pytest.fixture(scope="module")
def html() -> str:
    return render(sample.page(hostile=True, conversations=2, length=64))


def blocks(html: str) -> dict[str, str]:
    return dict(re.findall(r'<script type="application/json" id="([a-z-]+)">(.*?)</script>', html, re.S))


def test_the_policy_names_the_hashes_of_exactly_the_inlined_code(html):
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', html)[1]
    for tag, directive in (("style", "style-src"), ("script", "script-src")):
        code = re.search(rf"Content-Security-Policy.*?<{tag}>(.*?)</{tag}>", html, re.S)[1]
        digest = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
        assert f"{directive} 'sha256-{digest}'" in policy
    before, template = html.split("<meta http-equiv")[0], (FRONTEND / "index.html").read_text(encoding="utf-8")
    assert template.startswith(before)  # word for word what tells of a damaged file
    assert "<script" not in before
    assert "{{" not in before
    assert "unsafe" not in policy
    assert policy.startswith("default-src 'none';")
    for closed in ("img", "font", "connect", "media", "object", "frame", "worker"):
        assert f"{closed}-src 'none'" in policy
    assert "base-uri 'none'" in policy
    assert "form-action 'none'" in policy


def test_data_lie_in_the_page_as_inert_json(html):
    found = blocks(html)
    page, sums = decode(json.loads(found.pop("page"))), json.loads(found.pop("sums"))
    assert set(sums) == {"page", *found}
    assert set(found) == {f"view-{view['id']}" for view in page["views"]}
    assert page["findings"][-1]["text"] == sample_words.HOSTILE[0]
    tokens = json.loads(found["view-attention"])["conversations"][0]["tokens"]
    assert [text for text in sample_words.HOSTILE if text in tokens]  # word for word, lone surrogates and all
    assert html.count("<script") == len(found) + 3
    assert "onerror=alert(1)>" not in html
    html.encode("utf-8")


def test_a_message_that_looks_like_a_mark_of_the_template_stays_a_message(html):
    assert html.count("'use strict'") == 1
    assert "{{script}}" in "".join(blocks(html).values())


@pytest.mark.parametrize(
    "word",
    [
        r"innerHTML",
        r"outerHTML",
        r"insertAdjacentHTML",
        r"document\.write",
        r"\beval\b",
        r"\bFunction\(",
        r"window\.open",
        r"\bfetch\(",
        r"XMLHttpRequest",
        r"WebSocket",
        r"EventSource",
        r"sendBeacon",
        r"\bimport\(",
        r"localStorage",
        r"\blocation\s*=",
        r"setAttribute\('style'",
        r"createContextualFragment",
        r"DOMParser",
    ],
)
def test_the_code_has_no_way_to_make_html_of_words_or_to_reach_out(html, word):
    code = re.sub(r'<script type="application/json".*?</script>', "", html, flags=re.S)
    assert not re.search(word, code)


def test_links_lead_only_into_the_report(html):
    outside = re.sub(r"<script.*?</script>", "", html, flags=re.S)
    assert re.findall(r'href="([^"]*)"', outside) == ["#/skip"]
    assert not re.search(r"\b(src|action|style)=", outside.split("<body>")[1])
    own = "".join((FRONTEND / f"{name}.js").read_text() for name in MODULES)
    assert re.findall(r"\.href = (.*?);", own) == ["URL.createObjectURL(blob)"]
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", own)


def test_every_module_is_inlined_and_the_code_keeps_its_budget(html):
    assert {path.stem for path in FRONTEND.glob("*.js")} == set(MODULES)
    own = html.split("(() => {\n'use strict';")[1].split("</script>")[0]
    own += "".join(re.findall(r"<style>(.*?)</style>", html, re.S))
    assert 50 * 1024 < len(own.encode()) <= 184 * 1024  # as it stands in the file


def test_the_code_in_a_file_is_what_was_written_without_indentation_and_comments():
    written = "// Why.\n\nconst a = 1;  \n  // and how\n  const b = 'x // y'; // gone\n/* a remark */\n"
    written += "const c = 'x // y', d = `z // ${b}`; // of 'b'\n.c { d: e; } /* f */\n"
    kept = "const a = 1;\nconst b = 'x // y';\nconst c = 'x // y', d = `z // ${b}`; // of 'b'\n.c { d: e; } /* f */"
    assert bare(written) == kept


def test_no_text_of_ours_goes_over_several_lines_which_would_lose_its_indentation():
    for path in (*FRONTEND.glob("*.js"), *FRONTEND.glob("live/*.js")):
        code = path.read_text(encoding="utf-8")
        assert "/*" not in code, path.name
        assert [line for line in code.split("\n") if line.count("`") % 2] == [], path.name
    for path in (FRONTEND / "app.css", FRONTEND / "live" / "live.css"):
        style = path.read_text(encoding="utf-8")
        assert [line for line in style.split("\n") if line.count("/*") != line.count("*/")] == [], path.name


def test_a_conversation_of_16_heads_and_128_tokens_fits_in_250_kilobytes():
    one, two = (len(render(replace(sample.page(), views=[sample_views.attention_view(n)]))) for n in (1, 2))
    assert two - one <= 250 * 1024


def test_two_views_of_one_id_are_refused_with_both_named():
    page = sample.page(conversations=1, length=16)
    twin = replace(page.views[0], title="Another")
    with pytest.raises(PluginError, match="'Attention explorer' and 'Another'"):
        render(replace(page, views=[*page.views, twin]))


def test_results_about_different_models_do_not_make_one_report():
    page = sample.page(conversations=1, length=16)
    other = sample_views.attention_view(1, 16, layers=2, heads=8)
    with pytest.raises(PluginError, match=r"has 4 × 4; the view 'attention' has 2 × 8"):
        render(replace(page, views=[other]))


@dataclass(frozen=True)
class Scores(Result):
    scores: Estimate

    def summary(self):
        return "L1H1 scores highest: 0.70."

    def findings(self):
        return [Finding(self.summary(), "scores", {"head": "L1H1"}, "solid")]

    def views(self):
        return [View("scores", "Scores", Matrix.by_head({"score": self.scores}))]

    def card(self):
        return {"score": self.scores}


def results() -> Results:
    value = np.array([[0.1, 0.2], [0.3, 0.7]])
    twin = Scores(Estimate(value * 0, value * 0, value * 0, n=40))
    return Results(
        {"scores": Scores(Estimate(value, value - 0.1, value + 0.1, n=40, chance=0.25), control=twin)}, specimen=None
    )


SPECIMEN = SimpleNamespace(
    model=SimpleNamespace(
        cfg=SimpleNamespace(n_layers=2, n_heads=2, d_model=8, d_head=4, d_mlp=32, n_ctx=16, d_vocab=99),
        n_params=5_300_000,
    ),
    fingerprints={"model": "abc"},
    evidence=SimpleNamespace(describe=lambda: {"conversations": 40}),
)


def test_a_report_collects_views_findings_cards_and_the_untrained_baseline(tmp_path):
    path = write_report(
        tmp_path / "r.html", results(), SPECIMEN, checks=[Check("causal", True)], meta={"corpus": "9 messages"}
    )
    page = decode(json.loads(blocks(path.read_text())["page"]))
    assert page["meta"]["model"] == "2 layers × 2 heads, 5.3M parameters"
    assert page["meta"]["corpus"] == "9 messages"
    assert page["heads"] == [2, 2]
    assert page["findings"] == [
        {"text": "L1H1 scores highest: 0.70.", "view": "scores", "select": ["head:L1H1"], "trust": "solid"}
        | {"kind": "effect", "estimate": None, "runs": "one training run"}
    ]
    [card] = page["cards"]
    np.testing.assert_allclose(card["value"], [[0.1, 0.2], [0.3, 0.7]], atol=1e-7)
    np.testing.assert_allclose(card["chance"], np.full((2, 2), 0.25))
    np.testing.assert_array_equal(card["control"], np.zeros((2, 2)))


def test_a_specimen_that_knows_little_about_itself_still_gets_a_report(tmp_path):
    assert write_report(tmp_path / "r.html", results(), SimpleNamespace()).stat().st_size > 10_000


def test_the_file_is_its_owners_only_and_replaces_the_old_one_at_once(tmp_path, monkeypatch):
    path = tmp_path / "r.html"
    path.write_text("old")
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        with pytest.raises(ResourceError, match="No space left"):
            write_report(path, results(), SPECIMEN)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
    write_report(path, results(), SPECIMEN)
    assert path.read_text().startswith("<!doctype html>")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_report_that_cannot_be_written_says_what_to_do(tmp_path, monkeypatch):
    (tmp_path / "folder").mkdir()
    for place, told in (("folder", "folder/report.html"), ("nowhere/r.html", "mkdir -p")):
        with pytest.raises(ResourceError) as caught:
            write_report(tmp_path / place, results(), SPECIMEN)
        assert told in caught.value.hint
    for number, told in ((28, "Free some space"), (30, "you may write to")):
        monkeypatch.setattr(os, "replace", lambda *_, number=number: (_ for _ in ()).throw(OSError(number, "refused")))
        with pytest.raises(ResourceError) as caught:
            write_report(tmp_path / "r.html", results(), SPECIMEN)
        assert told in caught.value.hint


def test_building_a_report_loads_no_torch():
    code = "import sys, wonderland.report.build; sys.exit('torch' in sys.modules or 'matplotlib' in sys.modules)"
    assert (
        subprocess.run(
            [sys.executable, "-c", code], check=False, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
        ).returncode
        == 0
    )


@pytest.mark.parametrize("renderer", RENDERERS)
@pytest.mark.parametrize("hostile", [pytest.param(False, marks=pytest.mark.slow), True])
def test_every_kind_of_view_can_be_drawn_on_paper(renderer, hostile, tmp_path):
    page = sample.page(hostile, conversations=1, length=64)
    view = next(view for view in page.views if view.renderer == renderer)
    fig = figure(replace(view, title="costs $5 or $x^2", caption="half of $"))
    fig.savefig(tmp_path / "figure.png", dpi=50)
    assert fig.axes
    assert (tmp_path / "figure.png").stat().st_size > 1000


def test_words_stand_out_from_what_lies_behind_them_in_both_themes():
    def luminance(colour):
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    themes = re.findall(r'data-theme="(?:light|dark)"\] \{(.*?)\}', (FRONTEND / "app.css").read_text(), re.S)
    assert len(themes) == 2
    for theme in themes:
        colours = dict(re.findall(r"--([a-z]+): (#[0-9a-f]{6})", theme))
        for front in ("ink", "muted", "accent", "good", "bad", "warn"):
            for back in ("paper", "panel", "raised", "mask"):
                low, high = sorted((luminance(colours[front]), luminance(colours[back])))
                assert (high + 0.05) / (low + 0.05) >= 4.5, (front, back)


def test_the_code_counts_things_by_one_helper():
    """One head is "1 head": a template that says how many of a thing leaves the plural to `counted`."""
    plural = r"\$\{(?!counted\()[^{}]*(?:length|times|count|pairs|shown|\.n\b)[^{}]*\} (?:[a-z]+ )?[a-z]{2,}s\b"
    said = {
        found
        for path in FRONTEND.rglob("*.js")
        if "vendor" not in path.parts
        for found in re.findall(plural, path.read_text(encoding="utf-8"))
    }
    assert {one for one in said if not one.endswith((" of its", " looks"))} == {
        "${parts.length} heads",  # four or more
        "${bytes.length} bytes",
    }
    assert re.findall(plural, "`${pairs.length} pairs`")


@pytest.mark.parametrize(
    ("method", "answer"),
    [("views", ValueError("words")), ("views", None), ("views", [3]), ("findings", [3]), ("card", 7), ("cards", 3)],
)
def test_a_result_that_cannot_be_shown_is_named_and_the_others_are_shown(method, answer):
    def fail(self):
        if isinstance(answer, Exception):
            raise answer
        return answer

    fine = results()["scores"]
    broken = type("Broken", (Scores,), {method: fail})(fine.scores)
    page = gather({"broken": broken, "fine": fine}, None)
    assert [(view.id, view.group) for view in page.views] == [("scores", "fine")]
    assert [*page.cards] == ["fine"]
    [told] = [one.sentence for one in page.findings if "cannot be shown" in one.sentence]
    assert told.startswith("broken cannot be shown, its plugin failed: ")
    assert "words" not in told
