"""Shards of encoded images: Parquet of Hugging Face's data sets, tar files of WebDataset."""

import io
import json

import numpy as np
import pytest
from containers import COLOUR, assert_damage_is_told, assert_titles_lead_back, found, labels, pixels
from PIL import Image

from spectral_mae.images.samples import ImageRefused
from spectral_mae.images.sources import find_sources

LUMA = COLOUR @ [0.299, 0.587, 0.114] / 255


def encoded(array, kind="PNG"):
    data = io.BytesIO()
    Image.fromarray(array).save(data, kind)
    return data.getvalue()


@pytest.fixture
def table(tmp_path):
    """As the data sets of the hub are: images in structs, in several row groups."""
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    rows = [{"bytes": encoded(one), "path": f"{i}.png"} for i, one in enumerate(COLOUR)]
    columns = {"image": rows, "label": list(range(4))}
    parquet.write_table(arrow.table(columns), tmp_path / "a.parquet", row_group_size=3)
    return tmp_path / "a.parquet"


def test_rows_of_a_parquet_file_are_images(table):
    np.testing.assert_allclose(pixels(table), LUMA, atol=1e-15)
    np.testing.assert_array_equal(pixels(table, "image", color=True), COLOUR / 255)
    assert labels(found(table)) == [f"image[{i}]" for i in range(4)]
    assert labels(found(table, "[1::2]")) == ["image[1]", "image[3]"]
    assert_titles_lead_back(table)


def test_rows_are_read_in_any_order(table):
    references = found(table)
    order = [3, 0, 2, 2, 1, 3]
    from spectral_mae.images.reader import Reader

    reader = Reader()
    images = [reader.read(references[i]).pixels for i in order]
    np.testing.assert_allclose(images, LUMA[order], atol=1e-15)


def test_columns_of_bytes_and_rows_without_an_image(tmp_path):
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    columns = {
        "jpg": [encoded(COLOUR[0], "JPEG"), b"no image", None],
        "other": [encoded(COLOUR[1]), None, None],
        "elsewhere": [{"bytes": None, "path": "a.png"}] * 3,
    }
    schema = arrow.schema(
        [
            ("jpg", arrow.binary()),
            ("other", arrow.large_binary()),
            ("elsewhere", arrow.struct([("bytes", arrow.binary()), ("path", arrow.string())])),
        ]
    )
    parquet.write_table(arrow.table(columns, schema), tmp_path / "a.parquet")
    path = tmp_path / "a.parquet"
    with pytest.raises(ValueError, match="holds images in jpg, other, elsewhere; choose one with"):
        found(path)
    np.testing.assert_allclose(pixels(path, "other[0]")[0], LUMA[1], atol=1e-15)
    assert pixels(path, "jpg[0]").shape == (1, 10, 14)
    for selector, reason in [
        ("jpg[1]", "not an image of a known format"),
        ("jpg[2]", "its row holds no bytes"),
        ("elsewhere[0]", r"holds no bytes, only the path 'a\.png'"),
    ]:
        with pytest.raises(ImageRefused, match=reason):
            pixels(path, selector)
    with pytest.raises(ValueError, match=r"holds no column 'x'; its columns are jpg \(binary\)"):
        found(path, "x")
    parquet.write_table(arrow.table({"label": [1, 2]}), tmp_path / "b.parquet")
    with pytest.raises(ValueError, match="holds no column of encoded images; it holds label"):
        found(tmp_path / "b.parquet")


def test_damaged_parquet_is_told(table):
    assert_damage_is_told(table, "a.parquet")


@pytest.fixture
def shards(tmp_path):
    """Two shards of samples of a picture, a mask and a description, by WebDataset itself."""
    webdataset = pytest.importorskip("webdataset")
    for shard in range(2):
        # Its writer takes a pattern or a stream; a stream needs no rules about paths.
        with (
            (tmp_path / f"train-{shard:03d}.tar").open("wb") as file,
            webdataset.TarWriter(file) as writer,
        ):
            for i in range(2):
                writer.write(
                    {
                        "__key__": f"x/{2 * shard + i:05d}",
                        "png": encoded(COLOUR[2 * shard + i]),
                        "seg.png": encoded(255 * (COLOUR[0, ..., 0] > 99).astype(np.uint8)),
                        "json": json.dumps({"i": i}).encode(),
                    }
                )
    return tmp_path


def test_shards_are_written_as_webdataset_writes_them(shards):
    references = find_sources([f"{shards}/train-{{000..001}}.tar::png"]).references
    assert [one.title for one in references] == [
        f"{shards}/train-{i // 2:03d}.tar/x/{i:05d}.png" for i in range(4)
    ]
    from spectral_mae.images.reader import Reader

    reader = Reader()
    images = [reader.read(one).pixels for one in references]
    np.testing.assert_allclose(images, LUMA, atol=1e-15)


def test_extensions_of_samples(shards):
    path = shards / "train-000.tar"
    assert len(found(path)) == 4
    assert [one.name for one in found(path, "seg.png")] == ["00000.seg.png", "00001.seg.png"]
    assert len(found(path, "jpg;png")) == 2
    with pytest.raises(ValueError, match=r"holds no jpg; its images are png, seg\.png"):
        found(path, "jpg")


def test_a_shard_that_is_missing_is_told(shards):
    with pytest.raises(FileNotFoundError, match=r"train-002\.tar"):
        find_sources([f"{shards}/train-{{000..002}}.tar"])
