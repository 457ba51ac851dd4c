"""No question to the model in a page blocks it: work is counted between the places where the page may go on.

Nothing is timed. Every turn of a loop of the engine is counted, and what goes over arrays; a lane gets a clock that
runs by these counts.
"""

import itertools
import json
import re
import subprocess
from importlib import resources

import node_engine
import pytest

pytestmark = pytest.mark.skipif(node_engine.NODE is None, reason="no node on this machine")

MOST = 400_000  # turns of one step, of a model as large as the demo's: about a millisecond
RATE = 100_000  # turns the clock takes for a millisecond
LOOP = re.compile(r"(for \((?:let|const) [^;]*;[^;]*; )(\w+(?:\+\+|--| \+= [\w.]+))")
MODEL = """
let state = 1;
const drawn = (size, most) => Float32Array.from({ length: size }, () => ((state = (state * 16807) % 2147483647), (state / 2147483647 - 0.5) * most));
const [D, IN, V, C] = [128, 512, 2048, 128], ones = () => new Float32Array(D).fill(1), shift = () => drawn(D, 0.1);
const tensors = { W_E: drawn(V * D, 1), W_pos: drawn(C * D, 1), W_U: drawn(D * V, 0.2), 'ln_final.w': ones(), 'ln_final.b': shift() };
for (let l = 0; l < 2; l++) {
  const own = { 'ln1.w': ones(), 'ln1.b': shift(), 'ln2.w': ones(), 'ln2.b': shift(), W_QKV: drawn(3 * D * D, 0.2), b_QKV: drawn(3 * D, 0.1), W_O: drawn(D * D, 0.2), b_O: shift(), W_in: drawn(D * IN, 0.2), b_in: drawn(IN, 0.1), W_out: drawn(IN * D, 0.2), b_out: shift() };
  for (const [name, values] of Object.entries(own)) tensors[`blocks.${l}.${name}`] = values;
}
const cfg = { n_layers: 2, n_heads: 4, d_model: D, d_head: 32, d_mlp: IN, d_vocab: V, n_ctx: C, act_fn: 'gelu', eps: 1e-5 };
const model = finish(modelOf(cfg, tensors));
const { act } = model;
model.act = (value) => ((TURNS += 10), act(value)); // it takes as long as ten turns of an addition
const text = (length, first = 2) => Array.from({ length }, (_, i) => (i ? 5 + (i * 131) % (V - 5) : first));
const read = (...of) => finish(readTokens(new LiveRun(model), text(...of)));
const heads = Array.from({ length: 8 }, (_, i) => ({ layer: i >> 2, head: i % 4 })), long = read(C), [a, b] = [read(60), read(60, 1)];
const means = Array.from({ length: 2 }, () => new Float32Array(IN)), by = { method: 'mean', means: { z: means, mlp_out: means } };
const QUESTIONS = {
  'unpacking a matrix': () => fromHalves(new Uint8Array(2 * V * D)),
  'packing all': () => modelOf(cfg, tensors),
  reading: () => readTokens(new LiveRun(model), text(C)),
  surprise: () => surprise(long),
  lens: () => lens(long, C - 1, 3),
  'each head off': () => ablateEach(long, heads, by),
  'two parts off': () => without(long, heads.slice(3, 5), [by], softmax(finish(nextLogits(long)))),
  'swapped speakers': () => speakerPair(model, text(100)),
  'patching by head': () => patchEach(b, a, heads.map((one, i) => ({ site: 'z', ...one, position: 4 * i })), 10, 20),
  repetitions: () => repetitions(model, { sequences: 1, words: 60 }),
  'what carries it': () => effectFlow(long, 10, 20),
  steering: () => steered(long, 0, tensors.W_E.subarray(0, D), 2),
  reply: () => reply(a, { seed: 1, most: 3, stops: [] }),
};
"""  # noqa: E501


def counted() -> str:
    """Return the engine's code, and the lanes', in which turns of loops are counted."""
    lanes = resources.files("wonderland.report").joinpath("frontend", "live", "work.js").read_text(encoding="utf-8")
    code = LOOP.sub(r"\1\2, TURNS++", f"{node_engine.engine()}\n{lanes}")
    over = (
        "for (const type of [Array, Float32Array, Float64Array]) for (const name of ['map', 'reduce', 'forEach']) {\n"
    )
    over += "const real = type.prototype[name]; type.prototype[name] = function (...given) "
    over += "{ TURNS += this.length; return real.apply(this, given); };\n}\n"
    return f"let TURNS = 0;\n{over}\n{code}\n{MODEL}"


def told(script: str):
    done = subprocess.run(
        [node_engine.NODE, "-e", f"{counted()}\n{script}"], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def steps():
    """The turns of the longest step of each question, and of all its steps together."""
    return told("""
    const found = {};
    for (const [name, ask] of Object.entries(QUESTIONS)) {
      const work = ask();
      let longest = 0, all = 0;
      for (let done = false; !done;) {
        TURNS = 0;
        ({ done } = work.next());
        longest = Math.max(longest, TURNS);
        all += TURNS;
      }
      found[name] = [longest, all];
    }
    process.stdout.write(JSON.stringify(found));
    """)


@pytest.mark.slow
def test_no_step_of_a_question_is_long(steps):
    assert {name: longest for name, (longest, _) in steps.items() if longest > MOST} == {}


@pytest.mark.slow
def test_the_turns_that_are_counted_are_those_of_the_work(steps):
    positions, layers = 128, 2
    looks = layers * 128 * positions * (positions + 1)  # scores, and what is summed by them
    products = layers * (positions // 4) * (3 * 128 + 128 + 512 + 512) * 128 // 4  # four rows by four columns a turn
    assert steps["reading"][1] > looks + products
    assert len(LOOP.findall(node_engine.engine())) > 60


def test_a_lane_pauses_when_its_slice_of_the_clock_is_over():
    between = told(
        """
    const between = [];
    Object.defineProperty(globalThis, 'performance', { value: { now: () => TURNS / RATE } });
    globalThis.MessageChannel = class {
      constructor() {
        this.port1 = { close: () => {} };
        this.port2 = { postMessage: () => (between.push(TURNS), Promise.resolve().then(() => this.port1.onmessage())) };
      }
    };
    TURNS = 0;
    makeLane().run(readTokens(new LiveRun(model), text(C))).then(() => process.stdout.write(JSON.stringify(between)));
    """.replace("RATE", str(RATE))
    )
    assert between[0] == 0  # what was pressed is shown before the first slice, too
    spent = [after - before for before, after in itertools.pairwise(between)]
    assert len(spent) > 5
    assert min(spent) >= 8 * RATE  # a slice of eight milliseconds is used
    assert max(spent) <= 8 * RATE + MOST  # and is over with the step in which it ends
