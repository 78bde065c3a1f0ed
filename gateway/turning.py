"""What comes back from a camera that was told to turn and does not."""


class PtzRefusedError(Exception):
    """The camera does not do this movement; the text (Chinese) says why."""


class PtzFailedError(Exception):
    """The camera could not be told; the text (Chinese) says why."""
