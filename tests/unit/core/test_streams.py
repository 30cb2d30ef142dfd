"""Randomness has a name: what a draw depends on, and what it does not."""

import hashlib
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eubiosis.core.streams import KeptDraws, SubjectDraws, stream, streams


@settings(deadline=None)
@given(st.integers(0, 2**63), st.text(max_size=20), st.none() | st.integers(0, 10**9))
def test_same_arguments_same_draws(seed, decision, subject):
    a, b = (stream(seed, decision, subject).random(4) for _ in range(2))
    assert np.array_equal(a, b)


def test_subjects_decisions_and_seeds_are_independent():
    names = [(s, d, k) for s in (1, 2) for d in ("relapse", "dropout") for k in (None, 0, 1, 2)]
    draws = np.array([stream(*name).standard_normal(4000) for name in names])
    correlation = np.corrcoef(draws)
    off = np.abs(correlation - np.eye(len(names)))
    # 120 pairs, standard error 1 / sqrt(4000) = 0.0158; 5 standard errors
    assert off.max() < 0.08


def test_a_label_is_not_ambiguous():
    """ "a" of subject 11 and "a1" of subject 1 are different streams, as are 1 with "2x" and 12 with "x"."""
    assert stream(1, "a", 11).random() != stream(1, "a1", 1).random()
    assert stream(1, "2x").random() != stream(12, "x").random()
    assert stream(1, "a").random() != stream(1, "a", 0).random()


def test_a_subject_does_not_depend_on_who_else_draws_or_in_which_order():
    alone = {k: stream(5, "visit", k).random(3) for k in (4,)}[4]
    backwards = {k: stream(5, "visit", k).random(3) for k in (9, 8, 4, 0)}[4]
    assert np.array_equal(alone, backwards)


def test_another_process_draws_the_same():
    code = "from eubiosis.core.streams import stream; print(stream(3, 'x', 7).random().hex())"
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()
    assert out == float(stream(3, "x", 7).random()).hex()


def test_draws_are_uniform():
    """Kolmogorov-Smirnov by hand: first draws of 20000 subjects against the diagonal, 0.1 % point 1.95."""
    first = np.sort([stream(1, "u", k).random() for k in range(20_000)])
    grid = np.arange(1, len(first) + 1) / len(first)
    assert np.max(np.abs(first - grid)) * np.sqrt(len(first)) < 1.95


def test_one_generator_for_many_subjects_gives_each_ones_own_numbers():
    """Whatever a stream leaves behind, such as half a 64-bit word, is gone when the next begins."""
    subjects = (7, 3, 7, 10**9, 0)
    for subject, generator in zip(subjects, streams(5, "visit", subjects), strict=True):
        own = stream(5, "visit", subject)
        assert np.array_equal(generator.standard_normal(3), own.standard_normal(3))
        assert np.array_equal(
            generator.integers(0, 9, 5, dtype=np.int32), own.integers(0, 9, 5, dtype=np.int32)
        )


def test_the_key_of_a_stream_is_the_hash_of_its_name():
    digest = hashlib.blake2b(b"5\x1fvisit\x1f7", digest_size=16).digest()
    plain = np.random.Generator(np.random.Philox(key=int.from_bytes(digest, "little")))
    assert np.array_equal(stream(5, "visit", 7).standard_normal(9), plain.standard_normal(9))


def test_draws_of_a_group_are_those_of_its_subjects():
    draws = SubjectDraws(5, (4, 9))
    for row, subject in enumerate((4, 9)):
        assert np.array_equal(draws.normals("a", 6)[row], stream(5, "a", subject).standard_normal(6))
        assert np.array_equal(draws.uniforms("a", 6)[row], stream(5, "a", subject).random(6))
        assert np.array_equal(
            draws.exponentials("a", 6)[row], stream(5, "a", subject).standard_exponential(6)
        )
    assert SubjectDraws(5, ()).normals("a", 6).shape == (0, 6)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**31), st.lists(st.integers(0, 10**9), min_size=1, max_size=6, unique=True))
def test_kept_draws_are_the_same_numbers_drawn_once(seed, numbers):
    plain, kept = SubjectDraws(seed, tuple(numbers)), KeptDraws(seed, tuple(numbers))
    for kind in ("normals", "uniforms", "exponentials"):
        found = getattr(kept, kind)("a/b", 5)
        assert np.array_equal(found, getattr(plain, kind)("a/b", 5))
        assert getattr(kept, kind)("a/b", 5) is found
        assert not np.array_equal(getattr(kept, kind)("a/c", 5), found)
        assert getattr(kept, kind)("a/b", 6).shape == (len(numbers), 6)
        with pytest.raises(ValueError, match="read-only"):
            found += 1
