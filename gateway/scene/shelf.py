"""Painted panoramas kept in files: a gateway that starts again has its pictures at once."""

import contextlib
import hashlib
import logging
import zipfile
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image

from gateway.scene.panorama import Mask, Panorama

logger = logging.getLogger(__name__)

_MOST_FILES = 64


def load_panorama(folder: Path, key: str) -> Panorama | None:
    """None when it was not kept, or by another version of the painter, or cannot be read."""
    path = _path(folder, key)
    try:
        with np.load(path, allow_pickle=False) as kept:
            farthest, places = float(kept["farthest"]), kept["places"].tolist()
            return Panorama(
                luma=Image.fromarray(kept["luma"]),
                chroma=(Image.fromarray(kept["blue"]), Image.fromarray(kept["red"])),
                masks=tuple(
                    Mask(z, int(left), int(top), Image.fromarray(kept[f"mask{index}"]))
                    for index, (z, left, top) in enumerate(places)
                ),
                farthest=farthest,
            )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        logger.warning("kept panorama %s is unreadable: %s", path.name, error)
        return None


def save_panorama(folder: Path, key: str, panorama: Panorama) -> None:
    """A full disk costs the next start its head start, nothing else."""
    path = _path(folder, key)
    arrays = {f"mask{index}": np.asarray(mask.cover) for index, mask in enumerate(panorama.masks)}
    arrays["luma"] = np.asarray(panorama.luma)
    arrays["blue"], arrays["red"] = (np.asarray(plane) for plane in panorama.chroma)
    arrays["farthest"] = np.array(panorama.farthest)
    arrays["places"] = np.array([(mask.z, mask.left, mask.top) for mask in panorama.masks], dtype=np.float64)
    fresh = path.with_suffix(".new")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with fresh.open("wb") as file:
            np.savez(file, allow_pickle=False, **arrays)
        fresh.replace(path)
        _tidy(folder)
    except OSError as error:
        logger.warning("panorama cannot be kept: %s", error)
        with contextlib.suppress(OSError):
            fresh.unlink(missing_ok=True)


def _path(folder: Path, key: str) -> Path:
    digest = hashlib.sha256(f"{_painter_version()} {key}".encode()).hexdigest()
    return folder / f"{digest[:24]}.npz"


def _tidy(folder: Path) -> None:
    files = sorted(folder.glob("*.npz"), key=lambda path: path.stat().st_mtime)
    for path in files[:-_MOST_FILES]:
        path.unlink(missing_ok=True)


@lru_cache(maxsize=1)
def _painter_version() -> str:
    """Of the code itself, so that nobody has to remember to count it up."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()
