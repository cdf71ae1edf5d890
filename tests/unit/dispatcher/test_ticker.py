"""From due to sent: what may leave, when it may not any more, how much at once; virtual time and a fake network."""

from __future__ import annotations

import asyncio
from collections import Counter

from dispatcher_service.sender.signing import signature
from shared.domain.delivery import Delivery, SigningKeys, SigningSecret
from shared.domain.firing import Abandoned, Attempted, Finished, Skipped, SkipReason
from tests.fakes.clock import in_virtual_time
from tests.unit.dispatcher.rules import EVERY_MINUTE
from tests.unit.dispatcher.scene import URL, ringing


@in_virtual_time
async def test_a_timer_of_a_moment_ago_rings_at_the_next_second() -> None:
    async with ringing() as scene:
        await scene.clock.sleep(0.3)  # 200 ms are left
        await scene.put()
        full = await scene.second()

        assert [(one.instant, one.at - one.instant) for one in scene.of("t")] == [(full, 0)]


@in_virtual_time
async def test_headers_and_body() -> None:
    async with ringing() as scene:
        await scene.put(body='{"ä":1}'.encode(), url="http://receiver.test/a?b=c")
        await scene.second()

        (one,) = scene.of("t")
        assert (one.url, one.body) == ("http://receiver.test/a?b=c", '{"ä":1}'.encode())
        assert one.headers == {
            "Content-Type": "application/json",
            "webhook-id": f"t-{one.instant}",
            "webhook-timestamp": str(one.instant // 1_000),
            "carillon-event-id": "t",
            "carillon-nominal-time": "2026-01-01T00:00:02.000Z",
            "carillon-attempt": "1",
            "carillon-epoch": "1",
        }


@in_virtual_time
async def test_the_owner_s_headers_and_the_signatures_of_all_valid_secrets() -> None:
    async with ringing() as scene:
        await scene.put(
            application_id=7, body=b"{}", delivery=Delivery(headers=(("X-Team", "blue"), ("Authorization", "Bearer x")))
        )
        until = scene.clock.now() + 2_500
        secrets = (SigningSecret(b"new"), SigningSecret(b"old", until))
        keyring = scene.one.dispatcher._attempts._keyring
        keyring.learn(SigningKeys(application_id=7, generation=2, secrets=secrets))
        keyring.learn(SigningKeys(application_id=7, generation=1, secrets=(SigningSecret(b"older"),)))
        await scene.clock.sleep(5)

        for one in scene.of("t"):
            signing = [b"new", b"old"] if one.at < until else [b"new"]
            moment = int(one.headers["webhook-timestamp"])
            assert one.headers["webhook-signature"] == signature(signing, one.name, moment, b"{}")
            assert (one.headers["X-Team"], one.headers["Authorization"]) == ("blue", "Bearer x")
        assert len({len(one.headers["webhook-signature"]) for one in scene.of("t")}) == 2


@in_virtual_time
async def test_without_a_lease_nothing_rings_and_with_it_everything_is_caught_up() -> None:
    async with ringing() as scene:
        await scene.put()
        last = await scene.second()
        lease = scene.one.dispatcher._lease

        lease.lost()
        await scene.clock.sleep(0.55)  # over a full second; the next renewal is at most a second away
        caught_up = [one for one in scene.of("t") if one.instant > last]
        assert all(one.at >= one.instant for one in caught_up)
        scene.broker.stop()
        before = len(scene.sent)
        await scene.clock.sleep(45)
        assert len(scene.sent) == before
        scene.broker.start()
        await scene.town.fair(within=20)
        full = await scene.second()

        assert [one.instant for one in scene.of("t")] == list(range(last, full + 1, 1_000))


@in_virtual_time
async def test_a_lease_that_ends_while_connecting_holds_the_request_back() -> None:
    async with ringing() as scene:
        scene.sender.connect_seconds = 0.4
        await scene.put()
        full = await scene.second(200)  # it is connecting

        scene.one.dispatcher._lease.lost()
        await scene.clock.until(full + 410)
        assert scene.of("t") == []
        await scene.second()

        assert scene.of("t")[0].instant == full, "it was parked and rings with the next renewal"
        assert Counter(one.instant for one in scene.of("t")).most_common(1)[0][1] == 1


@in_virtual_time
async def test_a_process_that_freezes_while_connecting_sends_nothing_that_is_not_its_to_send() -> None:
    """The broker has given its shards away meanwhile; here nobody else took them, so it rings them itself, once."""
    async with ringing() as scene:
        scene.sender.connect_seconds = 0.4
        await scene.put()
        full = await scene.second(200)

        scene.clock.freeze(20)
        scene.broker.drop_connections()
        await scene.town.fair()
        await scene.second()

        assert Counter(one.instant for one in scene.of("t"))[full] == 1
        assert {one.headers["carillon-epoch"] for one in scene.of("t")} == {"2"}


@in_virtual_time
async def test_a_pause_while_connecting_wins() -> None:
    async with ringing() as scene:
        scene.sender.connect_seconds = 0.4
        one = await scene.put()
        full = await scene.second(200)

        await scene.put(paused=True, anchor=one.anchor)
        await scene.second()

        assert scene.of("t") == []
        skips = [outcome for outcome in scene.town.api.outcomes("t") if isinstance(outcome, Skipped)]
        assert [(skip.first, skip.reason) for skip in skips] == [(full, SkipReason.PAUSED)]


@in_virtual_time
async def test_a_deletion_while_connecting_wins() -> None:
    async with ringing() as scene:
        scene.sender.connect_seconds = 0.4
        await scene.put()
        await scene.second(200)

        await scene.town.api.delete("t")
        await scene.second()

        assert scene.of("t") == []
        assert scene.town.api.outcomes("t") == []


@in_virtual_time
async def test_an_end_that_comes_while_connecting_wins() -> None:
    async with ringing() as scene:
        scene.sender.connect_seconds = 0.4
        full = scene.clock.now() // 1_000 * 1_000 + 1_000
        await scene.put(end=full + 300)
        await scene.second()
        await scene.second()

        assert scene.of("t") == []
        skips = [outcome for outcome in scene.town.api.outcomes("t") if isinstance(outcome, Skipped)]
        assert [(skip.first, skip.count, skip.reason) for skip in skips] == [(full, 1, SkipReason.ENDED)]


@in_virtual_time
async def test_a_change_while_connecting_sends_the_new_and_loses_nothing() -> None:
    async with ringing() as scene:
        scene.sender.connect_seconds = 0.4
        one = await scene.put()
        full = await scene.second(200)

        await scene.put(url="http://elsewhere.test/", anchor=one.anchor)
        await scene.second(900)

        assert [(sent.instant, sent.url) for sent in scene.of("t") if sent.instant == full] == [
            (full, "http://elsewhere.test/")
        ]


@in_virtual_time
async def test_a_change_under_an_attempt_that_has_left_leaves_the_attempt_alone() -> None:
    async with ringing() as scene:
        answer = scene.sender.slow[URL] = asyncio.Event()
        one = await scene.put()
        full = await scene.second(200)

        await scene.put(url="http://elsewhere.test/", anchor=one.anchor)
        await scene.second()
        answer.set()
        await scene.second()

        outcomes = [outcome for outcome in scene.town.api.outcomes("t") if isinstance(outcome, Attempted)]
        assert Counter(outcome.nominal for outcome in outcomes) == {full + n * 1_000: 1 for n in range(3)}
        assert scene.town.api.truth_of("t").timers["t"].anchor == full + 2_000


@in_virtual_time
async def test_a_timer_that_keeps_changing_rings_in_the_end() -> None:
    async with ringing() as scene:
        scene.sender.connect_seconds = 0.05
        one = await scene.put()
        full = await scene.second(0)
        for change in range(30):
            await scene.clock.sleep(0.03)
            await scene.put(url=f"http://receiver.test/{change}", anchor=one.anchor)
        await scene.second()
        await scene.second()

        assert [sent.instant for sent in scene.of("t") if sent.instant == full] == [full]


@in_virtual_time
async def test_no_more_than_fifty_at_once_go_to_one_host_and_a_host_that_hangs_delays_nobody() -> None:
    async with ringing() as scene:
        scene.sender.slow["http://hangs.test/"] = asyncio.Event()
        for number in range(120):
            await scene.put(f"h{number}", url="http://hangs.test/", rule=EVERY_MINUTE.expression)
            await scene.put(f"w{number}", url="http://works.test/")
        full = scene.clock.now() // 60_000 * 60_000 + 60_000
        await scene.clock.until(full + 500)

        hanging = [one for one in scene.sent if one.url == "http://hangs.test/"]
        working = [one for one in scene.sent if one.url == "http://works.test/" and one.instant >= full]
        assert len(hanging) == 50
        assert len(working) == 120
        assert max(one.at - one.instant for one in working) < 50
        scene.sender.slow["http://hangs.test/"].set()
        await scene.clock.sleep(1)
        assert len([one for one in scene.sent if one.url == "http://hangs.test/"]) == 120


@in_virtual_time
async def test_what_waits_for_a_host_that_hangs_becomes_a_misfire_and_does_not_pile_up() -> None:
    async with ringing() as scene:
        answer = scene.sender.slow[URL] = asyncio.Event()
        for number in range(60):
            await scene.put(f"t{number}")
        await scene.clock.sleep(300)
        answer.set()
        now = scene.clock.now()
        await scene.clock.sleep(2)

        late = [one for one in scene.sent if one.at >= now]
        assert max(one.at - one.instant for one in late) <= 61_000
        await scene.clock.sleep(1)
        for number in range(60):
            seconds = Counter[int]()
            for outcome in scene.town.api.outcomes(f"t{number}"):
                match outcome:
                    case Attempted(nominal=nominal) | Skipped(first=nominal):
                        seconds[nominal] += 1
                    case Finished() | Abandoned():
                        raise AssertionError("it has not ended")
            assert set(seconds.values()) == {1}, "each instant is accounted for once"
            assert len(seconds) >= 300


@in_virtual_time
async def test_nothing_turns_without_need() -> None:
    """An hour of one timer: were there a busy loop, virtual time would stand still or be crowded."""
    async with ringing() as scene:
        await scene.put(rule=EVERY_MINUTE.expression)
        loop = asyncio.get_running_loop()
        turns = 0
        run_once = loop._run_once  # type: ignore[attr-defined]

        def counted() -> None:
            nonlocal turns
            turns += 1
            run_once()

        loop._run_once = counted  # type: ignore[attr-defined]
        await scene.clock.sleep(600)

        assert len(scene.of("t")) == 10
        assert turns < 600 * 30, "a count of members four times a second, a renewal, a watch, a sleep"


@in_virtual_time
async def test_a_url_that_is_none_stops_nobody() -> None:
    async with ringing() as scene:
        await scene.put("bad", url="http://[::1/")
        await scene.put("good")
        await scene.second()
        await scene.second()

        assert len(scene.of("good")) == 2


@in_virtual_time
async def test_a_clock_that_is_set_back_rings_nothing_twice_and_one_set_forward_skips_nothing_of_a_minute() -> None:
    async with ringing() as scene:
        await scene.put()
        begun = await scene.second()
        scene.clock.step(-10_000)
        await scene.clock.sleep(5)
        assert len(scene.of("t")) == 1
        scene.clock.step(40_000)
        await scene.clock.sleep(2)

        names = [one.instant for one in scene.of("t")]
        assert names == list(range(begun, names[-1] + 1, 1_000))
        assert len(names) >= 35


@in_virtual_time
async def test_ten_thousand_at_once_all_ring_and_nothing_else_waits_for_them() -> None:
    async with ringing() as scene:
        for number in range(2_000):
            await scene.put(f"t{number}", rule=EVERY_MINUTE.expression, url=f"http://host{number % 40}.test/")
        full = scene.clock.now() // 60_000 * 60_000 + 60_000
        await scene.clock.until(full + 900)

        assert len([one for one in scene.sent if one.instant == full]) == 2_000
        assert scene.sender.most_under_way <= 1_000
