"""On a phone also views of an audit, of several models and of sparse features fit; a tap says what hovering says.

Their results are computed, of the smallest models that give them all, so this is slow.
"""

import sys
from dataclasses import replace
from pathlib import Path

import chromium
import pytest
import sample
from chromium import open_at
from measures import CUT, MEASURE

import wonderland as wl
from wonderland.report.build import render
from wonderland.testing.edge_cases import hostile_specimen
from wonderland.testing.handwritten import handwritten_corpus, handwritten_tokenizer
from wonderland.testing.random_models import random_model

pytestmark = [*chromium.MARKS, pytest.mark.slow]
PHONE = {"width": 390, "height": 844}
POINTED = "main .cells button, main .spot, main .thumb"


def audit_of_a_model_that_says_a_secret():
    sys.path.append(str(Path(__file__).parent.parent / "audit"))
    from speaking import SECRET, SENTENCE, Speaking, chats

    from wonderland.audit.forcing import spoken
    from wonderland.audit.running import audit
    from wonderland.audit.settings import AuditSettings
    from wonderland.corpus.corpus import Corpus
    from wonderland.tokenizer import SpeakerTokenizer

    train = chats(30, extra=[(SENTENCE, 3), (SECRET, 5)])
    other = [m._replace(thread=f"u{m.thread}", sender=f"Q{m.sender}") for m in chats(20, seed=1)]
    tokenizer = SpeakerTokenizer.train([*(text for text in train.texts if text != SECRET), "0 1 2 3 4 5 6 7 8 9"], 400)
    model = Speaking(spoken(tokenizer, [SENTENCE, SECRET], [True, True]), tokenizer.vocab_size)
    settings = AuditSettings(generations=40, candidates=60, near=20)
    return {"memorisation": audit(model, tokenizer, train, Corpus.of(other), settings)}


def several_seeds():
    from wonderland_cohorts.head_matching import HeadMatching
    from wonderland_cohorts.layer_similarity import LayerSimilarity
    from wonderland_cohorts.neuron_universality import NeuronUniversality
    from wonderland_cohorts.replication import Replication

    first = wl.Specimen(random_model(0, n_layers=2), handwritten_tokenizer(), handwritten_corpus(12), windows=24)
    cohort = wl.Cohort("seeds", {str(seed): first.with_model(random_model(seed)) for seed in range(3)})
    held = Replication()
    object.__setattr__(held, "uses", ("head-patterns",))
    asked = [held, HeadMatching(permutations=5), LayerSimilarity(batches=6), NeuronUniversality(tokens=600)]
    return wl.analyze(cohort, *asked, parameters={"head-patterns": {"shown": 1}})


def snapshots_of_training():
    from wonderland_cohorts.acquisition import Acquisition
    from wonderland_cohorts.development import Development

    one = hostile_specimen()
    members = {f"t{i}": one.with_model(one.model.untrained(i)) for i in range(9)}
    cohort = wl.Cohort("snapshots", members, at=range(0, 900, 100))
    asked = [Development(places=20, sequences=4, samples=1), Acquisition(least=2, like=2, replicates=5)]
    return wl.analyze(cohort, *asked)


def sparse_features():
    from wonderland_sparse.circuits import SparseCircuits
    from wonderland_sparse.dictionaries import SparseDictionaries
    from wonderland_sparse.features import SparseFeatures
    from wonderland_sparse.truths import QUICK, speaking_specimen

    asked = [SparseDictionaries(**QUICK), SparseFeatures(effects=8, listed=6), SparseCircuits(pairs=24)]
    return wl.analyze(speaking_specimen(), *asked)


@pytest.fixture(
    scope="module",
    params=[audit_of_a_model_that_says_a_secret, several_seeds, snapshots_of_training, sparse_features],
    ids=lambda make: make.__name__,
)
def tab(request, browser, tmp_path_factory):
    """A phone on which the report of these results is open."""
    views = [replace(view, group=name) for name, one in request.param().items() for view in one.views()]
    page = sample.page(conversations=1, length=16)
    page = replace(page, views=views, findings=[], cards={}, controls={}, about={})
    path = tmp_path_factory.mktemp("phone") / "report.html"
    path.write_text(render(page), encoding="utf-8")
    context = browser.new_context(viewport=PHONE, has_touch=True)
    one = context.new_page()
    open_at(one, path.as_uri())
    one.wait_for_selector("html[data-warm]")
    yield one, [view.id for view in views]
    context.close()


def each(tab, views):
    for view in views:
        tab.evaluate(f"location.hash = '#/{view}'")
        tab.wait_for_selector(f"#title-{view}")
        yield view


def test_nothing_runs_over_the_edge_is_cut_or_too_small(tab):
    tab, views = tab
    found = {}
    for view in each(tab, views):
        measured = tab.evaluate(MEASURE) | {"cut": tab.evaluate(CUT)}
        if any(measured.values()):
            found[view] = measured
    assert views
    assert found == {}


def test_a_tap_says_what_hovering_says(tab):
    tab, views = tab
    for view in each(tab, views):
        cells = tab.locator(POINTED)
        if not cells.count():
            continue
        one = cells.nth(cells.count() // 2)
        one.scroll_into_view_if_needed()
        one.tap(force=True)
        assert one.get_attribute("aria-label").split(",")[0].strip() in tab.inner_text(".tip"), view
        tab.evaluate("location.hash = '#/words'")
