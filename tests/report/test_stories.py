"""The first page's stories: chosen by rules, whatever was found, and told from what is left of a redacted page."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import sample
import sample_views

from wonderland.components import Head
from wonderland.estimate import Estimate
from wonderland.report.findings import Check, Finding, judged
from wonderland.report.page import Page
from wonderland.report.page_data import page_data
from wonderland.report.stories import MOST, headline, roles_of, stories
from wonderland.views import Conversations, Key, Measure, Panel, Panels, Role, Shaded, View, Wording


def one(value, low, high, unit="share brought back", chance=0.0, n=30):
    return Estimate(
        np.float64(value), np.float64(low), np.float64(high), n=n, unit=unit, resampled_over="pairs", chance=chance
    )


def effect(text, view="a", head="L1H2", trust="solid", estimate=None, kind="effect"):
    return Finding(text, view, Head.parse(head) if head else (), trust, kind, estimate)


def page_of(findings=(), views=(), **more) -> Page:
    return Page("wonderland", {}, list(views), {}, list(findings), **more)


def told(page):
    return {story["ask"]: story for story in stories(page, page.views)}


FOUND, ABSENT = "What did it find out?", "What does it not do?"


def test_an_empty_page_tells_nothing():
    assert stories(page_of(), []) == []


def test_where_no_effect_is_shown_that_is_the_story():
    unsure = [effect("L1H2 may look back.", trust="weak"), effect("So may L0H0.", trust="anecdotal")]
    story = told(page_of(unsure))[FOUND]
    assert story["text"].startswith("Nothing stands out")
    assert story["kind"] == "null"
    assert story["picture"] == {"kind": "heads", "lit": []}


@pytest.mark.parametrize("far", [one(4.9, 4.8, 5.1, chance=7.6, n=3), one(0.9, 0.8, 1.0, n=3), one(9, 8, 10, n=9)])
def test_what_lies_far_from_chance_on_too_few_units_is_undecided_and_not_nothing(far):
    weak = effect("L1H2 looks back: so.", trust="weak", estimate=far)
    assert weak.few
    assert judged(weak).trust == "anecdotal"
    near = effect("L0H0 may: so.", trust="weak", estimate=one(0.1, -0.1, 0.3, n=3))
    story = told(page_of([weak, near]))[FOUND]
    assert f"rests on {far.over}, too few to say" in story["text"]
    assert (story["kind"], story["trust"]) == ("effect", "anecdotal")
    several = told(page_of([weak, replace(weak, estimate=replace(far, n=2))]))[FOUND]
    assert "in each case on fewer than 10 units" in several["text"]


@pytest.mark.parametrize(
    ("finding", "says"),
    [
        (effect("So.", trust="weak", estimate=one(0.1, -0.1, 0.3, n=3)), "no effect is beyond its chance level"),
        (effect("So.", trust="weak", estimate=one(0.1, 0.0, 0.3, n=30)), "no effect is beyond its chance level"),
        (effect("So.", trust="weak", estimate=one(0.9, 0.8, 1.0, n=10)), "no effect is clear enough"),
        (effect("So.", trust="weak", estimate=one(0.9, 0.8, 1.0, chance=None)), "no effect is clear enough"),
    ],
)
def test_no_effect_is_said_to_reach_chance_whose_interval_does_not(finding, says):
    assert not finding.few
    assert judged(finding) == finding
    assert says in told(page_of([finding]))[FOUND]["text"]


def test_only_an_unshown_effect_is_judged_by_its_few_units():
    far = one(0.9, 0.8, 1.0, n=3)
    assert not effect("So.", estimate=far).few  # its analysis has another ground to call it solid
    assert not effect("No.", trust="weak", kind="null", estimate=far).few
    assert not effect("So.", trust="weak", estimate=one(math.nan, math.nan, math.nan, n=3)).few


def test_the_head_on_which_most_analyses_agree_is_told_once_with_a_number():
    views = [View(name, name, sample_views.effect_view().figure, group=group) for name, group in
             (("a", "first"), ("b", "first"), ("c", "second"), ("d", "third"))]  # fmt: skip
    found = [
        effect("L0H0 looks back: 0.9.", "a", "L0H0", estimate=one(0.9, 0.8, 1.0)),
        effect("L0H0 looks back again.", "b", "L0H0"),  # the same analysis, which does not count twice
        effect("L1H2 has a role that nobody measured.", "c"),
        effect("L1H2 brings back the difference: 62% of it.", "d", estimate=one(0.62, 0.55, 0.69)),
    ]
    story = told(page_of(found, views))[FOUND]
    assert story["text"] == "L1H2 brings back the difference."
    assert story["picture"] == {"kind": "heads", "lit": ["L1H2"]}
    assert story["number"] == {"value": "62%", "low": "55%", "high": "69%", "unit": "brought back", "of": "30 pairs"}
    assert story["more"] == "Several analyses point to this head."
    counted = effect("L1H2 gives 51% of it: so it is.", "c", estimate=one(0.51, 0.5, 0.52))
    assert (
        told(page_of([*found[:2], counted, found[3]], views))[FOUND]["text"] == story["text"]
    )  # a claim in plain words
    assert (story["view"], story["select"]) == ("d", ["head:L1H2"])


def test_a_number_that_is_none_is_left_out_and_the_story_stays():
    story = told(page_of([effect("L1H2 does it: nan.", estimate=one(math.nan, math.nan, math.nan))]))[FOUND]
    assert story["number"] is None
    assert story["text"] == "L1H2 does it."
    assert story["more"] == ""


def test_an_effect_of_no_head_is_told_without_one():
    whole = effect("The whole layer matters: 0.5.", head=None, estimate=one(-2.7, -3, -2, "nats"))
    story = told(page_of([whole]))[FOUND]
    assert story["picture"] == {"kind": "interval", "value": -2.7, "low": -3.0, "high": -2.0, "chance": 0.0}
    assert story["number"]["value"] == "−2.7"
    assert story["number"]["unit"] == "nats"


def test_the_best_supported_null_result_is_told_with_its_interval():
    none = one(-0.01, -0.03, 0.01, "nats")
    nulls = [
        effect("No copying: 0.2.", head=None, trust="weak", kind="null"),
        effect("No repetition is learned: −0.01 nats.", head=None, kind="null", estimate=none),
    ]
    much = one(0.7, 0.6, 0.8, "recovery")  # two thirds came back: too little for a claim, and yet not nothing
    nulls.insert(0, effect("Two heads bring back 70%, not enough.", head=None, kind="null", estimate=much))
    story = told(page_of(nulls))[ABSENT]
    assert story["text"] == "No repetition is learned."
    assert [story["number"][name] for name in ("value", "low", "high")] == ["−0.01", "−0.03", "0.01"]
    assert story["picture"] == {"kind": "interval", "value": -0.01, "low": -0.03, "high": 0.01, "chance": 0.0}
    assert FOUND not in told(page_of(nulls))  # no effect was looked for


def reading(values, of="conversation") -> View:
    n = len(values)
    shaded = Shaded("one", [f" w{i}" for i in range(n)], ["me"] * n, np.arange(n) // 4, np.array([values]))
    return View("reading", "Loss by token", Conversations([Measure("loss", "nats")], [shaded], of=of))


def test_the_most_surprising_token_is_shown_with_the_message_before_it():
    values = np.linspace(0.1, 1, 12)
    values[0], values[5] = np.nan, 9.5
    story = told(page_of(views=[reading(values)]))["Where was it surprised?"]
    assert story["picture"]["title"] == "9.5 nats at the outlined token"
    assert story["select"] == ["conversation:0", "position:5"]
    assert story["picture"]["tokens"] == [f" w{i}" for i in range(8)]
    assert story["picture"]["tokens"][story["picture"]["at"]] == " w5"


def test_a_special_token_is_never_the_one_that_is_outlined():
    values = np.linspace(0.1, 1, 12)
    values[5], values[7] = 9.5, 12.0
    view = reading(values)
    shaded = view.figure.conversations[0]
    tokens = ["<|endoftext|>" if i == 7 else token for i, token in enumerate(shaded.tokens)]
    shown = replace(view, figure=replace(view.figure, conversations=[replace(shaded, tokens=tokens)]))
    story = told(page_of(views=[shown]))["Where was it surprised?"]
    assert story["picture"]["title"] == "9.5 nats at the outlined token"
    assert story["select"] == ["conversation:0", "position:5"]


def test_a_long_message_is_cut_around_the_token():
    values = np.full(400, 1.0)
    values[250] = 9.0
    long = reading(values)
    shaded = replace(long.figure.conversations[0], messages=np.zeros(400))
    story = told(page_of(views=[replace(long, figure=replace(long.figure, conversations=[shaded]))]))
    picture = story["Where was it surprised?"]["picture"]
    assert picture["tokens"][picture["at"]] == " w250"
    assert len(picture["tokens"]) == 26


@pytest.mark.parametrize("values", [[np.nan] * 4, [np.inf] * 4])
def test_no_finite_surprise_is_no_story(values):
    assert "Where was it surprised?" not in told(page_of(views=[reading(np.array(values))]))


def test_a_redacted_page_shows_no_message():
    views = [reading(np.ones(8)), replace(reading(np.ones(8), "sample"), id="samples")]
    assert set(told(page_of(views=views))) == {"Where was it surprised?", "What does it say?"}
    assert told(page_of(views=views, contains_text=False)) == {}


def test_a_sample_is_not_said_to_be_new_as_nothing_checks_that():
    text = told(page_of(views=[reading(np.ones(8), "sample")]))["What does it say?"]["text"]
    assert "may repeat what it read" in text
    assert "nobody" not in text


def test_of_samples_over_training_that_of_the_last_model_is_shown():
    first, last = (reading(np.ones(n), "sample").figure for n in (4, 8))
    panels = Panels([Panel(Wording("untrained"), first), Panel(Wording("trained"), last)], "snapshot")
    view = View("samples", "Samples at each snapshot", panels)
    assert len(told(page_of(views=[view]))["What does it say?"]["picture"]["tokens"]) == 8


def checked(value):
    return [Check("the model beats the trigram", True, "", one(value, value - 0.1, value + 0.1, "nats a token"))]


def test_choices_left_are_those_on_the_tokens_that_counting_was_scored_on():
    training, read = sample_views.training_view(""), reading(np.ones(8))
    held_out = min(training.figure.series[-1].y)
    # The loss of other windows stands among the findings: it is not the number beside what counting leaves.
    other = effect("A loss.", "reading", None, estimate=one(3.0, 2.9, 3.1, "nats a token", 7.0))
    page = page_of([other], [training, read], checks=checked(held_out))
    story = told(page)["How well does it guess?"]
    counts = [f"{math.exp(held_out + by):,.0f}" for by in (0, -0.1, 0.1)]
    assert [story["number"][name] for name in ("value", "low", "high")] == counts
    assert story["number"]["of"] == "30 pairs"
    assert story["picture"]["own"] == pytest.approx(math.exp(held_out))
    heights = [value for _, value in story["picture"]["points"]]
    assert heights == sorted(heights, reverse=True)
    for unchecked in (replace(page, checks=[]), replace(page, checks=checked(held_out + 1))):  # of another model
        alone = told(unchecked)["How well does it guess?"]["number"]
        assert (alone["value"], alone["low"], alone["of"]) == (counts[0], None, "every held-out token")


def test_without_a_training_curve_the_loss_that_was_measured_is_told():
    loss = effect("A loss.", "reading", None, estimate=one(3.0, 2.9, 3.1, "nats a token", 7.0))
    story = told(page_of([loss], [reading(np.ones(8))]))["How well does it guess?"]
    assert story["number"] == {"value": "20", "low": "18", "high": "22", "unit": "choices left", "of": "30 pairs"}
    assert story["picture"]["points"] == [["a blind guess", pytest.approx(math.exp(7.0))]]


def test_after_overfitting_the_loss_is_that_of_the_epoch_whose_weights_are_kept():
    training = sample_views.training_view("")
    held_out = replace(training.figure.series[-1], x=[1.0, 2.0, 3.0], y=[4.0, 3.0, 3.5], low=None, high=None)
    worse = replace(training, figure=replace(training.figure, series=[*training.figure.series[:-1], held_out]))
    assert told(page_of([], [worse]))["How well does it guess?"]["number"]["value"] == "20"


def test_a_model_that_counting_beats_is_said_to_be_beaten():
    training = sample_views.training_view("")
    first, second, third, *_ = sorted(training.figure.references, key=lambda reference: reference.y)

    def said(loss, checks=()):
        held_out = replace(training.figure.series[-1], x=[1.0], y=[loss], low=None, high=None)
        beaten = replace(training, figure=replace(training.figure, series=[held_out]))
        return told(page_of([], [beaten], checks=checks))["How well does it guess?"]["text"]

    assert said(first.y) == f"It guesses no better than a simpler rule does: {first.name}."
    both = f"It guesses no better than simpler rules do: {first.name} and {second.name}."
    assert said((second.y + third.y) / 2) == both
    best = f"counting words ({first.name}) leaves more"
    assert said(1.0) == f"Before each token it hesitates between about 3 choices; {best}."
    same = f"counting words ({first.name}) does no better"
    assert said(first.y - 1e-4).endswith(f"; {same}.")
    near = checked(first.y - 0.09)  # with an interval 0.1 wide on each side, that cannot be told apart
    assert said(first.y - 0.09, near).endswith(f"; {same}.")
    assert said(first.y - 0.11, checked(first.y - 0.11)).endswith(f"; {best}.")


def test_beside_a_blind_guess_alone_no_counting_is_told_of():
    loss = effect("A loss.", "reading", None, estimate=one(3.0, 2.9, 3.1, "nats a token", 7.0))
    text = told(page_of([loss], [reading(np.ones(8))]))["How well does it guess?"]["text"]
    assert text == "Before each token it hesitates between about 20 choices; a blind guess leaves more."


def test_everything_found_makes_at_most_five_stories():
    page = sample.page()
    more = [effect("No repetition is learned.", head=None, kind="null"), *page.findings]
    samples = replace(reading(np.ones(8), "sample"), id="samples")
    made = stories(replace(page, findings=more, views=[*page.views, samples]), [*page.views, samples])
    assert len(made) == MOST
    assert all(len(story["text"].split()) < 25 for story in made)


@pytest.mark.parametrize(
    ("sentence", "claim"),
    [
        ("L2H0 says who speaks: six tests agree.", "L2H0 says who speaks"),
        ("L2H0 attends 0.51 (95% interval 0.4 to 0.6).", "L2H0 attends 0.51"),
        ("Nothing: there is nothing here.", "Nothing: there is nothing here."),  # one word is no sentence
        ("It guesses well. And more.", "It guesses well"),
    ],
)
def test_a_headline_ends_where_the_evidence_begins(sentence, claim):
    assert headline(sentence) == claim


def roles(**named):
    return {Key.of(Head.parse(head)): [Role(role) for role in of] for head, of in named.items()}


def test_of_its_roles_a_head_is_shown_with_the_one_that_fewest_share():
    about = roles(L0H0=["needed", "copies"], L0H1=["needed", "copies"], L0H2=["needed", "says who speaks"])
    assert roles_of(page_of(about=about)) == {"L0H0": "copies", "L0H1": "copies", "L0H2": "says who speaks"}
    assert roles_of(page_of(about=roles(L0H0=["needed"], L0H1=["needed"]))) == {}  # what all have tells nothing
    assert roles_of(page_of(about=roles(L0H0=["needed"]))) == {"L0H0": "needed"}  # a model of one head
    about = roles(L0H0=["no pattern over 0.4", "needed"], L0H1=["no pattern over 0.4"], L0H2=["previous 0.9"])
    assert roles_of(page_of(about=about)) == {"L0H0": "needed"}  # a measurement is no name, nor is what a head is not


def test_mlps_have_roles_by_the_same_rules_among_themselves():
    about = roles(L0H0=["copies"], L0H1=["looks back"])
    about |= {Key("mlp", f"MLP{layer}"): [Role("needed")] for layer in range(3)}
    assert "MLP0" not in roles_of(page_of(about=about))  # what all have tells nothing
    about[Key.of("MLP1")].append(Role("acts on the answer itself"))
    about[Key.of("MLP2")] = [Role("no role found", "0% [−1%, 1%]", named=False)]
    data = page_data(page_of(about=about), [])
    assert data["roles"] == {
        "L0H0": "copies",
        "L0H1": "looks back",
        "MLP0": "needed",
        "MLP1": "acts on the answer itself",
    }
    assert data["unnamed"] == {"MLP2": "no role found"}


def test_a_head_without_a_role_by_name_is_called_on_the_map_as_in_the_table_and_has_no_sign():
    about = roles(L0H0=["copies"], L0H1=["looks back"])
    about[Key.of(Head.parse("L0H1"))].append(Role("needed for something", "its rule", named=False))
    data = page_data(page_of(about=about), [])
    assert (data["roles"], data["unnamed"]) == ({"L0H0": "copies"}, {"L0H1": "needed for something"})


def test_a_model_of_one_layer_has_its_stories_and_its_map():
    view = sample_views.attention_view(1, 16, layers=1, heads=2)
    page = page_of([effect("L0H1 looks back: 0.9.", "attention", "L0H1")], [view], about=roles(L0H1=["previous token"]))
    data = page_data(page, [view])
    assert data["heads"] == [1, 2]
    assert data["roles"] == {"L0H1": "previous token"}
    assert [story["ask"] for story in data["stories"]] == [FOUND]


def test_a_view_goes_under_the_question_it_answers():
    page = sample.page(conversations=1, length=16)
    sections = {view["id"]: view["section"] for view in page_data(page, page.views)["views"]}
    assert sections["loss-by-token"] == "read"  # by its figure
    assert sections["attention"] == "heads"
    assert sections["circuit"] == "circuit"
    assert sections["training"] == "data"
    ours = replace(page.views[0], group="ov-circuits")
    assert page_data(replace(page, views=[ours]), [ours])["views"][0]["section"] == "weights"  # by its analysis


def test_a_number_of_the_weights_has_no_interval_of_no_width():
    exact, measured = one(0.9, 0.9, 0.9, n=1), one(0.9, 0.8, 1.0)
    for estimate, ends in ((exact, (None, None)), (measured, ("80%", "100%"))):
        number = told(page_of([effect("L0H0 looks back.", head="L0H0", estimate=estimate)]))[FOUND]["number"]
        assert (number["value"], number["low"], number["high"]) == ("90%", *ends)
