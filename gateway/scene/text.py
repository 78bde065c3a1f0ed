"""What is burnt into the picture: the camera's name and a running clock (document 4.1 2.a)."""

import datetime
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from gateway.scene.canvas import Floats, Patch, beside, make_patch

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

# China keeps one time and no daylight saving: no time zone files are needed for it.
BEIJING = datetime.timezone(datetime.timedelta(hours=8))

_FINE = 4
# Limited-range luma.
_WHITE, _BLACK = 228, 16
_SYSTEM_FONTS = (
    ("/usr/share/fonts/opentype/noto/NotoSansCJK-Medium.ttc", 2),
    ("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc", 2),
    ("/usr/share/fonts/noto-cjk/NotoSansCJK-Regular.ttc", 2),
    ("/usr/share/fonts/google-noto-cjk/NotoSansCJK-Regular.ttc", 2),
    ("/usr/share/fonts/google-noto-sans-cjk-fonts/NotoSansCJK-Regular.ttc", 2),
    ("/usr/share/fonts/opentype/source-han-sans/SourceHanSansSC-Regular.otf", 0),
    ("/usr/share/fonts/truetype/wqy/wqy-microhei.ttc", 0),
    ("/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc", 0),
    ("/usr/share/fonts/wqy-microhei/wqy-microhei.ttc", 0),
    ("/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf", 0),
)
_NPM_FONTS = Path(__file__).resolve().parents[2] / "node_modules" / "@fontsource"
_CLOCK_CHARACTERS = "0123456789-:. "


def find_font(configured: Path | None) -> tuple[str, int] | None:
    """File and face: the configured one, a system's, an npm package's; None when there is no Chinese."""
    candidates = [(str(configured), 0)] if configured else []
    candidates += _SYSTEM_FONTS
    candidates += [
        (str(path), 0) for path in sorted(_NPM_FONTS.glob("*/files/*chinese-simplified-400*.woff2"))
    ]
    for path, face in candidates:
        try:
            ImageFont.truetype(path, 12, index=face)
        except OSError:
            continue
        return path, face
    return None


class Letterer:
    """Writes with one font. `squeeze` is the width of a square in stored pixels (16:11 of CIF: 0.69)."""

    def __init__(self, font: tuple[str, int] | None) -> None:
        self._font = font

    @property
    def font_file(self) -> str:
        return self._font[0] if self._font else ""

    def readable(self, text: str) -> str:
        """The text without what the font cannot show."""
        return text if self._font else text.encode("ascii", "ignore").decode().strip()

    def font(self, size: int) -> Font:
        if self._font is None:
            return ImageFont.load_default(size)
        return _open(*self._font, size)

    def line(self, text: str, height: int, squeeze: float) -> Patch:
        """White letters with a dark edge, `height` stored pixels high."""
        font = self.font(_letter_size(height))
        width = even((font.getlength(text) / _FINE + height * 0.3) * squeeze)
        return _written(text, font, (width, height), squeeze)

    def cell(self, character: str, height: int, squeeze: float) -> Patch:
        """One character of the clock; all have one width."""
        font = self.font(_letter_size(height))
        width = max(font.getlength(digit) for digit in "0123456789") * 1.08
        return _written(character, font, (even(width / _FINE * squeeze), height), squeeze)


def _letter_size(height: int) -> int:
    return round(height * _FINE * 0.74)


def _written(text: str, font: Font, size: tuple[int, int], squeeze: float) -> Patch:
    """Drawn large at its natural width, then squeezed together with its room."""
    width, height = size
    large = (round(width * _FINE / squeeze), height * _FINE)
    at = (large[0] / 2, large[1] * 0.77)
    letters, edge = Image.new("L", large, 0), Image.new("L", large, 0)
    weight, stroke = height * _FINE / 55, height * _FINE / 14
    ImageDraw.Draw(letters).text(at, text, fill=255, font=font, anchor="ms", stroke_width=weight)
    ImageDraw.Draw(edge).text(at, text, fill=255, font=font, anchor="ms", stroke_width=stroke)
    white, cover = _shrunk(letters, size), _shrunk(edge, size) * 0.8
    cover = np.maximum(cover, white)
    luma = white * _WHITE + (cover - white) * _BLACK
    return make_patch(np.stack([luma, cover * 128, cover * 128], axis=-1), cover)


class Clock:
    """The running clock as a patch, put together from its characters."""

    def __init__(self, letterer: Letterer, height: int, squeeze: float) -> None:
        self._cells = {one: letterer.cell(one, height, squeeze) for one in _CLOCK_CHARACTERS}
        self._text = ""
        self._patch: Patch | None = None

    def patch(self, at: float) -> Patch:
        """The clock at this unix time, to the tenth of a second."""
        text = clock_text(at)
        if self._patch is None or text != self._text:
            self._text = text
            self._patch = beside([self._cells[one] for one in text])
        return self._patch


@lru_cache(maxsize=8)
def clock_for(letterer: Letterer, height: int, squeeze: float) -> Clock:
    """One clock for all pictures of a size: they show the same time."""
    return Clock(letterer, height, squeeze)


def clock_text(at: float) -> str:
    moment = datetime.datetime.fromtimestamp(at, BEIJING)
    return f"{moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond // 100_000}"


def even(value: float) -> int:
    return max(2, round(value / 2) * 2)


@lru_cache(maxsize=32)
def _open(path: str, face: int, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(path, size, index=face)


def _shrunk(image: Image.Image, size: tuple[int, int]) -> Floats:
    small = image.resize(size, Image.Resampling.BOX)
    return np.asarray(small, dtype=np.float32) / 255
