"""Properties of the readers of what users bring: archives, pictures, records and configurations that were damaged."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from targets import TARGETS

LITTLE = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def damaged(draw: st.DrawFn, sound: list[bytes]) -> bytes:
    """Sound bytes with some of them replaced, taken out or put in, and perhaps the end cut off."""
    data = bytearray(draw(st.sampled_from(sound)))
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(0, len(data)))
        data[at : at + draw(st.integers(0, 4))] = draw(st.binary(max_size=4))
    return bytes(data[: draw(st.integers(0, len(data)))] if draw(st.booleans()) else data)


@pytest.mark.parametrize("name", TARGETS)
def test_a_reader_takes_damaged_bytes_or_refuses_them_in_a_line(name: str) -> None:
    reader, sound = TARGETS[name]

    @LITTLE
    @given(damaged(sound))
    def holds(data: bytes) -> None:
        reader(data)

    holds()


@pytest.mark.parametrize("name", ["record", "campaign"])
def test_a_reader_takes_other_values_or_refuses_them_in_a_line(name: str) -> None:
    reader, sound = TARGETS[name]
    whole = [yaml.safe_load(data) for data in sound]

    @LITTLE
    @given(st.data())
    def holds(data: st.DataObject) -> None:
        value = copy.deepcopy(data.draw(st.sampled_from(whole)))
        place, key = data.draw(st.sampled_from(list(places(value))))
        place[key] = data.draw(PLAIN)
        reader((json.dumps(value) if name == "record" else yaml.safe_dump(value, allow_unicode=True)).encode())

    holds()


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in nested lists and mappings, as the container and its key."""
    if isinstance(value, dict | list):
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from places(value[key])
