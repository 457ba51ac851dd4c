"""The checks before expensive work pass on what is sound and name what is not."""

import pytest

import wonderland as wl
from wonderland.corpus.windows import pack
from wonderland.lab.sanity_checks import held_out_loss, run_checks
from wonderland.lab.specimen import Specimen
from wonderland.model.history import Epoch, History
from wonderland.model.training import evaluate
from wonderland.testing.handwritten import handwritten_corpus, handwritten_model, handwritten_tokenizer
from wonderland.testing.synthetic_chats import synthetic_chats
from wonderland.tokenizer import SpeakerTokenizer


@pytest.fixture(scope="module")
def corpora():
    return handwritten_corpus(60, seed=1), handwritten_corpus(30, seed=2)


def check(checks, words):
    (found,) = [one for one in checks if words in one.name]
    return found


def history(held_out, bigram=3.0, trigram=2.5, **others):
    return History({}, {"bigram": bigram, "trigram": trigram, **others}, [], [Epoch(1, 1, 1, 0.1, 1.0, held_out)])


def checks_of(train, held_out, model=None):
    specimen = Specimen(model or handwritten_model(), handwritten_tokenizer(), held_out)
    return run_checks(specimen, train, held_out)


def test_conversations_of_the_training_part_among_the_held_out_are_a_leak(corpora):
    train, held_out = corpora
    assert check(checks_of(train, held_out), "is not in the training part").passed

    copied = [message._replace(thread=f"copy of {message.thread}") for message in list(train)[:16]]
    leaked = check(checks_of(train, wl.Corpus.of([*held_out, *copied])), "is not in the training part")
    assert not leaked.passed
    assert leaked.detail.startswith("12 of 192 held-out runs")  # two conversations of six runs, thirty of six


def test_small_talk_that_both_parts_share_is_no_leak():
    texts = ["hi", "how are you", "fine"]
    small = [
        wl.Message(f"{part}{i}", f"{part} chat", "me", True, None, text)
        for part in ("train", "held")
        for i, text in enumerate(texts)
    ]
    train, held_out = handwritten_corpus(60, seed=1), handwritten_corpus(60, seed=2)
    shared = check(
        run_checks(
            Specimen(handwritten_model(), handwritten_tokenizer(), held_out),
            wl.Corpus.of([*train, *small[:3]]),
            wl.Corpus.of([*held_out, *small[3:]]),
        ),
        "is not in the training part",
    )
    assert shared.passed
    assert shared.detail.startswith("1 of ")


@pytest.mark.parametrize("short", ["training", "held-out"])
def test_where_there_is_nothing_to_compare_no_leak_is_excluded(corpora, short):
    train, held_out = corpora
    two = wl.Corpus.of([message for i, message in enumerate(train) if i % 8 < 2])
    found = run_checks(
        Specimen(handwritten_model(), handwritten_tokenizer(), held_out),
        two if short == "training" else train,
        two if short == "held-out" else held_out,
    )
    leak = check(found, "is not in the training part")
    assert not leak.passed
    assert leak.detail == f"nothing to compare: no {short} conversation has three messages"


def test_the_sink_of_the_known_model_is_dead_and_no_other_head(corpora):
    dead = check(checks_of(*corpora), "no head is dead")
    assert not dead.passed
    assert dead.detail == "L0H2"


def test_a_head_that_writes_nothing_is_dead(corpora):
    model = handwritten_model()
    model.blocks[1].attn.W_O[0] = 0  # the uniform head
    assert check(checks_of(*corpora, model), "no head is dead").detail == "L0H2, L1H0"


def test_heads_that_write_what_varies_are_alive(corpora):
    model = handwritten_model()
    model.blocks[0].attn.W_V[2] = model.blocks[0].attn.W_V[1]
    model.blocks[0].attn.W_V[2, :24, :24] = model.blocks[0].attn.W_V[0, :24, :24]  # now it copies the first token
    alive = check(checks_of(*corpora, model), "no head is dead")
    assert alive.passed
    assert alive.detail.startswith("6 heads")


@pytest.mark.parametrize(("loss", "passes"), [(2.0, {"bigram", "trigram"}), (2.8, {"bigram"}), (3.5, set())])
def test_the_loss_is_held_against_counts(corpora, loss, passes):
    model = handwritten_model()
    model.history = history(loss)
    checks = checks_of(*corpora, model)
    for name in ("bigram", "trigram"):
        one = check(checks, f"beats the {name}")
        assert one.passed == (name in passes)
        assert one.detail.startswith(f"{loss:.3f} [")
        assert "(n=" in one.detail


@pytest.mark.parametrize(("unigram", "named"), [(2.2, True), (2.7, False)])
def test_where_another_table_of_counts_is_the_best_it_is_one_to_beat(corpora, unigram, named):
    model = handwritten_model()
    model.history = history(2.4, unigram=unigram, uniform=4.0)
    beaten = {one.name.split()[4]: one.passed for one in checks_of(*corpora, model) if "beats the" in one.name}
    assert beaten == {"bigram": True, "trigram": True} | ({"unigram": False} if named else {})


def test_the_loss_of_all_held_out_tokens_has_an_interval_and_is_that_of_training(corpora):
    _, held_out = corpora
    model, tokenizer = handwritten_model(), handwritten_tokenizer()
    model.history = history(2.0)
    windows = pack(held_out, tokenizer, size=8, stride=8, context=model.cfg.n_ctx)
    measured = held_out_loss(Specimen(model, tokenizer, held_out), held_out)
    assert measured.value == pytest.approx(evaluate(model, windows), rel=1e-5)
    assert measured.low < measured.value < measured.high
    assert measured.n == len(held_out.thread_starts)
    numbered = [one for one in checks_of(*corpora, model) if one.estimate is not None]
    assert [one.name for one in numbered] == ["the model beats the trigram on held-out conversations"]


def test_a_model_without_a_held_out_loss_has_not_beaten_anything(corpora):
    one = check(checks_of(*corpora), "beats the bigram")
    assert not one.passed
    assert "without held-out data" in one.detail


def test_a_tokenizer_that_keeps_specials_whole_is_proved_to():
    chats = synthetic_chats(10).corpus
    tokenizer = SpeakerTokenizer.train(chats, vocab_size=300)
    specimen = Specimen(wl.ChatTransformer.from_preset("nano", tokenizer), tokenizer, chats)
    assert check(run_checks(specimen, chats, chats), "every special token whole").passed


def test_a_tokenizer_that_does_not_is_caught(corpora):
    # The nineteen words of the known tokenizer cannot spell out a special: in a message it becomes one.
    caught = check(checks_of(*corpora), "every special token whole")
    assert not caught.passed
    assert "a message cannot forge a special token" in caught.detail


def test_thin_evidence_is_told_with_its_numbers(corpora):
    thin = check(checks_of(*corpora), "enough held-out evidence")
    assert not thin.passed
    assert thin.detail == "30 windows of 48 to 48 tokens from 30 conversations"
