"""The contract of an analysis: small named functions, each one sentence of it.

Each takes an analysis and raises `AssertionError` saying what is wrong and what to do about it. They run on the first
of a few tiny specimens the analysis accepts (`wonderland.testing.subjects`), of several models on cohorts made of them.
Results are kept while the process lives (`wonderland.testing.runs`), so that twenty checks cost about six runs.

What would fool it: the contract is form, not truth. An analysis can keep to all of it and be wrong; what it must find,
and must not, is said by its ``truths`` (`wonderland.testing.truth`); what it chooses, by its ``choices``
(`wonderland.testing.optimism`).
"""

from __future__ import annotations

import dataclasses
import json
import re
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from wonderland.errors import PluginError
from wonderland.lab.analysis import Analysis, parameters_of, result_class
from wonderland.lab.cohort import COHORTS
from wonderland.report.encode import encode, inert
from wonderland.report.schema import characters
from wonderland.testing.choosing_checks import how_it_chose, measured_elsewhere
from wonderland.testing.comparing import estimates, require, require_equal
from wonderland.testing.redaction_checks import comes_through
from wonderland.testing.runs import baseline, found, or_refusal, run
from wonderland.testing.state import most_units, state_of, unlike_before
from wonderland.testing.subjects import (
    few_members,
    hostile_subject,
    kind_of,
    members,
    planted_subject,
    small_subject,
)
from wonderland.testing.truth import Truth

__all__ = ["ANALYSIS_CHECKS", "estimates"]

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


def has_a_name_a_version_and_needs(analysis: Analysis) -> None:
    """People can call it, stored results can be told apart, and it says what it reads."""
    name = getattr(analysis, "name", None)
    require(isinstance(name, str) and _NAME.fullmatch(name), f"name must be lower-case words joined by '-': {name!r}")
    require(name != "all", "the name 'all' means every analysis there is; choose another")
    version = getattr(analysis, "version", None)
    require(type(version) is int and version > 0, f"version must be a whole number from 1: {version!r}")
    needs = getattr(analysis, "needs", None)
    require(isinstance(needs, tuple) and all(isinstance(n, str) for n in needs), f"needs must be a tuple: {needs!r}")
    kind = kind_of(analysis)
    require(not kind or kind in COHORTS, f"of must be one of {', '.join(COHORTS)}: {kind!r}")
    require((type(analysis).__doc__ or "").strip(), "the class needs a docstring: `wonderland plugins` shows its first")


def is_a_frozen_dataclass(analysis: Analysis) -> None:
    """Its fields are its parameters, and nothing can change them while it runs."""
    require(dataclasses.is_dataclass(analysis), "write it as @dataclass(frozen=True)")
    require(getattr(analysis, "__dataclass_params__").frozen, "write it as @dataclass(frozen=True)")  # noqa: B009


def explains_every_parameter(analysis: Analysis) -> None:
    """Each has a default, a help text for the command line and a value that fits into JSON."""
    for name, (_, help_text, default) in parameters_of(type(analysis)).items():
        require(default is not dataclasses.MISSING, f"the parameter {name!r} needs a default")
        require(help_text, f"the parameter {name!r} needs a help text: {name}: Annotated[type, 'what it does'] = …")
        value = getattr(analysis, name)
        try:
            json.dumps(value, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise AssertionError(f"the parameter {name!r} = {value!r} does not fit into JSON: {error}") from error


def says_which_result_it_returns(analysis: Analysis) -> None:
    """A stored result is read back as the class that ``run`` is annotated with."""
    try:
        wanted = result_class(type(analysis))
    except PluginError as error:
        raise AssertionError(str(error)) from error
    require(wanted.__dataclass_params__.frozen, f"{wanted.__name__} must be a @dataclass(frozen=True)")  # type: ignore[attr-defined]
    result, _ = found(analysis)
    require(type(result) is wanted, f"run is annotated with {wanted.__name__} and returned {type(result).__name__}")


def reads_only_what_it_declares(analysis: Analysis) -> None:
    """It works alone: with nothing but its needs at hand."""
    found(analysis)  # `analyze` hands out nothing else, and `found` says so


def gives_the_same_numbers_again(analysis: Analysis) -> None:
    """The same parameters give the same numbers: every random choice takes a seed."""
    result, specimen = found(analysis)
    require_equal(result, run(analysis, specimen), "a second run gives other numbers; pass a seed to what is random")


def leaves_everything_as_it_was(analysis: Analysis) -> None:
    """Model, evidence, gradients and the global random generators are the same afterwards."""
    _, subject = found(analysis)
    with unlike_before(subject):
        before = state_of(subject)
        run(analysis, subject)
        changed = [name for name, value in state_of(subject).items() if value != before[name]]
    require(not changed, f"it changed {', '.join(changed)}")


def numbers_carry_their_uncertainty(analysis: Analysis) -> None:
    """Every estimate has n, a unit and low ≤ value ≤ high, and a chance level that fits; n counts what there is."""
    result, _ = found(analysis)
    for of, subject in (found(analysis), (or_refusal(analysis, planted_subject(analysis)), planted_subject(analysis))):
        most = most_units(analysis, subject)
        for where, one in [] if of is None else estimates(of):
            there, units = most.get(one.resampled_over, one.n), one.resampled_over
            require(
                one.n <= there, f"{where}: n is {one.n:,} {units}, and there are {there:,}; count what you resample"
            )
    counted = [np.asarray(one.value, dtype=float) for _, one in estimates(result) if one.n]
    known = any(np.isfinite(value).any() for value in counted) or not any(value.size for value in counted)
    require(known, "n says that something was measured, and no estimate holds a number; raise NotEnoughData, or n=0")
    for where, estimate in estimates(result):
        infinite = [name for name in ("value", "low", "high") if np.isinf(np.asarray(getattr(estimate, name))).any()]
        require(not infinite, f"{where}: {' and '.join(infinite)} is infinite; what cannot be measured is NaN")
        require(isinstance(estimate.n, int) and estimate.n >= 0, f"{where}: n is {estimate.n!r}, not a count")
        require(estimate.unit, f"{where} has no unit; a pure ratio has the unit '1'")
        value, low, high = (np.asarray(part, dtype=float) for part in (estimate.value, estimate.low, estimate.high))
        require(value.shape == low.shape == high.shape, f"{where}: value, low and high differ in shape")
        known = ~(np.isnan(value) | np.isnan(low) | np.isnan(high))
        slack = 1e-9 * (1 + np.abs(value[known]))
        inside = (low[known] <= value[known] + slack) & (value[known] <= high[known] + slack)
        require(inside.all(), f"{where}: {np.sum(~inside)} values lie outside of their own interval")
        require(np.ndim(estimate.chance) == 0 or np.shape(estimate.chance) == value.shape, f"{where}: chance's shape")


def comes_back_from_disk_as_it_was(analysis: Analysis) -> None:
    """What is saved and loaded is equal, field by field."""
    result, _ = found(analysis)
    with tempfile.TemporaryDirectory() as folder:
        result.save(Path(folder))
        again = type(result).load(Path(folder))
    require_equal(result, again, "saved and loaded, it differs")


def says_what_it_found_in_one_line(analysis: Analysis) -> None:
    """The first line of the summary is the claim."""
    result, _ = found(analysis)
    lines = result.summary().splitlines()
    require(lines and lines[0].strip(), "the summary is empty")
    require(not lines[0].endswith("no summary"), "write a summary: def summary(self) -> str")


def views_fit_their_renderers(analysis: Analysis) -> None:
    """The data of each view are what its renderer reads; their keys and sizes are checked where a view is made."""
    result, _ = found(analysis)
    for view in result.views():
        encode(view.data)


def views_explain_themselves(analysis: Analysis) -> None:
    """Each has a title, a caption, how to read it and when it misleads."""
    result, _ = found(analysis)
    for view in result.views():
        missing = [
            key for key in ("title", "caption", "how_to_read", "misleads") if not characters(getattr(view, key)).strip()
        ]
        require(not missing, f"the view {view.id!r} has no {' and no '.join(missing)}")


def view_ids_are_unique(analysis: Analysis) -> None:
    """A permalink leads to one view."""
    result, _ = found(analysis)
    ids = [view.id for view in result.views()]
    require(len(ids) == len(set(ids)), f"two views share an id: {sorted(ids)}")


def findings_point_to_views(analysis: Analysis) -> None:
    """What the first page says is shown by a view that exists."""
    result, _ = found(analysis)
    ids = {view.id for view in result.views()}
    for finding in result.findings():
        require(finding.sentence.strip(), "a finding has no text")
        require(not finding.view or finding.view in ids, f"a finding points to {finding.view!r}; views: {sorted(ids)}")
        require(finding.trust in ("solid", "weak", "anecdotal"), f"trust is {finding.trust!r}")


def draws_a_figure(analysis: Analysis) -> None:
    """``result.figure()`` is a matplotlib figure, if there is a view to draw."""
    result, _ = found(analysis)
    if result.views():
        require(result.figure().axes, "the figure is empty")


def the_card_is_by_layer_and_head(analysis: Analysis) -> None:
    """What a selected head's card shows is an estimate for each head."""
    result, subject = found(analysis)
    cfg = members(subject)[0].cfg
    shape = (cfg.n_layers, cfg.n_heads)
    for label, estimate in result.card().items():
        require(np.shape(estimate.value) == shape, f"card {label!r} is {np.shape(estimate.value)}, not {shape}")


def the_untrained_baseline_can_be_asked(analysis: Analysis) -> None:
    """The control is the same analysis of the same model before training."""
    _, subject = found(analysis)
    result = or_refusal(analysis, baseline(subject))
    require(result is None or result.summary().strip(), "it says nothing about the untrained baseline")


def too_little_is_refused_or_marked(analysis: Analysis) -> None:
    """On one short conversation it raises `NotEnoughData`, or calls nothing solid that rests on its numbers."""
    result = or_refusal(analysis, small_subject(analysis))
    # An analysis that needs nothing reads the weights alone: for it there is no such thing as too little text.
    solid = (
        [] if result is None or not analysis.needs else [f.sentence for f in result.findings() if f.trust == "solid"]
    )
    require(not solid, f"on a single conversation it calls this solid: {solid}")


def two_models_are_refused_or_marked(analysis: Analysis) -> None:
    """Of seeds or snapshots: with two of them it raises `NotEnoughData`, or calls nothing solid."""
    for subject in few_members(analysis):
        result = or_refusal(analysis, subject())
        solid = [] if result is None else [f.sentence for f in result.findings() if f.trust == "solid"]
        require(not solid, f"with two models it calls this solid: {solid}")


def survives_hostile_texts(analysis: Analysis) -> None:
    """Messages that hold markup, control characters or our own special tokens end up as text."""
    result = or_refusal(analysis, hostile_subject(analysis))
    if result is None:
        return
    for view in result.views():
        require("<" not in inert(encode(view.plain())), f"markup in {view.id!r}")
    require("<img" not in result._repr_html_(), "the summary lets markup through")


def a_redacted_report_tells_no_rare_word(analysis: Analysis) -> None:
    """A word that two contacts used is nowhere in the redacted report: what comes of messages is marked as quoted."""
    subject = planted_subject(analysis)
    result = or_refusal(analysis, subject)
    text = "" if result is None else comes_through(analysis.name, result, subject)
    hint = "mark what comes of messages, Quoted(token) or say('… {t} …', t=token): a plain str counts as yours"
    require(not text, f"a word of two people's messages stands in the redacted report, in {text[:160]!r}; {hint}")


def streams_to_the_same_numbers(analysis: Analysis) -> None:
    """Whether activations are held in memory or computed again is not to be seen in the result."""
    result, subject = found(analysis)
    before = [one.hold_bytes for one in members(subject)]
    for one in members(subject):
        one.hold_bytes = 0
    try:
        again = run(analysis, subject)
    finally:
        for one, bytes_ in zip(members(subject), before, strict=True):
            one.hold_bytes = bytes_
    require_equal(result, again, "with hold_bytes=0 it gives other numbers; walk over parts() once more, keep nothing")


def offers_truths_of_both_kinds(analysis: Analysis) -> None:
    """If it says what it must find, it also says where it must find nothing."""
    offered = getattr(type(analysis), "truths", None)
    if offered is None:
        return
    truths = list(offered())
    require(all(isinstance(truth, Truth) for truth in truths), "truths() must return Truth objects")
    require(
        {truth.nothing for truth in truths} == {True, False}, "truths() needs one with nothing=True and one without"
    )


def says_how_what_it_names_was_chosen(analysis: Analysis) -> None:
    """If it names a head, or another part, it has ``choices()`` or says in one sentence, ``no_choices``, why not."""
    how_it_chose(analysis, found)


def what_it_chooses_is_measured_elsewhere(analysis: Analysis) -> None:
    """If it says what it chooses, then among noise that scores nothing on the half it was not chosen on."""
    measured_elsewhere(analysis)


ANALYSIS_CHECKS: tuple[Callable[[Analysis], None], ...] = (
    has_a_name_a_version_and_needs,
    is_a_frozen_dataclass,
    explains_every_parameter,
    says_which_result_it_returns,
    reads_only_what_it_declares,
    gives_the_same_numbers_again,
    leaves_everything_as_it_was,
    numbers_carry_their_uncertainty,
    comes_back_from_disk_as_it_was,
    says_what_it_found_in_one_line,
    views_fit_their_renderers,
    views_explain_themselves,
    view_ids_are_unique,
    findings_point_to_views,
    draws_a_figure,
    the_card_is_by_layer_and_head,
    the_untrained_baseline_can_be_asked,
    too_little_is_refused_or_marked,
    two_models_are_refused_or_marked,
    survives_hostile_texts,
    a_redacted_report_tells_no_rare_word,
    streams_to_the_same_numbers,
    offers_truths_of_both_kinds,
    says_how_what_it_names_was_chosen,
    what_it_chooses_is_measured_elsewhere,
)
"""The contract of an analysis, a sentence each."""
