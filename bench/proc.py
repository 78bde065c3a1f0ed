"""What /proc tells of another process: its processor time and its memory."""

from pathlib import Path


def cpu_seconds(pid: int) -> float:
    """Of all threads, to the nanosecond (/proc/<pid>/stat counts hundredths)."""
    tasks = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9


def status_mb(pid: int, name: str) -> float:
    """A line of /proc/<pid>/status that is given in kilobytes, such as VmRSS."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"no {name} of process {pid}")
