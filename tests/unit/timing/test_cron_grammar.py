"""The dialect, sentence by sentence: what is a rule, which one, and what a refusal says."""

import pytest

from shared.timing.cron import InvalidRule, parse

# Written so, it means the same as this; the canonical text is the proof.
ACCEPTED = [
    # Predefined.
    ("@yearly", "0 0 0 1 1 *"),
    ("@annually", "0 0 0 1 1 *"),
    ("@monthly", "0 0 0 1 * *"),
    ("@weekly", "0 0 0 * * 0"),
    ("@daily", "0 0 0 * * *"),
    ("@hourly", "0 0 * * * *"),
    ("@minutely", "0 * * * * *"),
    ("@secondly", "* * * * * *"),
    ("@weekdays", "0 0 0 * * 1-5"),
    ("@weekends", "0 0 0 * * 0,6"),
    # Blanks are JavaScript's.
    ("\u00a0*\u3000* *\n*\t*\ufeff", "0 * * * * *"),
    ("  5   4 * * * ", "0 5 4 * * *"),
    (" " * 1015 + "* * * * *", "0 * * * * *"),
    # Fields missing on the left.
    ("20 15 * *", "0 * 20 15 * *"),
    ("1 2 3", "0 * * 1 2 3"),
    ("5 *", "0 * * * 5 *"),
    ("MON", "0 * * * * 1"),
    ("*", "0 * * * * *"),
    ("1 2 3 4 5 6", "1 2 3 4 5 6"),
    # Names, any case, replaced where their letters stand.
    ("jan *", "0 * * * 1 *"),
    ("JANFEB *", "0 * * * 12 *"),
    ("1JAN *", "0 * * * 11 *"),
    ("JAN1 *", "0 * * * 11 *"),
    ("Mon-fRi", "0 * * * * 1-5"),
    ("MONL", "0 * * * * 1L"),
    ("SUN#1", "0 * * * * 0#1"),
    ("SUNSAT", "0 * * * * 6"),
    ("THU", "0 * * * * 4"),
    # Wildcards and steps.
    ("*/5 ?/6 */7 */2 ?/3 */2", "*/5 */6 */7 */2 */3 0,2,4,6"),
    ("? ? ? ? ? ?", "* * * * * *"),
    ("*/60 * * * *", "0 0 * * * *"),
    ("*/999 * * * *", "0 0 * * * *"),
    ("50/5 * * * *", "0 50,55 * * * *"),
    ("10-20/5 * * * *", "0 10,15,20 * * * *"),
    ("59/15 * * * *", "0 59 * * * *"),
    ("5-5 * * * *", "0 5 * * * *"),
    ("5-5/3 * * * *", "0 5 * * * *"),
    ("00 05 * * *", "0 0 5 * * *"),
    ("5/" + "9" * 400 + " * * * *", "0 5 * * * *"),
    # Sundays.
    ("7", "0 * * * * 0"),
    ("5-7", "0 * * * * 0,5,6"),
    ("7-7", "0 * * * * 0"),
    ("0-7", "0 * * * * *"),
    ("1/2", "0 * * * * 0,1,3,5"),
    ("5/2", "0 * * * * 0,5"),
    ("2/2", "0 * * * * 2,4,6"),
    ("7/3", "0 * * * * 0"),
    ("*/7", "0 * * * * 0"),
    # Last days and last weekdays.
    ("L * *", "0 * * L * *"),
    ("15,L * *", "0 * * 15,L * *"),
    ("0L,7L", "0 * * * * 0L"),
    ("1,3L", "0 * * * * 1,3L"),
    ("1,1L", "0 * * * * 1"),
    # Occurrences.
    ("5#3", "0 * * * * 5#3"),
    ("7#1", "0 * * * * 0#1"),
    ("*#2", "0 * * 8-14 * *"),
    ("2 ?#5", "0 * * 29 2 *"),
    ("1#02", "0 * * * * 1#2"),
    ("1#+2", "0 * * * * 1#2"),
    ("1#1e0", "0 * * * * 1#1"),
    ("1#.2e1", "0 * * * * 1#2"),
    ("1#2.", "0 * * * * 1#2"),
    ("1#0x2", "0 * * * * 1#2"),
    ("1#0B11", "0 * * * * 1#3"),
    ("1#0o4", "0 * * * * 1#4"),
    ("15 * 1#1.5", "0 * * 15 * *"),
    # Days and months.
    ("16,31 6 *", "0 * * 16 6 *"),
    ("16,31,31 6 *", "0 * * 16 6 *"),
    ("31,31,L 6 *", "0 * * L 6 *"),
    ("29 2 *", "0 * * 29 2 *"),
    ("30 2,4 *", "0 * * 30 2,4 *"),
    ("0 0 31 2 1", "0 0 0 * 2 1"),
    ("31,L 4 *", "0 * * L 4 *"),
    ("1-29 2 *", "0 * * * 2 *"),
    # Kinds of days add up; a restriction that covers everything is still one.
    ("0 0 */1 * 1", "0 0 0 * * *"),
    ("0 0 1-31 * 1", "0 0 0 * * *"),
    ("0 0 13 * 0-6", "0 0 0 * * *"),
    ("0 0 */2 * 1", "0 0 0 */2 * 1"),
    ("8 * 5#3", "0 * * 8 * 5#3"),
    ("1 * *#2", "0 * * 1,8-14 * *"),
]

REFUSED = [
    ("", "empty"),
    ("   ", "blank"),
    ("\ufeff", "blank"),
    (" " * 1016 + "* * * * *", "longer than 1024"),
    ("😀" * 513, "longer than 1024"),
    ("* * * * * * *", "7 fields"),
    ("@midnight", "predefined"),
    ("@reboot", "predefined"),
    ("@every 5m", "predefined"),
    ("@Daily", "predefined"),
    (" @daily", "predefined"),
    ("*\x1c* * * *", "hour field"),
    ("1\x85* * * *", "hour field"),
    ("15 10", "month field '15'"),
    ("SUNDAY", "'DAY'"),
    ("JANUARY *", "'UAR'"),
    ("MON * * * *", "minute"),
    ("l * *", "day-of-month"),
    ("5l", "day-of-week"),
    ("٣ * * * *", "minute"),
    ("15W * *", "'W'"),
    ("LW * *", "L is written"),
    ("L-3 * *", "L is written"),
    ("1L * *", "L is written"),
    ("1-L * *", "L is written"),
    ("L/2 * *", "L is written"),
    ("L,L * *", "twice"),
    ("~ * * * *", "'~'"),
    ("R * * * *", "'R'"),
    ("+5 * * * *", "'+'"),
    ("*5 * * * *", "minute"),
    ("5* * * * *", "minute"),
    ("**/5 * * * *", "minute"),
    ("*-5 * * * *", "minute"),
    ("5/* * * * *", "minute"),
    ("5,* * * * *", "twice"),
    ("22-2 * * *", "write 22-23,0-2"),
    ("FRI-MON", "write 5-6,0-1"),
    ("SAT-SUN", "backwards"),
    ("7-1", "write 0-1"),
    ("*/0 * * * *", "step"),
    ("5/ * * * *", "minute"),
    ("/5 * * * *", "minute"),
    ("*/-5 * * * *", "minute"),
    ("10/5/2 * * * *", "minute"),
    ("1-5-7 * * * *", "minute"),
    ("-1 * * * *", "minute"),
    ("1- * * * *", "minute"),
    ("1,,2 * * * *", "empty place"),
    (",1 * * * *", "empty place"),
    ("1, * * * *", "empty place"),
    (",L * *", "empty place"),
    ("L, * *", "empty place"),
    (",1L", "empty place"),
    ("1L,", "empty place"),
    ("60 * * * *", "0 to 59"),
    ("60/5 * * * *", "0 to 59"),
    ("24 * * *", "0 to 23"),
    ("0 * *", "1 to 31"),
    ("32 * *", "1 to 31"),
    ("0 *", "1 to 12"),
    ("13 *", "1 to 12"),
    ("8", "0 to 7"),
    ("9" * 1000, "0 to 7"),
    ("1,1 * * * *", "twice"),
    ("*,5 * * * *", "twice"),
    ("1-3,2 * * * *", "twice"),
    ("*/2,4 * * * *", "twice"),
    ("*/5,*/7 * * * *", "names 0 twice"),
    ("JAN,1 *", "twice"),
    ("0,7", "twice"),
    ("31,31 6 1", "twice"),
    ("16,31,31 6,7 *", "twice"),
    ("16,16 6 *", "twice"),
    ("5-7,0", "twice"),
    ("1L,1L", "twice"),
    ("MONL,1L", "twice"),
    ("L", "L is written"),
    ("1-5L", "L is written"),
    ("L1", "L is written"),
    ("8L", "L is written"),
    ("01L", "L is written"),
    ("1#0", "1 to 5"),
    ("1#6", "1 to 5"),
    ("1#", "1 to 5"),
    ("#2", "day-of-week"),
    ("1#2#3", "1 to 5"),
    ("1#MON", "1 to 5"),
    ("1#1_0", "1 to 5"),
    ("1#+0x2", "1 to 5"),
    ("1#٣", "1 to 5"),
    ("1,3#2", "'#' and ','"),
    ("1-5#1", "'#' and '-'"),
    ("1/2#1", "'#' and '/'"),
    ("1L#1", "'#' and 'L'"),
    ("1#1.5", "never ring"),
    ("31 4 1#1.5", "never ring"),
    ("30 2 *", "never comes"),
    ("31 4 *", "never comes"),
    ("31 4,6 *", "never comes"),
    ("31 2,4,6,9,11 *", "never comes"),
    # Draws: what cron-parser's character check lets through is not a rule.
    ("H(1-2)x", "day-of-week"),
    ("H/60,0x5 * * * *", "minute"),
    ("1H * * * *", "minute"),
    ("H-30 * * * *", "minute"),
    ("*/H * * * *", "minute"),
    ("H() * * * *", "minute"),
    ("H(5) * * * *", "minute"),
    ("h * * * *", "minute"),
    ("H/0 * * * *", "step of 0"),
    ("H(30-10) * * * *", "draws from 30 to 10"),
    ("H(70-80) * * * *", "draws from 70 to 80"),
    ("H,H * * * *", "twice"),
]


@pytest.mark.parametrize(("expression", "canonical"), ACCEPTED)
def test_accepted(expression: str, canonical: str) -> None:
    rule = parse(expression)

    assert rule.expression == canonical
    assert parse(rule.expression) == rule


@pytest.mark.parametrize(("expression", "told"), REFUSED, ids=lambda value: repr(value)[:40])
def test_refused_with_a_sentence(expression: str, told: str) -> None:
    with pytest.raises(InvalidRule) as refusal:
        parse(expression)

    assert told in str(refusal.value)
    assert not str(refusal.value).endswith(".")


@pytest.mark.parametrize("expression", [None, 5, b"* * * * *", ["*"], {}])
def test_only_text_is_a_rule(expression: object) -> None:
    with pytest.raises(InvalidRule, match="not text"):
        parse(expression)  # type: ignore[arg-type]


def test_a_half_occurrence_of_a_restricted_day_leaves_the_other_kind() -> None:
    assert parse("0 0 15 * 1#1.5") == parse("0 0 15 * *")


def test_spellings_of_one_rule_are_one_rule() -> None:
    assert len({parse(text) for text in ("*/15 * * * *", "0,15,30,45 * * * *", "0 0-59/15 ? ? ? ?")}) == 1
