"""English that is true of every rule, and never the same for two of them."""

import random

import pytest

from shared.timing.cron import InvalidRule, Rule, describe, parse


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        ("* * * * * *", "Every second"),
        ("*/10 * * * * *", "Every 10 seconds"),
        ("*/7 * * * * *", "At seconds 0, 7, 14, 21, 28, 35, 42, 49 and 56 of every minute"),
        ("1 * * * * *", "At second 1 of every minute"),
        ("* * * 1 * *", "Every second, on day 1 of the month"),
        ("* * * * *", "Every minute"),
        ("*/15 * * * *", "Every 15 minutes"),
        ("*/7 * * * *", "At minutes 0, 7, 14, 21, 28, 35, 42, 49 and 56 of every hour"),
        ("0 * * * *", "Every hour, on the hour"),
        ("5 * * * *", "At 5 minutes past every hour"),
        ("15 5 * * * *", "At 5 minutes and 15 seconds past every hour"),
        ("* 5 * * * *", "Every second of minute 5 of every hour"),
        ("* 5 * * *", "Every minute, between 05:00 and 05:59"),
        ("*/15 9-17 * * 1-5", "Every 15 minutes, between 09:00 and 17:59, on Monday through Friday"),
        ("30 9-17 * * *", "At 30 minutes past the hour, between 09:00 and 17:59"),
        ("0 */2 * * *", "On the hour, every 2nd hour from midnight"),
        ("* */2 * * *", "Every minute, during every 2nd hour from midnight"),
        ("0 1,3,6,8,11,14,20 * * *", "On the hour, during the hours 01, 03, 06, 08, 11, 14 and 20"),
        ("0 9 * * *", "At 09:00, every day"),
        ("30 15 9,17 * * *", "At 09:15:30 and 17:15:30, every day"),
        ("0 9 * * 1-5", "At 09:00, on Monday through Friday"),
        ("0 9 * * 6,7", "At 09:00, on Sunday and Saturday"),
        ("0 0 1 * *", "At 00:00, on day 1 of the month"),
        ("0 0 L * *", "At 00:00, on the last day of the month"),
        ("0 0 29 2 *", "At 00:00, on 29 February"),
        ("0 0 1 1,7 *", "At 00:00, on day 1 of the month, in January and July"),
        ("30 4 1,15 * 5", "At 04:30, on days 1 and 15 of the month, and also on Friday"),
        ("0 9 * * 5#3", "At 09:00, on the third Friday of the month"),
        ("0 9 * * 1#5", "At 09:00, on the fifth Monday of the month (when there is one)"),
        ("0 9 * * 1L,3L", "At 09:00, on the last Monday and the last Wednesday of the month"),
        (
            "0 9 L * 1,3L",
            "At 09:00, on the last day of the month, and also on Monday, and also on the last Wednesday of the month",
        ),
        ("0 9 * 1-3,12 *", "At 09:00, every day, in January through March and December"),
        ("@yearly", "At 00:00, on 1 January"),
    ],
)
def test_told(expression: str, told: str) -> None:
    assert describe(parse(expression)) == told


def test_no_two_rules_are_told_alike() -> None:
    chance = random.Random(20261123)
    choices = [
        ["0", "0", "1", "*", "*/10", "*/7", "0,1", "0-5"],
        ["0", "0", "5", "*", "*/15", "*/7", "0,1", "0-30", "1-5,9"],
        ["*", "0", "5", "*/2", "*/5", "9-17", "0-22", "1,3,5,7,9", "1,2", "0,1,12,13"],
        ["*", "*", "1", "L", "1,15", "1-7", "15,L", "29"],
        ["*", "*", "2", "1,7", "1-3"],
        ["*", "*", "1", "1-5", "0,6", "5#3", "5#5", "1L", "1,3L", "0,1"],
    ]
    told: dict[str, Rule] = {}
    for _ in range(8_000):
        try:
            rule = parse(" ".join(chance.choice(field) for field in choices))
        except InvalidRule:
            continue
        sentence = describe(rule)

        assert told.setdefault(sentence, rule) == rule
        assert sentence == sentence.strip()
        assert ", ," not in sentence
