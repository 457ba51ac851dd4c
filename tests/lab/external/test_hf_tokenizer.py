"""Specimens of models and tokenizers from elsewhere: what runs, what declines, and what does not belong together."""

import bridges
import numpy as np
import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

import wonderland as wl
from wonderland.errors import InputError, NotEnoughData, Unsupported, UsageError
from wonderland.lab.external.hf_tokenizer import HFTokenizer
from wonderland.testing.handwritten import handwritten_corpus, handwritten_model, handwritten_tokenizer


def named():
    return HFTokenizer(bridges.tokenizer(), start="w0")


@pytest.fixture(
    scope="module", params=["gpt2", *(pytest.param(one, marks=pytest.mark.slow) for one in ("shared keys", "neox"))]
)
def specimen(request):
    conversation = np.arange(24) // 2
    made = bridges.bridge(request.param)
    return wl.Specimen.of_tokens(made, named(), bridges.sequences(24), conversation=conversation)


@pytest.fixture(scope="module")
def results(specimen, quick):
    return wl.analyze(specimen, "triage", "weights", "circuits", control=True, parameters=quick)


def test_everything_that_needs_no_speaker_runs_on_any_architecture(results, specimen):
    done = {"attention-entropy", "head-patterns", "head-clusters", "residual-pca", "logit-lens", "induction"}
    done |= {"neurons", "ov-circuits", "head-ablation"}
    assert done <= set(results)
    assert ("composition" in results) == isinstance(specimen.model, wl.ChatTransformer)


def test_what_needs_speakers_declines_and_says_so(results):
    for name in ("activation-patching", "token-loss"):
        assert "needs to know who speaks" in results.declined[name]


def test_composition_declines_where_queries_and_keys_are_turned():
    specimen = wl.Specimen.of_tokens(bridges.native("rotary"), named(), bridges.sequences())
    with pytest.raises(Unsupported, match=r"composition cannot be run on this model\. It turns queries and keys"):
        wl.analyze(specimen, "composition")


def test_patterns_to_speakers_are_not_there_where_nobody_speaks(results):
    assert set(results["head-patterns"].scores) == {"previous", "self", "first", "duplicate"}


def test_ones_own_contrasts_can_be_patched_in_any_model(specimen):
    from wonderland_circuits.activation_patching import ActivationPatching

    model, names = specimen.model, specimen.tokenizer
    pairs = []
    for target in range(1, 12):
        for foil in range(1, 12):
            pair = wl.Contrast([0, 20, 21, 22], [0, 20, 24, 22], f"w{target}", f"w{foil}")
            if not pair.problems(names, model):
                pairs.append(pair)
    result = wl.analyze(specimen, ActivationPatching(contrasts=tuple(pairs[:4])))["activation-patching"]
    grid = result.grid["denoising"]["resid_pre"].value
    assert len(result.pairs) == len(pairs[:4]) > 0
    assert np.isfinite(grid).all()


def test_it_has_a_report(results, tmp_path):
    assert results.report(tmp_path / "report.html").stat().st_size > 10_000


def test_an_analysis_that_needs_what_a_bridge_has_not_is_left_out_and_the_others_share_their_pass():
    from dataclasses import dataclass
    from typing import ClassVar

    @dataclass(frozen=True)
    class LookResult(wl.Result):
        seen: float

    @dataclass(frozen=True)
    class Look:
        name: ClassVar[str] = "look"
        version: ClassVar[int] = 1
        needs: ClassVar[tuple[str, ...]] = ("attn_scores",)

        def run(self, specimen: wl.Specimen) -> LookResult:
            return LookResult(float(sum(batch["attn_scores"].sum() for batch in specimen.batches())))

    specimen = wl.Specimen.of_tokens(bridges.bridge("rotary"), named(), bridges.sequences(4))
    results = wl.analyze(specimen, Look(), "attention-entropy")
    assert set(results) == {"attention-entropy"}
    assert results.declined["look"].startswith("look cannot be run on this model. The activation 'attn_scores'")


def test_texts_are_cut_into_windows_that_begin_alike_and_keep_their_number():
    words = [f"w{i}" for i in range(1, 30)]
    splitting = bridges.tokenizer()
    splitting.pre_tokenizer = pre_tokenizers.Whitespace()
    texts = [" ".join(words), "w3 w4", "w5"]
    made = wl.Specimen.of_texts(bridges.native(), HFTokenizer(splitting, start=0), texts, length=11)
    evidence = made.evidence
    assert (evidence.tokens[:, 0] == 0).all()
    assert evidence.lengths.tolist() == [11, 11, 10, 3, 2]
    assert evidence.conversation.tolist() == [0, 0, 0, 1, 2]
    assert evidence.tokens[0, 1:].tolist() == list(range(1, 11))
    assert evidence.tokens[1, 1] == 11


def test_our_own_model_can_be_given_plain_tokens_too_and_then_speakers_are_known():
    tokens = wl.Specimen(handwritten_model(), handwritten_tokenizer(), handwritten_corpus(3)).evidence.tokens
    made = wl.Specimen.of_tokens(handwritten_model(), handwritten_tokenizer(), tokens.tolist())
    assert made.evidence.speakers
    assert made.evidence.is_speaker.any()


def test_a_tokenizer_of_another_size_is_refused():
    large = Tokenizer(models.WordLevel({f"w{i}": i for i in range(31)}, unk_token="w0"))
    with pytest.raises(InputError, match="30 tokens and the tokenizer 31: they do not belong together"):
        wl.Specimen.of_tokens(bridges.native(), HFTokenizer(large, start=0), bridges.sequences())


def test_an_embedding_that_was_rounded_up_is_accepted():
    small = Tokenizer(models.WordLevel({f"w{i}": i for i in range(25)}, unk_token="w0"))
    made = wl.Specimen.of_tokens(bridges.native(), HFTokenizer(small, start=0), [[0, 1, 2, 24]])
    assert made.tokenizer.pieces([24, 27]) == ["w24", "\\27"]


def test_weights_that_are_not_finite_are_refused():
    bridge = bridges.bridge("rotary")
    next(iter(bridge.parameters())).data[0, 0] = float("nan")
    with pytest.raises(InputError, match="weights that are not finite"):
        wl.Specimen.of_tokens(bridge, named(), bridges.sequences())


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ([[0, 1, 99]], "99 is no token of a vocabulary of 30"),
        ([[0, -1]], "-1 is no token"),
        ([[0] * 33], "33 tokens; the model's context is 32"),
    ],
)
def test_sequences_that_are_none_are_refused(bad, why):
    with pytest.raises(UsageError, match=why):
        wl.Specimen.of_tokens(bridges.native(), named(), bad)


def test_no_evidence_at_all_is_refused():
    with pytest.raises(NotEnoughData, match="no sequence of two tokens"):
        wl.Specimen.of_tokens(bridges.native(), named(), [[0], []])
    with pytest.raises(UsageError, match="2 sequences have 1 numbers"):
        wl.Specimen.of_tokens(bridges.native(), named(), bridges.sequences(2), conversation=[0])


def test_a_tokenizer_that_begins_with_nothing_must_be_told_what_to_begin_with():
    with pytest.raises(UsageError, match="does not say which token sequences begin with"):
        HFTokenizer(bridges.tokenizer())
    with pytest.raises(UsageError, match="no token '<s>'"):
        HFTokenizer(bridges.tokenizer(), start="<s>")


def test_something_that_is_no_tokenizer_is_refused():
    with pytest.raises(InputError, match="A dict is no tokenizer"):
        HFTokenizer({"a": 1})


def test_conversations_need_the_speaker_tokenizer_of_their_model():
    with pytest.raises(UsageError, match="not a HFTokenizer"):
        wl.Specimen(bridges.native(), named(), handwritten_corpus(2))


def test_specials_are_text_in_a_text_and_themselves_in_a_prompt():
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    from tokenizers import trainers

    trainer = trainers.BpeTrainer(
        vocab_size=300, special_tokens=["<|end|>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    bpe.train_from_iterator(["hello there"], trainer)
    names = HFTokenizer(bpe)
    assert names.start == 0
    assert names.specials == {0}
    assert names.encode_prompt("<|end|> hello")[0] == 0
    assert 0 not in names.encode("<|end|> hello")
    assert names.decode(names.encode(" hello there")) == " hello there"
    assert names.pieces(names.encode(" hello there"))[0].startswith(" ")
    assert names.fingerprint != HFTokenizer(bpe, start=5).fingerprint
    assert not names.tells_speakers
