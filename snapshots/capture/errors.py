from snapshots.choices import SnapshotResult


class CaptureError(Exception):
    """No picture, and why: `result` is the reason kept with the gap, `detail` is for the log."""

    def __init__(self, result: SnapshotResult, detail: str) -> None:
        super().__init__(detail)
        self.result = result
        self.detail = detail
