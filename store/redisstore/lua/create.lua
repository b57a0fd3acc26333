-- ARGV: state, TTL in µs, milliseconds to keep the key, head, body.
-- Returns the version that was written; the clock and the record if one stands.
local now = clock()
local value, last, stands, _, fault = read(now)
if fault then
  return fault
end
if stands then
  return {now, value}
end
return write(now, last, ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5])
