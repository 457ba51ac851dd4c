"""A file with the model in it is written only if an audit of this very model lets it be, or somebody was asked."""

from dataclasses import dataclass, field

import pytest

from wonderland.errors import CheckFailed
from wonderland.report.sharing import NO_AUDIT, PUBLIC, Sharing


@dataclass
class Audited:
    """What is known of an audit."""

    model: str = "this"
    sentence: str = "These tests drew out no text beyond chance."
    refusals: list[str] = field(default_factory=list)


def test_no_audit_is_said_and_refuses():
    for results in (None, {}, {"head-ablation": object()}):
        found = Sharing.of(results, "this")
        assert found.sentence == NO_AUDIT
        with pytest.raises(CheckFailed, match="No audit was run") as error:
            found.let_out()
        assert error.value.exit_code == 1
        assert "wonderland audit" in error.value.hint
        assert "--i-asked-them" in error.value.hint
        assert 'wl.analyze(specimen, "memorisation")' in str(error.value)
        assert "asked=True" in str(error.value)
        assert "--" not in str(error.value)


def test_an_audit_that_refuses_nothing_lets_it_out_and_promises_nothing():
    found = Sharing.of({"memorisation": Audited()}, "this")
    assert found.sentence == Audited().sentence
    assert "does not show that it gives nothing away" in found.let_out()


def test_what_to_type_after_a_refusal_is_of_this_audit():
    """A larger one, where this one only examined too little; another training, where it found something."""

    @dataclass
    class Short(Audited):
        larger: str = "wonderland audit --training 0"
        at_a_glance: tuple[str, ...] = ("a number",)

    for larger, typed in (("wonderland audit --training 0", "--training 0"), ("", "wonderland filter --also scrub")):
        with pytest.raises(CheckFailed) as error:
            Sharing.of({"memorisation": Short(refusals=["Too little."], larger=larger)}, "this").let_out()
        assert typed in error.value.hint
        assert "Run `wonderland audit` for" not in error.value.hint
        assert "--i-asked-them" in error.value.hint


def test_an_audit_that_refuses_is_overridden_only_by_those_who_were_asked():
    found = Sharing.of({"memorisation": Audited(refusals=["It completes messages."])}, "this")
    with pytest.raises(CheckFailed, match="It completes messages"):
        found.let_out()
    told = found.let_out(asked=True)
    assert "It completes messages." in told
    assert "were asked" in told


def test_an_audit_of_other_weights_is_none():
    found = Sharing.of({"memorisation": Audited(model="that")}, "this")
    assert "other weights" in found.sentence
    with pytest.raises(CheckFailed, match="other weights"):
        found.let_out()


def test_what_is_public_may_always_be_shared():
    assert Sharing.of(None, "this", public=True).let_out() == PUBLIC
    assert Sharing.of({"memorisation": Audited(refusals=["no"])}, "this", public=True).let_out() == PUBLIC
