-- Lets the leases that have expired go, and tells how loaded the replicas of a version in a region are.
--
-- KEYS: 1 the serving replicas by the machines leased on them, 2 the leases by their end, 3 all leases of the version, 4 the regions
--       that have leases by the next end.
-- ARGV: 1 now, 2 the region's entry in KEYS[4].
-- Answers { uid, machines, ... }.

for _, entry in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', ARGV[1])) do
  local id, uid, machines = string.match(entry, '^([^|]+)|([^|]+)|(%d+)$')
  if redis.call('ZSCORE', KEYS[1], uid) then
    redis.call('ZINCRBY', KEYS[1], -tonumber(machines), uid)
  end
  redis.call('ZREM', KEYS[2], entry)
  redis.call('ZREM', KEYS[3], id)
end

local first = redis.call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES')
if first[2] then
  redis.call('ZADD', KEYS[4], first[2], ARGV[2])
else
  redis.call('ZREM', KEYS[4], ARGV[2])
end
return redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')
