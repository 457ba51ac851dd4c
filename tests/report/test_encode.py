"""Arrays and words survive the way into the page and back, and no word becomes code."""

from __future__ import annotations

import json

import numpy as np
import pytest

from wonderland.errors import PluginError
from wonderland.report.encode import decode, encode, inert
from wonderland.views import Triangles
from wonderland.visible import visible


def there_and_back(value):
    return decode(json.loads(inert(encode(value))))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32, np.int64, np.bool_, np.uint8])
def test_an_array_comes_back_with_its_shape_and_values(dtype):
    array = (np.arange(24).reshape(2, 3, 4) * 1.5).astype(dtype)
    back = there_and_back(array)
    assert back.shape == array.shape
    np.testing.assert_allclose(back, array.astype(float), rtol=1e-7)


def test_nan_and_infinity_survive_in_arrays_and_alone():
    back = there_and_back({"array": np.array([np.nan, np.inf, -np.inf]), "nan": float("nan"), "inf": float("-inf")})
    np.testing.assert_array_equal(back["array"], [np.nan, np.inf, -np.inf])
    assert back["nan"] is None
    assert back["inf"] == -np.inf


@pytest.mark.parametrize("n", [1, 2, 17, 128])
def test_attention_comes_back_to_within_eight_millionths(n):
    rng = np.random.default_rng(n)
    values = np.tril(rng.dirichlet(np.full(n, 0.2), (3, n)))
    back = there_and_back(Triangles(values))
    assert np.abs(back.values - values).max() < 8e-6


def test_what_lies_above_the_diagonal_is_not_stored():
    back = there_and_back(Triangles(np.ones((1, 3, 3))))
    np.testing.assert_array_equal(back.values[0], np.tril(np.ones((3, 3))))


def test_attention_outside_of_zero_and_one_is_refused():
    with pytest.raises(PluginError, match="outside"):
        encode(Triangles(np.full((1, 2, 2), 1.5)))


@pytest.mark.parametrize(
    "text", ["</script><img src=x onerror=alert(1)>", "<!--", "&amp;", "\u2028", "\ud83d", "\x00", "שלום"]
)
def test_hostile_text_survives_and_cannot_end_its_element(text):
    written = inert(encode({"text": text}))
    assert not set(written) & set("<>&\u2028\u2029")
    assert written.isascii()
    assert json.loads(written) == {"text": text}


@pytest.mark.parametrize("key", ["__proto__", "$array", "constructor"])
def test_keys_that_mean_something_to_the_page_are_refused(key):
    with pytest.raises(PluginError, match="key"):
        encode({key: 1})


def test_an_error_says_where_the_trouble_lies():
    with pytest.raises(PluginError, match=r"data\.rows\[1\]\.x is a set"):
        encode({"rows": [{"x": 1}, {"x": {1}}]})


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("a\u200bb\ufeff", "a\\u200bb\\ufeff"),
        ("\x1b[31m\x07\x00", "\\u001b[31m\\u0007\\u0000"),
        ("half \ud83d a pair", "half \\ud83d a pair"),
        ("tag \U000e0041", "tag \\u{e0041}"),
        ("👨\u200d👩\u200d👧", "👨\u200d👩\u200d👧"),
        ("a\u200db", "a\\u200db"),
        ("line\nbreak, שלום, 你好, 🙂", "line\nbreak, שלום, 你好, 🙂"),
        ("x" * 201, "x" * 200 + "… (201 characters)"),
    ],
)
def test_hidden_characters_become_visible_and_others_stay(text, shown):
    assert visible(text) == shown


def test_a_small_array_is_not_deflated_and_a_large_one_is():
    small, large = np.arange(20.0), np.zeros(1000)
    assert set(encode(small)) == {"$array", "shape", "raw"}
    assert len(encode(large)["z"]) < 100
    for array in (small, large):
        np.testing.assert_allclose(decode(encode(array)), array)
