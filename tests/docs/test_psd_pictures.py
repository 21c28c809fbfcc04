"""The page of pictures that papers show is what its script gives."""

import importlib.util
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
spec = importlib.util.spec_from_file_location("psd_pictures", DOCS / "psd_pictures.py")
pictures = importlib.util.module_from_spec(spec)
spec.loader.exec_module(pictures)


def test_the_page_is_what_the_script_gives():
    assert (DOCS / "psd_pictures.md").read_text(encoding="utf-8") == pictures.page()
    drawn = {path.stem for path in (DOCS / "psd_pictures").glob("*.png")}
    assert drawn == {picture.name for picture in pictures.PICTURES}
    assert len(drawn) >= 10
