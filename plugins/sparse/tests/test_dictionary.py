"""Dictionaries on planted directions, and their gradients against autograd's."""

import dataclasses

import numpy as np
import pytest
import torch

from wonderland_sparse.dictionary import Dictionary, token_means
from wonderland_sparse.gradients import Active, gradients, largest_of, largest_of_each, reconstruct
from wonderland_sparse.learning import _MOST_SILENT, KINDS, Recipe, _Adam, _Training, learn, steps_of


def planted(features=96, d=32, samples=100_000, l0=3, seed=0):
    """Vectors that are sums of ``l0`` of some random directions, and the directions."""
    random = torch.Generator().manual_seed(seed)
    directions = torch.randn(features, d, generator=random)
    directions /= directions.norm(dim=1, keepdim=True)
    strength = torch.zeros(samples, features)
    which = torch.rand(samples, features, generator=random).topk(l0, dim=1).indices
    strength.scatter_(1, which, 1 + torch.rand(samples, l0, generator=random))
    return strength @ directions, directions


def found(dictionary, directions):
    return (dictionary.W_dec @ directions.T).max(0).values


def weights(latents=24, d=8, seed=0):
    random = torch.Generator().manual_seed(seed)
    W_enc, W_dec = (torch.randn(latents, d, generator=random, dtype=torch.float64) for _ in range(2))
    b_enc, b_dec = (torch.randn(n, generator=random, dtype=torch.float64) for n in (latents, d))
    return W_enc, b_enc, W_dec, b_dec, torch.randn(40, d, generator=random, dtype=torch.float64)


@pytest.mark.parametrize("sampled", [True, False])
@pytest.mark.parametrize("bounds", [(), (6, 12, 24)])
def test_gradients_are_those_of_autograd(bounds, sampled, monkeypatch):
    if not sampled:
        monkeypatch.setattr(torch.backends.mkl, "is_available", lambda: False)
    W_enc, b_enc, W_dec, b_dec, x = weights()
    parts = [part.requires_grad_() for part in (W_enc, b_enc, W_dec, b_dec)]
    z = (x - b_dec) @ W_enc.T + b_enc
    mask = z > z.detach().flatten().topk(4 * len(x)).values.min()
    f = z * mask
    loss = torch.stack([((f[:, :m] @ W_dec[:m] + b_dec - x) ** 2).sum(1).mean() for m in bounds or (24,)]).mean()
    dense = torch.autograd.grad(loss, [*parts, f], retain_graph=True)
    with torch.no_grad():
        active = Active.at(z, torch.nonzero(mask.flatten()).flatten())
        mine = gradients(x, active, W_enc, W_dec, b_dec, bounds)
    assert mine.loss == pytest.approx(loss.item(), rel=1e-12)
    for ours, theirs in zip((mine.W_enc, mine.b_enc, mine.W_dec, mine.b_dec), dense, strict=False):
        assert (ours - theirs).abs().max() < 1e-6
    assert (mine.active - dense[-1][mask]).abs().max() < 1e-6


def test_adam_is_that_of_torch():
    random = torch.Generator().manual_seed(0)
    ours = [torch.randn(5, 3, generator=random), torch.randn(4, generator=random)]
    theirs = [weight.clone().requires_grad_() for weight in ours]
    adam, reference = _Adam(ours), torch.optim.Adam(theirs, lr=1.0, betas=(0.9, 0.99))
    for rate in (0.1, 0.05, 0.02, 0.2):
        slopes = [torch.randn(weight.shape, generator=random) for weight in ours]
        adam.step(slopes, rate)
        reference.param_groups[0]["lr"] = rate
        for weight, slope in zip(theirs, slopes, strict=True):
            weight.grad = slope
        reference.step()
    for one, other in zip(ours, theirs, strict=True):
        assert torch.allclose(one, other, atol=1e-6)


def test_only_places_over_a_guess_are_compared_and_the_same_are_found():
    pre = torch.randn(30, 20, generator=torch.Generator().manual_seed(0))
    expected = pre.flatten().topk(60).indices.sort().values
    for guess in (0.0, 0.5, 1.0, float(pre.flatten().topk(60).values[-1]), 5.0):
        assert torch.equal(largest_of(pre, 60, guess), expected)
    assert len(largest_of(pre, 600, 0.2)) == int((pre > 0).sum())  # never what is not positive
    assert len(largest_of(-pre.abs(), 60, 0.2)) == 0


@pytest.mark.parametrize("count", [1, 5, 24, 40])
def test_the_largest_of_each_token_are_those_that_sorting_gives(count):
    pre = torch.randn(300, 24, generator=torch.Generator().manual_seed(1)) - 0.5
    pre[7] = -1.0  # nothing of it is positive
    top = pre.topk(min(count, 24), dim=1)
    wanted = (top.indices + torch.arange(300)[:, None] * 24)[top.values > 0].sort().values
    assert torch.equal(largest_of_each(pre, count), wanted)
    tied = torch.tensor([[1.0, 2.0, 1.0, 0.0]])
    assert largest_of_each(tied, 2).tolist() == [0, 1, 2]  # what equals the smallest is kept as well


def test_a_latent_that_is_nowhere_active_has_no_gradient():
    W_enc, b_enc, W_dec, b_dec, x = weights()
    z = (x - b_dec) @ W_enc.T + b_enc
    mask = z > 1
    mask[:, [0, 5, 23]] = False
    mask[3] = False  # and a token on which nothing is active is reconstructed by the bias alone
    active = Active.at(z, torch.nonzero(mask.flatten()).flatten())
    mine = gradients(x, active, W_enc, W_dec, b_dec)
    for part in (mine.W_enc, mine.b_enc, mine.W_dec):
        assert (part[[0, 5, 23]] == 0).all()
    assert torch.equal(reconstruct(active, W_dec)[3], torch.zeros(8, dtype=torch.float64))


@pytest.mark.parametrize("seed", [1, pytest.param(3, marks=pytest.mark.slow)])
def test_planted_features_come_back(seed):
    x, directions = planted(seed=seed)
    learned = learn(x, Recipe(96, active=3, rate=8e-3, batch=512), seed=seed)
    cosines = found(learned, directions)
    assert (cosines >= 0.95).float().mean() >= 0.95
    random = torch.randn(96, 32, generator=torch.Generator().manual_seed(5))
    assert ((random / random.norm(dim=1, keepdim=True)) @ directions.T).max(0).values.mean() < 0.6
    assert (learned.encode(x) > 0).sum(1).float().mean() == pytest.approx(3, abs=0.5)


def independent(features=96, d=32, samples=100_000, l0=3, seed=0):
    """Vectors as above, but every direction is there or not by itself, so that their number differs."""
    random = torch.Generator().manual_seed(seed)
    directions = torch.nn.functional.normalize(torch.randn(features, d, generator=random))
    there = torch.rand(samples, features, generator=random) < l0 / features
    return (there * (1 + torch.rand(samples, features, generator=random))) @ directions, directions


@pytest.mark.slow
def test_planted_features_come_back_if_their_number_varies():
    x, directions = independent(samples=60_000, seed=3)
    learned = learn(x, Recipe(96, active=3, rate=8e-3, batch=512), seed=3)
    assert (found(learned, directions) >= 0.95).float().mean() >= 0.75
    fires = (learned.encode(x) > 0).sum(1).float()
    assert fires.mean() == pytest.approx(3, abs=0.6)
    assert fires.std() > 1  # a batch gives more to a vector that has more


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 3])
def test_with_enough_vectors_nearly_all_of_a_varying_number_come_back(seed):
    x, directions = independent(samples=200_000, seed=seed)
    learned = learn(x, Recipe(96, active=3, rate=8e-3, batch=512), seed=seed)
    assert (found(learned, directions) >= 0.95).float().mean() >= 0.95


def tree(samples=100_000, d=32, seed=0):
    """Eight parents with four children each: a child is there only with its parent, and at most one of them."""
    random = torch.Generator().manual_seed(seed)
    directions = torch.nn.functional.normalize(torch.randn(8 + 32, d, generator=random))
    there = torch.rand(samples, 8, generator=random) < 0.2
    which = torch.randint(0, 5, (samples, 8), generator=random)  # 4: no child
    children = torch.nn.functional.one_hot(which, 5)[..., :4] * there[..., None]
    strength = torch.cat([there, children.flatten(1)], 1) * (1 + torch.rand(samples, 40, generator=random))
    return strength @ directions, directions, strength


@pytest.mark.slow
def test_with_too_few_active_a_parent_is_absorbed_by_its_children_and_nesting_helps():
    """2.9 are active; with 2, a parent is silent where a child fires. Nested, it fires, with a worse direction."""
    x, directions, strength = tree()
    recall, right = {}, {}
    for kind in ("batchtopk", "matryoshka"):
        learned = learn(x, Recipe(40, active=2, kind=kind, rate=8e-3, batch=512), seed=1)
        cosines = learned.W_dec @ directions[:8].T
        fires = learned.encode(x)[:, cosines.argmax(0)] > 0
        parent = strength[:, :8] > 0
        recall[kind] = float((fires & parent).sum() / parent.sum())
        right[kind] = float((cosines.max(0).values >= 0.95).float().mean())
    assert recall["batchtopk"] < 0.5 < recall["matryoshka"]
    assert right["matryoshka"] < right["batchtopk"]


@pytest.mark.slow
def test_512_directions_in_128_dimensions_come_back():
    x, directions = independent(512, 128, 200_000, l0=4, seed=1)
    learned = learn(x, Recipe(512, active=4, rate=8e-3, batch=512), seed=1)
    assert (found(learned, directions) >= 0.95).float().mean() >= 0.95


def test_noise_of_the_same_covariance_gives_nothing_back():
    x, directions = planted(samples=30_000)
    noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(3)) @ torch.linalg.cholesky(torch.cov(x.T)).T
    learned = learn(noise + x.mean(0), Recipe(96, active=3, rate=8e-3, epochs=4, batch=512), seed=1)
    assert (found(learned, directions) >= 0.95).float().mean() < 0.1


@pytest.mark.parametrize("kind", [pytest.param(one, marks=[pytest.mark.slow] * (one != "topk")) for one in KINDS])
def test_every_kind_learns_and_keeps_its_rows_at_length_one(kind):
    x, directions = planted(features=24, d=16, samples=20_000, l0=2)
    learned = learn(x, Recipe(24, active=2, kind=kind, rate=8e-3, epochs=8, batch=256), seed=2)
    assert torch.allclose(learned.W_dec.norm(dim=1), torch.ones(24), atol=1e-6)
    assert found(learned, directions).mean() > 0.85
    assert (learned.encode(x) > 0).sum(1).float().mean() == pytest.approx(2, abs=1.0)


def test_a_frozen_decoder_stays_as_it_was_drawn():
    x, _ = planted(features=24, d=16, samples=4_000)
    short, long = (learn(x, Recipe(24, 3, epochs=e, frozen=True), seed=2) for e in (1, 3))
    assert torch.allclose(short.W_dec, long.W_dec, atol=1e-6)
    assert not torch.allclose(short.W_enc, long.W_enc, atol=1e-2)


def test_the_same_seed_gives_the_same_bytes_and_another_does_not():
    x, _ = planted(features=24, d=16, samples=4_000)
    one, same, other = (learn(x, Recipe(24, 3, epochs=2), seed=s).arrays() for s in (4, 4, 5))
    assert all(one[name].tobytes() == same[name].tobytes() for name in one)
    assert one["W_dec"].tobytes() != other["W_dec"].tobytes()


def test_vectors_twice_as_long_have_activations_twice_as_large():
    x, _ = planted(features=24, d=16, samples=4_000)
    one, two = (learn(factor * x + factor, Recipe(24, 3, epochs=2), seed=4) for factor in (1, 4))
    assert torch.allclose(4 * one.encode(x + 1), two.encode(4 * x + 4), atol=1e-3)
    assert torch.allclose(4 * one.decode(one.encode(x + 1)), two.decode(two.encode(4 * x + 4)), atol=1e-3)


def test_silent_latents_are_brought_back(monkeypatch):
    """With more latents than directions some fall silent; those that do then learn from the residual."""
    x, _ = planted(features=24, d=16, samples=60_000)
    shares = []
    for least in (_MOST_SILENT, 10**9):  # with endless patience nobody is brought back
        monkeypatch.setattr("wonderland_sparse.learning._MOST_SILENT", least)
        monkeypatch.setattr("wonderland_sparse.learning._SILENT", 1 / 160 if least == _MOST_SILENT else 10.0)
        learned = learn(x, Recipe(64, 3, rate=2e-2, epochs=4, batch=512), seed=0)
        shares.append(float((learned.encode(x) > 0).any(0).float().mean()))
    assert shares[0] > shares[1] + 0.2


def test_the_order_of_latents_changes_nothing():
    x, _ = planted(features=24, d=16, samples=2_000)
    learned = learn(x, Recipe(24, 3, epochs=2), seed=4)
    order = torch.randperm(24, generator=torch.Generator().manual_seed(1))
    other = learned.kept(order)
    assert torch.allclose(learned.decode(learned.encode(x)), other.decode(other.encode(x)), atol=1e-5)
    assert torch.equal(learned.encode(x)[:, order], other.encode(x))


def test_a_dictionary_comes_back_from_its_arrays():
    x, _ = planted(features=24, d=16, samples=2_000)
    learned = learn(x, Recipe(24, 3, epochs=1), seed=4)
    assert torch.equal(Dictionary.of(learned.arrays()).encode(x), learned.encode(x))


def test_a_token_table_holds_the_mean_of_each_token():
    x = torch.arange(12.0).view(6, 2)
    table = token_means(x, np.array([0, 2, 0, 2, 2, 0]), 4)
    assert table[0] == pytest.approx(x[[0, 2, 5]].mean(0).numpy())
    assert table[2] == pytest.approx(x[[1, 3, 4]].mean(0).numpy())
    assert table[1] == pytest.approx(x.mean(0).numpy())  # never seen: the mean of all


@pytest.mark.parametrize("across", [False, True])
def test_few_dead_latents_get_the_gradients_of_many(across):
    """So few that all of them predict are multiplied; `gradients` gives the same for the pairs over 0."""
    random = torch.Generator().manual_seed(0)
    x = torch.randn(300, 16, generator=random)
    y = torch.randn(300, 16, generator=random) if across else None
    training = _Training(x, Recipe(24, 3), seed=1, y=y)
    pre, residual = x @ training.W_enc.T, torch.randn(300, 16, generator=random)
    dead = torch.tensor([2, 5, 23])
    slopes = [torch.zeros_like(part) for part in (training.W_enc, training.b_enc, training.b_dec, training.W_dec)]
    with torch.no_grad():
        training.revive(x, pre, dead, residual, slopes)
        z = pre[:, dead]
        some = Active.at(z, torch.from_numpy(np.flatnonzero(z.numpy() > 0)))
        encoder, decoder = training.W_enc[dead], training.W_dec[dead]
        found = gradients(x, some, encoder, decoder, torch.zeros(16), target=residual)
    for slope, expected in ((0, found.W_enc), (1, found.b_enc), (3, found.W_dec)):
        torch.testing.assert_close(slopes[slope][dead], expected, rtol=1e-4, atol=1e-5)
        rest = torch.ones(24, dtype=torch.bool)
        rest[dead] = False
        assert not slopes[slope][rest].any()
        assert expected.abs().max() > 0.01


def test_a_control_that_arrives_sooner_gets_that_part_of_the_steps():
    whole = Recipe(24, 3, epochs=6, most=5000)
    assert [steps_of(of, 1024) for of in (whole, whole.sooner(3), dataclasses.replace(whole, epochs=1).sooner(3))] == [
        4,
        1,
        1,
    ]
    assert whole.sooner(3) == dataclasses.replace(whole, epochs=2, most=1666)
