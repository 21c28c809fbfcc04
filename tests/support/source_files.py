"""Pictures as bytes, and what is read of the places they lie in."""

import io
import os
import tarfile
import zipfile

import broken

from spectral_mae.images.reader import Reader

PIXELS = {f"{name}.png": broken.photograph(i, (20, 24)) for i, name in enumerate("abc")}


def titles(found, folder=None):
    return [
        r.title if folder is None else os.path.relpath(r.title, folder) for r in found.references
    ]


def read(references, *, color=False, **options):
    reader = Reader(color, **options)
    return [reader.read(reference).pixels for reference in references]


def write_zip(path, members, **options):
    with zipfile.ZipFile(path, "w", **options) as archive:
        archive.writestr(zipfile.ZipInfo("x/"), b"")
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def write_tar(path, members, mode):
    with tarfile.open(path, mode) as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        for kind, name in ((tarfile.SYMTYPE, "l.png"), (tarfile.LNKTYPE, "h.png")):
            link = tarfile.TarInfo(name)
            link.type, link.linkname = kind, "/etc/passwd"
            archive.addfile(link)
        fifo = tarfile.TarInfo("f.png")
        fifo.type = tarfile.FIFOTYPE
        archive.addfile(fifo)
    return path
