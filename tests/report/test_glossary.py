"""Every word that the report uses without saying what it is stands in the glossary, once, in two sentences."""

import pytest
import regex

from wonderland.report.glossary import GLOSSARY, terms_in


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
    assert terms_in("q, k and z of L2H0; keep = 3") == []


def test_every_term_has_its_own_forms_and_two_sentences():
    forms = [form.lower() for term in GLOSSARY for form in term.forms]
    assert len(forms) == len(set(forms))
    for term in GLOSSARY:
        assert len(regex.findall(r"[.:;]\s+|\.$", term.text)) >= 2, term.name
