"""``extract``, ``filter`` and ``tokenize``: from a message store to tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from wonderland import plugins
from wonderland.advice import Command, Hint
from wonderland.cli.arrow import leave_pandas_out
from wonderland.cli.choosing import choosing_options, chosen_of
from wonderland.cli.console import Console, number, plain, shares
from wonderland.cli.context import command, open_workspace, record, wrote
from wonderland.cli.fitting import say_what_fits, what_to_do
from wonderland.cli.in_full import in_workspace
from wonderland.cli.options import Place, given, settings_options
from wonderland.cli.stores import (
    ask_secret,
    asking_owner,
    options_of_sources,
    replaced_by,
    said,
    stores_of,
    told_of_all,
)
from wonderland.corpus.corpus import Corpus
from wonderland.corpus.filters import secrets_in
from wonderland.corpus.locating import is_there, locate, must_be_a_store
from wonderland.corpus.misnamed import must_hold_something
from wonderland.corpus.secrets import answering
from wonderland.corpus.several import named_stores
from wonderland.counted import counted
from wonderland.errors import CheckFailed, InputError, UsageError, WonderlandError
from wonderland.model.fitting import TOO_LITTLE
from wonderland.workspace.settings import SplitSettings, TokenizerSettings
from wonderland.workspace.workspace import Workspace

leave_pandas_out()


@click.argument("paths", metavar="[PATH]...", nargs=-1, type=Place())
@click.option("--add", is_flag=True, help="Add these stores to those that are read already.")
@click.option(
    "--source",
    "named",
    multiple=True,
    help="Source to read it with; by default the one that recognises it. Of several stores, one for each, in their "
    "order. Several for one PATH read it with each.",
)
@click.option("--names/--no-names", default=None, help="Keep names and numbers instead of pseudonyms.")
@click.option("--show-failures", is_flag=True, help="List every row that could not be read, with its reason.")
def extract(
    console: Console,
    folder: Path | None,
    paths: tuple[Path, ...],
    add: bool,
    named: tuple[str, ...],
    names: bool | None,
    show_failures: bool,
    extras: dict[str, Any],
) -> None:
    """Read messages into the workspace, every stored row accounted for.

    PATH is a file or folder: a chat.db, an export of a messenger, JSON Lines, CSV. On a Mac a name may stand for it:
    wonderland extract imessage. Options of the source follow it, for example: wonderland extract chats.csv --text body
    --me Ada --dates dmy

    Several make one corpus: wonderland extract chat.db result.json. An option of sources goes to each that has it;
    given once for each of them, to each in their order: --me Ada --me "Ada Berg". Who is one person in two of them is
    told by phone number and e-mail address, and by what you write into people.toml in the workspace.

    wonderland extract PATH --help lists the options of the source that reads it, without PATH those of all sources.
    """
    located = [locate(path, plugins.load().sources).absolute() for path in paths]
    for path in located:  # before a workspace is made, which would be of nothing
        if not is_there(path):
            raise InputError(f"There is nothing at {path}.", hint="Check the path; quote it if it contains spaces.")
        must_be_a_store(path)
        must_hold_something(path)
    there = folder or Workspace.find()
    new = there is None or not (there / "wonderland.toml").exists()
    workspace = open_workspace(folder, create=bool(paths))
    if len(named) > 1 and not located:
        if workspace.settings.source.more:
            read = workspace.settings.source.paths
            told: dict[str, Any] = {"source": tuple(named)} if len(named) == len(read) else {}
            raise UsageError(
                "Several sources are named, and no store.",
                hint=Hint("Name the stores too: ", Command("extract", *read, **told)),
            )
        located = [workspace.layout.source_path]
    with workspace.alone("extract"):
        corpus = _extracted(
            console,
            workspace,
            located,
            add=add,
            new=new,
            named=named,
            values=given({"names": names}),
            extras=extras,
        )
    if show_failures:
        list_failures(console, corpus)
    console.next("wonderland filter")


def _extracted(
    console: Console,
    workspace: Workspace,
    located: list[Path],
    *,
    add: bool,
    new: bool,
    named: Sequence[str],
    values: dict[str, Any],
    extras: dict[str, Any],
) -> Corpus:
    """Write down what is to be read, and read it."""
    before = workspace.settings.source
    extras = said(extras)
    try:
        if located:
            values |= stores_of(before, located, extras, named, add=add)
        else:
            values |= {"source": named[0]} if named else {}
            values |= told_of_all(before, extras)
        record(console, workspace, "source", values)
        corpus = asking_owner(console, workspace, lambda: read_messages(console, workspace))
    except WonderlandError:
        if not (new and workspace.discard()):  # made for this, it holds nothing
            workspace.configure("source", **asdict(before))  # what was not read is not what the workspace is about
            wrote(console)
        raise
    after = [(str(path), source) for path, source in named_stores(located, named)] if located else []
    if after and not add and (note := replaced_by(before, after, console.where)):
        console.note(note)
    return corpus


def read_messages(console: Console, workspace: Workspace, *, again: bool = True) -> Corpus:
    """Read the messages and print where every row went."""
    with console.progress("Reading", "rows") as meter, answering(lambda what: ask_secret(console, meter, what)):
        of = [""]

        def tell(done: int, stored: int) -> None:
            meter.update(done, stored, f"{number(done)} of {number(stored)} rows{of[0]}")

        def begin(store: str) -> None:
            of[0] = f" of {plain(store)}"

        corpus = workspace.extract(tell, again=again, on_store=begin)
    ledger, counts = corpus.ledger, corpus.counts()
    console.result(ledger=ledger.to_json(), counts=counts, fingerprint=corpus.fingerprint, notes=list(corpus.notes))
    rows = [("Read", plain(one.source), number(one.stored) + " rows") for one in corpus.stores]
    rows = [*(rows or [("Read", plain(ledger.source), "")]), ("Rows stored", number(ledger.stored), "")]
    for entry in ledger.entries:
        remark = f"wonderland extract --show-failures{console.where}" if entry.failed else ""
        rows.append((f"  {plain(entry.reason)}", number(entry.count), remark or f"{entry.count / ledger.stored:.1%}"))
    for heading, facts in ledger.facts.items():
        rows.append((plain(heading), "", ""))
        rows.extend(shares(facts, ledger.whole_of(heading)))
    total = counts["messages"]
    rows += [
        ("Messages", number(total), ""),
        *shares({"from you": counts["from me"], "from others": total - counts["from me"]}, total),
        *[(f"  {name}", number(counts[name]), "") for name in ("in group chats", "sms") if counts[name]],
        ("Conversations", number(counts["conversations"]), ""),
        (
            "People",
            number(counts["people"]),
            "stored by name" if workspace.settings.source.names else "stored as pseudonyms",
        ),
        (
            "Words",
            number(counts["words"]),
            f"{counts['words'] / max(total, 1):.1f} per message; before the filters",
        ),
    ]
    console.rows(rows)
    for note in corpus.notes:
        console.say(f"Note: {plain(note)}")
    return corpus


def list_failures(console: Console, corpus: Corpus) -> None:
    """List the rows that could not be read."""
    rows = [row for row in corpus.skipped.to_pylist() if row["failed"]]
    console.result(failures=rows)
    console.say(f"{counted(len(rows), 'row')} could not be read{':' if rows else '.'}")
    for row in rows:
        console.say(f"  {plain(row['id'])}: {plain(row['reason'])} {plain(row['detail'])}".rstrip())


@click.option("--only", "only", multiple=True, help="Apply only this filter; may be repeated.")
@click.option("--also", "also", multiple=True, help="Apply this filter too; may be repeated.")
@click.option("--none", "none", is_flag=True, help="Apply no filter.")
@choosing_options
def filter_(
    console: Console, folder: Path | None, only: tuple[str, ...], also: tuple[str, ...], none: bool, **chosen: Any
) -> None:
    """Choose what to learn from, and drop noise.

    Noise is automated messages, short codes, bare links and bare emoji, and profanity with --also profanity. With
    --also scrub, phone numbers, e-mail addresses, cards, IBANs, codes, private links and street addresses are replaced
    by their kind. Times and people are chosen before that; --since '' or --person '' chooses all again.
    """
    workspace = open_workspace(folder)
    with workspace.alone("filter"):
        record(console, workspace, "filter", chosen_of(chosen))
        names = [] if none else list(only or workspace.settings.filter.names)
        names += [name for name in also if name not in names]
        record(console, workspace, "filter", {"names": names})
        corpus = filter_messages(console, workspace)
    offer_scrubbing(console, workspace, corpus)
    console.next("wonderland tokenize")


def filter_messages(console: Console, workspace: Workspace) -> Corpus:
    """Apply the filters and print what each dropped and why."""
    corpus = workspace.filter()
    ledger = corpus.ledger
    before = ledger.stored - ledger.count("read") - ledger.count("joined")
    rows = [("Messages", number(before), "")]
    chosen = workspace.settings.filter
    asked = {  # a choice that drops nothing is told, too: it may be mistyped
        "dates": chosen.since or chosen.until,
        "people": chosen.person or chosen.not_person or chosen.only_direct,
        "repeats": chosen.most_repeats,
    }
    for stage in (*(stage for stage, choice in asked.items() if choice), *chosen.names):
        count = ledger.count(stage)
        rows.append((f"  {stage}", f"-{number(count)}" if count else "0", ""))
        dropped = {f"  {plain(entry.reason)}": entry.count for entry in ledger.entries if entry.stage == stage}
        rows.extend(shares(dropped, before))
    rows.append(("Kept", number(len(corpus)), f"{len(corpus) / max(before, 1):.1%}"))
    for heading, facts in ledger.facts.items():
        if heading.startswith("Rewritten by "):
            rows.append((f"  {heading[0].lower()}{plain(heading[1:])}", number(facts["messages"]), "messages"))
            rows.extend(
                (f"    {plain(what)}", number(count), "") for what, count in facts.items() if what != "messages"
            )
    console.result(kept=len(corpus), ledger=ledger.to_json(), fingerprint=corpus.fingerprint)
    console.rows(rows)
    return corpus


def offer_scrubbing(console: Console, workspace: Workspace, corpus: Corpus) -> None:
    """Say how many secrets the messages hold, and what to type to have them replaced."""
    settings = workspace.settings.filter
    found = secrets_in(corpus.table, settings.country)
    console.result(secrets=found)
    if found and "scrub" not in settings.names:
        listed = ", ".join(f"{number(count)} {kind}" for kind, count in found.items())
        console.say(f"Secrets stand in these messages: {listed}. A model can learn them by heart.")
        console.say(f"To replace each by its kind, such as [phone]: wonderland filter --also scrub{console.where}")


@settings_options(TokenizerSettings)
@settings_options(SplitSettings, "held_out", "by")
@click.option("--preset", help="Size of the model the tokenizer is for: nano, seed or large.")
def tokenize(console: Console, folder: Path | None, preset: str | None, **options: object) -> None:
    """Train the tokenizer on the training part, and prove that it keeps the special tokens whole."""
    workspace = open_workspace(folder)
    with workspace.alone("tokenize"):
        record(console, workspace, "training", given({"preset": preset}))
        record(console, workspace, "split", given({name: options[name] for name in ("held_out", "by")}))
        record(console, workspace, "tokenizer", given({name: options[name] for name in ("vocab_size", "contacts")}))
        train_tokenizer(console, workspace)
    if say_what_fits(console, workspace, f"wonderland tokenize{console.where}") >= TOO_LITTLE:
        console.next("wonderland train")
        return
    for sentence in what_to_do(workspace):
        console.paragraph(in_workspace(sentence, console.where))
    console.paragraph(f"To train on so little all the same: wonderland train{console.where}")
    console.next("wonderland extract --add PATH")


_SPLIT = {
    "conversation": "whole conversations, drawn at random (--by conversation)",
    "within-contacts": "whole conversations, some of each contact (--by within-contacts)",
    "contact": "all conversations of some contacts (--by contact)",
    "time": "the end of each conversation (--by time)",
}


def _how_split(workspace: Workspace, train: Corpus, held_out: Corpus) -> str:
    """Say which messages were held out; of "auto", which of the two ways it took."""
    way = workspace.settings.split.by
    if way == "auto":
        threads = [set(part.table.column("thread").unique().to_pylist()) for part in (train, held_out)]
        way = "time" if threads[0] & threads[1] else "conversation"
    return _SPLIT[way]


def _sizes(part: Corpus) -> tuple[str, str]:
    messages, _, word = counted(len(part), "message").partition(" ")
    return messages, f"{word} in {counted(len(part.thread_starts), 'conversation')}"


def train_tokenizer(console: Console, workspace: Workspace) -> None:
    """Train the tokenizer and print what was verified."""
    tokenizer = workspace.tokenize()
    train, held_out = workspace.split()
    console.rows(
        [
            ("To train on", *_sizes(train)),
            ("Held out", *_sizes(held_out)),
            ("", "", _how_split(workspace, train, held_out)),
            ("Vocabulary", number(tokenizer.vocab_size), "tokens"),
        ]
    )
    verified = tokenizer.verify(train.texts[:10_000])
    console.result(
        vocab_size=tokenizer.vocab_size,
        fingerprint=tokenizer.fingerprint,
        verified=[{"name": step.name, "passed": step.passed, "detail": step.detail} for step in verified],
    )
    apart = [step for step in verified if step.special]
    console.say("   ".join(f"{step.special} {token} {console.mark(step.passed)}" for token, step in enumerate(apart)))
    console.ticks([(step.passed, step.name, step.detail) for step in verified if not step.special])
    if not all(step.passed for step in verified):
        raise CheckFailed(
            "The tokenizer does not keep what the model relies on.", hint="Please report this with the lines above."
        )


extract_command = command("extract", further=options_of_sources)(extract)
filter_command = command("filter")(filter_)
tokenize_command = command("tokenize")(tokenize)
