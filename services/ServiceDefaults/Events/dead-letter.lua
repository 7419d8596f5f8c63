-- Moves an event that could not be handled from its stream to the dead letters of the consumer: it is in one of the two, never both.
-- KEYS: the stream, the dead letters. ARGV: group, entry, payload, reason, deliveries, name of the stream, '1' to delete the entry.
if redis.call('XACK', KEYS[1], ARGV[1], ARGV[2]) == 0 then
  return 0
end
if ARGV[7] == '1' then
  redis.call('XDEL', KEYS[1], ARGV[2])
end
redis.call('XADD', KEYS[2], '*', 'p', ARGV[3], 'reason', ARGV[4], 'deliveries', ARGV[5], 'stream', ARGV[6])
return 1
