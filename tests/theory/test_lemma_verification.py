"""The lemmas' rows of ``verify``: they hold on sound formulas and fail on broken ones."""

import numpy as np
import pytest

from spectral_mae import ImageRefused, theory
from spectral_mae.cli.main import main
from spectral_mae.linear.corruption import Mix, PatchMasking
from spectral_mae.theory import verification
from spectral_mae.theory.verification import verify_lemmas

pytestmark = pytest.mark.slow

NAMES = {f"Lemma {n}" for n in range(1, 7)} | {"Eq. 13", "Eq. 14", "Theorem 1"}


@pytest.fixture
def photograph():
    rng = np.random.default_rng(0)
    return 0.5 + 0.1 * np.cumsum(np.cumsum(rng.standard_normal((32, 45)), 0), 1) / 48


@pytest.mark.parametrize("mask_ratio", [0.01, 0.4, 0.75, 0.99])
def test_every_lemma_holds_in_both_designs(photograph, mask_ratio):
    checks = verify_lemmas(photograph, mask_ratio, rng=np.random.default_rng(1), where="here")
    assert [c for c in checks if not c.ok] == []
    assert {c.equation for c in checks} == NAMES
    for design in ("fixed", "bernoulli"):
        assert {c.equation for c in checks if f"({design})" in c.statement} == NAMES
    assert {c.where for c in checks} == {"here"}


@pytest.mark.parametrize("part", ["mu", "own", "local"])
@pytest.mark.slow
def test_wrong_moments_of_the_masks_are_seen(photograph, monkeypatch, part):
    right = PatchMasking.mix.func
    terms = ("mu", "own", "local")

    def wrong(self):
        mix = right(self)
        return Mix(*(getattr(mix, t) * (1.01 if t == part else 1.0) for t in terms))

    monkeypatch.setattr(PatchMasking, "mix", property(wrong))
    checks = verify_lemmas(photograph, 0.5, rng=np.random.default_rng(1))
    failed = {c.equation for c in checks if not c.ok}
    # Of a linear model with a constant Lemmas 1 and 4 to 6 are one; Lemmas 2 and 3 know no masks.
    assert {"Lemma 1", "Eq. 13", "Lemma 4", "Lemma 5", "Lemma 6"} <= failed
    assert "Eq. 14" in failed
    assert not {"Lemma 2", "Lemma 3"} & failed


def test_a_wrong_order_of_what_is_left_out_is_seen(photograph, monkeypatch):
    class Cubic(theory.TanhNetwork):
        def __call__(self, images):
            return super().__call__(images) + self.strength * images**2

        def jacobian(self, image):
            return super().jacobian(image) + np.diag(2 * self.strength * image.ravel())

    monkeypatch.setattr(verification, "TanhNetwork", Cubic)
    checks = verify_lemmas(photograph, 0.5, rng=np.random.default_rng(1))
    assert {c.equation for c in checks if not c.ok} == {"Lemma 4", "Lemma 5"}


def test_images_that_say_nothing_are_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(ImageRefused, match=r"too small for crops of 6x9: \(6, 8\)"):
        verify_lemmas(rng.random((6, 8)), 0.5, rng=rng)
    with pytest.raises(ImageRefused, match="the same everywhere"):
        verify_lemmas(np.ones((20, 20)), 0.5, rng=rng)


def test_the_command_adds_the_rows(capsys):
    assert main(["verify", "builtin:camera", "--size", "64", "--theory"]) == 0
    table = capsys.readouterr().out
    assert all(name in table for name in NAMES)
    assert "52 checks on 1 image: all hold" in table
    assert main(["verify", "builtin:camera", "--size", "64"]) == 0
    assert "Lemma" not in capsys.readouterr().out
