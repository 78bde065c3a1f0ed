"""How fast, and how surely, an upper platform comes to hold what we hold.

    python bench/ministry_sync.py [--json] [--cameras 20000] [--rounds 2] [--changes 60] [--limit 270]

A worker of the queue `reports` and beat, started as the platform starts them, against a peer that takes 10 ms for
a request; the rival sends one request after the other to the same peer. After `--limit` seconds nothing is
waited for any more: a phase that is cut off shows where it stood, and does not hold. The full size: --cameras 40000
--limit 600.
"""

import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.harness import arguments, manage, report, workplace


def main() -> None:
    parser = arguments(__doc__ or "")
    parser.add_argument("--cameras", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=2, help="drains without faults, the median counts")
    parser.add_argument("--changes", type=int, default=60, help="single status changes, two a second")
    parser.add_argument("--limit", type=float, default=270, help="seconds after which phases are cut off")
    options = parser.parse_args()
    ends_at = time.monotonic() + options.limit
    with workplace(LOG_LEVEL="ERROR", MINISTRY_BATCH_SIZE="100") as environment:
        manage(environment, "fill_ledger", "--cameras", str(options.cameras), "--seed", "1")
        manage(environment, "create_partner", "--kind", "ministry", "--code", "bench", "--user", "bench")
        os.environ.update(environment)

        import django

        django.setup()
        # They need the environment of this workplace.
        from bench.ministry_phases import Clock, Sizes, measure
        from bench.ministry_processes import RunningPeer

        data_dir = Path(environment["DATA_DIR"])
        postmaster = int(
            (data_dir.parent / "services" / "postgres" / "postmaster.pid").read_text().split()[0]
        )
        sizes = Sizes(options.rounds, options.changes, options.changes / 2)
        with RunningPeer() as peer:
            rows = measure(peer, data_dir, postmaster, sizes, Clock(ends_at))
    report(rows, as_json=options.json)


if __name__ == "__main__":
    main()
