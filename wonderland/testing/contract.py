"""The contract of plugins as tests: one call, or one decorator that makes a test of every sentence of it.

In a plugin's tests::

    from wonderland.testing import parametrize_with_checks
    from my_plugin import Vowels

    @parametrize_with_checks([Vowels])
    def test_the_contract(thing, check):
        check(thing)

What is checked: an analysis, as its class or as an instance with smaller parameters; a source, as the pair of its
class and the path of a sample; a contrast through `check_contrast`. The sentences are the functions of
`wonderland.testing.analysis_checks` and `wonderland.testing.source_checks`. A sentence that does not fit is excepted by
name with a reason, and an exception that is no longer needed fails.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wonderland.errors import UsageError
from wonderland.lab.contrast import Contrast
from wonderland.testing.analysis_checks import ANALYSIS_CHECKS
from wonderland.testing.source_checks import SOURCE_CHECKS

if TYPE_CHECKING:
    from wonderland.model.chat_transformer import ChatTransformer
    from wonderland.tokenizer import SpeakerTokenizer

__all__ = ["check_analysis", "check_contrast", "check_source", "parametrize_with_checks"]

Check = Callable[[Any], None]


def check_analysis(analysis: Any) -> None:
    """Raise `AssertionError` naming the first sentence of the contract that an analysis breaks.

    Args:
        analysis: Its class, or an instance with parameters that make it quick.
    """
    for check in ANALYSIS_CHECKS:
        _named(check, _instance(analysis))


def check_source(source: type[Any], sample: str | Path) -> None:
    """Raise `AssertionError` naming the first sentence of the contract that a source breaks.

    Args:
        source: Its class.
        sample: A small store that it reads: a file or a folder. It is copied before anything is damaged.
    """
    for check in SOURCE_CHECKS:
        _named(check, (source, Path(sample)))


def check_contrast(contrast: Contrast, tokenizer: SpeakerTokenizer, model: ChatTransformer | None = None) -> None:
    """Raise `AssertionError` with everything that makes a contrast an unfair question.

    Args:
        contrast: The contrast.
        tokenizer: The tokenizer its prompts are read with.
        model: Also asks whether this model tells the two prompts apart.
    """
    problems = contrast.problems(tokenizer, model)
    if problems:
        raise AssertionError("; ".join(map(str, problems)))


def parametrize_with_checks(things: Iterable[Any], expected_failures: Mapping[str, str] | None = None) -> Any:
    """Return a decorator that gives a test ``(thing, check)`` every check of every thing.

    Args:
        things: Analyses, and pairs (source, path of a sample).
        expected_failures: Reasons by name of the check, or by ``"name of the thing: name of the check"``.

    Raises:
        UsageError: An exception has no reason or names no check.
    """
    import pytest

    left, cases = dict(expected_failures or {}), []
    for name, reason in left.items():
        if not reason.strip():
            raise UsageError(f"The exception {name!r} has no reason.", hint="Write why the check does not fit.")
    used = set()
    for thing in things:
        subject, checks = (thing, SOURCE_CHECKS) if isinstance(thing, tuple) else (_instance(thing), ANALYSIS_CHECKS)
        name = getattr(thing[0] if isinstance(thing, tuple) else thing, "name", repr(thing))
        for check in checks:
            keys = [key for key in (check.__name__, f"{name}: {check.__name__}") if key in left]
            used.update(keys)
            marks = [pytest.mark.xfail(reason=left[key], raises=AssertionError, strict=True) for key in keys]
            cases.append(pytest.param(subject, check, id=f"{name}: {check.__name__}", marks=marks))
    if unknown := sorted(left.keys() - used):
        raise UsageError(
            f"There is no check {unknown[0]!r} to except.",
            hint=f"Checks: {', '.join(check.__name__ for check in (*ANALYSIS_CHECKS, *SOURCE_CHECKS))}.",
        )
    return pytest.mark.parametrize(("thing", "check"), cases)


def _instance(analysis: Any) -> Any:
    return analysis() if isinstance(analysis, type) else analysis


def _named(check: Check, subject: Any) -> None:
    try:
        check(subject)
    except AssertionError as error:
        raise AssertionError(f"{check.__name__}: {error}") from error
