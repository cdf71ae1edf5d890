"""Is this text a rule, and which? The dialect of cron-parser 5.10.5, seconds first, read and judged.

Every refusal is one sentence that names the field, what is wrong with it, and what would be right. The
quirks are deliberate and tested: fields missing on the left, no number twice in a field, names replaced
wherever their letters stand, JavaScript's blanks and numbers.
"""

import re
from typing import Final

from shared.timing.cron_draws import ATTEMPTS, Lot, drawn, draws, kept, lottery
from shared.timing.cron_fields import (
    DAY,
    FIELDS,
    HOUR,
    LONGEST_MONTHS,
    MINUTE,
    MONTH,
    SECOND,
    WEEKDAY,
    WHOLE_WEEK,
    Field,
    Fields,
    InvalidRule,
    brief,
    longest_of,
    members,
    settled,
    span,
)

LENGTH_LIMIT: Final = 1024

_BLANKS: Final = "\t\n\v\f\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
_BLANK_RUN = re.compile(f"[{_BLANKS}]+")
_LETTERS = re.compile(r"[A-Za-z]{3}")
_ITEM = re.compile(
    r"(?:(?P<every>[*?])|(?P<first>\d+)(?:-(?P<last>\d+))?|H(?:\((?P<lowest>\d+)-(?P<highest>\d+)\))?)"
    r"(?:/(?P<step>\d+))?",
    re.ASCII,
)
_LAST_WEEKDAY = re.compile(r"[0-7]L")
_NTH = re.compile(
    r"\+?(?:\d+\.?\d*|\.\d+)(?:[eE]\+?\d+)?|(?P<coded>0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+)",
    re.ASCII,
)
_FOREIGN = re.compile(r"[^0-9?,*LH#()/-]")

_ONCE: Final = 0  # of the numbers of a field none may be named twice
_PADDING: Final = ("0", "*", "*", "*", "*", "*")
_PREDEFINED: Final = {
    "@yearly": "0 0 0 1 1 *",
    "@annually": "0 0 0 1 1 *",
    "@monthly": "0 0 0 1 * *",
    "@weekly": "0 0 0 * * 0",
    "@daily": "0 0 0 * * *",
    "@hourly": "0 0 * * * *",
    "@minutely": "0 * * * * *",
    "@secondly": "* * * * * *",
    "@weekdays": "0 0 0 * * 1-5",
    "@weekends": "0 0 0 * * 0,6",
}


def read(expression: str, seed: str) -> Fields:
    """The fields of an expression, with whatever H leaves open drawn from the seed; or InvalidRule."""
    texts = _split(expression)
    refusal: InvalidRule | None = None
    for attempt in range(ATTEMPTS if draws(expression) else 1):
        try:
            return _fields(texts, lottery(seed, attempt))
        except InvalidRule as error:
            refusal = refusal or error

    raise refusal or InvalidRule("it cannot be read")


def _split(expression: str) -> list[str]:
    if not expression:
        raise InvalidRule("it is empty; write six fields, second to day-of-week, such as '0 30 9 * * 1-5'")
    if len(expression.encode("utf-16-le", "surrogatepass")) > 2 * LENGTH_LIMIT:
        raise InvalidRule(f"it is longer than {LENGTH_LIMIT} characters; no rule needs as many")

    blanks_gone = _BLANK_RUN.sub(" ", _PREDEFINED.get(expression, expression)).strip(" ")
    texts = blanks_gone.split(" ")
    if not blanks_gone:
        raise InvalidRule("it is blank; write six fields, second to day-of-week, such as '0 30 9 * * 1-5'")
    if len(texts) > len(FIELDS):
        raise InvalidRule(
            f"it has {len(texts)} fields, but there are at most six: second, minute, hour, day-of-month, "
            "month and day-of-week (there is none for the year)"
        )
    if texts[0].startswith("@"):
        raise InvalidRule(
            f"{expression!r} is not a predefined rule; these are {', '.join(_PREDEFINED)}, written just so and alone"
        )

    return [*_PADDING[: len(FIELDS) - len(texts)], *texts]


def _fields(texts: list[str], lot: Lot) -> Fields:
    seconds_text, minutes_text, hours_text, days_text, months_text, weekdays_text = texts
    seconds = _numbers(lot, seconds_text, SECOND, _ONCE)
    minutes = _numbers(lot, minutes_text, MINUTE, _ONCE)
    hours = _numbers(lot, hours_text, HOUR, _ONCE)
    months = _numbers(lot, months_text, MONTH, _ONCE)
    days, last_day = _month_days(lot, days_text, months)
    weekdays, nth, last_weekdays = _week_days(lot, weekdays_text)

    days_wild, weekdays_wild = days_text in {"*", "?"}, weekdays_text in {"*", "?"}
    if weekdays_wild and not last_day:
        _refuse_impossible_day(days, months, days_text)
    fields = settled(
        Fields(
            seconds=seconds,
            minutes=minutes,
            hours=hours,
            months=months,
            # A wildcard beside a restricted field of days adds none of its own.
            days=0 if days_wild and not weekdays_wild else days,
            last_day=last_day,
            weekdays=0 if weekdays_wild else weekdays,
            nth=nth,
            last_weekdays=last_weekdays,
        )
    )
    if not fields.rings:
        raise InvalidRule(
            f"it would never ring: no month has a day that day-of-month {days_text!r} or day-of-week "
            f"{weekdays_text!r} names; after '#' stands a whole number from 1 to 5"
        )

    return fields


def _refuse_impossible_day(days: int, months: int, days_text: str) -> None:
    longest = longest_of(months)
    if not days & span(1, longest):
        raise InvalidRule(
            f"the day-of-month {days_text!r} never comes: the longest of the months given has {longest} days"
        )


@kept
def _month_days(lot: Lot, text: str, months: int) -> tuple[int, bool]:
    """The days of the month, and whether its last is meant."""
    items = text.split(",")
    if items.count("L") > 1:
        raise InvalidRule(f"the day-of-month field {text!r} names L twice; once is enough")

    last_day = "L" in items
    if items == ["L"]:
        return 0, True
    numbered = ",".join(item for item in items if item != "L")
    # Beside a single month, days it lacks are dropped before anything is counted, so they may be repeated;
    # unless they are all there is.
    one_month = months.bit_count() == 1
    lacking = span(LONGEST_MONTHS[months.bit_length() - 2] + 1, 31) if one_month else 0
    days = _numbers(lot, numbered, DAY, lacking)
    if not days & ~lacking and not last_day:
        days = _numbers(lot, numbered, DAY, _ONCE)

    return days, last_day


@kept
def _week_days(lot: Lot, text: str) -> tuple[int, int, int]:
    """The days of the week, in which week of the month (0: each), and those meant only in its last."""
    if "#" in text:
        weekdays, nth = _occurrence(text, lot)
        return weekdays, nth, 0

    items = [(item, _unaliased(WEEKDAY, item)) for item in text.split(",")]
    lasts = [plain for _, plain in items if _LAST_WEEKDAY.fullmatch(plain)]
    if len(set(lasts)) < len(lasts):
        raise InvalidRule(f"the day-of-week field {text!r} names the same last weekday twice; once is enough")

    last_weekdays = 0
    for plain in lasts:
        last_weekdays |= 1 << int(plain[0]) % 7
    numbered = [item for item, plain in items if plain not in lasts]
    return _numbers(lot, ",".join(numbered), WEEKDAY, _ONCE) if numbered else 0, 0, last_weekdays


def _occurrence(text: str, lot: Lot) -> tuple[int, int]:
    """The weekday and the number around a '#', such as 5#3 for the third Friday."""
    weekday, _, count = text.partition("#")
    if clash := re.search(r"[,\-/L]", text):
        raise InvalidRule(
            f"the day-of-week field {text!r} has both '#' and {clash[0]!r}; '#' stands alone, as in '5#3'"
        )
    nth = _javascript_number(count)
    if not 1 <= nth <= 5:
        raise InvalidRule(
            f"the day-of-week field {text!r} must have a number from 1 to 5 after its one '#', as in '5#3'"
        )

    weekdays = _numbers(lot, weekday, WEEKDAY, _ONCE)
    # There is no "one and a halfth" Monday: cron-parser accepts it and it never comes.
    return (weekdays, int(nth)) if nth == int(nth) else (0, 0)


def _javascript_number(text: str) -> float:
    """What JavaScript's Number() makes of the text, as far as it can lie between 1 and 5; or 0."""
    read_as = _NTH.fullmatch(text)
    if read_as is None:
        return 0
    if read_as["coded"] is None:
        return float(text)

    value = int(text, 0)
    return value if value <= 5 else 0


def _unaliased(field: Field, text: str) -> str:
    """The text with every three letters in a row replaced by the number they name."""

    def number(letters: re.Match[str]) -> str:
        name = letters[0].lower()
        if name not in field.aliases:
            raise InvalidRule(
                f"the {field.name} field {text!r} has {letters[0]!r}; its names are {', '.join(field.aliases)}"
            )
        return str(field.aliases.index(name) + field.low)

    return _LETTERS.sub(number, text) if field.aliases else text


@kept
def _numbers(lot: Lot, text: str, field: Field, repeatable: int) -> int:
    """The bits of the numbers of one field; a number named twice is refused, but for the repeatable ones."""
    whole = 0
    for item in _unaliased(field, text).split(","):
        part = _item(field, item, text, lot)
        if again := whole & part & ~repeatable:
            raise InvalidRule(
                f"the {field.name} field {text!r} names {next(members(again))} twice; name every number once"
            )
        whole |= part

    return whole


def _item(field: Field, item: str, text: str, lot: Lot) -> int:
    read_as = _ITEM.fullmatch(item)
    if read_as is None:
        raise InvalidRule(_misread(field, item, text))

    every, first, last, lowest, highest, step_text = read_as.groups()
    step = int(step_text) if step_text is not None else None
    if step == 0:
        raise InvalidRule(f"the {field.name} field {text!r} has a step of 0; a step is at least 1")
    if every is None and first is None:
        mask = drawn(field, lowest, highest, step, lot(field))
    else:
        low = field.low if every else int(first)
        high = field.high if every or (last is None and step is not None) else int(last or first)
        mask = _stepped(field, low, high, step or 1, text)

    # Seven is Sunday again.
    return (mask | mask >> 7) & WHOLE_WEEK if field is WEEKDAY else mask


def _stepped(field: Field, low: int, high: int, step: int, text: str) -> int:
    for number in (low, high):
        if not field.low <= number <= field.high:
            raise InvalidRule(
                f"the {field.name} field {text!r} has {brief(number)}, but it goes from {field.low} to {field.high}"
            )
    if low > high:
        # Backwards over Sunday: the week is written to 6 here, for 7 would name the Sunday of 0 again.
        end = 6 if field is WEEKDAY else field.high
        forwards = f"{low}-{end},{field.low}-{high}" if low <= end else f"{field.low}-{high}"
        raise InvalidRule(
            f"the {field.name} field {text!r} has the range {low}-{high}, which runs backwards; write {forwards}"
        )

    return span(low, high) if step == 1 else sum(1 << number for number in range(low, high + 1, step))


def _misread(field: Field, item: str, text: str) -> str:
    """What is wrong with an item that is neither a number nor a range, step or draw."""
    said = f"the {field.name} field {text!r}"
    if not item:
        return f"{said} has an empty place in its list; write numbers with one comma between them"
    if "L" in item.upper():
        allowed = {DAY: "alone, for the last day", WEEKDAY: "after a weekday, as in 5L for the last Friday"}.get(field)
        return f"{said} has {item!r}; L is written {allowed}" if allowed else f"{said} has {item!r}; no L goes there"
    if foreign := _FOREIGN.search(item):
        return f"{said} has {foreign[0]!r}, which means nothing there; write numbers, ranges 1-5 or steps */5"

    return f"{said} has {item!r}; write a number, a range 1-5, a step */5, 10/5 or 1-9/2, or a draw H, H(1-5) or H/5"
