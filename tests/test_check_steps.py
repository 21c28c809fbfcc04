"""The whole check, ``.ci/run``: what its steps name is there, and its runner keeps its promises."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# Packages that the extra test does not install.
NOT_IN_TEST = (
    *("aiohttp", "astropy", "av", "dask", "distributed", "h5netcdf", "netCDF4", "pandas"),
    *("pyarrow", "torch", "webdataset", "xarray", "yaml", "zarr"),
)
RUNNER = """
import sys
from pathlib import Path
from runner import Step, run
options = dict(folder=Path({folder!r}), logs=Path({folder!r}, "logs"), settings={{"A": "7"}})
sys.exit(run({steps}, at_once={at_once}, **options))
"""


@pytest.fixture(scope="module")
def check():
    """The module of the steps."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / ".ci")
        spec = importlib.util.spec_from_file_location("check_steps", ROOT / ".ci" / "steps.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        patch.delitem(sys.modules, "runner")
        yield module


@pytest.fixture
def ran(tmp_path):
    """A function that runs steps, (name, commands, needs), in a process of their own."""

    def ran(*steps, at_once=2):
        written = ", ".join(
            f"Step({name!r}, {'about ' + name!r}, {commands!r}, {needs!r})"
            for name, commands, needs in steps
        )
        code = RUNNER.format(folder=str(tmp_path), steps=f"[{written}]", at_once=at_once)
        return subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT / ".ci",
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )

    return ran


def test_needs_stand_before_and_names_are_unique(check):
    names = [step.name for step in check.STEPS]
    assert len({*names}) == len(names)
    for i, step in enumerate(check.STEPS):
        assert {*step.needs} <= {*names[:i]}


def test_files_that_steps_name_are_there(check):
    pattern = r"(?<![\w./-])(?:tests|docs|spectral_mae|\.ci|figures)/[\w./*-]+"
    commands = "\n".join(step.commands for step in check.STEPS)
    named = {path for path in re.findall(pattern, commands) if not path.startswith(".ci/out")}
    assert len(named) > 20
    assert [path for path in sorted(named) if not list(ROOT.glob(path))] == []


def test_tests_that_only_some_extras_do_not_skip_run_with_all_extras(check):
    commands = " ".join(
        step.commands for step in check.STEPS if f"{check.ALL}/pytest" in step.commands
    )
    named = {Path(path) for path in re.findall(r"tests/[\w/.]+", commands)}
    need = re.compile(rf"importorskip\(\"(?:{'|'.join(NOT_IN_TEST)})\b")
    found = [
        path.relative_to(ROOT)
        for path in sorted((ROOT / "tests").rglob("test_*.py"))
        if need.search(path.read_text("utf-8"))
    ]
    assert len(found) > 20
    assert [path for path in found if not named.intersection([path, *path.parents])] == []


def test_every_slow_test_is_in_one_step(check):
    """Those of the last step are what the others do not name; lessons and networks have others."""
    slow = {step.name: step.commands for step in check.STEPS if step.name.startswith("slow-")}
    others = slow.pop("slow-others")
    assert " tests " in others
    ignored = {*re.findall(r"--ignore=(\S+)", others)}
    divided = [path for one in slow.values() for path in re.findall(r" (tests/\S+)", one)]
    assert len({*divided}) == len(divided)
    assert {*divided} == ignored.difference(check.IN_OTHER_STEPS)
    commands = {step.name: step.commands for step in check.STEPS}
    assert "-m slow tests/commands/test_notebooks.py" in commands["lessons"]
    assert '-m "" --strength 2 tests/nonlinear ' in commands["torch"]
    assert len(check.IN_OTHER_STEPS) == 2


def test_a_step_waits_for_what_it_needs_and_output_is_whole(ran, tmp_path):
    found = ran(
        ("a", "echo a1\nsleep 0.2\necho a$A\ntouch a", ()),
        ("b", "echo b1\nsleep 0.1\necho b2 >&2", ()),
        ("c", "test -e a\necho c1", ("a", "a step that was not chosen")),
    )
    assert found.returncode == 0, found.stdout
    assert "a1\na7\n" in found.stdout
    assert "b1\nb2\n" in found.stdout
    assert (tmp_path / "logs" / "c.txt").read_text() == "c1\n"
    assert re.findall(r"^== (\w): about \1: \d+ s$", found.stdout, re.M)[-1] == "c"


def test_no_more_run_at_once_than_asked(ran):
    alone = "mkdir running\nsleep 0.05\nrmdir running"
    assert ran(*((name, alone, ()) for name in "abc"), at_once=1).returncode == 0
    assert ran(*((name, alone, ()) for name in "abc"), at_once=3).returncode == 1


def test_the_first_failure_ends_the_check(ran, tmp_path):
    found = ran(
        ("long", "touch begun\nsleep 30 | cat\ntouch ended", ()),
        ("wrong", "until test -e begun; do sleep 0.01; done\necho why\nfalse | true\necho on", ()),
        ("later", "touch later", ("wrong",)),
    )
    assert found.returncode == 1
    assert "== wrong: about wrong: FAILED with 1\nwhy\n" in found.stdout
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["begun"]
