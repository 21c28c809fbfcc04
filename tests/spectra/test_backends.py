"""Which library computes transforms, and what runs and says what without FFTW."""

import json
import os
import subprocess
import sys
import textwrap

import laws
import numpy as np
import pytest
from backends import case

import spectral_mae as sm
from spectral_mae.extras import installed
from spectral_mae.masked_spectra import verification
from spectral_mae.spectra.fft import LIBRARY, RealFFT, default_backend

NOTICE = "pyFFTW cannot be imported (No module named 'pyfftw')"


@pytest.fixture
def without_fftw(tmp_path):
    """Runs Python in a process in which pyFFTW is not there, and in its children."""
    gone = tmp_path / "gone"
    gone.mkdir()
    for name in ("pyfftw", "ducc0"):
        (gone / f"{name}.py").write_text(
            f'raise ModuleNotFoundError("No module named {name!r}", name={name!r})\n', "utf-8"
        )
    path = os.pathsep.join([str(gone), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "PYTHONPATH": path}

    def run(*arguments):
        return subprocess.run(
            [sys.executable, *map(str, arguments)],
            capture_output=True,
            text=True,
            check=True,
            env=environment,
            cwd=tmp_path,
            encoding="utf-8",
        )

    return run


def script(text):
    return textwrap.dedent(text)


def test_fftw_is_the_default_where_it_is_installed():
    assert default_backend() == ("fftw" if installed("pyfftw") else "scipy")
    assert RealFFT((4, 4)).backend == sm.Periodogram((4, 4)).backend == default_backend()


def test_everything_runs_without_fftw_with_one_notice(without_fftw):
    code = """
        import sys, warnings
        from concurrent.futures import ThreadPoolExecutor
        import numpy as np
        import spectral_mae as sm
        image = np.random.default_rng(0).standard_normal((32, 48))
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            with ThreadPoolExecutor(4) as pool:
                powers = list(pool.map(lambda _: sm.psd(image).power, range(8)))
            sm.leakage(image, 8, 0.75)
            sm.cross_spectrum(image, image + 1.0)
            # FFTW's effort means nothing here, but a script that asks for it runs.
            measured = sm.Periodogram(image.shape, planner="measure")
        assert len(told) == 1 and told[0].category is sm.FFTWMissingWarning, told
        assert measured.backend == "scipy"
        truth = np.abs(np.fft.rfft2(image)) ** 2 / image.size
        assert all(np.allclose(power, truth) for power in powers)
        print(told[0].message)
    """
    told = without_fftw("-c", script(code)).stdout
    assert NOTICE in told
    assert "'pip install pyfftw' installs it" in told


@pytest.mark.parametrize(
    ("backend", "message"),
    [
        ("fftw", "backend='fftw' needs pyFFTW, which cannot be imported"),
        ("ducc", "backend='ducc' needs ducc0, which is not installed: pip install -e '.[ducc]'"),
    ],
)  # fmt: skip
def test_a_library_that_is_named_and_missing_is_refused(without_fftw, backend, message):
    code = f"""
        import spectral_mae as sm
        try:
            sm.Periodogram((8, 8), backend={backend!r})
        except ModuleNotFoundError as error:
            print(error.name, error)
    """
    name = {"fftw": "pyfftw", "ducc": "ducc0"}[backend]
    assert without_fftw("-c", script(code)).stdout.startswith(f"{name} {message}")


def test_no_library_but_scipy_is_imported_before_a_transform_is_made():
    code = """
        import sys
        import spectral_mae.spectra.fft, spectral_mae.spectra.periodogram
        print(*{"pyfftw", "ducc0"}.intersection(sys.modules))
    """
    run = subprocess.run(
        [sys.executable, "-c", script(code)], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == ""


def test_verify_names_the_library_that_it_compares_with():
    pixels = laws.field((16, 16))
    checks = verification.verify_image(pixels, 4, 0.5, rng=np.random.default_rng(0))
    named = {check.equation for check in checks if LIBRARY[default_backend()] in check.statement}
    assert named == {"Eq. 19", "Eq. 20", "Eq. 21"}
    assert all(check.ok for check in checks)


def test_the_command_says_once_that_fftw_is_missing_and_what_verify_compares_with(without_fftw):
    run = without_fftw("-m", "spectral_mae", "verify", "builtin:camera", "--size", 32)
    assert [line.partition(NOTICE)[0] for line in run.stderr.splitlines() if NOTICE in line] == [
        "note: "
    ]
    told = " ".join(run.stdout.split())
    assert told.count("against scipy.fft") == 6  # three equations, two precisions
    assert "FFTW" not in run.stdout


@pytest.mark.slow
def test_analyze_runs_without_fftw_and_its_record_and_page_say_so(without_fftw, tmp_path):
    """Workers, which have no FFTW either, do not repeat the notice."""
    arguments = ("builtin:camera", "builtin:grass", "--size", 32, "--patch-size", 8)
    run = without_fftw(
        "-m", "spectral_mae", "analyze", *arguments, "--jobs", 2, "--out", tmp_path / "out"
    )
    assert run.stderr.count(NOTICE) == 1
    record = json.loads((tmp_path / "out" / "run.json").read_text("utf-8"))
    assert record["fft"] == "scipy.fft"
    assert "pyfftw" not in record["versions"]
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert "computed by scipy.fft" in page
    assert "with the transform of the mask by scipy.fft" in page
    assert "FFTW" not in page


@pytest.mark.parametrize("shape", [(512, 6), (1024, 5), (512, 512)])
@pytest.mark.parametrize("backend", [case("ducc")])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rows_of_a_half_plane_may_be_whole_pages_of_memory_apart(shape, backend, dtype):
    """There ducc0 works beside the transposed half-plane, and copies."""
    x = laws.field((2, *shape), dtype=dtype)
    fft = RealFFT(shape, dtype=dtype, backend=backend, transposed=True)
    half = np.fft.rfft2(x.astype(float))
    tolerance = laws.fft_tolerance(dtype, shape)
    laws.assert_close(fft.rfft(x).swapaxes(1, 2), half, tolerance)
    turned = half.swapaxes(1, 2).astype(fft.complex_dtype)
    laws.assert_close(fft.irfft(turned), x, 2 * tolerance)
