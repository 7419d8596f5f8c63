-- Hands a dead letter to its consumer once more. KEYS: the dead letters, the consumer's redrive stream. ARGV: entry, wake-up channel,
-- partition. Answers 0 when there is no such dead letter (any more).
local entry = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1])[1]
if not entry then
  return 0
end
local fields = entry[2]
for i = 1, #fields, 2 do
  if fields[i] == 'p' then
    redis.call('XADD', KEYS[2], '*', 'p', fields[i + 1])
  end
end
redis.call('XDEL', KEYS[1], ARGV[1])
redis.call('PUBLISH', ARGV[2], ARGV[3])
return 1
