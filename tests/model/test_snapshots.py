"""Models kept on the way: more of them early, each a whole one, and never at the price of a full disk."""

from types import SimpleNamespace

import pytest

import wonderland as wl
from wonderland.errors import ResourceError
from wonderland.model.snapshots import marks


def test_marks_are_half_log_spaced_and_half_even_from_the_untrained_model_to_the_last():
    assert marks(9, 1_000, 1_000_000) == [0, 1_000, 3_976, 15_811, 62_872, 250_000, 500_000, 750_000, 1_000_000]
    assert marks(2, 1_000, 1_000_000) == [0, 1_000_000]
    assert marks(3, 1_000, 1_000_000) == [0, 1_000, 1_000_000]
    assert marks(1, 1_000, 1_000_000) == [1_000_000]
    assert marks(0, 1_000, 1_000_000) == []
    assert marks(5, 1_000, 800) == [0, 400, 800]


def test_models_are_kept_on_the_way_from_the_untrained_one_to_the_last(short, tmp_path, tokenizer):
    model = short(snapshots=5, snapshots_in=tmp_path / "way")
    kept = sorted((tmp_path / "way").iterdir())
    assert len(kept) == 5
    tokens = [int(path.stem.removeprefix("tokens-")) for path in kept]
    assert tokens[0] == 0
    assert tokens[-1] == model.history.epochs[-1].tokens
    first, last = (wl.ChatTransformer.load(path, tokenizer) for path in (kept[0], kept[-1]))
    assert first.fingerprint == wl.ChatTransformer(model.cfg, seed=7).fingerprint
    assert last.fingerprint == model.fingerprint


@pytest.mark.slow
def test_looking_back_changes_nothing_and_a_fresh_run_clears_what_another_left(short, tmp_path):
    way = tmp_path / "way"
    first = short(snapshots=3, snapshots_in=way)
    (way / "tokens-000000007.safetensors").write_bytes(b"of another run")
    assert short(snapshots=3, snapshots_in=way).fingerprint == first.fingerprint
    assert len(list(way.iterdir())) == 3
    assert first.fingerprint == short().fingerprint


def test_models_that_do_not_fit_on_the_disk_are_refused_before_training(short, tmp_path, monkeypatch):
    monkeypatch.setattr("wonderland.model.snapshots.shutil.disk_usage", lambda _: SimpleNamespace(free=10_000))
    with pytest.raises(ResourceError, match=r"3 models on the way take .* MB; 0 MB are free"):
        short(snapshots=3, snapshots_in=tmp_path, on_progress=pytest.fail)
