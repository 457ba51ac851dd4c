"""Memory: passes take as many windows as fit; what fits into what may be held is held, until nothing needs it."""

from types import SimpleNamespace

import torch

import wonderland as wl
from wonderland import memory
from wonderland.lab import observed, running
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


def test_what_is_held_is_let_go_once_nothing_to_come_needs_it(monkeypatch):
    specimen = wl.Specimen(handwritten_model(), handwritten_tokenizer(), handwritten_corpus(20, shortest=20))
    passes = []
    real = observed.forward
    monkeypatch.setattr(observed, "forward", lambda *args, **more: passes.append(args[2]) or real(*args, **more))
    with specimen.holding({"pattern", "z", "loss"}):
        first = [batch["z"] for batch in specimen.batches("z")]
        specimen.let_go(but={"z"})
        assert specimen._held["names"] == {"z", "loss"}
        assert all(set(batch._activations) == {"z", "loss"} for batch in specimen._held["batches"])
        assert all(one is batch["z"] for one, batch in zip(first, specimen.batches("z"), strict=True))
        assert passes == [frozenset({"pattern", "z", "loss"})]
        list(specimen.batches("pattern"))
        assert passes[1:] == [frozenset({"pattern"})]
        specimen.let_go(but=set())
        assert specimen._held["names"] == {"loss"}


def test_each_analysis_finds_held_what_it_and_later_ones_need(monkeypatch):
    held = []
    real = running.checked

    def looking(analysis, result):
        held.append(set(specimen._held["names"]))
        return real(analysis, result)

    monkeypatch.setattr(running, "checked", looking)
    specimen = wl.Specimen(handwritten_model(), handwritten_tokenizer(), handwritten_corpus(20, shortest=20))
    wl.analyze(specimen, "attention-entropy", "head-patterns", "residual-pca")
    stream = {"resid_post", "embed", "pos_embed"}
    assert held == [{"pattern"} | stream, {"pattern"} | stream, stream]


def test_the_losses_of_a_whole_pass_stay_with_their_model(monkeypatch):
    specimen = wl.Specimen(handwritten_model(), handwritten_tokenizer(), handwritten_corpus(20, shortest=20))
    baseline = specimen.untrained()
    passes = []
    real = observed.forward
    monkeypatch.setattr(observed, "forward", lambda *args, **more: passes.append(args[0]) or real(*args, **more))
    with specimen.holding({"loss", "pattern"}):
        once = [batch["loss"] for batch in specimen.batches("loss")]
        specimen.let_go(but=set())
    again = [batch["loss"] for batch in specimen.batches("loss")]
    assert all(one is other for one, other in zip(once, again, strict=True))
    assert passes == [specimen.model]
    list(specimen.batches("pattern"))
    for other in (baseline, specimen.untrained()):
        next(other.batches("loss"))
    assert passes[1] is specimen.model
    assert specimen.model not in passes[2:]
    assert len(passes) == 4


def test_memory_is_given_back_and_kept_or_nothing_happens(monkeypatch):
    asked = []
    monkeypatch.setattr(memory, "_of_the_c_library", lambda name: lambda *given: asked.append((name, *given)))
    memory.give_back()
    memory.keep_freed()
    assert asked == [("malloc_trim", 0), ("mallopt", -3, 1 << 30), ("mallopt", -1, (1 << 31) - 1)]
    monkeypatch.undo()
    memory._of_the_c_library.cache_clear()
    monkeypatch.setattr(memory.ctypes, "CDLL", lambda name: object())
    memory.give_back()  # a library that has no such functions
    memory.keep_freed()
    memory._of_the_c_library.cache_clear()


def test_losses_that_stayed_are_not_those_of_changed_weights_or_with_hooks():
    specimen = wl.Specimen(handwritten_model(), handwritten_tokenizer(), handwritten_corpus(20, shortest=20))
    with specimen.holding({"loss"}):
        before = [batch["loss"].clone() for batch in specimen.batches("loss")]

    def mean():
        return float(torch.cat([batch["loss"] for batch in specimen.batches("loss")]).nansum())

    kept = mean()
    assert kept == float(torch.cat(before).nansum())
    specimen.model.blocks[0].hook_resid_post.add_hook(lambda stream, hook: stream * 0)
    assert mean() != kept
    specimen.model.reset_hooks()
    assert mean() == kept
    specimen.model.unembed.W_U.data[:] = 0  # past autograd's own counting of changes
    assert mean() != kept
