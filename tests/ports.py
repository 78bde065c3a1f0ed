"""Ports for programs that are told theirs before they run."""

import random

from deploy.demo.files import is_free


def free_port() -> int:
    """Below the range of outgoing connections and of port 0: nothing takes it before the program does."""
    # Not the common source of chance: each process of a parallel run would be led to the same ports.
    chance = random.SystemRandom()
    while not is_free(port := chance.randrange(10_000, 32_000)):
        pass
    return port
