-- One mutation of a partition: the memo of an earlier answer, then checks, then writes. Redis runs it as one step, so either every
-- write happens or none.
--
-- ARGV is a list of steps, each an operation's name, the number of its key in KEYS, and its arguments. A step that holds a key's
-- number 0 has no key. Checks come before writes; no write follows a check that failed.
--
-- Answers { 0 } when all was done, { n, found } when the n-th check failed ('found' is what stood there), { -1, answer } when the
-- request id was answered before, { -2 } when it was used before with another request.

local position = 1
local checks = 0

local function take()
  local value = ARGV[position]
  position = position + 1
  return value
end

local function count(value)
  return tonumber(value or '0') or 0
end

-- Each check takes its arguments and answers whether it holds, and what it found.
local check = {
  absent = function(key)
    return redis.call('EXISTS', key) == 0, ''
  end,
  present = function(key)
    return redis.call('EXISTS', key) == 1, ''
  end,
  etag = function(key)
    local found = redis.call('HGET', key, 'e')
    return found == take(), found or ''
  end,
  field = function(key)
    local found = redis.call('HGET', key, take())
    return found == take(), found or ''
  end,
  nofield = function(key)
    local found = redis.call('HGET', key, take())
    return found == false, found or ''
  end,
  counter = function(key)
    local found = redis.call('HGET', key, take()) or '0'
    local by = count(take())
    return count(found) + by <= count(take()), found
  end,
  fewer = function(key)
    local found = redis.call('ZCARD', key)
    return found < count(take()), tostring(found)
  end,
  member = function(key)
    return redis.call('ZSCORE', key, take()) ~= false, ''
  end,
  nomember = function(key)
    return redis.call('ZSCORE', key, take()) == false, ''
  end,
  unscored = function(key)
    local found = redis.call('ZSCORE', key, take()) or '0'
    return tonumber(found) == 0, found
  end,
  -- The delivery of an event is still ours: same consumer, same count of deliveries.
  delivery = function(key)
    local group, consumer, id, deliveries = take(), take(), take(), count(take())
    local pending = redis.call('XPENDING', key, group, id, id, 1)[1]
    return pending ~= nil and pending[2] == consumer and pending[4] == deliveries, ''
  end,
}

local write = {
  put = function(key)
    local record = take()
    redis.call('HSET', key, 'p', record, 'e', take())
  end,
  delete = function(key)
    redis.call('DEL', key)
  end,
  expire = function(key)
    redis.call('PEXPIRE', key, take())
  end,
  add = function(key)
    local score = take()
    redis.call('ZADD', key, score, take())
  end,
  lower = function(key)
    local score = take()
    redis.call('ZADD', key, 'LT', score, take())
  end,
  remove = function(key)
    redis.call('ZREM', key, take())
  end,
  increment = function(key)
    local field = take()
    redis.call('HINCRBY', key, field, take())
  end,
  set = function(key)
    local field = take()
    redis.call('HSET', key, field, take())
  end,
  unset = function(key)
    redis.call('HDEL', key, take())
  end,
  activity = function(key)
    local now = redis.call('TIME')
    local oldest = string.format('%.0f', now[1] * 1000 - count(take()))
    redis.call('XADD', key, 'MINID', '~', oldest, '*', 'p', take())
  end,
  event = function(key)
    redis.call('XADD', key, '*', 'p', take())
  end,
  wake = function()
    local channel = take()
    redis.call('PUBLISH', channel, take())
  end,
  acknowledge = function(key)
    local group = take()
    redis.call('XACK', key, group, take())
  end,
  remember = function(key)
    local hash, life = take(), take()
    redis.call('HSET', key, 'h', hash, 'a', take())
    redis.call('PEXPIRE', key, life)
  end,
}

while position <= #ARGV do
  local operation = take()
  local key = KEYS[tonumber(take())]
  if operation == 'recall' then
    local memo = redis.call('HMGET', key, 'h', 'a')
    local hash = take()
    if memo[1] then
      if memo[1] == hash then
        return { -1, memo[2] }
      end
      return { -2 }
    end
  elseif check[operation] then
    checks = checks + 1
    local holds, found = check[operation](key)
    if not holds then
      return { checks, found }
    end
  else
    write[operation](key)
  end
end

return { 0 }
