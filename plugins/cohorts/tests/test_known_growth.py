"""Training runs of which it is known how they go: nothing comes at once, or a word comes in the second half."""

import copy
from datetime import timedelta

import numpy as np
import pytest
import torch

import wonderland as wl
from wonderland.corpus.windows import pack
from wonderland.model.chat_transformer import ChatTransformer
from wonderland.testing.synthetic_chats import synthetic_chats
from wonderland.testing.trained_models import CHAT_CONFIG, INDUCTION_CONFIG, chat_tokenizer, induction_tokenizer
from wonderland.tokenizer import PAD
from wonderland_cohorts.acquisition import Acquisition
from wonderland_cohorts.development import Development

MARKS = (0, 5, 10, 20, 40, 60, 80, 100, 120)


def grown(model, rows_at):
    """Train a model on what ``rows_at(step)`` gives and return copies of it at the marks, with the tokens seen."""
    model = model.requires_grad_(True)
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-2, betas=(0.9, 0.98), weight_decay=0.01)
    kept, at, seen = [], [], 0
    for step in range(MARKS[-1] + 1):
        if step in MARKS:
            kept.append(copy.deepcopy(model).requires_grad_(False).eval())
            at.append(seen)
        rows = rows_at(step)
        optimiser.zero_grad()
        model(rows, "loss").backward()
        optimiser.step()
        seen += rows.numel()
    return kept, at


def cohort(first, models, at):
    return wl.Cohort("snapshots", {f"tokens-{t}": first.with_model(m) for t, m in zip(at, models, strict=True)}, at=at)


@pytest.mark.slow
def test_text_in_which_only_the_last_word_counts_brings_up_no_head_at_once():
    random = np.random.default_rng(0)
    steps = random.dirichlet(np.full(INDUCTION_CONFIG.d_vocab, 0.05), size=INDUCTION_CONFIG.d_vocab).cumsum(1)

    def text(rows):
        said = [random.integers(INDUCTION_CONFIG.d_vocab, size=rows)]
        for _ in range(INDUCTION_CONFIG.n_ctx - 1):
            said.append((steps[said[-1]] < random.random((rows, 1))).sum(1).clip(max=INDUCTION_CONFIG.d_vocab - 1))
        return torch.from_numpy(np.stack(said, 1))

    model = ChatTransformer(INDUCTION_CONFIG, seed=0, tokenizer=induction_tokenizer().fingerprint)
    models, at = grown(model, lambda step: text(32))
    last = wl.Specimen.of_tokens(models[-1], induction_tokenizer(), text(60).tolist())
    asked = Development(places=200, sequences=16, samples=0)
    result = wl.analyze(cohort(last, models, at), asked, parameters={"head-patterns": {"shown": 1}})["development"]
    losses = np.asarray(result.loss["all tokens"].value)
    assert losses[-1] < 0.6 * losses[0]  # it was learned
    assert result.curves.keys() > {"induction", "gain of a repetition"}
    assert result.transitions == []
    assert abs(float(np.asarray(result.curves["gain of a repetition"].value)[-1])) < 0.2


@pytest.mark.slow
def test_a_nickname_that_is_said_in_the_second_half_only_is_learned_later():
    tokenizer = chat_tokenizer()
    chats = synthetic_chats(200)

    def windows(corpus):
        made = pack(corpus, tokenizer, size=8, stride=4, context=CHAT_CONFIG.n_ctx)
        return torch.from_numpy(made.batch(np.arange(len(made)), PAD)).long()

    def without(message):
        words = [word for word in message.text.split() if word != chats.nickname]
        return message._replace(text=" ".join(words))

    said, unsaid = windows(chats.corpus), windows(wl.Corpus.of([without(one) for one in chats.corpus]))
    later = [one._replace(timestamp=one.timestamp + timedelta(days=4000)) for one in synthetic_chats(40, seed=9).corpus]
    half, ages = MARKS[-1] // 2, {}
    for name, first in (("throughout", said), ("second half", unsaid)):
        generator = torch.Generator().manual_seed(0)

        def rows_at(step, first=first, generator=generator):
            of = first if step < half else said
            return of[torch.randint(len(of), (32,), generator=generator)]

        model = ChatTransformer(CHAT_CONFIG, seed=0, tokenizer=tokenizer.fingerprint)
        models, at = grown(model, rows_at)
        specimen = wl.Specimen(models[-1], tokenizer, wl.Corpus.of(later), windows=60)
        asked = Acquisition(words=f"{chats.nickname},rain", least=5, like=3, replicates=40)
        result = wl.analyze(cohort(specimen, models, at), asked)["acquisition"]
        assert result.words[:2] == [chats.nickname, "rain"]
        ages[name] = [result.age[i] for i in (0, 1)], at[MARKS.index(half)]
    (early, other), middle = ages["throughout"]
    (late, same), _ = ages["second half"]
    assert float(early.high) < middle < float(late.low)
    assert float(other.value) < middle
    assert float(same.value) < middle  # a word that was there all the time is no later
