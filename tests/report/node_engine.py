"""Run the page's engine in node: the files of ``frontend/live``, read once, then one script after another."""

import atexit
import base64
import functools
import json
import shutil
import subprocess
import tempfile
from importlib import resources

import numpy as np

from wonderland.report.live import SOURCES

NODE = shutil.which("node")

FINISH = """
const finish = (work) => { // run a generator to its end at once
  let step = work.next();
  while (!step.done) step = work.next();
  return step.value;
};
"""
_UNPACK = """
const TYPES = { u1: Uint8Array, f4: Float32Array, i4: Int32Array };
const unpack = (node) => {
  if (Array.isArray(node)) return node.map(unpack);
  if (!node || typeof node !== 'object') return node;
  if (node.$raw) { const b = Buffer.from(node.raw, 'base64'); return new TYPES[node.$raw](new Uint8Array(b).buffer); }
  return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, unpack(value)]));
};
const given = unpack(input);
const tensorsOf = (live) => Object.fromEntries(Object.entries(live.tensors).map(
  ([name, { planes, values }]) => [name, planes ? finish(fromHalves(planes)) : values]));
const tokenizerOf = ({ names, merges }) => new LiveTokenizer({ names,
  merges: Array.from({ length: merges.length / 2 }, (_, i) => [merges[2 * i], merges[2 * i + 1]]) });
"""


def engine() -> str:
    """Return the engine's code."""
    folder = resources.files("wonderland.report").joinpath("frontend", "live")
    return "\n".join([*(folder.joinpath(f"{name}.js").read_text(encoding="utf-8") for name in SOURCES), FINISH])


def pack(value):
    """Turn arrays into what the script unpacks."""
    if isinstance(value, np.ndarray):
        kind = {"u": ("u1", np.uint8), "f": ("f4", np.float32), "i": ("i4", np.int32)}[value.dtype.kind]
        return {"$raw": kind[0], "raw": base64.b64encode(value.astype(kind[1]).tobytes()).decode()}
    if isinstance(value, dict):
        return {key: pack(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [pack(item) for item in value]
    return value


def run(script: str, given) -> object:
    """Run a script that ends in ``return``, with ``given`` in scope, and return what it returned."""
    process = _process()
    process.stdin.write(json.dumps({"script": script, "input": pack(given)}) + "\n")
    process.stdin.flush()
    told = json.loads(process.stdout.readline())
    assert "error" not in told, told["error"][-3000:]
    return told.get("answer")


_SERVE = """
const engine = require('fs').readFileSync(process.argv[1], 'utf8'); // read once: its loops are fast from then on
const world = new Function(engine)();
require('readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const { script, input } = JSON.parse(line), plain = (k, v) => (ArrayBuffer.isView(v) ? Array.from(v) : v);
  let told;
  try { told = JSON.stringify({ answer: world(input, script) }, plain); }
  catch (error) { told = JSON.stringify({ error: error.stack }); }
  process.stdout.write(told + '\\n');
});
"""


@functools.cache
def _process() -> subprocess.Popen[str]:
    """Start node with the engine in it, which then takes about as long for a script as the script does."""
    world = f"{engine()}\nreturn (input, script) => {{ {_UNPACK}\nreturn eval(`(() => {{\n${{script}}\n}})()`); }};"
    file = tempfile.NamedTemporaryFile("w", suffix=".js", encoding="utf-8")  # noqa: SIM115 (as long as node)
    file.write(world)
    file.flush()
    command = [NODE, "-e", _SERVE, file.name]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8")

    def end():
        process.stdin.close()
        process.wait()
        process.stdout.close()
        file.close()

    atexit.register(end)
    return process
