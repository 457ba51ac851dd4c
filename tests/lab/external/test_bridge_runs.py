"""Runs of a bridge in part are what they are in a whole run, and what is not asked for is not computed."""

import bridges
import pytest
import torch

from wonderland.errors import Unsupported
from wonderland.lab.ablation import summed_losses
from wonderland.lab.evidence import Evidence
from wonderland.lab.external.adapt import as_hooked_model
from wonderland.lab.external.bridge_model import BridgeModel
from wonderland.lab.forward import forward
from wonderland.lab.interventions import Activations, Site, intervene
from wonderland.lab.names import hook_name

BRIDGED = ("rotary", "shared keys", "llama", "neox")
TOKENS = torch.tensor(bridges.sequences(3))
MASK = torch.ones_like(TOKENS, dtype=torch.bool)


@pytest.fixture(scope="module", params=("learned positions", *BRIDGED))
def model(request):
    """Our own model, and bridges of four kinds, of two layers each."""
    return as_hooked_model(bridges.bridge(request.param))


@pytest.fixture
def llama():
    return as_hooked_model(bridges.bridge("llama"))


def calls(parts):
    """Count the calls of modules from here on."""
    seen = []
    for place, part in enumerate(parts):
        part.register_forward_pre_hook(lambda *_, place=place: seen.append(place))
    return seen


@pytest.mark.parametrize("heads", [[(1, 2)], [(0, 1)], [(0, 0), (1, 3)]], ids=str)
def test_a_run_without_heads_that_begins_at_their_layer_equals_a_whole_run(model, heads):
    def without(layer):
        def hook(z, hook=None):
            z = z.clone()
            z[:, :, [head for at, head in heads if at == layer]] = 0.5
            return z

        return hook

    whole = model.run_with_hooks(TOKENS, fwd_hooks=[(hook_name("z", layer), without(layer)) for layer in (0, 1)])
    expected = -whole[:, :-1].log_softmax(-1).gather(-1, TOKENS[:, 1:, None])[..., 0].sum(1)
    base = Activations.of(model, TOKENS, ("z",))
    cells = [[Site("z", *head) for head in heads]]
    untouched, found = intervene(model, base, {"z": torch.tensor(0.5)}, cells, summed_losses(model, TOKENS, MASK))
    torch.testing.assert_close(found[0].float(), expected, rtol=1e-5, atol=1e-5)
    assert (found[0] - untouched).abs().max() > 1e-2


def test_layers_before_the_beginning_and_what_is_behind_the_end_are_not_computed(llama):
    stream = llama(TOKENS, stop_at_layer=1)
    llama(stream, start_at_layer=1, stop_at_layer=2)  # the first time it is shown that this may be done
    layers = calls([block.original_component for block in llama.bridge.blocks])
    ends = calls([llama.bridge.unembed])
    llama(stream, start_at_layer=1, stop_at_layer=2)
    assert (layers, ends) == ([1], [])
    llama(stream, start_at_layer=1)
    assert (layers, ends) == ([1, 1], [0])
    llama(TOKENS, stop_at_layer=2)
    assert (layers, ends) == ([1, 1, 0, 1], [0])


def test_activations_are_read_without_logits(model):
    evidence = Evidence.of_tokens(bridges.sequences(5))
    read = frozenset({"pattern", "resid_post"})
    assert all(batch["resid_post"].shape[0] == 2 for batch in forward(model, evidence, read))  # audited on the way
    ends = calls([model.bridge.unembed if isinstance(model, BridgeModel) else model.unembed])
    list(forward(model, evidence, read))
    assert ends == []
    assert all(batch["loss"].shape for batch in forward(model, evidence, frozenset({"pattern", "loss"})))
    assert ends == [0]


def test_after_a_run_that_went_wrong_whole_runs_are_as_before(llama):
    before, stream = llama(TOKENS), llama(TOKENS, stop_at_layer=1)

    def stumble(value, hook=None):
        raise ValueError("an analysis stumbles")

    for begin, given in ((1, stream), (0, TOKENS)):
        with pytest.raises(ValueError, match="stumbles"):
            llama.run_with_hooks(given, fwd_hooks=[(hook_name("z", 1), stumble)], start_at_layer=begin)
        torch.testing.assert_close(llama(TOKENS), before, rtol=0, atol=0)


def test_layers_that_return_more_than_the_stream_are_computed_for_nothing_and_the_run_is_right(llama):
    llama._beginnings._single = {}  # as it is found where they do
    stream = llama(TOKENS, stop_at_layer=1)
    layers = calls([block.original_component for block in llama.bridge.blocks])
    rest = llama(stream, start_at_layer=1)
    assert layers[-2:] == [0, 1]
    torch.testing.assert_close(rest, llama(TOKENS), rtol=1e-6, atol=1e-6)
    end = llama(stream, start_at_layer=1, stop_at_layer=2)
    torch.testing.assert_close(end, llama(TOKENS, stop_at_layer=2), rtol=1e-6, atol=1e-6)


def test_layers_that_share_more_than_the_stream_cannot_be_begun_at():
    bridge = bridges.bridge("llama")
    seen = []
    first, second = (block.original_component for block in bridge.blocks)
    first.register_forward_hook(lambda layer, given, out: seen.append(out))
    second.register_forward_hook(lambda layer, given, out: out + seen[-1])
    model = BridgeModel(bridge)
    stream = model(TOKENS, stop_at_layer=1)
    with pytest.raises(Unsupported, match="share more than the stream") as caught:
        model(stream, start_at_layer=1)
    assert "head-patterns" in caught.value.hint
    assert model(TOKENS).shape == (3, 20, 30)
