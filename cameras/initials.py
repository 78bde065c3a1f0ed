"""Initials of the Pinyin of Chinese text: what somebody types who does not switch the keyboard."""

from typing import Final

# Read in names of places otherwise than in everyday words.
_IN_NAMES: Final = {"长": "c", "重": "c", "厦": "x", "朝": "c"}


class _Letters(dict[int, str]):
    """For `str.translate`: the letter of a character, found out when it is first met."""

    def __missing__(self, code: int) -> str:
        letter = self[code] = _letter(code)
        return letter


def _letter(code: int) -> str:
    character = chr(code)
    if character.isascii():
        return character.lower() if character.isalnum() else ""
    if character in _IN_NAMES:
        return _IN_NAMES[character]
    # Forty thousand characters: not loaded before somebody needs them.
    from pypinyin import Style, pinyin

    readings = pinyin(character, style=Style.FIRST_LETTER, errors="ignore")
    return readings[0][0] if readings else ""


_LETTERS: Final = _Letters()


def initials_of(text: str) -> str:
    """`江苏南京段 K1100+300` gives `jsnjdk1100300`; what is neither Chinese nor a letter or digit is left out."""
    return text.translate(_LETTERS)
