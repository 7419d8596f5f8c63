-- The work that is due in a lane of a region and a partition: some entries of each queue, the longest waiting ones first. Queues that hold
-- no work any more are forgotten, and the others are noted with the time of their first entry.
--
-- KEYS: 1 the queues. The keys of the queues themselves are made of it and their names; all are of one partition.
-- ARGV: 1 the time, 2 how many queues at the most, 3 how many entries of each at the most.
-- Answers for each queue its name and a list of entries and times by turns.

local found = {}
for _, name in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, ARGV[2])) do
  local queue = KEYS[1] .. ':' .. name
  local first = redis.call('ZRANGE', queue, 0, 0, 'WITHSCORES')
  if #first == 0 then
    redis.call('ZREM', KEYS[1], name)
  else
    redis.call('ZADD', KEYS[1], first[2], name)
    local entries = redis.call('ZRANGEBYSCORE', queue, '-inf', ARGV[1], 'WITHSCORES', 'LIMIT', 0, ARGV[3])
    if #entries > 0 then
      found[#found + 1] = { name, entries }
    end
  end
end
return found
