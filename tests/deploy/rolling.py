"""What Prometheus would see of an installation in which every process is replaced, one after the other.

A model by the second: shards with one owner at a time, silent for a second when it is a new one; canaries every ten
seconds; processes that are asked at moments of their own, and end.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

SHARDS: Final = 64
STEP_SECONDS: Final = 20  # from one process's replacement to the next
BEGINS: Final = 60
CALM_SECONDS: Final = 1200  # afterwards, so that what has a long memory has its time
SCRAPE: Final = 15
GRID: Final = 5  # of the series: moments at which somebody may be asked
CANARY_EVERY: Final = 10
SILENT_SECONDS: Final = 1
LIVES_ON: Final = 30  # a target that is gone is asked in vain before it is forgotten

Labels: TypeAlias = tuple[tuple[str, str], ...]


@dataclass(slots=True)
class Process:
    """One process: from when to when it runs, and what it owns."""

    name: str
    begins: int
    ends: int | None = None
    shards: set[int] = field(default_factory=set)
    claimed: int = 0
    given_up: int = 0


class Installation:
    """Dispatchers that are replaced, each by a new one that is there before it goes; then as many APIs."""

    def __init__(self, *, dispatchers: int, apis: int, orphans: int = 0) -> None:
        self._orphans = orphans  # shards that nobody takes over from the first who leaves
        self._dispatchers = [Process(f"d{number}", 0) for number in range(dispatchers)]
        self._apis = [Process(f"a{number}", 0) for number in range(apis)]
        self._orphaned: set[int] = set()
        self._heard: dict[int, int] = {}
        self._moved: dict[int, int] = {}
        self._unroutable = 0
        self._series: dict[tuple[str, Labels], dict[int, str]] = defaultdict(dict)
        self._share([one.name for one in self._dispatchers], 0)
        for shard in self._moved:
            self._moved[shard] = -SILENT_SECONDS
        self.lasts = BEGINS + STEP_SECONDS * (dispatchers + apis) + CALM_SECONDS

    def series(self) -> Iterator[dict[str, str]]:
        """The series as promtool reads them."""
        for now in range(self.lasts):
            self._happens(now)
            self._rings(now)
            if now % GRID == 0:
                self._is_asked(now)
        for (name, labels), samples in self._series.items():
            told = ", ".join(f'{label}="{value}"' for label, value in labels)
            moments = range(0, self.lasts, GRID)
            yield {"series": f"{name}{{{told}}}", "values": " ".join(samples.get(now, "_") for now in moments)}

    def _happens(self, now: int) -> None:
        step, second = divmod(now - BEGINS, STEP_SECONDS)
        olds = [one for one in (*self._dispatchers, *self._apis) if one.begins == 0]
        if not 0 <= step < len(olds):
            return
        old = olds[step]
        kind = self._dispatchers if old in self._dispatchers else self._apis
        if second == 0:
            kind.append(Process(f"{old.name}-new", now))
        if second == 10:
            old.ends = now + 3
        if kind is self._dispatchers and second in {3, 10}:
            self._share([one.name for one in kind if one.ends is None], now)

    def _share(self, names: list[str], now: int) -> None:
        """Shares that differ by one; nothing moves without need."""
        members = [one for one in self._dispatchers if one.name in names]
        free = sorted(set(range(SHARDS)) - set().union(*(one.shards for one in members)))
        if now and free and len(self._orphaned) < self._orphans:
            self._orphaned.update(free[: self._orphans])
        free = [shard for shard in free if shard not in self._orphaned]
        for one in self._dispatchers:
            if one not in members:
                one.given_up += len(one.shards)
                one.shards.clear()
        while free or max(len(one.shards) for one in members) - min(len(one.shards) for one in members) > 1:
            taker = min(members, key=lambda one: len(one.shards))
            if free:
                shard = free.pop()
            else:
                giver = max(members, key=lambda one: len(one.shards))
                shard = giver.shards.pop()
                giver.given_up += 1
            taker.shards.add(shard)
            taker.claimed += 1
            self._moved[shard] = now
            self._unroutable += now > 0

    def _ringing(self, one: Process, now: int) -> set[int]:
        return {shard for shard in one.shards if now - self._moved[shard] >= SILENT_SECONDS}

    def _rings(self, now: int) -> None:
        for one in self._dispatchers:
            for shard in self._ringing(one, now):
                if (now - shard) % CANARY_EVERY == 0:
                    self._heard[shard] = now

    def _is_asked(self, now: int) -> None:
        everybody = [(one, "dispatcher") for one in self._dispatchers] + [(one, "api") for one in self._apis]
        for number, (one, service) in enumerate(everybody):
            if (now + GRID * number) % SCRAPE or now < one.begins:
                continue
            target = (("namespace", "c"), ("job", f"carillon-{service}"), ("instance", one.name))
            answer: dict[tuple[str, Labels], float] = {}
            is_there = one.ends is None or now < one.ends
            if is_there:
                answer = self._of_dispatcher(one, now) if service == "dispatcher" else self._of_api(now)
            if is_there or now < (one.ends or 0) + LIVES_ON:
                answer["up", ()] = is_there
            self._keep(target, answer, now)

    def _keep(self, target: Labels, answer: Mapping[tuple[str, Labels], float], now: int) -> None:
        """What is answered, and an end to what was answered before and is not any more."""
        for (name, labels), samples in self._series.items():
            is_ours = labels[: len(target)] == target
            if is_ours and (name, labels[len(target) :]) not in answer and samples[max(samples)] != "stale":
                samples[now] = "stale"
        for (name, labels), value in answer.items():
            self._series[name, target + labels][now] = f"{value:g}"

    def _of_dispatcher(self, one: Process, now: int) -> dict[tuple[str, Labels], float]:
        is_new = now - one.begins < 2 and one.begins > 0
        ringing = self._ringing(one, now)
        figures: dict[tuple[str, Labels], float] = {
            ("carillon_shards", ()): SHARDS,
            ("carillon_owned_shards", ()): len(one.shards),
            ("carillon_ringing_shards", ()): len(ringing),
            ("carillon_lease_held", ()): not is_new,
            ("carillon_clock_skewed", ()): 0,
            ("carillon_handovers_total", (("kind", "claimed"),)): one.claimed,
            ("carillon_handovers_total", (("kind", "given_up"),)): one.given_up,
            ("carillon_handovers_total", (("kind", "lost"),)): 0,
            ("carillon_outcomes_backlog", ()): 3,
            ("carillon_outcomes_published_total", ()): 30 * (now - one.begins),
            ("carillon_build_info", (("version", "2" if one.begins else "1"),)): 1,
        }
        for shard in ringing:
            heard = self._heard.get(shard)
            if heard is not None and heard >= self._moved[shard]:  # a new owner tells of no ring but its own
                figures["carillon_canary_last_ring_timestamp_seconds", (("shard", str(shard)),)] = heard
        return figures

    def _of_api(self, now: int) -> dict[tuple[str, Labels], float]:
        routes = {("/v1/events", "200"): 50, ("/v1/events", "503"): 0, ("/readyz", "503"): 2}
        figures: dict[tuple[str, Labels], float] = {
            ("carillon_http_requests_total", (("route", route), ("status", status))): rate * now
            for (route, status), rate in routes.items()
        }
        return figures | {
            ("carillon_database_connections_limit", ()): 10,
            ("carillon_schema_version", ()): 11,
            ("carillon_schema_version_wanted", ()): 11,
            ("carillon_queue_consumers", (("queue", "outcomes"),)): 1,
            ("carillon_queue_messages", (("queue", "dead"),)): 0,
            ("carillon_outbox_age_seconds", ()): 0.2,
            ("carillon_relay_unroutable_total", ()): self._unroutable,
        }


def trial(installation: Installation, rules: str, expected: list[dict[str, Any]]) -> dict[str, Any]:
    """A test for promtool: which alerts have fired at any time until the end."""
    return {
        "rule_files": [rules],
        "evaluation_interval": f"{SCRAPE}s",
        "tests": [
            {
                "interval": f"{GRID}s",
                "input_series": list(installation.series()),
                "promql_expr_test": [
                    {
                        "expr": 'group by (alertname) (count_over_time(ALERTS{alertstate="firing"}[1d]))',
                        "eval_time": f"{installation.lasts}s",
                        "exp_samples": expected,
                    }
                ],
            }
        ],
    }
