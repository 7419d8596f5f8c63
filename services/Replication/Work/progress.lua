-- A worker says that it is still there, and how far it is. Nothing happens unless it still holds the replica.
--
-- KEYS: 1 the version's document, 2 the queue of the lane and region.
-- ARGV: 1 the claim's field, 2 the worker's token, 3 the new end of its lease, 4 its entry in the queue, 5 the progress' field,
--       6 the progress, empty for none.
-- Answers 1 when it holds the replica, else 0.

local claim = redis.call('HGET', KEYS[1], ARGV[1])
local token, lease = string.match(claim or '', '^(%d+):(%d+)$')
if token ~= ARGV[2] or lease == '0' then
  return 0
end

redis.call('HSET', KEYS[1], ARGV[1], token .. ':' .. ARGV[3])
redis.call('ZADD', KEYS[2], 'XX', ARGV[3], ARGV[4])
if ARGV[6] ~= '' then
  redis.call('HSET', KEYS[1], ARGV[5], ARGV[6])
end
return 1
