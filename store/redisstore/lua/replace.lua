-- ARGV: state, TTL in µs, milliseconds to keep the key, head, body, version.
-- Returns the version that was written; the clock and the record if another one
-- stands; nil if none does.
local now = clock()
local value, last, stands, _, fault = read(now)
if fault then
  return fault
end
if not stands then
  return false
end
if not names(value, ARGV[6]) then
  return {now, value}
end
-- Before the write, so that a user who may not publish has changed nothing.
redis.call('PUBLISH', KEYS[1], ARGV[6])
return write(now, last, ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5])
