"""A person's conversations: read from anywhere, every row accounted for, filtered and split without losing count.

A `Corpus` is immutable. Reading checks the accounting law and groups messages by conversation; filtering and
splitting return new corpora whose ledgers say what left and why. One class with many short methods, hence a long file.
"""

from __future__ import annotations

import functools
import hashlib
import inspect
import json
import shlex
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from wonderland import plugins
from wonderland.advice import Command, Hint
from wonderland.corpus import choosing, columns
from wonderland.corpus.choosing import moment
from wonderland.corpus.filters import Filter, judged, rewritten
from wonderland.corpus.frame_source import Frame
from wonderland.corpus.handles import Acquaintances
from wonderland.corpus.joining import Part, join, renamed
from wonderland.corpus.locating import locate
from wonderland.corpus.messages import Ledger, Message
from wonderland.corpus.misnamed import blaming_the_name
from wonderland.corpus.order import sorted_by_thread
from wonderland.corpus.people import ME, Pseudonyms
from wonderland.corpus.reading import batches, read_source
from wonderland.corpus.several import read_several
from wonderland.corpus.source import choose_source, closing_source, open_source
from wonderland.corpus.splitting import held_out_messages, what_can_be_held_out
from wonderland.counted import counted
from wonderland.errors import InputError, NotEnoughData, PluginError, UsageError, must_be, must_be_whole
from wonderland.notebook import table_of
from wonderland.paths import expanded

__all__ = ["Corpus"]

_NAMES = "names=True keeps senders and conversations as they are called."
_OF_SEVERAL = "{} says who is one person in several stores; of one store it is not used."
_A_MESSAGE = "For example: wl.Message('1', 'Ada and me', 'Ada', False, None, 'hello')"


@dataclass(frozen=True, repr=False)
class Corpus:
    """Messages grouped by conversation, with the ledger of every row that was stored.

    Make one with `Corpus.read`, `Corpus.of` or `Corpus.load`.

    Attributes:
        table: The messages as Arrow columns, conversations together, each in the order it was sent.
        ledger: Where every stored row went.
        skipped: The rows that were no messages, as a table of id, reason, failed, detail.
        notes: Sentences of the source that the user should read.
        stores: The ledger of each store, where several were joined.
    """

    table: pa.Table
    ledger: Ledger
    skipped: pa.Table
    notes: tuple[str, ...] = ()
    stores: tuple[Ledger, ...] = ()

    @classmethod
    def read(
        cls,
        path: str | Path,
        *more: str | Path,
        source: str | Sequence[str] | None = None,
        names: bool = False,
        pseudonyms: Pseudonyms | None = None,
        people: str | Path | None = None,
        on_rows: Callable[[int, int], None] | None = None,
        **options: Any,
    ) -> Corpus:
        """Read messages from a file or folder, or from several into one corpus.

        Several stores keep a ledger each; people are joined by phone number, e-mail address and ``people``, and a
        message that is in two of them is counted once (`wonderland.corpus.joining`).

        Args:
            path: What to read; ``~`` is the home directory. The name of a source that has a place of its own, such as
                "imessage", means that place, if no file is called so.
            *more: Further stores. An option then goes to every source that has it, or as a list to each in their order.
            source: Name of the source to read it with; by default the one that recognises it. Of several stores, one
                name each. Several names for one store read it with each: a phone's backup holds several messengers.
            names: Keep senders and conversations as the store names them, instead of pseudonyms.
            pseudonyms: Mapping to continue, so that the same people keep their pseudonyms.
            people: A file that says who is one person in several stores (`wonderland.corpus.handles`).
            on_rows: Called now and then with rows read so far and rows stored.
            **options: Options of the source.

        Raises:
            InputError: There is nothing there, no source recognises it, or it cannot be read.
            PluginError: The source did not account for every stored row.
        """
        must_be(names, (bool, np.bool_), "names is True or False", _NAMES)
        named = [source] if isinstance(source, str) else list(source or ())
        if more or len(set(named)) > 1:
            return cls(*read_several([path, *more], named, names, pseudonyms, people, on_rows, options))
        said = (_OF_SEVERAL.format(people),) if Acquaintances.named(people).names else ()
        sources = plugins.load().sources
        path = locate(path, sources)
        chosen = choose_source(path, sources, named[0] if named else None)
        if names and "names" in inspect.signature(chosen).parameters:
            options = {"names": True, **options}
        known = None if names else pseudonyms or Pseudonyms()
        with blaming_the_name(path, chosen, sources):
            opened = open_source(path, {chosen.name: chosen}, chosen.name, options)
            with closing_source(opened):
                corpus = cls(*read_source(opened, f"{path.name}, {opened.name}", known, on_rows))
        return replace(corpus, notes=(*corpus.notes, *said)) if said else corpus

    @classmethod
    def of(cls, messages: Iterator[Message] | list[Message], *, name: str = "messages") -> Corpus:
        """Make a corpus from messages in memory, senders as they are.

        Raises:
            UsageError: It is something else than messages.
        """
        must_be(messages, Iterable, "a corpus is made of messages", _A_MESSAGE)
        if isinstance(messages, np.ndarray) and not messages.ndim:
            raise UsageError("A corpus is made of messages, not one value of numpy.", hint=_A_MESSAGE)
        builder = columns.Builder()
        for rows in batches(messages):
            for row in rows:
                must_be(row, Message, "a corpus is made of messages", _A_MESSAGE)
            builder.extend(rows)
        table = sorted_by_thread(builder.table())
        return cls(table, Ledger(name, table.num_rows, table.num_rows), columns.skipped_table([]))

    @classmethod
    def from_frame(cls, frame: Any, *, names: bool = False, **options: Any) -> Corpus:
        """Make a corpus from a pandas data frame, a row a message.

        Args:
            frame: The table; its columns are detected by their usual names.
            names: Keep senders and conversations as they are, instead of pseudonyms.
            **options: Columns by meaning (``text``, ``sender``, ``time``, ``thread``, ``from_me``), and ``me``.

        Raises:
            InputError: No column can be the text or the column holds none, or nothing tells which messages are the
                owner's.
            UsageError: It is no frame, or an option is of another type.
        """
        must_be(names, (bool, np.bool_), "names is True or False", _NAMES)
        return cls(*read_source(Frame(frame, **options), "the frame", None if names else Pseudonyms()))

    @classmethod
    def concat(cls, *corpora: Corpus, same_people: bool = False) -> Corpus:
        """Join corpora; their ledgers add up, and nothing is taken for the same message.

        Args:
            *corpora: What to join.
            same_people: Whether a sender or conversation of the same name is the same one in all of them. Otherwise
                the number of its corpus is put before it, for a pseudonym means another person in each.

        Raises:
            UsageError: There is none, or one of them is something else.
        """
        parts = []
        if not corpora:
            raise UsageError("There is no corpus to join.", hint="For example: wl.Corpus.concat(one, another)")
        for corpus in corpora:
            must_be(corpus, Corpus, "what is joined is a Corpus each", "wl.Corpus.concat(one, another)")
        for number, corpus in enumerate(corpora, 1):
            table = corpus.table if same_people else renamed(corpus.table, str(number), ME)
            parts.append(Part(str(number), table, corpus.ledger, corpus.skipped, corpus.notes))
        return cls(*join(parts, once=False), stores=tuple(corpus.ledger for corpus in corpora))

    def between(self, since: str | date | None = None, until: str | date | None = None) -> Corpus:
        """Choose the messages sent from ``since`` on and before ``until``; each a day, a time or None.

        Raises:
            UsageError: It is no date.
        """
        first, last = moment(since, "since"), moment(until, "until")
        return self._chosen("dates", choosing.between(self.table, first, last)) if first or last else self

    def of_people(self, *people: str, without: Collection[str] = ()) -> Corpus:
        """Choose the conversations in which one of these people wrote.

        Args:
            *people: Senders; everybody if none is named.
            without: Senders whose messages go, and with them every conversation of two with one of them.

        Raises:
            UsageError: Somebody named wrote nothing.
        """
        if isinstance(without, str):
            raise UsageError("Who is left out is a list of senders, not one text.", hint=f"without=[{without!r}]")
        return self._chosen("people", choosing.of_people(self.table, self.thread_index, people, without, ME))

    def only_direct(self) -> Corpus:
        """Choose the conversations of two."""
        return self._chosen("people", choosing.only_direct(self.table, self.thread_index, ME))

    def of_conversations(self, chosen: np.ndarray) -> Corpus:
        """Choose conversations, [conversation] of bool, in the order of `thread_starts`."""
        chosen = np.asarray(chosen)
        if chosen.dtype != bool or chosen.shape != self.thread_starts.shape:
            raise UsageError(
                f"Conversations are chosen by one bool for each of the {len(self.thread_starts):,}, not by "
                f"{chosen.dtype} {list(chosen.shape)}.",
                hint="For example, those of ten or more: np.diff(np.r_[corpus.thread_starts, len(corpus)]) >= 10",
            )
        keep = chosen[self.thread_index]
        return self._chosen("conversations", (keep, Counter({"another part of the conversations": int((~keep).sum())})))

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def __iter__(self) -> Iterator[Message]:
        return columns.iterate(self.table)

    def __repr__(self) -> str:
        return f"Corpus({counted(len(self), 'message')} in {counted(len(self.thread_starts), 'conversation')})"

    def _repr_html_(self) -> str:
        days = pc.min_max(self.table.column("timestamp")).as_py() if len(self) else {}
        when = [
            (name, f"{days[end]:%Y-%m-%d}")
            for name, end in (("first day", "min"), ("last day", "max"))
            if days.get(end)
        ]
        return table_of(repr(self), [*list(self.counts().items())[1:], *when])

    @functools.cached_property
    def thread_starts(self) -> np.ndarray:
        """Index of the first message of each conversation, [conversation]."""
        if not len(self):
            return np.zeros(0, dtype=np.int64)
        codes = self.table.column("thread").combine_chunks().indices.to_numpy(zero_copy_only=False)
        return np.flatnonzero(np.r_[True, codes[1:] != codes[:-1]])

    @functools.cached_property
    def thread_index(self) -> np.ndarray:
        """Number of the conversation each message belongs to, [message]."""
        return np.repeat(np.arange(len(self.thread_starts)), np.diff(np.r_[self.thread_starts, len(self)]))

    @property
    def texts(self) -> list[str]:
        """The texts in order."""
        return list(self.table.column("text").to_pylist())

    def texts_in_parts(self, size: int = 1 << 15) -> Iterator[list[str]]:
        """Yield the texts in order, so many at a time: of millions, all as Python strings would fill the memory."""
        column = self.table.column("text")
        for begin in range(0, len(column), size):
            yield column.slice(begin, size).to_pylist()

    @property
    def is_from_me(self) -> np.ndarray:
        """Whether the owner wrote each message, [message]."""
        values: np.ndarray = self.table.column("is_from_me").combine_chunks().to_numpy(zero_copy_only=False)
        return values

    @functools.cached_property
    def fingerprint(self) -> str:
        """A short hash of who wrote what in which conversation, the same for the same messages in the same order."""
        digest = hashlib.sha256()
        digest.update(self.thread_starts.astype("<i8").tobytes())
        digest.update(np.packbits(self.is_from_me).tobytes())
        for lengths, data in columns.raw_texts(self.table):
            digest.update(lengths)
            digest.update(data)
        return digest.hexdigest()[:16]

    def counts(self) -> dict[str, int]:
        """Count messages, messages from me, in groups and by SMS, conversations, people and words."""
        tags = pc.value_counts(self.table.column("tags").cast(pa.string())).to_pylist()
        tagged: Counter[str] = Counter()
        for row in tags:
            for tag in row["values"].split():
                tagged[tag] += row["counts"]
        senders = set(self.table.column("sender").unique().to_pylist())
        return {
            "messages": len(self),
            "from me": int(self.is_from_me.sum()),
            "in group chats": tagged["group"],
            "sms": tagged["sms"],
            "conversations": len(self.thread_starts),
            "people": len(senders - {ME}),
            "words": columns.count_words(self.table),
        }

    def filter(self, *wanted: str | Filter) -> Corpus:
        """Drop noise and account for it.

        Args:
            *wanted: Names of filters, or filters themselves, in the order they are asked. Without any, all that are
                on by default.

        Raises:
            UsageError: There is no filter of a name.
        """
        for item in wanted:
            must_be(
                item, (str, Filter), "a filter is a name or a wl.Filter", "For example: corpus.filter('urls', 'emoji')"
            )
        known = plugins.load().filters
        chosen = [self._filter_named(item, known) if isinstance(item, str) else item for item in wanted]
        if not wanted:
            chosen = [filter_ for filter_ in known.values() if filter_.default]
        keep, reasons = judged(self.table, chosen)
        ledger = self.ledger
        for stage, counts in reasons.items():
            ledger = ledger.dropped(stage, counts)
        table, changed = rewritten(self._rows(keep), chosen)
        facts = {f"Rewritten by {name}": dict(counts) for name, counts in changed.items() if counts}
        return replace(self, table=table, ledger=replace(ledger, facts={**ledger.facts, **facts}))

    def cap_repeats(self, most: int, least_words: int = 6) -> Corpus:
        """Keep the first so many of messages that say exactly the same, those under ``least_words`` left alone.

        Raises:
            UsageError: ``most`` is under 1.
        """
        must_be(most, Integral, "the most repeats are a whole number")
        return self._chosen("repeats", choosing.repeats(self.table, most, least_words))

    def split(self, held_out: float = 0.1, *, by: str = "auto", seed: int = 0) -> tuple[Corpus, Corpus]:
        """Split into a part to train on and a part held out, before any windowing.

        Whole conversations are held out, so that no window of the one part overlaps the other. Where there are too few
        of them for that, or one makes up most of the corpus, the last messages of each conversation are held out.

        Args:
            held_out: Share of the messages to hold out.
            by: "conversation", "time", or "auto": by conversation if there are at least 20 and none holds over half.
                A conversation that holds more than the share to be held out always stays in training.
                "within-contacts" holds out some conversations of each contact who has several, and "contact" all
                conversations of some contacts; see `wonderland.corpus.splitting`.
            seed: Seed of the choice of conversations.

        Returns:
            The training part and the held-out part.

        Raises:
            NotEnoughData: One part would be empty.
        """
        must_be(held_out, Real, "held_out is a share between 0 and 1")
        must_be_whole(seed, "seed")
        if not 0 < held_out < 1:
            raise UsageError(f"held_out is a share between 0 and 1, not {held_out}.", hint="0.1 holds a tenth out.")
        lengths = np.diff(np.r_[self.thread_starts, len(self)])
        mask = held_out_messages(lengths, self._people, held_out, by, seed)
        if mask.all() or not mask.any():
            messages, threads = counted(len(self), "message"), counted(len(lengths), "conversation")
            left = "nothing would be left to train on" if mask.all() and len(self) else "nothing would be held out"
            raise NotEnoughData(
                f"A share of {held_out:g} of {messages} in {threads} cannot be held out: {left}.",
                hint=what_can_be_held_out(lengths, self._people, held_out, by, seed),
            )
        train = replace(
            self, table=self._rows(~mask), ledger=self.ledger.dropped("split", {"held out": int(mask.sum())})
        )
        rest = self.ledger.dropped("split", {"for training": int((~mask).sum())})
        return train, replace(self, table=self._rows(mask), ledger=rest)

    def _people(self) -> list[frozenset[str]]:
        """Return who wrote in each conversation beside me, [conversation]."""
        sender = self.table.column("sender").combine_chunks()
        names = sender.dictionary.to_pylist()
        pairs = np.unique(self.thread_index * len(names) + sender.indices.to_numpy(zero_copy_only=False))
        found: list[set[str]] = [set() for _ in self.thread_starts]
        for pair in pairs.tolist():
            number, code = divmod(pair, len(names))
            found[number].add(names[code])
        return [frozenset(who - {ME}) for who in found]

    def save(self, folder: str | Path) -> None:
        """Write ``messages.parquet``, ``skipped.parquet`` and ``ledger.json`` into an existing folder."""
        folder = expanded(folder)
        if not folder.is_dir():
            raise UsageError(
                f"There is no folder at {folder}.", hint=f"Make it first: mkdir -p {shlex.quote(str(folder))}"
            )
        pq.write_table(self.table, folder / "messages.parquet", compression="zstd")
        pq.write_table(self.skipped, folder / "skipped.parquet", compression="zstd")
        stores = [ledger.to_json() for ledger in self.stores]
        value = {**self.ledger.to_json(), "notes": list(self.notes), "stores": stores}
        (folder / "ledger.json").write_text(json.dumps(value, indent=1), encoding="utf-8")

    @classmethod
    def load(cls, folder: str | Path) -> Corpus:
        """Read what `save` wrote."""
        folder = expanded(folder)
        try:
            table = pq.read_table(folder / "messages.parquet")
            skipped = pq.read_table(folder / "skipped.parquet")
            value = json.loads((folder / "ledger.json").read_text(encoding="utf-8"))
            ledger, notes = Ledger.from_json(value), tuple(value["notes"])
            stores = tuple(Ledger.from_json(store) for store in value.get("stores", []))
            if not (table.schema.equals(columns.SCHEMA) and skipped.schema.equals(columns.SKIPPED_SCHEMA)):
                raise ValueError("its tables have other columns")
            if ledger.kept != table.num_rows:
                raise ValueError(f"it holds {counted(table.num_rows, 'message')}, its ledger speaks of {ledger.kept:,}")
        except (OSError, ValueError, RecursionError, KeyError, TypeError, PluginError, pa.ArrowException) as error:
            raise InputError(
                f"There is no readable corpus in {folder}: {error}.", hint=Hint("Run `", Command("extract"), "`.")
            ) from error
        return cls(table.unify_dictionaries().combine_chunks(), ledger, skipped, notes, stores)

    def _chosen(self, stage: str, choice: choosing.Choice) -> Corpus:
        keep, reasons = choice
        return replace(self, table=self._rows(keep), ledger=self.ledger.dropped(stage, reasons))

    def _rows(self, mask: np.ndarray) -> pa.Table:
        return self.table if mask.all() else self.table.filter(pa.array(mask)).combine_chunks()

    @staticmethod
    def _filter_named(name: str, known: dict[str, Filter]) -> Filter:
        if name not in known:
            raise UsageError(f"There is no filter named {name!r}.", hint=f"Filters: {', '.join(known)}.")
        return known[name]
