"""Every word that the report uses without saying what it is stands in the glossary, once, in two sentences."""

import pytest
import regex
from sample import page as sample_page

from wonderland.estimate import Estimate
from wonderland.report.findings import Finding
from wonderland.report.glossary import GLOSSARY, terms_in
from wonderland.report.glossary_examples import examples
from wonderland.report.page import Page
from wonderland.report.page_data import page_data
from wonderland.views import Axis, Bar, Bars, Column, Table, View


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("AUC 0.99 [0.97, 1.00]", "AUC"),
        ("no trigram does better", "n-gram"),
        ("a bigram, a unigram", "n-gram"),
        ("43 choices left", "choices left"),
        ("perplexity", "choices left"),
        ("a probe reads it off", "probe"),
        ("rank 2 of 120 (p = 0.017)", "p value"),
        ("that none is there, p < 0.001", "p value"),
        ("beyond chance, q < 0.05", "q value"),
        ("at z = 5.1", "z score"),
        ("AUROC of the best latent", "AUROC"),
        ("16 latents of a dictionary", "latent"),
        ("two dictionaries", "dictionary"),
        ("in the place of a transcoder", "transcoder"),
        ("F1 of the best label", "F1"),
        ("FVU on held-out text", "FVU"),
        ("ΔCE, spliced at every token", "ΔCE"),
        ("a silhouette of 0.3", "silhouette"),
        ("σ₁/σ₂ = 1.53", "singular values"),
        ("effective rank 12.1 of 32", "effective rank"),
        ("causal scrubbing recovers 4%", "causal scrubbing"),
        ("against 500 random rotations of each", "rotation null"),
    ],
)
def test_a_word_of_the_field_is_explained(said, name):
    assert name in [term.name for term in terms_in(said)]


def test_letters_that_are_no_statistic_are_left_alone():
    assert terms_in("q, k and z of L2H0; keep = 3; L2F1; F12") == []


def test_every_term_has_its_own_forms_and_two_sentences():
    forms = [form.lower() for term in GLOSSARY for form in term.forms]
    assert len(forms) == len(set(forms))
    for term in GLOSSARY:
        assert len(regex.findall(r"[.:;]\s+|\.$", term.text)) >= 2, term.name


def test_terms_have_examples_of_this_model_that_lead_to_what_shows_them():
    page = sample_page()
    loss = Estimate(3.0, 2.9, 3.1, 40, "nats a token", 7.6)
    view = page.views[0].id
    found = [
        Finding(
            "A head brings it back: much.",
            view,
            "L0H1",
            "solid",
            "effect",
            Estimate(0.6, 0.5, 0.7, 32, "recovery", 0.0),
        ),
        Finding("It guesses.", "token-loss", (), "solid", "effect", loss),
    ]
    data = page_data(Page("a", {"sizes": {"context": 64}}, page.views, page.cards, found), page.views)
    told = {term["name"]: term["example"] for term in data["glossary"] if term["example"]}
    assert told["recovery"] == {
        "text": "A head brings it back: 0.60 recovery, with the 95% interval 0.50 to 0.70.",
        "view": view,
        "select": ["head:L0H1"],
    }
    assert told["chance level"]["text"].endswith("Chance alone would give 0.")
    assert "loss" not in told  # its view is not on this page
    layers, heads = data["heads"]
    assert told["attention head"]["text"] == f"There are {layers * heads}, from L0H0 to L{layers - 1}H{heads - 1}."
    assert told["context"]["text"] == "It sees 64 tokens."
    shown = {one.id for one in page.views} | {"findings"}
    assert {one["view"] for one in told.values()} <= shown
    assert told["token"]["text"].startswith("The first conversation shown begins with “‹")


def latents():
    columns = [Column("latent", "Latent"), Column("f1", "F1")]
    table = Table(columns, [["L2F3", 0.5], ["L2F9", 0.91], ["L1F2", None]])
    bars = Bars(["speaker"], Axis("AUROC"), [Bar("latent", Estimate([0.9], [0.8], [0.95], 40, "AUROC", 0.5))])
    measures = Table([Column("head", "Head"), Column("f1", "self")], [["L0H1", 0.2]])  # no F1, by whatever key
    return [
        View("heads", "Heads", measures),
        View("latents", "Latents", table, caption="F1 of the best label of a latent."),
        View("known", "Known", bars, caption="AUROC of the best unit."),
    ]


def test_words_of_few_analyses_are_listed_where_a_view_uses_them_with_an_example():
    def told(views):
        terms = page_data(Page("a", {}, views, {}, []), views)["glossary"]
        return {term["name"]: term["example"] and term["example"]["text"] for term in terms}

    named = told(latents())
    assert named["F1"] == "L2F9 tells what it fires for with F1 0.91."
    assert named["AUROC"] == "speaker: latent 0.90 [0.80, 0.95], where chance is 0.5."
    assert "latent" in named
    assert "transcoder" not in named  # no view says it
    assert {"F1", "AUROC", "latent", "dictionary", "transcoder"}.isdisjoint(told([]))
    assert "token" in told([])


def test_every_example_is_of_a_term_and_a_page_that_shows_nothing_has_none():
    assert examples(Page("a", {}, [], {}, []), [], [0, 0]) == {}
    from wonderland.report import glossary_examples

    assert set(glossary_examples._BY_VIEW) <= {term.name for term in GLOSSARY}
