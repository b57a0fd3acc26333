-- ARGV: version, milliseconds to keep the key. Returns 1 if it was deleted. What
-- remains is its version.
local now = clock()
local value, last, stands, _, fault = read(now)
if fault then
  return fault
end
if not stands or not names(value, ARGV[1]) then
  return 0
end
redis.call('PUBLISH', KEYS[1], ARGV[1])
redis.call('SET', KEYS[1], struct.pack(layout, 1, 0, last, now, now, 0), 'PX', ARGV[2])
return 1
