-- note --
-- What the event's instants depend on from now on, unless the latest row says so already; an event has $10 rows at the
-- most. Where the latest one is not how the event still stands, a change was made that nobody noted, by a release from
-- before there was a history: what is known begins anew. So it comes before the event is written.
with latest as (
    select valid_from, interval, timezone, end_date, anchor, paused, roster
    from event_rule
    where event_id = $1
    order by version desc
    limit 1
), missed as (
    select (latest.interval, latest.timezone, latest.end_date, latest.anchor, latest.paused, latest.roster)
        is distinct from
        (event.interval, event.timezone, event.end_date, event.anchor, status = 'PAUSED', subscription.roster) as missed
    from event join event_state using (event_id) left join subscription using (event_id) left join latest on true
    where event_id = $1 and event.application_id = $2
), forgotten as (
    delete from event_rule
    using missed
    where event_id = $1
        and (
            missed
            or version <= (select version from event_rule where event_id = $1 order by version desc offset $10 - 1 limit 1)
        )
)
insert into event_rule (event_id, version, valid_from, interval, timezone, end_date, anchor, paused, roster)
select $1, $3, greatest($4, latest.valid_from), $5, $6, $7, $8, $9, $11
from missed left join latest on true
where missed
    or (latest.interval, latest.timezone, latest.end_date, latest.anchor, latest.paused, latest.roster)
        is distinct from ($5::text, $6::text, $7::timestamptz, $8::timestamptz, $9::boolean, $11::bytea);

-- history --
-- Every row that is kept of an event, in order.
select version, valid_from, interval, timezone, end_date, anchor, paused, roster
from event_rule
where event_id = $1
order by version;
