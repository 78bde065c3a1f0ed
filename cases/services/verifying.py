"""Whether an exported case is as it left us: every file against the manifest, the manifest against what is kept."""

import zipfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from cases.models import CaseExport
from cases.services.exports import MANIFEST
from protocol.sm2 import new_sm3, sm3

_PIECE_BYTES: Final = 1 << 20
# Of 46,000 pictures it has 6 MB; a larger one is none of ours.
_MOST_MANIFEST_BYTES: Final = 32 << 20
_DIGEST_CHARS: Final = 64


@dataclass(frozen=True)
class Verdict:
    """`faults` say in words what is not as it was; `export` is the one whose manifest this is, if it is ours."""

    faults: list[str]
    files: int
    manifest_sm3: str
    export: CaseExport | None


def verify_archive(path: Path) -> Verdict:
    """Nothing is unpacked. OSError when the file cannot be read."""
    try:
        with zipfile.ZipFile(path) as archive:
            return _verify(archive)
    except zipfile.BadZipFile:
        return Verdict(["不是 ZIP 文件，或文件不完整"], 0, "", None)


def _verify(archive: zipfile.ZipFile) -> Verdict:
    names = Counter(entry.filename for entry in archive.infolist())
    if MANIFEST not in names or archive.getinfo(MANIFEST).file_size > _MOST_MANIFEST_BYTES:
        return Verdict([f"缺少 {MANIFEST}"], 0, "", None)
    text, faults = _manifest(archive)
    wanted: dict[str, str] = {}
    for line in text.decode("utf-8", "replace").splitlines():
        digest, blank, name = line[:_DIGEST_CHARS], line[_DIGEST_CHARS : _DIGEST_CHARS + 2], line[_DIGEST_CHARS + 2 :]
        if blank not in ("  ", " *") or not name or name in wanted:
            faults.append(f"清单中的一行无法识别或重复：{line[:80]}")
            continue
        wanted[name] = digest.lower()
    faults += [f"文件重复：{name}" for name, times in names.items() if times > 1]
    faults += [f"缺少文件：{name}" for name in wanted if name not in names]
    faults += [f"清单之外的文件：{name}" for name in names if name not in wanted and name != MANIFEST]
    for entry in archive.infolist():
        if entry.filename in wanted and not _is_same(archive, entry, wanted[entry.filename]):
            faults.append(f"内容已改变：{entry.filename}")
    digest = sm3(text).hex()
    export = CaseExport.objects.filter(manifest_sm3=digest).select_related("case").first()
    return Verdict(faults, len(wanted), digest, export)


def _manifest(archive: zipfile.ZipFile) -> tuple[bytes, list[str]]:
    try:
        return archive.read(MANIFEST), []
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError):
        return b"", [f"内容已改变：{MANIFEST}"]


def _is_same(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, digest: str) -> bool:
    try:
        with archive.open(entry) as file:
            return _digest(file) == digest
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError):
        # Its own checksum does not fit, or it was packed anew in another way.
        return False


def _digest(file: IO[bytes]) -> str:
    found = new_sm3()
    while piece := file.read(_PIECE_BYTES):
        found.update(piece)
    return found.digest().hex()
