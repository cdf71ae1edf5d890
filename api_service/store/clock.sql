-- now --
-- Milliseconds since the epoch on this server's clock, at this very moment.
select (extract(epoch from clock_timestamp()) * 1000)::double precision;
