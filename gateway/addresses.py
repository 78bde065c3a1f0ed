"""What an address of a camera must have right before anybody connects to it."""

from urllib.parse import SplitResult


def check_port(parts: SplitResult) -> None:
    """ValueError (Chinese) for a port that is none; an address that ends there would fail at every use."""
    try:
        _ = parts.port
    except ValueError:
        raise ValueError("url 的端口不是 0-65535 之内的整数") from None
