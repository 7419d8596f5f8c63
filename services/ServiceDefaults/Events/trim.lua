-- Trims a stream past what every group has acknowledged. KEYS: the stream. ARGV: for how many milliseconds events are kept that nobody
-- consumes, then the groups that must exist before anything is trimmed. Answers how many events went.
local wanted = {}
for i = 2, #ARGV do
  wanted[ARGV[i]] = true
end

local function before(a, b)
  local a1, a2 = string.match(a, '(%d+)-(%d+)')
  local b1, b2 = string.match(b, '(%d+)-(%d+)')
  a1, a2, b1, b2 = tonumber(a1), tonumber(a2), tonumber(b1), tonumber(b2)
  return a1 < b1 or (a1 == b1 and a2 < b2)
end

if redis.call('EXISTS', KEYS[1]) == 0 then
  return 0
end

local needed = nil
for _, info in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
  local group = {}
  for i = 1, #info, 2 do
    group[info[i]] = info[i + 1]
  end
  wanted[group['name']] = nil
  -- The oldest that the group still needs: its oldest unacknowledged event, else what follows the last one it has seen.
  local pending = redis.call('XPENDING', KEYS[1], group['name'])
  local first = pending[1] > 0 and pending[2] or group['last-delivered-id']
  if needed == nil or before(first, needed) then
    needed = first
  end
end

if next(wanted) ~= nil then
  return 0
end
if needed == nil then
  local now = redis.call('TIME')
  needed = string.format('%.0f-0', now[1] * 1000 - tonumber(ARGV[1]))
end
return redis.call('XTRIM', KEYS[1], 'MINID', needed)
