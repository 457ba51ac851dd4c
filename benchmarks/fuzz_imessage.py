"""Does the decoder ever crash, hang, or return a text that the walker does not confirm?

    python benchmarks/fuzz_imessage.py 1000000 [seed]

Bodies of all kinds are cut, flipped, spliced, and given huge lengths, references to themselves and deep nesting. Each
goes through a decoder that has learned from everything before it, and through the walker alone; both must say the same.
The tests run a small share of this; run it for longer after changing the walker or the skeletons.

The longest run so far, November 2026: 3,000,000 bodies of seed 1, 154,158 accepted, 2,845,842 refused, no disagreement,
no other exception; the slowest took 20 ms.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from random import Random

from wonderland_imessage import UndecodableBody, decode_body
from wonderland_imessage.skeletons import decoder
from wonderland_imessage.testing import PLANS
from wonderland_imessage.testing.plans import Desk
from wonderland_imessage.testing.vocabulary import Writer

TELLING = bytes([0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x92, 0x93, 0x94, 0x95, 0xFF, 0x00, 0x2B, 0x40])
HUGE = [b"\x81\xff\xff", b"\x82\xff\xff\xff\x7f", b"\x82\xff\xff\xff\xff", b"\x87" + b"\xff" * 8]
TYPES = [b"\x84\x0b[999999999c]", b"\x84\x05[2[0c", b"\x84\x04{a=}", b"\x84\x02@@", b"\x84\x01#", b"\x84\x01*"]


def samples(random: Random) -> list[bytes]:
    """Return some bodies of every kind that has one."""
    desk = Desk(random, Writer(random))
    blobs = [plan.write(desk).get("attributedBody") for plan in PLANS for _ in range(4)]
    return [blob for blob in blobs if blob is not None and len(blob) < 1500]


def mutate(random: Random, blob: bytes, others: list[bytes]) -> bytes:
    """Damage a body in one of the ways that matter."""
    at = random.randrange(len(blob) + 1)
    length = random.randrange(1, 24)
    byte = bytes([random.choice(TELLING) if random.random() < 0.6 else random.randrange(256)])
    changes = (
        lambda: blob[:at],
        lambda: blob[:at] + byte + blob[at + 1 :],
        lambda: blob[:at] + byte + blob[at:],
        lambda: blob[:at] + blob[at + length :],
        lambda: blob[:at] + blob[at : at + length] * random.choice((2, 3, 90)) + blob[at + length :],
        lambda: blob[:at] + random.choice(others)[at:],
        lambda: blob[:at] + random.choice(HUGE) + blob[at + 1 :],
        lambda: blob[:at] + random.choice(TYPES) + blob[at + random.randrange(4) :],
        lambda: blob[:at] + b"\x92\x84\x93" * random.choice((1, 70, 900)) + blob[at:],
    )
    return random.choice(changes)()


def main(count: int, seed: int) -> int:
    """Run, print what happened, and return how often the two disagreed."""
    random = Random(seed)
    whole = samples(random)
    decode = decoder()
    seen: Counter[str] = Counter()
    slowest, disagreements = 0.0, 0
    started = time.perf_counter()
    for _ in range(count):
        blob = random.choice(whole)
        for _ in range(random.choice((1, 1, 1, 2, 3))):
            blob = mutate(random, blob, whole)
        begun = time.process_time()
        try:
            expected = decode_body(blob)
        except UndecodableBody:
            expected = None
        slowest = max(slowest, time.process_time() - begun)
        try:
            found = decode(blob)
        except UndecodableBody:
            found = None
        seen["refused" if expected is None else "accepted"] += 1
        if found != (None if expected is None else (expected.text, expected.names)):
            disagreements += 1
            print(f"they disagree on {blob.hex()}")
    seconds = time.perf_counter() - started
    print(f"{count:,} bodies (seed {seed}) in {seconds:,.0f} s:")
    print(f"{seen['accepted']:,} accepted, {seen['refused']:,} refused,")
    print(f"{disagreements} disagreements, no other exception; the slowest took the walker {slowest * 1000:.1f} ms")
    return disagreements


if __name__ == "__main__":
    given = [int(argument) for argument in sys.argv[1:3]]
    sys.exit(min(1, main(*given, *(100_000, 0)[len(given) :])))
