"""The specification's third section by brute force: every wall-clock time tried, none computed.

Nothing here is shared with the engine but the fields and the zone's own answers.
"""

import calendar
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from shared.timing.cron_fields import Fields

DAY = timedelta(days=1)


def instants(fields: Fields, zone: ZoneInfo, after: int, through: int) -> list[int]:
    """Every instant, in milliseconds, after the one and not after the other."""
    first = datetime.fromtimestamp(after // 1000, UTC)
    last = datetime.fromtimestamp(through // 1000, UTC)
    walls = list(_walls(fields, first.date() - 3 * DAY, last.date() + 3 * DAY))
    asked_in_second_pass = first.astimezone(zone).fold == 1

    ringing = set()
    for wall in walls:
        earlier = wall.replace(tzinfo=zone, fold=0)
        later = wall.replace(tzinfo=zone, fold=1)
        exists = earlier.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == wall
        if fields.hours == (1 << 24) - 1:
            if exists:
                ringing |= {earlier.timestamp(), later.timestamp()}
            continue
        ringing.add(earlier.timestamp())
        # Asked from inside the second pass, what is left of that same pass rings too.
        if asked_in_second_pass and exists and timedelta() < later.astimezone(UTC) - first < timedelta(hours=12):
            ringing.add(later.timestamp())

    return sorted(int(moment) * 1000 for moment in ringing if after < moment * 1000 <= through)


def _walls(fields: Fields, first: date, last: date) -> Iterator[datetime]:
    day = first
    while day <= last:
        if rings_on(fields, day):
            for hour in range(24):
                for minute in range(60):
                    if fields.hours >> hour & 1 and fields.minutes >> minute & 1:
                        for second in range(60):
                            if fields.seconds >> second & 1:
                                yield datetime(day.year, day.month, day.day, hour, minute, second)  # noqa: DTZ001
        day += DAY


def rings_on(fields: Fields, day: date) -> bool:
    """Is this one of the rule's days?"""
    if not fields.months >> day.month & 1:
        return False
    length = calendar.monthrange(day.year, day.month)[1]
    weekday = 1 << day.isoweekday() % 7
    in_week = fields.nth in {0, (day.day + 6) // 7}

    return bool(
        fields.days >> day.day & 1
        or (fields.last_day and day.day == length)
        or (fields.weekdays & weekday and in_week)
        or (fields.last_weekdays & weekday and day.day > length - 7)
    )
