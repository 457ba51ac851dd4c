"""How many bodies are decoded in a second, beside pytypedstream on the same bodies in the same run?

python -m pytest benchmarks/test_imessage_decode.py --benchmark-only -s
"""

from __future__ import annotations

import time
from random import Random

import pytest

from wonderland_imessage import decode_body
from wonderland_imessage.skeletons import decoder
from wonderland_imessage.testing import PLANS, encode_text
from wonderland_imessage.testing.plans import Desk
from wonderland_imessage.testing.vocabulary import Writer

pytestmark = pytest.mark.benchmark(timer=time.process_time)
BODIES = 100_000
PEER_BODIES = 2_000  # the peer is slow; its speed does not depend on how many there are


def plain_bodies():
    """Return bodies that are text alone, of both kinds, and their texts."""
    random = Random(1)
    writer = Writer(random)
    texts = [writer.text() for _ in range(BODIES)]
    return texts, [encode_text(text, mutable=random.random() < 0.3) for text in texts]


def mixed_bodies():
    """Return bodies with attributes: links, attachments, detected data, mentions, one-time codes."""
    random = Random(1)
    desk = Desk(random, Writer(random))
    names = {"detected data", "link", "mention", "bold", "one-time code", "attachment", "attachment with caption"}
    plans = [plan for plan in PLANS if plan.name in names]
    drawn = random.choices(plans, [plan.weight for plan in plans], k=BODIES // 5)
    return [plan.write(desk)["attributedBody"] for plan in drawn]


def all_of(decode, bodies):
    """Decode every body."""
    return [decode(body)[0] for body in bodies]


def rate(function, bodies):
    """Return bodies per second of the best of three runs."""
    seconds = []
    for _ in range(3):
        started = time.process_time()
        for body in bodies:
            function(body)
        seconds.append(time.process_time() - started)
    return len(bodies) / min(seconds)


def peer():
    """Return pytypedstream's decoder, as its documentation uses it."""
    typedstream = pytest.importorskip("typedstream", reason="pytypedstream is not installed: pip install pytypedstream")

    def decode(blob):
        return typedstream.unarchive_from_data(blob).contents[0].value.value

    return decode


def report(benchmark, name, bodies, expected):
    """Print the rate beside the walker's and the peer's."""
    ours = len(bodies) / benchmark.stats.stats.min
    walker = rate(decode_body, bodies[:PEER_BODIES])
    benchmark.extra_info.update(bodies_per_second=round(ours), walker_bodies_per_second=round(walker))
    print(f"\n{name}: {ours:,.0f} bodies/s; the walker alone {walker:,.0f}/s")
    decode = peer()
    assert [decode(body) for body in bodies[:200]] == expected[:200]
    theirs = rate(decode, bodies[:PEER_BODIES])
    benchmark.extra_info.update(peer_bodies_per_second=round(theirs), ratio=round(ours / theirs))
    print(f"{name}: pytypedstream {theirs:,.0f}/s; {ours / theirs:,.0f} times as many")


def test_text_only_bodies(benchmark):
    """Text-only bodies: nine of ten messages."""
    texts, bodies = plain_bodies()
    decode = decoder()
    found = benchmark.pedantic(all_of, (decode, bodies), rounds=7, warmup_rounds=1)
    assert found == texts
    report(benchmark, "text-only", bodies, texts)


def test_bodies_with_attributes(benchmark):
    """Bodies with attributes, each confirmed to its last byte as well."""
    bodies = mixed_bodies()
    decode = decoder()
    found = benchmark.pedantic(all_of, (decode, bodies), rounds=5, warmup_rounds=1)
    assert found == [decode_body(body).text for body in bodies]
    report(benchmark, "with attributes", bodies, found)
