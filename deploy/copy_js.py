"""Copies what pages load from node_modules to static/vendor (ignored by git): `python -m deploy.copy_js`."""

import re
import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Source in node_modules: name under static/vendor.
FILES = {
    "mpegts.js/dist/mpegts.js": "mpegts.js",
    "mpegts.js/dist/mpegts.js.LICENSE.txt": "mpegts.js.LICENSE.txt",
    "hls.js/dist/hls.light.min.js": "hls.light.min.js",
    "hls.js/LICENSE": "hls.js.LICENSE.txt",
    "idiomorph/dist/idiomorph-ext.min.js": "idiomorph-ext.min.js",
    "idiomorph/LICENSE": "idiomorph.LICENSE.txt",
}
# The maps are not served, and collectstatic refuses a reference to a file that is not there.
_SOURCE_MAP = re.compile(r"^//# sourceMappingURL=.*$", re.MULTILINE)


def copy(modules: Path, vendor: Path) -> None:
    shutil.rmtree(vendor, ignore_errors=True)
    vendor.mkdir(parents=True)
    for source, name in FILES.items():
        text = (modules / source).read_text(encoding="utf-8")
        (vendor / name).write_text(_SOURCE_MAP.sub("", text), encoding="utf-8")


if __name__ == "__main__":
    copy(ROOT / "node_modules", ROOT / "static" / "vendor")
