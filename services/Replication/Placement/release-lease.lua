-- Ends a lease; ending it twice changes nothing.
--
-- KEYS: 1 the serving replicas by the machines leased on them, 2 the leases by their end, 3 all leases of the version, 4 the lease.
-- ARGV: 1 the lease's entry in KEYS[2], 2 its replica's uid, 3 its machines, 4 its id.
-- Answers 1 when it was on, else 0.

if redis.call('ZREM', KEYS[2], ARGV[1]) == 0 then
  return 0
end
if redis.call('ZSCORE', KEYS[1], ARGV[2]) then
  redis.call('ZINCRBY', KEYS[1], -tonumber(ARGV[3]), ARGV[2])
end
redis.call('ZREM', KEYS[3], ARGV[4])
redis.call('HSET', KEYS[4], 'x', '0')
return 1
