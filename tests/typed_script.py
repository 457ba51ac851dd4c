"""What an editor knows of a user's script: read by mypy in `test_house`, never run."""

from typing import assert_type

from torch import Tensor

import wonderland as wl
from wonderland_triage.head_patterns import HeadPatterns, HeadPatternsResult
from wonderland_triage.induction import Induction
from wonderland_triage.induction_result import InductionResult


def script(
    specimen: wl.Specimen,
    model: wl.ChatTransformer,
    cohort: wl.Cohort,
    corpus: wl.Corpus,
    tokenizer: wl.SpeakerTokenizer,
) -> None:
    """Ask for types by the way a notebook would."""
    assert_type(specimen.run(Induction()), InductionResult)
    assert_type(specimen.run(HeadPatterns()), HeadPatternsResult)
    assert_type(wl.analyze(specimen, Induction()), wl.Results)
    assert_type(wl.ChatTransformer.train(corpus, tokenizer), wl.ChatTransformer)
    assert_type(model.W_Q, Tensor)
    assert_type(model.cfg.n_heads, int)
    assert_type(cohort.members["0"], wl.Specimen)
