"""Contrasts mined from a corpus: found where who speaks decides the next word, none where it does not."""

import pytest
import torch

import wonderland as wl
from wonderland.errors import PluginError, UsageError
from wonderland.lab.mining import mine
from wonderland.lab.specimen import Specimen
from wonderland.testing.handwritten import (
    handwritten_corpus,
    handwritten_first_speaker_model,
    handwritten_model,
    handwritten_speaker_corpus,
    handwritten_speaker_model,
    handwritten_tokenizer,
)
from wonderland.testing.synthetic_chats import synthetic_chats
from wonderland.tokenizer import ME, SPECIALS, THEM, SpeakerTokenizer

A, B = len(SPECIALS), len(SPECIALS) + 1


def mined_from(specimen, kind="speaker", **options):
    """Contrasts mined anew; `Specimen.contrasts` would give those it has."""
    return mine(specimen.model, specimen.tokenizer, specimen.evidence, kind, **options)


@pytest.fixture(scope="module")
def speaking():
    return Specimen(handwritten_speaker_model(), handwritten_tokenizer(), handwritten_speaker_corpus())


@pytest.fixture(scope="module")
def mined(speaking):
    return mined_from(speaking, pairs=40)


def test_every_mined_contrast_passes_the_linter(mined, speaking):
    assert len(mined.explore) == len(mined.confirm) == 20
    for contrast in (*mined.explore, *mined.confirm):
        assert contrast.problems(speaking.tokenizer, speaking.model) == []


def test_target_and_foil_are_what_the_planted_head_says(mined, speaking):
    for contrast in (*mined.explore, *mined.confirm):
        (changed,) = contrast.differences(speaking.tokenizer)
        expected = {ME: (A, B), THEM: (B, A)}[contrast.clean[changed]]
        assert (contrast.target, contrast.foil) == expected


def test_only_the_speaker_of_the_last_message_is_changed(mined, speaking):
    for contrast in (*mined.explore, *mined.confirm):
        (changed,) = contrast.differences(speaking.tokenizer)
        assert {contrast.clean[changed], contrast.corrupted[changed]} == {ME, THEM}
        assert all(token >= len(SPECIALS) for token in contrast.clean[changed + 1 :])
        assert changed < len(contrast.clean) - 1
        assert contrast.clean[0] in (ME, THEM)


def test_of_the_first_speaker_only_the_first_of_several_messages_is_changed():
    specimen = Specimen(handwritten_first_speaker_model(), handwritten_tokenizer(), handwritten_speaker_corpus())
    found = mined_from(specimen, "first-speaker", pairs=20)
    assert len(found) == 20
    for contrast in (*found.explore, *found.confirm):
        assert contrast.differences(specimen.tokenizer) == [0]
        assert {contrast.clean[0], contrast.corrupted[0]} == {ME, THEM}
        assert sum(token in (ME, THEM) for token in contrast.clean) > 1
        assert contrast.clean[-1] >= len(SPECIALS)
        assert (contrast.target, contrast.foil) == {ME: (A, B), THEM: (B, A)}[contrast.clean[0]]


def test_a_model_that_says_who_speaks_says_nothing_of_who_spoke_first(speaking):
    found = mined_from(speaking, "first-speaker", pairs=20)
    assert len(found) == 0
    assert set(found.refused) <= {"target equals foil", "gap too small"}


def test_the_sets_share_no_conversation(mined):
    explore, confirm = ({c.conversation for c in part} for part in (mined.explore, mined.confirm))
    assert explore
    assert confirm
    assert not explore & confirm


def test_as_many_conversations_as_there_are_pairs_are_used(mined):
    assert len({c.conversation for c in mined.explore}) == 20


def test_the_seed_decides(speaking, mined):
    assert mined_from(speaking, pairs=40) == mined
    assert mined_from(speaking, pairs=40, seed=1).explore != mined.explore


def test_where_the_speaker_changes_nothing_no_contrast_is_found():
    specimen = Specimen(handwritten_model(), handwritten_tokenizer(), handwritten_corpus(20))
    found = mined_from(specimen)
    assert len(found) == 0
    assert set(found.refused) <= {"gap too small", "target equals foil"}
    assert sum(found.refused.values()) > 20


def test_affirmations_and_questions_are_changed_in_the_text():
    texts = [" Yeah", " no", " No", " yes"]
    corpus = wl.Corpus.of(
        [
            m._replace(text="are you there?" if i % 2 else "yes I am here now")
            for i, m in enumerate(synthetic_chats(10, 6).corpus)
        ]
    )
    tokenizer = SpeakerTokenizer.train([*texts * 50, *corpus.texts], vocab_size=400)
    model = wl.ChatTransformer.from_preset("nano", tokenizer)
    drawn = torch.Generator().manual_seed(0)
    for weight in model.parameters():
        if weight.ndim == 3:
            weight.data.normal_(0, 0.5, generator=drawn)
    specimen = Specimen(model, tokenizer, corpus)
    swaps = {"affirmation": {(" yes", " no")}, "question": {("?", ".")}}
    for kind, expected in swaps.items():
        found = specimen.contrasts(kind, pairs=10)
        seen = {
            tuple(tokenizer.pieces([c.clean[i], c.corrupted[i]]))
            for c in (*found.explore, *found.confirm)
            for i in c.differences(tokenizer)
        }
        assert seen == expected
        assert {c.kind for c in found.explore} == {kind}


def test_an_unknown_kind_is_refused(speaking):
    with pytest.raises(UsageError, match="no kind of contrast named 'mood'"):
        mined_from(speaking, "mood")


def test_the_untrained_baseline_is_asked_the_same_questions(speaking):
    assert speaking.untrained().contrasts(pairs=8) == speaking.contrasts(pairs=8)


def test_an_analysis_that_did_not_declare_contrasts_gets_none(speaking):
    with pytest.raises(PluginError, match="not declared"):
        speaking.restricted_to(("z",)).contrasts()
    assert len(speaking.restricted_to(("contrasts",)).contrasts(pairs=4)) == 4
