"""Training in a notebook says how far it is, and in a script it says nothing."""

import sys
from dataclasses import replace
from types import ModuleType, SimpleNamespace

import pytest

import wonderland as wl
from wonderland.model.history import Epoch
from wonderland.model.notebook import TrainingDisplay, training_display
from wonderland.model.presets import PRESETS, Config
from wonderland.model.training import Progress


@pytest.fixture
def notebook(monkeypatch):
    """Run as in a notebook; return the HTML that stood under the cell, one after another."""
    shown = []
    inside, display = ModuleType("IPython"), ModuleType("IPython.display")
    inside.get_ipython = lambda: SimpleNamespace(kernel=object())
    inside.display = display
    display.HTML = str

    def show(html, display_id):
        assert display_id is True  # else there is no handle
        shown.append(html)
        return SimpleNamespace(update=shown.append)

    display.display = show
    monkeypatch.setitem(sys.modules, "IPython", inside)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    monkeypatch.setitem(PRESETS, "nano", replace(PRESETS["nano"], config=Config(1, 2, 16, 8, 16, 32, 270)))
    return shown


def train(**more):
    corpus = wl.Corpus.of([wl.Message(str(i), f"chat {i % 4}", "Ada", i % 2 == 0, None, "hi there") for i in range(80)])
    tokenizer = wl.SpeakerTokenizer.train(corpus, 270)
    return wl.ChatTransformer.train(corpus, tokenizer, preset="nano", epochs=2, held_out=corpus, device="cpu", **more)


def test_a_notebook_shows_a_bar_and_the_losses_of_each_epoch(notebook):
    history = train().history
    assert notebook[0] == ""
    last = notebook[-1]
    assert '<progress value="1.0000" max="1">' in last
    for epoch in history.epochs:
        row = f"<td>{epoch.epoch}</td><td>{epoch.train_loss:.3f}</td><td>{epoch.held_out_loss:.3f}</td>"
        assert row in last
    assert not any(epoch.sample in html for html in notebook for epoch in history.epochs if epoch.sample.strip())


def test_whoever_is_told_otherwise_sees_no_bar(notebook):
    told = []
    train(on_progress=told.append)
    assert notebook == []
    assert told


@pytest.mark.parametrize("shell", [None, SimpleNamespace(kernel=None), SimpleNamespace()])
def test_a_terminal_is_no_notebook(notebook, monkeypatch, shell):
    monkeypatch.setattr(sys.modules["IPython"], "get_ipython", lambda: shell)
    assert training_display() is None
    monkeypatch.delitem(sys.modules, "IPython")
    assert training_display() is None
    assert notebook == []


def test_it_is_shown_twice_a_second_at_most_but_for_epochs_and_remarks():
    shown, now = [], iter([0.0, 0.4, 0.5, 0.6, 0.7, 2.0])
    show = TrainingDisplay(shown.append, lambda: next(now))
    show(Progress(10, 100, 5.0, 10.0))
    show(Progress(20, 100, 4.0, 20.0))  # 0.4 s later: not yet
    show(Progress(30, 100, 3.0, 30.0))
    assert [html.count("%") for html in shown] == [1, 1]
    assert "30% of 100 tokens, training loss 3.000 nats a token, 70 s left" in shown[-1]
    show(Progress(30, 100, 0.0, 30.0, remark="Out of memory at 9 tokens; trying <4>."))
    assert "trying &lt;4&gt;." in shown[-1]
    assert "training loss" not in shown[-1]
    show(Progress(50, 100, 2.5, 300.0, Epoch(1, 5, 50, 300.0, 2.5, None)))
    assert "<td>1</td><td>2.500</td><td>not measured</td>" in shown[-1]
    assert "5 min left" in shown[-1]
    show(Progress(100, 100, 2.0, 600.0))
    assert "left" not in shown[-1]
    assert "trying" in shown[-1]
