"""What is chosen on one half is measured on the other: among noise, the best of it is worth nothing elsewhere."""

import dataclasses

import numpy as np
import pytest

import wonderland as wl
from wonderland.lab.contrast import ContrastBatch, gaps, lint
from wonderland.testing.handwritten import (
    HEADS,
    handwritten_speaker_corpus,
    handwritten_speaker_model,
    handwritten_tokenizer,
)
from wonderland.testing.optimism import noise_contrasts, noise_specimen, optimism
from wonderland.tokenizer import ME, THEM
from wonderland_circuits.activation_patching import ActivationPatching
from wonderland_circuits.causal_scrubbing import CausalScrubbing, _halves
from wonderland_circuits.circuit_graph import CircuitGraph
from wonderland_circuits.circuit_sufficiency import CircuitSufficiency
from wonderland_circuits.edge_attribution import EdgeAttribution
from wonderland_circuits.path_patching import PathPatching
from wonderland_circuits.speaker_tracking import SpeakerTracking

CHOOSING = [
    ActivationPatching,
    *(
        pytest.param(one, marks=pytest.mark.slow)
        for one in (CircuitSufficiency, PathPatching, CircuitGraph, EdgeAttribution, SpeakerTracking)
    ),
]


@pytest.mark.parametrize("analysis", CHOOSING, ids=lambda cls: cls.name)
def test_the_best_of_noise_is_worth_nothing_on_the_other_half(analysis):
    (choice,) = analysis.choices()
    found = optimism(analysis, choice, replicates=3 if analysis is SpeakerTracking else 2)  # it chooses nothing in one
    assert found.faults == []
    assert found.moved == 0
    assert abs(found.share) < 0.1
    there = np.isfinite(found.alike)
    assert (found.alike[there] > 10 * np.abs(found.apart[there])).all()


def test_the_noise_is_noise_and_its_mirror_image_the_opposite():
    """Every head's effect on a half, and on its mirror image, is the same but for the sign; the gap hardly changes."""
    effects, sizes = [], []
    for number in (1, -1):
        specimen = noise_specimen(2, number)
        pairs = specimen.contrasts().confirm
        assert not any(lint(pairs, specimen.tokenizer, specimen.model))
        batch = ContrastBatch.of(pairs, specimen.tokenizer)
        sizes.append(gaps(specimen.model, batch))
        patched = wl.analyze(specimen, ActivationPatching(contrasts=pairs, shown=0))["activation-patching"]
        effects.append(patched.per_pair["denoising"] * sizes[-1][:, None, None])
    np.testing.assert_allclose(effects[0], -effects[1], atol=1e-4)
    assert np.abs(effects[0]).mean() > 0.1
    assert np.stack(sizes).min() > 10
    assert not {c.conversation for c in noise_contrasts(1)} & {c.conversation for c in noise_contrasts(2)}


@pytest.fixture(scope="module")
def halves():
    """A specimen, and the windows its hypothesis is found on and tested on."""
    specimen = wl.Specimen(handwritten_speaker_model(), handwritten_tokenizer(), handwritten_speaker_corpus())
    analysis = CausalScrubbing()
    return specimen, *_halves(specimen.evidence, analysis.windows, analysis.seed)


def with_one_speaker(specimen, rows):
    """The same specimen, but in some windows one person alone speaks: who speaks then explains nothing."""
    tokens = specimen.evidence.tokens.copy()
    tokens[rows] = np.where(tokens[rows] == THEM, ME, tokens[rows])
    other = wl.Specimen(specimen.model, specimen.tokenizer, handwritten_speaker_corpus())
    other.evidence = dataclasses.replace(specimen.evidence, tokens=tokens)
    return other


def test_a_hypothesis_is_found_on_one_half_and_the_other_has_no_say(halves):
    specimen, explore, confirm = halves
    conversation = specimen.evidence.conversation
    assert not set(conversation[explore]) & set(conversation[confirm])
    name = "L{}H{}".format(*HEADS["speaker"])
    analysis = CausalScrubbing(null=1, draws=1)

    def found(rows):
        result = wl.analyze(with_one_speaker(specimen, rows), analysis)["causal-scrubbing"]
        return result.hypothesis[name], result.explained["speaker"].value[HEADS["speaker"]]

    hypothesis, explained = found(confirm)
    assert hypothesis == "speaker"
    assert np.isnan(explained)  # and measured it is on the other half, where there is nothing to explain
    hypothesis, explained = found(explore)
    assert hypothesis == "nothing"
    assert explained == pytest.approx(1, abs=1e-6)
