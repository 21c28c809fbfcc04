"""Every table of a command has all its columns in columns.json, and tables of images join."""

import csv
import json

import numpy as np
import pytest
from command_runs import read_csv, run, write_images

from spectral_mae._files.made_here import made_here
from spectral_mae.batch.columns import spectra

pytestmark = pytest.mark.slow

SMALL = ("--size", "32", "--patch-size", "8")
KINDS = {"text", "integer", "number"}


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tables")
    write_images(folder / "photos")
    (folder / "photos" / "<b>bad&.png").unlink()
    run("fit", folder / "photos", *SMALL, "--holdout", "0", "--out", folder / "m.npz", "--quiet")
    np.save(folder / "masks.npy", np.random.default_rng(0).random((30, 4, 6)) < 0.3)
    return folder


COMMANDS = {
    "analyze": ("photos", *SMALL, "--masks", "2", "--masks-for", "1", "--no-figures"),
    "compare": ("photos", "photos"),
    "audit-masks": ("masks.npy", "--patch-size", "8"),
    "sweep": ("photos", *SMALL, "--holdout", "0.5", "--mask-ratio", "0.5"),
    "plan": (
        "photos",
        "builtin:cat",
        "builtin:coins",
        *SMALL,
        "--holdout",
        "0.25",
        "--mask-ratio",
        "0.5",
        "0.75",
    ),
    "reconstruct": ("m.npz", "photos"),
}


def header_of(path):
    if path.suffix == ".npz":
        with np.load(path) as arrays:
            return list(arrays)
    with path.open(newline="", encoding="utf-8") as file:
        return next(csv.reader(file))


def check(folder):
    """Compare columns.json with the tables beside it."""
    text = (folder / "columns.json").read_text(encoding="utf-8")
    tables = json.loads(text)["tables"]
    there = {file.name for ending in ("csv", "npz") for file in folder.glob(f"*.{ending}")}
    assert {name for name in tables if not name.endswith(".parquet")} == there
    for name in there:
        assert list(tables[name]) == header_of(folder / name), name
    for columns in tables.values():
        for column in columns.values():
            assert set(column) == {"description", "unit", "kind"}
            assert column["description"].endswith(".")
            assert column["kind"] in KINDS
            assert (column["unit"] is None) == (column["kind"] == "text")
    return tables


@pytest.fixture(scope="module")
def out_of(photos):
    """The folder that a command has written, once."""

    def out(command):
        folder = photos / f"{command}.out"
        if not folder.exists():
            with pytest.MonkeyPatch.context() as patched:
                patched.chdir(photos)
                assert run(command, *COMMANDS[command], "--out", folder) == 0
        return folder

    return out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_column_is_described_and_none_besides(out_of, command):
    out = out_of(command)
    tables = check(out)
    assert made_here(out / "columns.json")
    for name in tables:
        for row in read_csv(out / name) if name.endswith(".csv") else ():
            for column, told in tables[name].items():
                if told["kind"] != "text" and row[column]:
                    float(row[column])


@pytest.mark.slow
def test_columns_of_an_audit(photos, tmp_path):
    pytest.importorskip("torch")
    out = tmp_path / "out"
    images = np.random.default_rng(1).random((12, 32, 32))
    np.save(tmp_path / "images.npy", images)
    assert run("audit", photos / "m.npz", tmp_path / "images.npy", "--out", out, "--quiet") == 0
    check(out)


@pytest.mark.slow
def test_columns_of_a_training(tmp_path):
    pytest.importorskip("torch")
    np.save(tmp_path / "images.npy", np.random.default_rng(1).random((20, 16, 16)))
    out = tmp_path / "out"
    options = ("--epochs", "1", "--quiet", "--out", out)
    assert run("train-mae", tmp_path / "images.npy", *options) == 0
    check(out)


def test_tables_of_one_folder_join(photos, out_of, tmp_path, monkeypatch):
    """The same images have the same paths in the tables of all commands, relative as given."""
    monkeypatch.chdir(photos)
    assert run("psd", "photos/0.png", "--out", tmp_path / "psd.csv") == 0
    expected = {"photos/0.png", "photos/1.png"}
    for command, name in (
        ("analyze", "images.csv"),
        ("analyze", "spectra.csv"),
        ("compare", "images.csv"),
        ("reconstruct", "reconstruct.csv"),
    ):
        assert {row["path"] for row in read_csv(out_of(command) / name)} == expected, name
    assert {row["path"] for row in read_csv(tmp_path / "psd.csv")} == {"photos/0.png"}


@pytest.mark.parametrize(
    ("options", "units"),
    [
        ((), ("1/pixel", "pixel^2")),
        (("--scaling", "spectrum"), ("1/pixel", "1")),
        (("--fs", "20/mm"), ("1/mm", "mm^2")),
        (("--fs", "20"), ("", "")),
    ],
)
def test_tables_of_psd_have_units(photos, tmp_path, options, units):
    image = photos / "photos" / "0.png"
    out = tmp_path / "psd.csv"
    assert run("psd", image, *options, "--out", out) == 0
    rows = read_csv(out)
    assert list(rows[0]) == list(spectra.PSD)
    assert {(row["frequency_unit"], row["power_unit"]) for row in rows} == {units}
    assert {row["path"] for row in rows} == {str(image)}
    assert made_here(out)


def test_tables_of_psd_under_a_mask(photos, tmp_path):
    image = photos / "photos" / "0.png"
    run("mask", "--size", "40x56", "--patch-size", "8", "--out", tmp_path / "m.png")
    out = tmp_path / "psd.csv"
    assert run("psd", image, "--mask", tmp_path / "m.png", "--unmask", "--out", out) == 0
    rows = read_csv(out)
    assert list(rows[0]) == list(spectra.MASKED_PSD)
    assert rows[0]["path"] == str(image)
    assert rows[0]["power_unit"] == "pixel^2"
    assert made_here(out)


def test_several_sets_have_the_paths_that_were_given(photos, tmp_path):
    folder = photos / "photos"
    assert run("psd", folder, folder / "0.png", "--out", tmp_path / "psd.csv") == 0
    found = {(row["series"], row["path"]) for row in read_csv(tmp_path / "psd.csv")}
    assert found == {("photos", str(folder)), ("0.png", str(folder / "0.png"))}


@pytest.fixture(scope="module")
def both(photos, tmp_path_factory):
    """The same run with either format, at two patch sizes, masks drawn for some images."""
    pytest.importorskip("pyarrow")
    outs = []
    for table_format in ("csv", "parquet"):
        outs.append(tmp_path_factory.mktemp("run") / table_format)
        options = ("--size", "32", "--patch-size", "8", "16", "--masks", "2", "--masks-for", "1")
        options += ("--no-figures", "--table-format", table_format, "--quiet")
        images = (photos / "photos", "builtin:cat", photos / "masks.npy")
        # The images of masks.npy are too small: their rows have no numbers.
        assert run("analyze", *images, *options, "--out", outs[-1]) == 1
    return outs


class TestParquet:
    """``analyze --table-format parquet``."""

    @pytest.mark.parametrize("name", ["images", "spectra", "mean_spectra"])
    def test_holds_the_table_of_csv(self, both, name):
        parquet = pytest.importorskip("pyarrow.parquet")
        rows = read_csv(both[0] / f"{name}.csv")
        table = parquet.read_table(both[1] / f"{name}.parquet")
        assert table.column_names == list(rows[0])
        assert table.num_rows == len(rows)
        for row, found in zip(rows, table.to_pylist(), strict=True):
            for column, text in row.items():
                if isinstance(found[column], float):
                    assert float(text) == pytest.approx(found[column], rel=1e-7)
                else:
                    assert text == ("" if found[column] is None else str(found[column]))

    def test_says_units(self, both):
        parquet = pytest.importorskip("pyarrow.parquet")
        schema = parquet.read_schema(both[1] / "spectra.parquet")
        assert schema.field("power").metadata[b"unit"] == b"pixel^2"

    def test_replaces_the_spectra_as_csv(self, both):
        assert not (both[1] / "spectra.csv").exists()
        tables = check(both[1])
        assert {"images.parquet", "spectra.parquet", "mean_spectra.parquet"} <= set(tables)
        listed = json.loads((both[1] / "run.json").read_text())["files"]
        assert {"spectra.parquet", "columns.json"} <= set(listed)
        assert "spectra.csv" not in listed

    def test_all_parts_are_written(self, both, tmp_path, monkeypatch):
        """Many small parts give the rows of one."""
        parquet = pytest.importorskip("pyarrow.parquet")
        from spectral_mae.batch.analyze import parquet as of_analyze
        from spectral_mae.batch.analyze.run_tables import COLUMN

        table = parquet.read_table(both[1] / "spectra.parquet")
        with np.load(both[1] / "spectra.npz") as arrays:
            for name, file in COLUMN.items():
                (tmp_path / file).write_bytes(arrays[name].tobytes())
            lines = "".join(f"{json.dumps(str(path))}\n" for path in arrays["paths"])
        (tmp_path / "names").write_text(lines)
        for name in ("images.csv", "mean_spectra.csv"):
            (tmp_path / name).write_bytes((both[1] / name).read_bytes())
        monkeypatch.setattr(of_analyze, "ROWS", 7)
        columns = {name: tmp_path / file for name, file in COLUMN.items()}
        of_analyze.write_parquet(tmp_path, tmp_path / "names", columns)
        assert parquet.read_table(tmp_path / "spectra.parquet").equals(table)

    def test_needs_pyarrow(self, photos, tmp_path, monkeypatch, capsys):
        from spectral_mae import extras

        monkeypatch.setattr(extras, "installed", lambda package: package != "pyarrow")
        out = tmp_path / "out"
        options = ("--table-format", "parquet", "--out", out)
        assert run("analyze", photos / "photos", *options) == 2
        assert "--table-format 'parquet' needs PyArrow, which is not" in capsys.readouterr().err
        assert not out.exists()

    def test_another_format_removes_the_tables_of_the_first(self, both, photos):
        pytest.importorskip("pyarrow")
        out = both[1].with_name("again")
        options = (*SMALL, "--masks", "2", "--no-figures", "--quiet", "--out", out)
        image = photos / "photos" / "0.png"
        assert run("analyze", image, *options, "--table-format", "parquet") == 0
        assert (out / "spectra.parquet").exists()
        assert run("analyze", image, *options, "--overwrite") == 0
        check(out)
        assert not list(out.glob("*.parquet"))
