-- ARGV: state, TTL in µs, milliseconds to keep the key, head, body. Returns the
-- version that it writes.
local version = math.max(last + 1, now)
redis.call('SET', KEYS[1],
  struct.pack('>BBI8I8I8I2', 1, ARGV[1], version, now, now + ARGV[2], #ARGV[4]) .. ARGV[4] .. ARGV[5],
  'PX', ARGV[3])
return version
