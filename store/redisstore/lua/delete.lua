-- ARGV: version, milliseconds to keep the key. Returns 1 if it was deleted. What
-- remains is its version.
if not stands or named ~= ARGV[1] then
  return 0
end
redis.call('PUBLISH', KEYS[1], ARGV[1])
redis.call('SET', KEYS[1], struct.pack('>BBI8I8I8I2', 1, 0, last, now, now, 0), 'PX', ARGV[2])
return 1
