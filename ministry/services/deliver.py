"""One batch, from its claim to what its answer means for every item of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from ministry.choices import Interface
from ministry.models import InterfaceState
from ministry.selectors import Rank
from ministry.services.channel import Channel, Outcome, Reply
from ministry.services.claims import claim, release
from ministry.services.reports import REPORTS
from ministry.services.reports.base import NO_VERDICT, Batch, Report
from ministry.services.troubles import Trouble, jitter

_FIRST_REST_SECONDS: Final = 1.0
_LONGEST_REST_SECONDS: Final = 8.0


@dataclass(frozen=True, slots=True)
class Planned:
    """What may travel together: keys of deliveries, under one department where the verb wants one."""

    interface: Interface
    keys: tuple[int, ...]
    department: str
    rank: Rank


def deliver(channel: Channel, planned: Planned) -> None:
    """Send it, unless somebody else holds it or it is no longer owed."""
    report = REPORTS[planned.interface]
    held = claim(report.model, planned.keys)
    batch = report.load(channel.platform, held, planned.department) if held.keys else None
    if batch is None:
        release(held, held.keys)
        return
    release(held, [key for key in held.keys if key not in batch.about])
    report.begin(batch)
    reply = _call(channel, report, batch)
    if reply.outcome == Outcome.DONE:
        _done(report, batch, reply)
        return
    if not reply.is_in_doubt:
        report.undo(batch)
    _not_done(channel, report, batch, reply)


def _call(channel: Channel, report: Report, batch: Batch) -> Reply:
    first, *others = report.verbs(channel.platform)
    reply = _call_verb(channel, report, batch, first)
    for verb in others:
        if reply.outcome != Outcome.UNKNOWN or not batch.claim.outlasts_a_call:
            break
        reply = _call_verb(channel, report, batch, verb)
        if reply.outcome == Outcome.DONE:
            report.prefer(channel.platform, verb)
    return reply


def _call_verb(channel: Channel, report: Report, batch: Batch, verb: str) -> Reply:
    return channel.call(
        report.interface,
        verb,
        batch.body,
        count=len(batch.about),
        department=batch.department,
        results=report.results,
    )


def _done(report: Report, batch: Batch, reply: Reply) -> None:
    if reply.answer is None:
        raise TypeError("success without an answer")
    verdicts = report.accept(batch, reply.answer)
    report.troubles.clear(verdicts.done)
    _note(report, batch, verdicts.refused, Trouble.refused)
    _note(report, batch, dict.fromkeys(verdicts.silent, NO_VERDICT), Trouble.unanswered)
    release(batch.claim, [*verdicts.refused, *verdicts.silent])


def _not_done(channel: Channel, report: Report, batch: Batch, reply: Reply) -> None:
    reasons = dict.fromkeys(batch.keys, reply.words)
    match reply.outcome:
        case Outcome.TIMED_OUT:
            # It may still be worked on over there: the claim runs on, so that nothing overtakes it.
            return
        case Outcome.LOST:
            rest = min(_FIRST_REST_SECONDS * 2 ** min(reply.failures, 9), _LONGEST_REST_SECONDS)
            release(batch.claim, batch.keys, rest_seconds=jitter(rest))
            return
        case Outcome.FORBIDDEN if reply.answer is not None:
            # The token is good; others may be allowed what these are not.
            _note(report, batch, reasons, Trouble.unanswered)
        case Outcome.FORBIDDEN:
            # It is the platform that rests now.
            pass
        case Outcome.UNKNOWN:
            # A page of somebody in between says nothing of the cameras.
            for key in report.deny(batch, reply.answer) if reply.answer is not None else ():
                del reasons[key]
            if reply.answer is not None and report.is_unknown_for_one:
                _strike(channel, report, batch, reasons, is_malformed=True)
            else:
                _note(report, batch, reasons, Trouble.refused)
        case Outcome.MALFORMED:
            _strike(channel, report, batch, reasons, is_malformed=True)
        case Outcome.CRASHED:
            _strike(channel, report, batch, reasons, is_malformed=False)
    release(batch.claim, batch.keys)


def _strike(
    channel: Channel, report: Report, batch: Batch, reasons: Mapping[int, str], *, is_malformed: bool
) -> None:
    state = InterfaceState.objects.filter(platform=channel.platform, interface=report.interface).first()
    praised_at = state.last_success_at if state else None

    def struck(trouble: Trouble, about: str, reason: str) -> Trouble:
        # Only a platform that takes others proves that the fault is with this one.
        may_park = praised_at is not None and praised_at >= trouble.since
        return trouble.struck(
            about, reason, sent_with=len(batch.about), is_malformed=is_malformed, may_park=may_park
        )

    _note(report, batch, reasons, struck)


def _note(
    report: Report,
    batch: Batch,
    reasons: Mapping[int, str],
    change: Callable[[Trouble, str, str], Trouble],
) -> None:
    if not reasons:
        return
    known = report.troubles.load(list(reasons))
    fresh = Trouble(since=batch.at)
    report.troubles.save(
        {
            key: change(_about_this(known.get(key, fresh), batch.about[key], fresh), batch.about[key], reason)
            for key, reason in reasons.items()
        }
    )


def _about_this(trouble: Trouble, about: str, fresh: Trouble) -> Trouble:
    """Another value starts anew: what was refused was the former one."""
    return trouble if trouble.about in ("", about) else fresh
