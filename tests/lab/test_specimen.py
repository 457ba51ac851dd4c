"""The specimen: which windows, who speaks where, and activations that are the same however they are handed out."""

import numpy as np
import pytest
import torch

import wonderland as wl
from wonderland.corpus.messages import Message
from wonderland.errors import InputError, NotEnoughData, PluginError, UsageError
from wonderland.lab.evidence import Evidence
from wonderland.lab.names import hook_name
from wonderland.lab.specimen import Specimen
from wonderland.testing.handwritten import HEADS, handwritten_corpus, handwritten_model, handwritten_tokenizer
from wonderland.tokenizer import END, ME, PAD, SEP, THEM


def corpus_of(*threads):
    """A corpus of conversations written as lists of ("me" or "them", text)."""
    return wl.Corpus.of(
        [
            Message(f"{t}-{i}", f"thread {t}", who, who == "me", None, text)
            for t, thread in enumerate(threads)
            for i, (who, text) in enumerate(thread)
        ]
    )


# --- evidence


def test_who_speaks_where_on_a_window_written_by_hand():
    corpus = corpus_of([("them", "a b"), ("me", "c"), ("me", "d")])
    evidence = Evidence.choose(corpus, handwritten_tokenizer(), context=48)
    a, b, c, d = (handwritten_tokenizer().encode(f" {word}")[0] for word in "abcd")
    assert evidence.tokens.tolist() == [[THEM, a, b, SEP, ME, c, SEP, ME, d, END]]
    assert evidence.speaker_position.tolist() == [[0, 0, 0, 0, 4, 4, 4, 7, 7, 7]]
    assert evidence.speaker.tolist() == [[THEM] * 4 + [ME] * 6]
    assert evidence.message.tolist() == [[0, 0, 0, 0, 1, 1, 1, 2, 2, 2]]
    assert np.flatnonzero(evidence.is_speaker[0]).tolist() == [0, 4, 7]


def test_shorter_windows_are_padded_and_masked():
    evidence = Evidence.choose(corpus_of([("me", "a b c")], [("them", "a")]), handwritten_tokenizer(), context=48)
    assert evidence.lengths.tolist() == [5, 3]
    assert evidence.tokens[1, 3:].tolist() == [PAD, PAD]
    assert evidence.mask.tolist() == [[True] * 5, [True] * 3 + [False] * 2]
    assert evidence.conversation.tolist() == [0, 1]


def test_windows_of_evidence_do_not_overlap():
    thread = [("me", word) for word in "abcdefghijklmnop"]
    evidence = Evidence.choose(corpus_of(thread), handwritten_tokenizer(), context=48)
    said = [token for row in evidence.tokens for token in row if token > PAD]
    assert len(said) == len(set(said)) == 16


@pytest.mark.parametrize(("asked", "said"), [({"windows": 0}, "windows is at least 1"), ({"seed": -1}, "seed is at l")])
def test_what_cannot_be_chosen_is_refused(asked, said):
    corpus = handwritten_corpus(4)
    with pytest.raises(UsageError, match=said):
        Specimen(handwritten_model(), handwritten_tokenizer(), corpus, **asked)
    with pytest.raises(UsageError, match=said):
        Specimen.of_tokens(handwritten_model(), handwritten_tokenizer(), [[1, 2, 3]], **asked)


def test_long_windows_are_chosen_first_and_by_the_seed():
    long, short = handwritten_corpus(30), handwritten_corpus(30, shortest=8, seed=1)
    both = wl.Corpus.of([*long, *(m._replace(thread=f"short {m.thread}") for m in short)])
    chosen = [Evidence.choose(both, handwritten_tokenizer(), context=48, windows=10, seed=seed) for seed in (0, 0, 1)]
    assert (chosen[0].lengths == 48).all()
    assert np.array_equal(chosen[0].tokens, chosen[1].tokens)
    assert not np.array_equal(chosen[0].tokens, chosen[2].tokens)


def test_few_or_short_windows_are_called_thin(specimen):
    assert not specimen.evidence.enough
    tokens = np.full((200, 64), 7)
    ample = Evidence(tokens, np.full(200, 64), np.arange(200))
    assert ample.enough
    assert not Evidence(tokens[:199], ample.lengths[:199], ample.conversation[:199]).enough
    assert not Evidence(tokens, np.r_[63, ample.lengths[1:]], ample.conversation).enough


def test_evidence_describes_itself():
    evidence = Evidence.choose(
        corpus_of([("me", "a b c")], [("them", "a")]), handwritten_tokenizer(), context=48, seed=4
    )
    assert evidence.describe() == {
        "windows": 2,
        "conversations": 2,
        "tokens": 8,
        "shortest window": 3,
        "longest window": 5,
        "seed": 4,
        "enough": False,
    }


def test_nothing_held_out_is_too_little():
    with pytest.raises(NotEnoughData):
        Evidence.choose(wl.Corpus.of([]), handwritten_tokenizer(), context=48)


# --- activations


def test_short_names_are_hook_names():
    assert hook_name("z", 1) == "blocks.1.attn.hook_z"
    assert hook_name("post", 0) == "blocks.0.mlp.hook_post"
    assert hook_name("resid_pre", 3) == "blocks.3.hook_resid_pre"
    assert hook_name("embed", 3) == "hook_embed"
    with pytest.raises(UsageError, match="no activation 'attention'"):
        hook_name("attention", 0)


def test_activations_are_stacked_over_layers_in_order(specimen):
    part = next(specimen.batches("pattern", "resid_pre", "embed"))
    batch, length = part.tokens.shape
    assert part["pattern"].shape == (2, batch, 3, length, length)
    assert part["resid_pre"].shape == (2, batch, length, 96)
    assert part["embed"].shape == (batch, length, 96)
    layer, head = HEADS["self"]
    itself = part["pattern"][layer, :, head].diagonal(dim1=-2, dim2=-1)
    assert itself.min() > 0.9999
    assert torch.equal(part["embed"], specimen.model.W_E[part.tokens])


def test_batches_cover_the_evidence_once_in_order(specimen):
    parts = list(specimen.batches("loss"))
    assert len(parts) > 1
    assert [i for part in parts for i in range(part.windows.start, part.windows.stop)] == list(range(40))
    for part in parts:
        width = part.tokens.shape[1]
        assert np.array_equal(part.tokens.numpy(), specimen.evidence.tokens[part.windows, :width])
        assert np.array_equal(part.mask.numpy(), specimen.evidence.mask[part.windows, :width])
        assert np.array_equal(part.conversation, specimen.evidence.conversation[part.windows])
        assert np.array_equal(part.evidence.speaker_position, specimen.evidence.speaker_position[part.windows, :width])


def test_the_loss_at_a_position_is_of_the_token_there(specimen):
    for batch in specimen.batches("loss", "logits"):
        loss, log_probs = batch["loss"], batch["logits"].log_softmax(-1)
        for row, length in enumerate(batch.evidence.lengths):
            for position in (1, length // 2, length - 1):
                expected = -log_probs[row, position - 1, batch.tokens[row, position]]
                torch.testing.assert_close(loss[row, position], expected)
            assert loss[row, 0].isnan()
            assert loss[row, length:].isnan().all()
            assert not loss[row, 1:length].isnan().any()


def everything(specimen):
    return [
        {name: batch[name] for name in ("pattern", "loss", "z")} for batch in specimen.batches("pattern", "loss", "z")
    ]


def test_held_or_streamed_the_activations_are_the_same(specimen):
    streamed = everything(specimen)
    with specimen.holding({"pattern", "loss", "z", "q"}):
        held = everything(specimen)
    for one, other in zip(streamed, held, strict=True):
        for name in one:
            torch.testing.assert_close(one[name], other[name], rtol=0, atol=0, equal_nan=True)


def passes(specimen, monkeypatch):
    """Count the model's forward passes."""
    count = [0]
    run = specimen.model.run_with_cache

    def counted(*args, **kwargs):
        count[0] += 1
        return run(*args, **kwargs)

    monkeypatch.setattr(specimen.model, "run_with_cache", counted)
    return count


def test_what_is_held_is_computed_once(specimen, monkeypatch):
    count = passes(specimen, monkeypatch)
    with specimen.holding({"pattern", "z"}):
        for name in ("pattern", "z", "pattern"):
            list(specimen.batches(name))
        assert count[0] == 3  # 40 windows, 16 at a time
    list(specimen.batches("z"))
    assert count[0] == 6  # let go of afterwards


def test_what_does_not_fit_streams_without_being_tried_again(monkeypatch):
    small = Specimen(handwritten_model(), handwritten_tokenizer(), handwritten_corpus(40, shortest=10), hold_bytes=1000)
    count = passes(small, monkeypatch)
    with small.holding({"pattern"}):
        first = count[0]
        for time in range(3):
            assert len(list(small.batches("pattern"))) == 3
            if time == 0:
                first = count[0]
        assert count[0] == first + 2 * 3


# --- what an analysis may read


def test_reading_what_was_not_declared_is_an_error_that_says_what_to_declare(specimen):
    view = specimen.restricted_to(("pattern",))
    batch = next(view.batches())
    assert batch["pattern"].shape[0] == 2
    with pytest.raises(PluginError, match="'z' was read but not declared") as error:
        batch["z"]
    assert "needs = ('pattern', 'z')" in error.value.hint
    with pytest.raises(PluginError, match="not declared in needs"):
        next(view.batches("pattern", "z"))


def test_that_holds_also_when_another_analysis_declared_it(specimen):
    with specimen.holding({"pattern", "z"}):
        batch = next(specimen.restricted_to(("pattern",)).batches())
        with pytest.raises(PluginError, match="not declared"):
            batch["z"]


def test_a_need_that_does_not_exist_is_refused_before_anything_runs(specimen):
    with pytest.raises(UsageError, match="no activation 'patern'"):
        specimen.restricted_to(("patern",))


def test_an_activation_this_model_lacks_is_refused(specimen):
    with pytest.raises(UsageError, match="no activation 'resid_mid'"):
        next(specimen.batches("resid_mid"))


# --- the specimen itself


def test_the_untrained_baseline_is_another_model_on_the_same_evidence(specimen):
    baseline = specimen.untrained()
    assert baseline.evidence is specimen.evidence
    assert baseline.cfg == specimen.cfg
    assert baseline.fingerprints["model"] != specimen.fingerprints["model"]
    assert baseline.fingerprints["held out"] == specimen.fingerprints["held out"]
    layer, head = HEADS["previous"]
    ours, theirs = (next(s.batches("pattern"))["pattern"][layer, :, head] for s in (specimen, baseline))
    assert ours.diagonal(-1, -2, -1).min() > 0.99
    assert theirs.diagonal(-1, -2, -1).mean() < 0.3


def test_two_untrained_baselines_of_one_seed_are_the_same(specimen):
    prints = [specimen.untrained(seed).fingerprints["model"] for seed in (1, 1, 2)]
    assert prints[0] == prints[1] != prints[2]


def test_holding_activations_of_the_model_does_not_hand_them_to_the_baseline(specimen):
    with specimen.holding({"pattern"}):
        ours = next(specimen.batches("pattern"))["pattern"]
        theirs = next(specimen.untrained().batches("pattern"))["pattern"]
    assert not torch.equal(ours, theirs)


def test_another_tokenizer_is_refused():
    model = handwritten_model()
    model.tokenizer_fingerprint = "another"
    with pytest.raises(InputError, match=r"another.*not with this one"):
        Specimen(model, handwritten_tokenizer(), handwritten_corpus(2))


def test_weights_that_are_not_finite_are_refused():
    model = handwritten_model()
    model.blocks[1].attn.W_O[0, 0, 0] = float("nan")
    with pytest.raises(InputError, match=r"not finite: blocks\.1\.attn\.W_O"):
        Specimen(model, handwritten_tokenizer(), handwritten_corpus(2))
