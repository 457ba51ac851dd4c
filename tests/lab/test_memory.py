"""Memory: passes take as many windows as fit, and what fits into what may be held is held."""

from types import SimpleNamespace

import torch

import wonderland as wl
from wonderland.lab import observed
from wonderland.lab.forward import batch_size
from wonderland.testing.handwritten import handwritten_corpus, handwritten_model, handwritten_tokenizer


def shaped(**values):
    usual = {"n_layers": 4, "n_heads": 4, "d_model": 128, "d_vocab": 2048}
    return SimpleNamespace(cfg=SimpleNamespace(**{**usual, **values}))


def test_a_small_model_takes_sixteen_windows_and_a_large_one_fewer():
    some = frozenset({"pattern", "resid_post", "loss"})
    assert batch_size(shaped(), 128, some) == 16
    large = shaped(n_layers=30, n_heads=9, d_model=576, d_vocab=49_152)
    assert 1 <= batch_size(large, 128, some) < batch_size(large, 128) < 16
    assert batch_size(large, 2048, some) == 1
    # What it is chosen by: logits, their logarithm and one more like them fit into the room.
    rows = batch_size(large, 128)
    assert rows * 128 * 49_152 * 4 * 3 <= 600e6 < (rows + 1) * 128 * 49_152 * 4 * 3


def test_what_is_held_is_the_small_things_and_the_large_ones_are_computed_again(monkeypatch):
    specimen = wl.Specimen(handwritten_model(), handwritten_tokenizer(), handwritten_corpus(20, shortest=20))
    passes = []
    real = observed.forward
    monkeypatch.setattr(observed, "forward", lambda *args, **more: passes.append(args[2]) or real(*args, **more))
    expected = torch.cat([batch["pattern"].flatten() for batch in specimen.batches("pattern")])
    sizes = {"pattern": expected.numel() * 4, "z": 0}
    specimen.hold_bytes = sizes["pattern"] // 2
    passes.clear()
    with specimen.holding({"pattern", "loss"}):
        for _ in range(3):
            held = [batch["loss"] for batch in specimen.batches("loss")]
        assert passes == [frozenset({"pattern", "loss"})]  # once, and the losses stayed
        found = torch.cat([batch["pattern"].flatten() for batch in specimen.batches("pattern")])
        assert passes[1:] == [frozenset({"pattern"})]  # too large to stay
    torch.testing.assert_close(found, expected)
    assert sum(map(len, held)) == len(specimen.evidence)
    assert torch.isfinite(torch.cat([one[:, 1] for one in held])).all()


def test_a_pass_that_computes_more_keeps_what_is_to_be_held(monkeypatch):
    specimen = wl.Specimen(handwritten_model(), handwritten_tokenizer(), handwritten_corpus(20, shortest=20))
    passes = []
    real = observed.forward
    monkeypatch.setattr(observed, "forward", lambda *args, **more: passes.append(args[2]) or real(*args, **more))
    with specimen.holding({"loss"}):
        next(specimen.batches("loss", "pattern"))  # left early: nothing is known of the rest
        wide = torch.cat([batch["loss"][:, 1] for batch in specimen.batches("loss", "pattern")])
        narrow = torch.cat([batch["loss"][:, 1] for batch in specimen.batches("loss")])
    assert passes == 2 * [frozenset({"loss", "pattern"})]
    assert torch.equal(wide, narrow)
    assert len(narrow) == len(specimen.evidence)
    specimen.hold_bytes = 1
    with specimen.holding({"loss"}):
        for batch in specimen.batches("loss", "pattern"):
            assert batch["loss"].shape[0]
        again = torch.cat([batch["loss"][:, 1] for batch in specimen.batches("loss")])
    assert torch.equal(again, narrow)


def test_where_nothing_fits_everything_is_computed_each_time():
    specimen = wl.Specimen(handwritten_model(), handwritten_tokenizer(), handwritten_corpus(6, shortest=20))
    specimen.hold_bytes = 1
    with specimen.holding({"loss"}):
        once, again = (torch.cat([b["loss"][:, 1] for b in specimen.batches("loss")]) for _ in range(2))
    torch.testing.assert_close(once, again)
