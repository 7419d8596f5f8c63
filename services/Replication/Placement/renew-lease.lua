-- Makes a lease last longer, if it has not ended and its replica still serves.
--
-- KEYS: 1 the serving replicas, 2 the leases by their end, 3 the lease.
-- ARGV: 1 now, 2 the lease's entry in KEYS[2], 3 its replica's uid, 4 its new end, 5 life of its record.
-- Answers 1 when it lasts, else 0.

local ends = redis.call('ZSCORE', KEYS[2], ARGV[2])
if not ends or tonumber(ends) <= tonumber(ARGV[1]) or not redis.call('ZSCORE', KEYS[1], ARGV[3]) then
  return 0
end
redis.call('ZADD', KEYS[2], ARGV[4], ARGV[2])
redis.call('HSET', KEYS[3], 'x', ARGV[4])
redis.call('PEXPIRE', KEYS[3], ARGV[5])
return 1
