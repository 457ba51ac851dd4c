"""The plugin registers one source through the public hook, and nothing else."""

import pluggy
import pytest

import wonderland_imessage
from wonderland import hookspecs
from wonderland.corpus.source import open_source


def test_the_hook_gives_the_source():
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.register(wonderland_imessage)
    assert manager.hook.wonderland_sources() == [[wonderland_imessage.ChatDb]]
    assert manager.hook.wonderland_analyses() == []


def test_the_source_is_chosen_for_its_files_and_takes_its_options(planted):
    sources = {"imessage": wonderland_imessage.ChatDb}
    source = open_source(planted.path, sources, options={"salvage": True})
    assert source.salvage
    assert source.count() == planted.rows


def test_public_names_are_there():
    for name in wonderland_imessage.__all__:
        assert getattr(wonderland_imessage, name)
    with pytest.raises(AttributeError, match="public names"):
        wonderland_imessage.nothing  # noqa: B018
