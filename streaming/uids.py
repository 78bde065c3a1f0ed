"""Who an address was issued to, as the uid in it says: a partner, a member of staff, or nobody in particular."""


def partner_uid(partner_id: int) -> str:
    return f"p{partner_id}"


def staff_uid(user_id: int) -> str:
    return f"u{user_id}"


def partner_in(uid: str) -> int | None:
    return _number(uid, "p")


def staff_in(uid: str) -> int | None:
    return _number(uid, "u")


def _number(uid: str, kind: str) -> int | None:
    # Signed by us, but also told by media servers.
    number = uid[1:]
    is_id = uid[:1] == kind and number.isascii() and number.isdigit() and len(number) <= 18
    return int(number) if is_id else None
