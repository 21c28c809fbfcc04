"""Sums as a tree: few are kept, in order, and go on where they were left."""

import itertools
import math
import pickle

import pytest

from spectral_mae.batch.merge_tree import MergeTree


class Text(str):
    """Merging shows in which order it was done."""

    def merge(self, other):
        return Text(f"({self}{other})")


def tree_of(letters, **options):
    tree = MergeTree(**options)
    depth = 0
    for letter in letters:
        tree.push(Text(letter))
        depth = max(depth, len(tree.branches))
    return tree, depth


@pytest.mark.parametrize("n", [1, 2, 3, 7, 8, 100])
def test_trees_keep_few_sums_and_the_order(n):
    letters = [chr(97 + i % 26) for i in range(n)]
    tree, depth = tree_of(letters)
    assert depth <= math.floor(math.log2(n)) + 1
    spans = [(b.first, b.last) for b in tree.branches]
    assert spans[0][0] == 0
    assert spans[-1][1] == n - 1
    assert all(a[1] + 1 == b[0] for a, b in itertools.pairwise(spans))
    assert tree.result().replace("(", "").replace(")", "") == "".join(letters)
    assert tree.result() is None
    for levels in (1, 2):
        tree, depth = tree_of(letters, levels=levels)
        assert depth <= levels + 1
        assert tree.result().replace("(", "").replace(")", "") == "".join(letters)


def test_trees_go_on_where_they_were_left():
    whole, _ = tree_of("abcdefghijk")
    expected = whole.result()
    for cut in range(11):
        first, _ = tree_of("abcdefghijk"[:cut])
        saved = pickle.loads(pickle.dumps(first.branches))
        second = MergeTree(branches=tuple(saved))
        for letter in "abcdefghijk"[cut:]:
            second.push(Text(letter))
        assert second.result() == expected
