"""Values at the end of a notebook's cell: one line and a small table, true to what they are and safe from words."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import wonderland as wl
from wonderland.corpus.messages import Entry, Ledger


def rows(html: str) -> dict[str, list[str]]:
    """Return the table as its labels with what stands beside each."""
    cells = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in re.findall(r"<tr>(.*?)</tr>", html)]
    return {label: rest for label, *rest in cells}


def test_a_ledger_shows_where_every_row_went_and_its_words_are_only_words():
    entries = (Entry("read", "<img src=x onerror=alert(1)>", 1), Entry("filter", "too\u202eshort", 25))
    html = Ledger("chat.db </b><script>", 1000, 974, entries)._repr_html_()
    assert re.findall(r"<(?!/?(?:div|b|table|tr|td)\b)", html) == []
    assert "<b>Ledger of chat.db &lt;/b&gt;&lt;script&gt;</b>" in html
    assert rows(html) == {
        "stored": ["1,000", "100.0%"],
        "− read: &lt;img src=x onerror=alert(1)&gt;": ["1", "0.1%"],
        "− filter: too\\u202eshort": ["25", "2.5%"],
        "= messages": ["974", "97.4%"],
    }


def test_an_empty_ledger_has_no_share_of_nothing():
    assert rows(Ledger("nothing", 0, 0)._repr_html_()) == {"stored": ["0", ""], "= messages": ["0", ""]}


def test_a_corpus_shows_counts_and_days_and_no_message():
    said = [("a", "ann", "good <b>morning</b>", 1), ("a", "", "morning", 2), ("b", "", "tea?", 9)]
    rows_ = [
        wl.Message(str(i), thread, who, not who, datetime(2024, 5, day, tzinfo=UTC), text)
        for i, (thread, who, text, day) in enumerate(said)
    ]
    corpus = wl.Corpus.of(rows_)
    html = corpus._repr_html_()
    assert "<b>Corpus(3 messages in 2 conversations)</b>" in html
    told = rows(html)
    assert (told["from me"], told["conversations"], told["words"]) == (["2"], ["2"], ["4"])
    assert (told["first day"], told["last day"]) == (["2024-05-01"], ["2024-05-09"])
    assert "morning" not in html
    assert "ann" not in html
    undated = wl.Corpus.of([row._replace(timestamp=None) for row in rows_])
    assert "first day" not in rows(undated._repr_html_())


def test_a_workspace_shows_its_stages_and_a_specimen_what_it_was_shown(made):
    workspace = wl.Workspace(made)
    told = rows(workspace._repr_html_())
    assert {name: state for name, (state, _) in told.items()} == {s.name: s.state for s in workspace.status()}
    specimen = workspace.specimen()
    shown, about = rows(specimen._repr_html_()), specimen.evidence.describe()
    assert shown["layers"] == [f"{specimen.model.cfg.n_layers}"]
    assert shown["tokens examined"] == [f"{about['tokens']:,}"]
    assert f"{about['windows']} windows" in specimen._repr_html_()
