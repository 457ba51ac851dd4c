"""Which commands, options, settings, analyses and views are there? The pages that the code writes itself.

Each function returns one page, or part of one, as Markdown. ``write`` puts them where the hand-written pages include
them. Nothing here is trained: the views come from models whose weights were written by hand.
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import json
import pkgutil
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

import wonderland
from wonderland import errors, plugins
from wonderland.cli.main import cli
from wonderland.cli.options import click_type, signature_options
from wonderland.lab.analysis import parameters_of, result_class
from wonderland.report.schema import Node, Role, View, characters
from wonderland.report.schema.describe import described, parts_of
from wonderland.workspace.settings import Settings

__all__ = [
    "analyses",
    "api",
    "commands",
    "configuration",
    "exit_codes",
    "filters",
    "modules",
    "sources",
    "views",
    "write",
]

_FLOORS = {
    "corpus": "Messages",
    "tokenizer": "Tokens",
    "model": "The model",
    "lab": "Looking inside",
    "estimate": "Numbers",
    "components": "Parts of a model",
    "plugins": "What is installed",
    "report": "Showing",
    "workspace": "On disk",
    "hookspecs": "Plugins",
    "errors": "Errors",
}
_ELSEWHERE = ("Analysis", "Filter", "Source", "hookimpl")  # on the page of the hooks
_OPEN = ("wonderland.lab", "wonderland.testing")  # packages whose modules plugins use directly
_ALSO = (
    "wonderland.advice",
    "wonderland.components",
    "wonderland.counted",
    "wonderland.corpus.messages",
    "wonderland.corpus.people",
    "wonderland.corpus.phones",
    "wonderland.errors",
    "wonderland.estimate",
    "wonderland.model.chat",
    "wonderland.model.generate",
    "wonderland.model.history",
    "wonderland.model.presets",
    "wonderland.model.training",
    "wonderland.model.transformer",
    "wonderland.report.findings",
    "wonderland.views",
    "wonderland.tokenizer",
    "wonderland.workspace.stage",
)
_STANDARD = {"training": "training", "generations": "sampling", "corpus": "the corpus"}  # in every report
_RETURNED = ("wonderland.workspace.status.Step",)  # what a public method returns and nobody makes


def write(folder: Path) -> None:
    """Write every generated part into a folder."""
    folder.mkdir(exist_ok=True)
    pages = {
        "commands": commands(),
        "exit-codes": exit_codes(),
        "configuration": configuration(),
        "sources": sources(),
        "filters": filters(),
        "analyses": analyses(),
        "api": api(),
        "modules": modules(),
        "views": views(),
        "schema": schema(),
    }
    for name, text in pages.items():
        path = folder / f"{name}.md"
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


# -- the command line ------------------------------------------------------------------------------------------------


def commands() -> str:
    """Every command with its arguments and options."""
    context = click.Context(cli, info_name="wonderland")
    parts = []
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        assert command is not None
        inner = click.Context(command, info_name=name, parent=context, **command.context_settings)
        usage = " ".join(command.collect_usage_pieces(inner))
        parts += [f"(wonderland-{name})=", f"## wonderland {name}", f"    wonderland {name} {usage}"]
        parts.append(_plain(command.help or ""))
        parts.append(f"```{{program}} wonderland {name}\n```")
        for parameter in command.get_params(inner):
            if isinstance(parameter, click.Option):
                parts.append(_option(_flags(parameter), _sentence(parameter.help or ""), _default(parameter)))
    return "\n\n".join(parts) + "\n"


def _flags(option: click.Option) -> str:
    spelled = [*option.opts, *option.secondary_opts]
    value = "" if option.is_flag else f" {option.make_metavar(click.Context(click.Command('x')))}"
    return ", ".join(f"{flag}{value if flag.startswith('--') else ''}" for flag in spelled)


def _default(option: click.Option) -> str:
    shown = option.show_default and option.default is not None
    return f"Default: `{option.default}`." if shown else ""


def _option(flags: str, *lines: str) -> str:
    return "\n".join([f"```{{option}} {flags}", *(line for line in lines if line), "```"])


def exit_codes() -> str:
    """What each exit code means, and the class of error behind it."""
    rows = ["| code | meaning | in Python |", "|---|---|---|", "| 0 | all is well | |"]
    named = [getattr(errors, name) for name in errors.__all__]
    classes = [one for one in named if isinstance(one, type) and one is not errors.WonderlandError]
    for error in sorted(classes, key=lambda error: error.exit_code):
        meaning = (error.__doc__ or "").splitlines()[0].split(" (exit code")[0]
        rows.append(f"| {error.exit_code} | {meaning[0].lower() + meaning[1:]} | `{error.__name__}` |")
    rows.insert(-1, "| 70 | a fault of wonderland itself: please report it | any other exception |")
    rows.append("| 141 | what read the output was gone: a closed pipe | |")
    return "\n".join(rows) + "\n"


# -- settings --------------------------------------------------------------------------------------------------------


def configuration() -> str:
    """Every key of wonderland.toml."""
    parts = []
    for section, kind in typing.get_type_hints(Settings).items():
        parts += [f"## [{section}]", _plain((kind.__doc__ or "").splitlines()[0])]
        hints = typing.get_type_hints(kind, include_extras=True)
        values = dataclasses.asdict(kind())
        for key, default in values.items():
            type_, help_text = typing.get_args(hints[key])[:2]
            parts.append(
                f"```{{confval}} {section}.{key}\n:type: {_type(type_)}\n:default: `{json.dumps(default)}`\n\n"
                f"{_sentence(help_text)}\n```"
            )
    return "\n\n".join(parts) + "\n"


# -- plugins ---------------------------------------------------------------------------------------------------------


def sources() -> str:
    """Every source with its options."""
    parts = []
    for name, source in plugins.load().sources.items():
        parts += [f"(source-{name})=", f"### {name}", _plain(_doc(source))]
        parts.append(f"```{{program}} wonderland extract --source {name}\n```")
        parts += _parameters(signature_options(source.__init__))
    return "\n\n".join(parts) + "\n"


def filters() -> str:
    """Every filter and what it drops."""
    default = Settings().filter.names
    rows = ["| filter | drops | by default |", "|---|---|---|"]
    for name, one in plugins.load().filters.items():
        rows.append(f"| `{name}` | {_cell(_plain(one.help))} | {'yes' if name in default else 'no'} |")
    return "\n".join(rows) + "\n"


def analyses() -> str:
    """Every analysis: question, method, parameters, result."""
    known = plugins.load()
    parts = ["| analysis | group | question |", "|---|---|---|"]
    parts = ["\n".join([*parts, *(_row(name, cls) for name, cls in known.analyses.items())])]
    for name, cls in known.analyses.items():
        result, module = result_class(cls), inspect.getmodule(cls)
        assert module is not None
        facts = {
            "groups": ", ".join(getattr(cls, "groups", ())) or "none",
            "needs": ", ".join(f"`{need}`" for need in cls.needs) or "weights or passes of its own",
            "uses": ", ".join(f"[{used}](#analysis-{used})" for used in getattr(cls, "uses", ())),
            "version": str(cls.version),
            "from": f"the plugin `{known.provider(cls)}`: `from {module.__name__} import {cls.__name__}`",
        }
        parts += [f"(analysis-{name})=", f"## {name}", _doc(cls)]
        parts.append("\n".join(f":{key}: {value}" for key, value in facts.items() if value))
        parts.append(f"```{{eval-rst}}\n.. automodule:: {module.__name__}\n   :no-index:\n```")
        parts.append(f"```{{program}} wonderland analyze {name}\n```")
        parameters = {key: about for key, about in parameters_of(cls).items() if _typed_on_command_line(about[0])}
        parts += ["**Parameters**", *_parameters(parameters)] if parameters else []
        rest = {key: about for key, about in parameters_of(cls).items() if key not in parameters}
        parts += [f"In Python also `{key}`: {_sentence(about[1])}" for key, about in rest.items()]
        parts.append(
            f"```{{eval-rst}}\n.. autoclass:: {result.__module__}.{result.__qualname__}\n   :no-index-entry:\n```"
        )
    return "\n\n".join(parts) + "\n"


def _row(name: str, cls: type[Any]) -> str:
    groups = ", ".join(getattr(cls, "groups", ()))
    return f"| [{name}](#analysis-{name}) | {groups} | {_cell(_doc(cls).splitlines()[0])} |"


def _parameters(parameters: Mapping[str, tuple[Any, str, Any]]) -> list[str]:
    return [
        _option(f"--{name.replace('_', '-')} {_metavar(kind)}", _sentence(help_text), _said(default))
        for name, (kind, help_text, default) in parameters.items()
    ]


def _metavar(kind: Any) -> str:
    if typing.get_origin(kind) is typing.Literal:
        return f"[{'|'.join(map(str, typing.get_args(kind)))}]"
    return _type(kind).upper()


def _typed_on_command_line(kind: Any) -> bool:
    """Whether a parameter is made of words and numbers, which can be typed."""
    return click_type(kind) is not None


def _said(default: Any) -> str:
    if default in ((), "", None):
        return ""
    return f"Default: `{','.join(map(str, default)) if isinstance(default, tuple) else default}`."


def _type(kind: Any) -> str:
    if typing.get_origin(kind) is typing.Literal:
        return " or ".join(map(str, typing.get_args(kind)))
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        return _type(next(one for one in typing.get_args(kind) if one is not type(None)))
    name = typing.get_origin(kind) or kind
    inner = [_type(part) for part in typing.get_args(kind) if part is not ...]
    plain = {"str": "text", "float": "number", "int": "integer", "bool": "true or false", "Path": "path"}.get(
        name.__name__
    )
    return plain or {"tuple": f"{inner[:1]}", "list": "list of texts", "dict": "table"}.get(name.__name__, "value")


# -- the library -----------------------------------------------------------------------------------------------------


def api() -> str:
    """Every name of ``import wonderland as wl``, by the floor of the house it lives on."""
    homes = wonderland._HOMES
    parts = []
    for floor, title in _FLOORS.items():
        names = [name for name in wonderland.__all__ if homes[name].split(".")[1] == floor and name not in _ELSEWHERE]
        if names:
            parts += [f"## {title}", "```{eval-rst}", *map(_documented, names), "```"]
    return "\n".join(parts) + "\n"


def _documented(name: str) -> str:
    thing = getattr(wonderland, name)
    kind = ("autoexception" if issubclass(thing, Exception) else "autoclass") if isinstance(thing, type) else ""
    kind = kind or ("autofunction" if inspect.isfunction(thing) else "autodata")
    return f".. {kind}:: wonderland.{name}\n" + ("   :members:\n" if kind.startswith("autoc") else "")


def modules() -> str:
    """The modules under the public names, for authors of plugins: what is not there is private."""
    names = [*_ALSO]
    for package in _OPEN:
        path = importlib.import_module(package).__path__
        names += [found.name for found in pkgutil.walk_packages(path, prefix=f"{package}.")]
    parts = []
    for name in sorted(names):
        module = importlib.import_module(name)
        exported = getattr(module, "__all__", None)
        if exported is None:
            continue
        homes = wonderland._HOMES
        already = ", ".join(one for one in exported if homes.get(one) == name)
        parts += [f"## {name}"]
        if name == "wonderland.views":  # whose parts have a page of their own
            parts += ["```{eval-rst}", f".. automodule:: {name}", *_not_parts(exported)]
        else:
            parts += ["```{eval-rst}", f".. automodule:: {name}", "   :members:"]
            parts += [f"   :exclude-members: {already}"] if already else []
        parts += ["```", ""]
    parts += ["## Returned by public methods", "```{eval-rst}", *(f".. autoclass:: {one}" for one in _RETURNED), "```"]
    return "\n".join(parts) + "\n"


def _not_parts(names: Sequence[str]) -> Iterator[str]:
    """Yield what the module of views has beside the parts of views: words, keys, and how to walk over a view."""
    for name in names:
        thing = getattr(importlib.import_module("wonderland.views"), name)
        if isinstance(thing, type) and not issubclass(thing, Node):
            yield f".. autoclass:: wonderland.views.{name}\n   :members:"
        elif inspect.isfunction(thing):
            yield f".. autofunction:: wonderland.views.{name}"


# -- views -----------------------------------------------------------------------------------------------------------


def views() -> str:
    """How to read every view of the report, in the words that stand beside it there."""
    parts = []
    for name, view in sorted(_views(), key=lambda found: found[1].order):
        parts += [f"(view-{view.id})=", f"## {_plain(characters(view.title))}", _plain(characters(view.how_to_read))]
        parts.append(f"**When it misleads.** {_plain(characters(view.misleads))}" if view.misleads else "")
        where = f"From [{name}](#analysis-{name}); " if name else f"From {_STANDARD[view.group or view.id]}; "
        parts.append(f"{where}`#/{view.id}` in the report.")
    return "\n\n".join(part for part in parts if part) + "\n"


def _views() -> Iterator[tuple[str, View]]:
    """Yield the views of every analysis, each once, from models with known weights and one that is untrained."""
    import wonderland as wl
    from wonderland.model.history import History
    from wonderland.model.presets import Config
    from wonderland.report.corpus_overview import corpus_overview
    from wonderland.report.generations import generations
    from wonderland.report.training_curve import training_curve
    from wonderland.testing import handwritten
    from wonderland.testing.selftest import truths_of

    tokenizer = handwritten.handwritten_tokenizer()
    shape = Config(2, 3, 24, 8, 16, n_ctx=48, d_vocab=tokenizer.vocab_size)
    specimens = [
        wl.Specimen(handwritten.handwritten_speaker_model(), tokenizer, handwritten.handwritten_speaker_corpus()),
        wl.Specimen(wl.ChatTransformer(shape, seed=0), tokenizer, handwritten.handwritten_corpus()),
    ]
    for view in (
        training_curve(History()),
        generations([], tokenizer.pieces),
        *corpus_overview(handwritten.handwritten_corpus()),
    ):
        yield "", view
    seen: set[str] = set()
    known = plugins.load().analyses
    requested = [name for name, cls in known.items() if getattr(cls, "on_request", False)]
    of_several = {name: cls.of for name, cls in known.items() if getattr(cls, "of", "")}
    train, held_out = (handwritten.handwritten_speaker_corpus(n, seed=seed) for n, seed in ((1400, 1), (60, 2)))
    specimens.append(wl.Specimen(handwritten.handwritten_speaker_model(), tokenizer, held_out, background=train))
    few = {"layers": "1", "latents": 64, "active": 4, "epochs": 2}
    parameters = {"composition": {"rotations": 200}, "sparse-dictionaries": few, "sparse-features": {"effects": 4}}
    parameters["memorisation"] = {"training": 100, "held_out": 100, "generations": 20}
    for number, specimen in enumerate(specimens):
        wanted = requested if number == 2 else [name for name in known if name not in {*requested, *of_several}]
        results = wl.analyze(specimen, *wanted, parameters=parameters)
        for name, result in results.items():
            for view in result.views():
                if view.id not in seen:
                    seen.add(view.id)
                    yield name, view
        wanted = [name for name in wanted if name not in results or not results[name].views()]
    two = {"transcoders": {"latents": 8, "active": 1, "epochs": 8, "rate": 0.02}}
    for name in wanted:  # what needs an MLP has a hand-built model of its own
        truth = truths_of(known[name])[0]
        yield from ((name, view) for view in wl.analyze(truth.specimen(), name, parameters=two)[name].views())
    others = [wl.ChatTransformer(shape, seed=seed) for seed in range(9)]  # with MLPs, which the hand-built model lacks
    first = wl.Specimen(others[8], tokenizer, held_out, windows=24, background=train)
    seeds = {"seed-0": first, **{f"seed-{seed}": first.with_model(others[seed]) for seed in (1, 2)}}
    on_the_way = {f"tokens-{1000 * i}": first.with_model(one) for i, one in enumerate(others[:8])} | {
        "tokens-9000": first
    }
    cohorts = {
        "seeds": wl.Cohort("seeds", seeds),
        "snapshots": wl.Cohort("snapshots", on_the_way, at=[*(1000 * i for i in range(8)), 9000]),
    }
    for kind, cohort in cohorts.items():
        for name, result in wl.analyze(cohort, *(name for name, of in of_several.items() if of == kind)).items():
            yield from ((name, view) for view in result.views())


def schema() -> str:
    """Every part a view can be made of, with its fields, as the classes say it."""
    parts = []
    for cls in (View, *parts_of(), Role):
        renderer = getattr(cls, "renderer", "")
        drawn = f" Drawn by `{renderer}`." if isinstance(renderer, str) and renderer else ""
        lines = [_plain(line) for line in _doc(cls).partition("\n\nArgs:")[0].split("\n\n")]
        parts += [f"(part-{cls.__name__})=", f"## {cls.__name__}", *lines[:-1], lines[-1] + drawn]
        called = ", ".join(name if required else f"{name}=…" for name, _, required, _ in described(cls))
        if cls is not View:  # which has its entry among the public names
            parts.append(f"```{{eval-rst}}\n.. py:class:: wonderland.views.{cls.__name__}({called})\n```")
        rows = ["| field | holds | |", "|---|---|---|"]
        for name, kind, required, about in described(cls):
            rows.append(
                f"| `{name}` | {_cell(_plain(kind))}{'' if required else ', optional'} | {_cell(_plain(about))} |"
            )
        parts.append("\n".join(rows))
    return "\n\n".join(parts) + "\n"


# -- words -----------------------------------------------------------------------------------------------------------


def _doc(thing: Any) -> str:
    return inspect.getdoc(thing) or ""


def _plain(text: str) -> str:
    """Return text as Markdown reads it: special tokens and asterisks are meant literally."""
    for character in "<>*_":
        text = text.replace(character, f"\\{character}")
    return inspect.cleandoc(text.replace("\b", ""))


def _sentence(text: str) -> str:
    text = _plain(text).strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
