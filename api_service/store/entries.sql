-- between --
-- What the ledger has of the event's series after one moment and not after another, in order; so many at the most.
select nominal, last, count, status, reason
from execution
where event_id = $1 and not manual and nominal > $2 and nominal <= $3
order by nominal
limit $4;

-- reaching --
-- The stretches that begin at this moment or before it and end after it, the latest ones.
select nominal, last, count, status, reason
from execution
where event_id = $1 and not manual and count > 1 and nominal <= $2 and last > $2
order by nominal desc
limit $3;
