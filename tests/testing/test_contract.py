"""Every source and analysis of ours keeps to the contract that plugins are held to; and a broken one is seen."""

import random
import shutil
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Annotated, ClassVar

import numpy as np
import pytest
import torch

import wonderland as wl
from wonderland import plugins
from wonderland.errors import UsageError
from wonderland.lab.choosing import with_used
from wonderland.lab.contrast import ContrastBatch
from wonderland.lab.interventions import Site
from wonderland.lab.patching import patch
from wonderland.testing import check_analysis, check_contrast, check_source, parametrize_with_checks, runs
from wonderland.testing.analysis_checks import ANALYSIS_CHECKS, what_it_chooses_is_measured_elsewhere
from wonderland.testing.handwritten import handwritten_model, handwritten_tokenizer
from wonderland.testing.optimism import Choice
from wonderland.testing.source_checks import SOURCE_CHECKS
from wonderland.testing.truth import handwritten_specimen
from wonderland_exports.testing import SAMPLES
from wonderland_imessage.testing import make_database

pytest_plugins = ["wonderland.testing.fixtures"]

SMALLER = {
    "causal-scrubbing": {"draws": 2, "null": 3},
    "circuit-graph": {"circuits": 20, "subsets": 2},
    "composition": {"rotations": 20},
    "edge-attribution": {"steps": 2},
    "head-clusters": {"most": 3, "clouds": 5},
    "ov-circuits": {"rotations": 20, "directions": 1},
    "speaker-tracking": {"places": 200},
}
"""What is asked of every analysis is asked of the same computation with fewer draws."""
# What runs on request or is of several models needs more than these specimens hold; its own plugin tests it.
ANALYSES = [
    cls(**SMALLER.get(name, {}))
    for name, cls in plugins.load().analyses.items()
    if not getattr(cls, "on_request", False) and not getattr(cls, "of", "")
]


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True, scope="module")
def _used_as_here():
    """What an analysis uses is what is checked here, so that it is run once for both."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runs, "with_used", partial(with_used, parameters=SMALLER))
        yield


DEAR = {
    *("causal-scrubbing", "circuit-graph", "edge-attribution", "head-ablation", "head-taxonomy", "speaker-tracking"),
    *("head-clusters", "neurons", "ov-circuits", "path-patching", "residual-pca", "token-loss"),
}
"""Analyses that take longest; others of their plugins are held to the contract in the default run."""


def _once(case):
    """What takes long is asked in the slow run; so is how they choose, where their own tests ask it, too."""
    thing, check = case.values
    own = type(thing).__module__.startswith("wonderland_circuits") or thing.name == "head-patterns"
    again = thing.name in DEAR or (own and check is what_it_chooses_is_measured_elsewhere)
    return pytest.param(*case.values, id=case.id, marks=[*case.marks, *([pytest.mark.slow] if again else [])])


@pytest.mark.parametrize(("thing", "check"), [_once(case) for case in parametrize_with_checks(ANALYSES).args[1]])
def test_our_analyses_keep_to_the_contract(thing, check):
    check(thing)


@pytest.fixture(scope="module")
def samples(tmp_path_factory) -> dict[str, Path]:
    """A small store for each of our sources."""
    folder = tmp_path_factory.mktemp("samples")
    (folder / "chat.jsonl").write_text(
        '{"id": "1", "sender": "Ada", "is_from_me": false, "timestamp": "2024-05-01T12:00:00Z", "text": "hello"}\n'
        "no JSON\n"
        '{"id": "2", "sender": "me", "is_from_me": true, "timestamp": "2024-05-01T12:01:00Z", "text": "hi"}\n'
    )
    (folder / "chat.csv").write_text(
        "id,sender,is_from_me,timestamp,text\n1,Ada,0,2024-05-01T12:00:00Z,hello\n2,me,1,2024-05-01T12:01:00Z,hi\n"
    )
    make_database(folder / "chat.db", 120, people=6)
    made = {"jsonl": folder / "chat.jsonl", "csv": folder / "chat.csv", "imessage": folder / "chat.db"}
    for name, make in SAMPLES.items():
        (folder / name).mkdir()
        made[name] = make(folder / name)
    return made


SOURCES = [name for name, source in plugins.load().sources.items() if not getattr(source, "refuses", False)]
"""All but those that only recognise what cannot be read, and say what to read instead."""


def test_there_is_a_sample_for_each_of_our_sources(samples):
    assert samples.keys() == {*SOURCES}


@pytest.mark.parametrize("check", SOURCE_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", SOURCES)
def test_our_sources_keep_to_the_contract(samples, name, check):
    check((plugins.load().sources[name], samples[name]))


@dataclass(frozen=True)
class MeanResult(wl.Result):
    mean: wl.Estimate

    def summary(self):
        return f"Mean {self.mean.value.mean():.2f}."

    def views(self):
        return [wl.View.of_heads("mean", "Mean", self.card(), how_to_read="Dark is much.", misleads="If few.")]

    def card(self):
        return {"Mean": self.mean}


@dataclass(frozen=True)
class Mean:
    """What is the mean of each head's pattern?"""

    name: ClassVar[str] = "mean"
    version: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = ("pattern",)
    power: Annotated[float, "exponent of the pattern"] = 1.0

    def run(self, specimen: wl.Specimen) -> MeanResult:
        from wonderland.lab.stats import cluster_bootstrap

        sums = np.concatenate([(p["pattern"] ** self.power).mean((-1, -2)).movedim(1, 0) for p in specimen.batches()])
        return MeanResult(cluster_bootstrap(sums, np.ones(len(sums)), specimen.evidence.conversation))


def test_a_well_made_analysis_passes():
    check_analysis(Mean)
    check_analysis(Mean(power=2.0))


def result_with(method):
    """An analysis like `Mean` that does something else in ``run``."""

    @dataclass(frozen=True)
    class Broken(Mean):
        """It breaks one sentence of the contract."""

        def run(self, specimen: wl.Specimen) -> MeanResult:
            return method(super().run(specimen), specimen)

    return Broken


def spoil(result, **values):
    return replace(result, mean=replace(result.mean, **values))


def view(result, **values):
    class Other(MeanResult):
        def views(self):
            return [replace(one, **values) for one in super().views()]

    Other.__name__ = "MeanResult"
    return Other(result.mean)


BROKEN = {
    "gives_the_same_numbers_again": result_with(lambda r, s: spoil(r, value=r.mean.value + np.random.rand() * 1e-3)),
    "leaves_everything_as_it_was": result_with(lambda r, s: (np.random.rand(), r)[1]),
    "leaves everything: numpy's seed": result_with(lambda r, s: (np.random.seed(0), r)[1]),
    "leaves everything: torch's seed": result_with(lambda r, s: (torch.manual_seed(0), r)[1]),
    "leaves everything: Python's seed": result_with(lambda r, s: (random.seed(0), r)[1]),
    "leaves everything: training mode": result_with(lambda r, s: (s.model.train(), r)[1]),
    "leaves everything: gradients off": result_with(lambda r, s: (torch.set_grad_enabled(False), r)[1]),
    "leaves everything: a hook": result_with(lambda r, s: (s.model.register_forward_hook(lambda *_: None), r)[1]),
    "numbers: infinite": result_with(lambda r, s: spoil(r, high=r.mean.high + np.inf)),
    "numbers: none": result_with(lambda r, s: replace(r, mean=replace(wl.Estimate.missing(r.mean.shape), n=40))),
    "numbers: more units than there are": result_with(lambda r, s: spoil(r, n=10**6)),
    "numbers: windows as conversations": result_with(lambda r, s: spoil(r, n=len(s.evidence))),
    "has_a_name_a_version_and_needs": type("Yes", (Mean,), {"version": True, "__doc__": "It is of no number."}),
    "reads_only_what_it_declares": result_with(lambda r, s: (s.contrasts(), r)[1]),
    "numbers_carry_their_uncertainty": result_with(lambda r, s: spoil(r, low=r.mean.high + 1)),
    "the_card_is_by_layer_and_head": result_with(lambda r, s: replace(r, mean=r.mean[0:1])),
}


@pytest.mark.parametrize(("sentence", "broken"), BROKEN.items(), ids=BROKEN)
def test_a_broken_sentence_is_seen(sentence, broken):
    names = {"leaves everything": "leaves_everything_as_it_was", "numbers": "numbers_carry_their_uncertainty"}
    part = sentence.split(":")[0]
    (check,) = (check for check in ANALYSIS_CHECKS if check.__name__ == names.get(part, part))
    check(Mean())
    try:
        with pytest.raises(AssertionError):
            check(broken())
    finally:
        torch.set_grad_enabled(True)
        for module in handwritten_specimen().model.modules():
            module._forward_hooks.clear()


def test_weights_that_an_analysis_changes_are_seen():
    def change(result, specimen):
        specimen.model.embed.W_E[0, 0] += 1
        return result

    broken = result_with(change)()
    (check,) = (check for check in ANALYSIS_CHECKS if check.__name__ == "leaves_everything_as_it_was")
    try:
        with pytest.raises(AssertionError, match="the model's weights"):
            check(broken)
    finally:
        handwritten_specimen.cache_clear()


@dataclass(frozen=True)
class BestResult(wl.Result):
    best: int
    score: float

    def summary(self):
        return f"Head {self.best} is the best."


def best_of(choose, measure):
    """An analysis that takes the best of eight heads by one half of the contrasts and says what it is worth on one."""

    @dataclass(frozen=True)
    class Best:
        """Which head brings back most?"""

        name: ClassVar[str] = "best"
        version: ClassVar[int] = 1
        needs: ClassVar[tuple[str, ...]] = ("contrasts",)

        @classmethod
        def choices(cls):
            return [Choice("the best head", lambda result: (result.best, result.score))]

        def run(self, specimen: wl.Specimen) -> BestResult:
            pairs = specimen.contrasts()
            cells = [[Site("z", *head)] for head in np.ndindex(specimen.cfg.n_layers, specimen.cfg.n_heads)]
            worth = {
                half: patch(specimen.model, ContrastBatch.of(getattr(pairs, half), specimen.tokenizer), cells).pooled()
                for half in ("explore", "confirm")
            }
            best = int(np.argmax(sum(np.asarray(worth[half].value) for half in choose)))
            return BestResult(best, float(worth[measure].value[best]))

    return Best()


def test_what_is_chosen_and_measured_on_the_same_half_is_seen():
    what_it_chooses_is_measured_elsewhere(best_of(["explore"], "confirm"))
    with pytest.raises(AssertionError, match=r"best head: .*had a say in the choice; .* keeps [0-9]+% of its"):
        what_it_chooses_is_measured_elsewhere(best_of(["confirm"], "confirm"))
    with pytest.raises(AssertionError, match="had a say in the choice"):
        what_it_chooses_is_measured_elsewhere(best_of(["explore", "confirm"], "confirm"))
    with pytest.raises(AssertionError, match="keeps 100% of its score elsewhere; nothing is there"):
        what_it_chooses_is_measured_elsewhere(best_of(["explore"], "explore"))


def test_a_parameter_without_help_is_seen():
    @dataclass(frozen=True)
    class Silent(Mean):
        """It has a parameter that nobody understands."""

        secret: int = 3

    with pytest.raises(AssertionError, match="explains_every_parameter: the parameter 'secret' needs a help text"):
        check_analysis(Silent)


def log(**methods):
    """A source that reads lines, with something about it changed."""

    class Lines:
        """Lines of text."""

        name, version = "lines", 1

        def __init__(self, path):
            self.path = path

        @classmethod
        def sniff(cls, path):
            return 0.95 * (path.suffix == ".lines")

        def count(self):
            return len(self.read())

        def rows(self):
            for i, line in enumerate(self.read()):
                yield wl.Message(str(i), "all", "me", True, None, line)

        def read(self):
            from wonderland.errors import InputError

            try:
                return self.path.read_text().splitlines()
            except (OSError, UnicodeError) as error:
                raise InputError(str(error)) from error

        def facts(self):
            return {"Left open": {"no time": self.count()}}

    for name, method in methods.items():
        setattr(Lines, name, method)
    return Lines


@pytest.fixture
def lines(tmp_path):
    (tmp_path / "a.lines").write_text("one\ntwo\nthree\n")
    return tmp_path / "a.lines"


def test_a_well_made_source_passes_and_its_sample_is_not_touched(lines):
    check_source(log(), lines)
    assert lines.read_text() == "one\ntwo\nthree\n"


@pytest.mark.parametrize(
    ("sentence", "broken"),
    {
        "every_row_is_accounted_for": log(count=lambda self: 4),
        "sniff_never_raises": log(sniff=classmethod(lambda cls, path: path.read_text() and 1.0)),
        "knows_its_own_sample_best": log(sniff=classmethod(lambda cls, path: 0.0)),
        "knows_its_own_sample_best: all": log(sniff=classmethod(lambda cls, path: 1.0)),
        "has_a_name_and_a_version": log(version=True),
        "ids_are_unique": log(rows=lambda self: iter([wl.Message("1", "t", "me", True, None, "x")] * 3)),
        "times_say_their_zone": log(facts=lambda self: {}),
        "rows_are_messages_or_skipped": log(rows=lambda self: iter(["one", "two", "three"])),
        "a_missing_file_is_an_error_in_words": log(read=lambda self: self.path.read_text().splitlines()),
        "damage_is_said": log(read=lambda self: self.path.read_text().splitlines()),
        "writes_nothing": log(count=lambda self: (self.path.with_suffix(".lock").touch(), len(self.read()))[1]),
        "explains_every_option": log(__init__=lambda self, path, colour="red": setattr(self, "path", path)),
    }.items(),
)
def test_a_broken_sentence_of_a_source_is_seen(sentence, broken, lines):
    (check,) = (check for check in SOURCE_CHECKS if check.__name__ == sentence.split(":")[0])
    with pytest.raises(AssertionError):
        check((broken, Path(shutil.copy(lines, lines.with_name("b.lines")))))


def test_an_unfair_contrast_is_named_with_all_its_problems():
    with pytest.raises(AssertionError, match="unequal lengths"):
        check_contrast(wl.Contrast("<|me|> a", "<|them|> a b", " c", " d"), handwritten_tokenizer())
    check_contrast(wl.Contrast("<|me|> e", "<|them|> e", " a", " b"), handwritten_tokenizer())
    with pytest.raises(AssertionError, match="gap"):
        check_contrast(wl.Contrast("<|me|> e", "<|them|> e", " a", " b"), handwritten_tokenizer(), handwritten_model())


def test_an_exception_needs_a_reason_and_a_check_that_exists():
    with pytest.raises(UsageError, match="no reason"):
        parametrize_with_checks([Mean], {"draws_a_figure": " "})
    with pytest.raises(UsageError, match="no check 'draws'"):
        parametrize_with_checks([Mean], {"draws": "it cannot"})


def test_the_fixtures_are_what_they_say(handwritten_specimen, hostile_specimen, small_specimen, synthetic_chats):
    assert handwritten_specimen.cfg.n_heads == 3
    texts = hostile_specimen.tokenizer.decode(hostile_specimen.evidence.tokens[hostile_specimen.evidence.mask].tolist())
    assert "</script>" in texts
    assert len(small_specimen.evidence) == 1
    assert synthetic_chats.nickname == "bubs"
