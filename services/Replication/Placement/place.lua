-- Places machines on the least loaded replicas of a version in a region: all of them, or none.
--
-- KEYS: 1 the serving replicas by the machines leased on them, 2 the leases by their end, 3 all leases of the version, 4 the regions
--       that have leases by the next end, 5 the request's memo, 6 the machines that did not fit, 7... a key
--       for each lease that may be made.
-- ARGV: 1 now, 2 machines, 3 machines a replica serves, 4 end of the leases, 5 first part of the lease ids, 6 the region's entry in
--       KEYS[4], 7 the beginning of the uids that may be taken, 8 hash of the request, empty for none, 9 life of the memo, 10 life of the
--       leases' records, 11 the version's name, 12 the region, 13 life of KEYS[6]. Times are milliseconds since 1970, lives are milliseconds.
-- Answers { 'placed', spread, lease id, uid, machines, ... }, { 'again', lease ids joined by commas, spread }, { 'reused' }, { 'none' } when
-- no replica serves, or { 'full', serving replicas, free machines, leased machines, next end of a lease }. The spread is 'uid:before:after' of
-- every replica that could be taken, joined by commas.

local now, wanted, capacity, ends = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]

if ARGV[8] ~= '' then
  local memo = redis.call('HMGET', KEYS[5], 'h', 'a', 's')
  if memo[1] then
    if memo[1] == ARGV[8] then
      return { 'again', memo[2], memo[3] or '' }
    end
    return { 'reused' }
  end
end

-- What has expired carries no load any more.
for _, entry in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now)) do
  local id, uid, machines = string.match(entry, '^([^|]+)|([^|]+)|(%d+)$')
  if redis.call('ZSCORE', KEYS[1], uid) then
    redis.call('ZINCRBY', KEYS[1], -tonumber(machines), uid)
  end
  redis.call('ZREM', KEYS[2], entry)
  redis.call('ZREM', KEYS[3], id)
end

-- Lightest first.
local replicas, count, free, leased = {}, 0, 0, 0
local loads = redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')
for i = 1, #loads, 2 do
  if string.sub(loads[i], 1, #ARGV[7]) == ARGV[7] then
    local load = math.max(0, tonumber(loads[i + 1]))
    count = count + 1
    replicas[count] = { uid = loads[i], load = load, take = 0 }
    free = free + math.max(0, capacity - load)
    leased = leased + load
  end
end
if count == 0 then
  return { 'none' }
end
if free < wanted then
  -- Whoever scales the replicas shall know. The most, not the sum: those who did not fit come again.
  local unmet = math.max(wanted, tonumber(redis.call('GET', KEYS[6]) or '0'))
  redis.call('SET', KEYS[6], unmet, 'PX', ARGV[13])
  local first = redis.call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES')
  return { 'full', count, free, leased, first[2] or '0' }
end

-- Raise the lightest ones together, as water rises: the heaviest replica is as light as can be afterwards.
local level, left = 0, wanted
local i = 0
while left > 0 do
  -- Everything below the level of replica i + 1 stands at 'level'; i replicas do.
  local next_level = capacity
  while i < count and replicas[i + 1].load <= level do
    i = i + 1
  end
  if i < count then
    next_level = math.min(capacity, replicas[i + 1].load)
  end
  if i == 0 then
    level = next_level
  else
    local room = (next_level - level) * i
    if room >= left then
      local each, rest = math.floor(left / i), left % i
      for k = 1, i do
        replicas[k].take = replicas[k].take + each + (k <= rest and 1 or 0)
      end
      left = 0
    else
      for k = 1, i do
        replicas[k].take = replicas[k].take + next_level - level
      end
      left = left - room
      level = next_level
    end
  end
end

local answer, ids, spread, made = { 'placed', '' }, {}, {}, 0
for k = 1, count do
  local replica = replicas[k]
  spread[k] = string.format('%s:%d:%d', replica.uid, replica.load, replica.load + replica.take)
  if replica.take > 0 then
    made = made + 1
    local id = ARGV[5] .. '-' .. made
    redis.call('ZINCRBY', KEYS[1], replica.take, replica.uid)
    redis.call('ZADD', KEYS[2], ends, id .. '|' .. replica.uid .. '|' .. replica.take)
    redis.call('ZADD', KEYS[3], 0, id)
    redis.call('HSET', KEYS[6 + made], 'v', ARGV[11], 'r', ARGV[12], 'u', replica.uid, 'm', replica.take, 'x', ends)
    redis.call('PEXPIRE', KEYS[6 + made], ARGV[10])
    ids[made] = id
    table.insert(answer, id)
    table.insert(answer, replica.uid)
    table.insert(answer, tostring(replica.take))
  end
end
redis.call('ZADD', KEYS[4], redis.call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES')[2], ARGV[6])
answer[2] = table.concat(spread, ',')
if ARGV[8] ~= '' then
  redis.call('HSET', KEYS[5], 'h', ARGV[8], 'a', table.concat(ids, ','), 's', answer[2])
  redis.call('PEXPIRE', KEYS[5], ARGV[9])
end
return answer
