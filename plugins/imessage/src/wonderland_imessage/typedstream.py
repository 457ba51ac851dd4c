"""The typedstream, the archive format that Messages stores its formatted texts in.

A typedstream is what NeXT's and Apple's ``NSArchiver`` writes: a header, then groups, each a type encoding and one
value for each type in it. Two tables grow as the archive is read, shared strings (`S`) and objects (`O`, which
classes and C strings join), and later mentions are references into them. `walk` reads the whole grammar, both byte
orders, and refuses whatever is not in it: it never searches for a marker and never guesses.

What would fool it: nothing that it accepts can have bytes left over, a reference to something not yet written, a
class that is its own ancestor, a length past the end, or objects nested deeper than `MAX_DEPTH`; those are
`ArchiveError`. A reference may point to an object that is still being read, so a result can contain itself.

Costs: some 40 µs for a body without attributes, 100 µs for one with five runs; see `skeletons` for the fast path.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from wonderland_imessage.archived import Archived, ArchivedClass, ArchiveError, Group, Mark
from wonderland_imessage.encodings import Array, Structure, Type, least, parse_types

__all__ = ["MAX_DEPTH", "parse", "walk"]

MAX_DEPTH = 64
"""Objects nested deeper than this are refused; bodies of real messages reach 10."""

SIGNATURES = {b"streamtyped": "little", b"typedstream": "big"}
INT16, INT32, REAL, NEW, NIL, END, INT64 = 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87
FIRST_SMALL = 0x92  # heads from here to 0xff are -110..-1; 0x80..0x91 are tags
SIGNED, UNSIGNED = "islq", "ISLQ"


def walk(blob: bytes) -> tuple[Group, ...]:
    """Read a typedstream to its last byte and return its groups.

    Values are `Archived` objects, `ArchivedClass`, bytes (strings of any kind), int, float, tuples (arrays and
    structures) or None for nil.

    Raises:
        ArchiveError: The bytes are not a typedstream, or not a sound one; the message says where and why.
    """
    return parse(blob, None)


def parse(blob: bytes, marks: list[Mark] | None) -> tuple[Group, ...]:
    """Do as `walk` does and append to ``marks`` where the varying values lie."""
    if not isinstance(blob, bytes):
        raise ArchiveError(f"not bytes but {type(blob).__name__}")
    order = SIGNATURES.get(blob[2:13]) if blob[:2] == b"\x04\x0b" else None
    if order is None:
        raise ArchiveError(f"not a typedstream: {_kind_of(blob)}")
    try:
        return _Walk(blob, order, marks).groups()
    except (IndexError, struct.error):
        raise ArchiveError("it breaks off inside a value", offset=len(blob)) from None


def _kind_of(blob: bytes) -> str:
    if not blob:
        return "it is empty"
    if blob.startswith(b"bplist"):
        return "it is a binary property list"
    if blob[:1] == b"\x04" and blob[2:13] not in SIGNATURES:
        return "its signature is wrong"
    return "its header is wrong"


class _Walk:
    """One pass over one archive: a position, the two tables, and a reader for each type."""

    __slots__ = ("blob", "count_at", "count_end", "depth", "marks", "objects", "order", "plans", "pos", "strings")

    def __init__(self, blob: bytes, order: str, marks: list[Mark] | None) -> None:
        self.blob = blob
        self.order: Any = order
        self.marks = marks
        self.pos = 13
        self.depth = 0
        self.count_at = self.count_end = -1  # where the last `i` group had its value
        self.strings: list[bytes] = []
        self.objects: list[Any] = []
        self.plans: dict[bytes, tuple[Callable[[], Any], ...]] = {}

    def groups(self) -> tuple[Group, ...]:
        self.signed()  # the writer's system version
        groups = []
        end = len(self.blob)
        while self.pos < end:
            groups.append(self.group())
        return tuple(groups)

    def refuse(self, reason: str) -> ArchiveError:
        return ArchiveError(reason, offset=self.pos)

    # integers ---------------------------------------------------------------

    def signed(self) -> int:
        pos = self.pos
        head = self.blob[pos]
        if head < 0x80:
            self.pos = pos + 1
            return head
        if head >= FIRST_SMALL:
            self.pos = pos + 1
            return head - 256
        return self.wide(head, True)

    def unsigned(self) -> int:
        pos = self.pos
        head = self.blob[pos]
        if head < 0x80 or head >= FIRST_SMALL:
            self.pos = pos + 1
            return head
        return self.wide(head, False)

    def wide(self, head: int, signed: bool) -> int:
        width = 2 if head == INT16 else 4 if head == INT32 else 8 if head == INT64 else 0
        if not width:
            raise self.refuse(f"0x{head:02x} where an integer should be")
        start = self.pos + 1
        self.pos = start + width
        if self.pos > len(self.blob):
            raise IndexError
        return int.from_bytes(self.blob[start : self.pos], self.order, signed=signed)

    def reference(self, table: list[Any]) -> Any:
        index = self.signed() + 110
        if not 0 <= index < len(table):
            raise self.refuse("a reference to something that was never written")
        return table[index]

    # strings ----------------------------------------------------------------

    def unshared(self) -> bytes | None:
        pos = self.pos
        if self.blob[pos] == NIL:
            self.pos = pos + 1
            return None
        length = self.unsigned()
        start = self.pos
        self.pos = end = start + length
        if end > len(self.blob):
            raise ArchiveError(f"a length of {length} runs past the end", offset=pos)
        return self.blob[start:end]

    def plus(self) -> bytes | None:
        start = self.pos
        value = self.unshared()
        if self.marks is not None and value is not None:
            self.marks.append(Mark(start, self.pos, "+", value))
        return value

    def shared(self) -> bytes | None:
        head = self.blob[self.pos]
        if head == NEW:
            self.pos += 1
            value = self.unshared()
            if value is None:
                raise self.refuse("a new string that is nil")
            self.strings.append(value)
            return value
        if head == NIL:
            self.pos += 1
            return None
        found: bytes = self.reference(self.strings)
        return found

    def c_string(self) -> bytes | None:
        head = self.blob[self.pos]
        if head == NEW:
            self.pos += 1
            value = self.shared()
            self.objects.append(value)
            return value
        if head == NIL:
            self.pos += 1
            return None
        found = self.reference(self.objects)
        if found is not None and not isinstance(found, bytes):
            raise self.refuse("a reference to something that is no C string")
        return found

    # objects ----------------------------------------------------------------

    def class_chain(self) -> ArchivedClass | None:
        chain: list[tuple[str, int, int]] = []
        while True:
            head = self.blob[self.pos]
            if head == NEW:
                self.pos += 1
                name = self.shared()
                if name is None:
                    raise self.refuse("a class without a name")
                chain.append((name.decode("latin-1"), self.signed(), len(self.objects)))
                self.objects.append(None)  # its slot; filled once its ancestors are known
                if len(chain) > MAX_DEPTH:
                    raise self.refuse("a class with too many ancestors")
                continue
            found: ArchivedClass | None = None
            if head == NIL:
                self.pos += 1
            else:
                found = self.reference(self.objects)
                if not isinstance(found, ArchivedClass):
                    raise self.refuse("a reference to something that is no class, or not one yet")
            for name_, version, slot in reversed(chain):
                found = self.objects[slot] = ArchivedClass(name_, version, found)
            return found

    def object(self) -> Archived | None:
        head = self.blob[self.pos]
        if head == NEW:
            self.pos += 1
            made = Archived()
            self.objects.append(made)
            self.depth += 1
            if self.depth > MAX_DEPTH:
                raise self.refuse("objects nested too deeply")
            made.cls = self.class_chain()
            if made.cls is None:
                raise self.refuse("an object without a class")
            blob, groups, group = self.blob, made.groups, self.group
            while blob[self.pos] != END:
                groups.append(group())
            self.pos += 1
            self.depth -= 1
            return made
        if head == NIL:
            self.pos += 1
            return None
        found = self.reference(self.objects)
        if not isinstance(found, Archived):
            raise self.refuse("a reference to something that is no object")
        return found

    # groups -----------------------------------------------------------------

    def group(self) -> Group:
        start = self.pos
        types = self.shared()
        if types is None:
            raise self.refuse("a group without types")
        if types == b"@":
            return Group(types, (self.object(),))
        if types == b"+":
            return Group(types, (self.plus(),))
        if types == b"iI":
            return self.run(types)
        if types == b"i":
            self.count_at = self.pos
            group = Group(types, (self.signed(),))
            self.count_end = self.pos
            return group
        plan = self.plans.get(types)
        if plan is None:
            plan = self.plans[types] = tuple(self.reader(kind) for kind in parse_types(types))
        group = Group(types, tuple([read() for read in plan]))
        if self.marks is not None and types[-2:] == b"c]" and start == self.count_end and self.blob[start] == NEW:
            self.marks.append(Mark(self.count_at, self.pos, "data", types))
        return group

    def run(self, types: bytes) -> Group:
        identity = self.signed()
        start = self.pos
        length = self.unsigned()
        if self.marks is not None:
            self.marks.append(Mark(start, self.pos, "run", b""))
        return Group(types, (identity, length))

    def reader(self, kind: Type) -> Callable[[], Any]:
        if isinstance(kind, Array):
            return self.array(kind)
        if isinstance(kind, Structure):
            fields = [self.reader(field) for field in kind.fields]
            return lambda: tuple([read() for read in fields])
        if kind in SIGNED:
            return self.signed
        if kind in UNSIGNED:
            return self.unsigned
        if kind in "cCB":
            return self.byte if kind != "c" else self.char
        if kind in "%:":
            return self.shared
        if kind == "f":
            return lambda: self.real(4)
        if kind == "d":
            return lambda: self.real(8)
        return {"@": self.object, "+": self.plus, "*": self.c_string, "#": self.class_chain}[kind]

    def array(self, kind: Array) -> Callable[[], Any]:
        smallest = least(kind.element)
        element = self.reader(kind.element)
        raw = kind.element in ("c", "C", "B")

        def read() -> bytes | tuple[Any, ...]:
            if kind.length and not smallest:
                raise self.refuse("an array of nothing")
            if kind.length * smallest > len(self.blob) - self.pos:
                raise self.refuse(f"an array of {kind.length} runs past the end")
            if raw:
                self.pos += kind.length
                return self.blob[self.pos - kind.length : self.pos]
            return tuple([element() for _ in range(kind.length)])

        return read

    def byte(self) -> int:
        value = self.blob[self.pos]
        self.pos += 1
        return value

    def char(self) -> int:
        value = self.byte()
        return value - 256 if value > 127 else value

    def real(self, width: int) -> float:
        if self.blob[self.pos] != REAL:
            return float(self.signed())
        form = ("<" if self.order == "little" else ">") + ("f" if width == 4 else "d")
        (value,) = struct.unpack_from(form, self.blob, self.pos + 1)
        self.pos += 1 + width
        return float(value)
