"""The sources, filters and analyses that are there, and the plugins that failed to load.

Discovery goes through the ``wonderland`` entry-point group; the core's own built-ins are registered the same way, as
``core``. A plugin that cannot be imported is remembered with its error and shown by ``wonderland plugins``; it never
takes the program down, and neither does one that registers something without a name. Two things of one name are an
error that names both, because "which one wins" must not depend on the order of installation.

The environment variable ``WONDERLAND_PLUGINS`` (entry-point names, comma-separated) restricts which plugins load;
``core`` always does.
"""

from __future__ import annotations

import functools
import os
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import metadata
from typing import TYPE_CHECKING, Any

import pluggy

from wonderland import hookspecs
from wonderland.errors import PluginError, UsageError, must_be
from wonderland.paths import lack_of_room

if TYPE_CHECKING:
    from wonderland.corpus.filters import Filter
    from wonderland.corpus.source import Source

__all__ = ["ENVIRONMENT_VARIABLE", "Analyses", "NoAnalysis", "Plugin", "Plugins", "analyses", "load"]

ENVIRONMENT_VARIABLE = "WONDERLAND_PLUGINS"


class NoAnalysis(UsageError, KeyError):
    """There is no analysis of this name; also a `KeyError`, so that a mapping of them behaves as one."""


@dataclass(frozen=True)
class Plugin:
    """One entry point: its name, the distribution it came with, and the error if it failed to load."""

    name: str
    distribution: str
    version: str
    error: str = ""


@dataclass
class Plugins:
    """The plugins that were found and everything they register, each looked up by name."""

    manager: pluggy.PluginManager
    found: list[Plugin] = field(default_factory=list)

    @functools.cached_property
    def sources(self) -> dict[str, type[Source]]:
        """The sources by name."""
        return self._collect(self.manager.hook.wonderland_sources, "source")

    @functools.cached_property
    def filters(self) -> dict[str, Filter]:
        """The filters by name."""
        return self._collect(self.manager.hook.wonderland_filters, "filter")

    @functools.cached_property
    def analyses(self) -> dict[str, type[Any]]:
        """The analyses by name."""
        return self._collect(self.manager.hook.wonderland_analyses, "analysis")

    def analysis(self, name: str, groups: Collection[str] = ()) -> type[Any]:
        """Return the analysis class of this name, or raise `NoAnalysis` with the names that are near.

        Args:
            name: Its name.
            groups: Names of groups that could have been meant, too.
        """
        must_be(name, str, "an analysis is looked up by its name", "For example: wl.analyses['head-patterns']")
        if name not in self.analyses:
            from wonderland.nearby import did_you_mean

            all_of_them = "`wonderland plugins` lists them, and so does `list(wonderland.analyses)`."
            raise NoAnalysis(
                f"There is no analysis named {name!r}.", hint=did_you_mean(name, [*self.analyses, *groups], all_of_them)
            )
        return self.analyses[name]

    def provider(self, thing: Any) -> str:
        """Return the name of the entry point that registered a source, filter or analysis."""
        return self._owners.get(id(thing), "?")

    @functools.cached_property
    def _owners(self) -> dict[int, str]:
        return {}

    def _collect(self, hook: pluggy.HookCaller, what: str) -> dict[str, Any]:
        named: dict[str, Any] = {}
        for implementation in reversed(hook.get_hookimpls()):
            for thing in self._call(implementation.function, implementation.plugin_name, what):
                name = getattr(thing, "name", None)
                if not isinstance(name, str):
                    self._failed(implementation.plugin_name, f"its {what} {thing!r} has no name")
                    continue
                if type(version := getattr(thing, "version", 1)) is not int:
                    self._failed(
                        implementation.plugin_name,
                        f"the version of its {what} {name!r} is {version!r} and should be a whole number",
                    )
                    continue
                if name in named and named[name] is not thing:
                    raise PluginError(
                        f"Two plugins register a {what} named {name!r}: {self.provider(named[name])!r} "
                        f"and {implementation.plugin_name!r}.",
                        hint=f"Uninstall one, or set {ENVIRONMENT_VARIABLE} to the plugins you want.",
                    )
                named[name] = thing
                self._owners[id(thing)] = implementation.plugin_name
        return dict(sorted(named.items()))

    def _call(self, function: Callable[..., Any], plugin: str, what: str) -> list[Any]:
        try:
            return list(function())
        except Exception as error:  # whatever a plugin does, the others still work
            if (full := lack_of_room(error)) is not None:  # which is no fault of a plugin
                raise full from error
            self._failed(plugin, f"its {what} hook raised {error!r}")
            return []

    def _failed(self, name: str, error: str) -> None:
        self.found = [Plugin(p.name, p.distribution, p.version, error) if p.name == name else p for p in self.found]
        warnings.warn(f"The plugin {name!r} was left out: {error}", RuntimeWarning, stacklevel=3)


@functools.cache
def load() -> Plugins:
    """Find the installed plugins once; later calls return the same `Plugins`."""
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    plugins = Plugins(manager)
    chosen = os.environ.get(ENVIRONMENT_VARIABLE)
    wanted = None if chosen is None else {"core", *(name.strip() for name in chosen.split(","))}
    seen: dict[str, metadata.EntryPoint] = {}
    for entry in sorted(metadata.entry_points(group=hookspecs.PROJECT), key=lambda entry: entry.name):
        if wanted is not None and entry.name not in wanted:
            continue
        if entry.name in seen:
            if entry.value != seen[entry.name].value:
                raise PluginError(
                    f"Two installed distributions call their wonderland plugin {entry.name!r}: "
                    f"{seen[entry.name].value} and {entry.value}.",
                    hint="Uninstall one of them.",
                )
            continue
        seen[entry.name] = entry
        distribution = entry.dist
        plugins.found.append(
            Plugin(
                entry.name, distribution.name if distribution else "?", distribution.version if distribution else "?"
            )
        )
        try:
            manager.register(entry.load(), name=entry.name)
        except Exception as error:  # whatever a plugin does, the others still work
            if (full := lack_of_room(error)) is not None:
                raise full from error
            plugins._failed(entry.name, f"it could not be imported: {error!r}")
    for name, hook in vars(manager.hook).items():
        if isinstance(hook, pluggy.HookCaller) and not hook.has_spec():
            for implementation in hook.get_hookimpls():
                plugins._failed(implementation.plugin_name, f"it implements {name!r}, which is no hook of wonderland")
    return plugins


class Analyses(Mapping[str, type[Any]]):
    """The classes of all installed analyses by name; the plugins are loaded when one is looked up.

    Write ``wl.analyses["activation-patching"](pairs=32)`` for an analysis with a parameter.
    """

    def __getitem__(self, name: str) -> type[Any]:
        return load().analysis(name)

    def __iter__(self) -> Iterator[str]:
        return iter(load().analyses)

    def __len__(self) -> int:
        return len(load().analyses)

    def __repr__(self) -> str:
        return f"<analyses: {', '.join(self)}>"


analyses = Analyses()
"""The classes of all installed analyses by name, loaded when one is looked up."""
