-- What every script begins with: it reads the record at the key. A record is one
-- string:
--
--   format   1 byte    1
--   state    1 byte    0 gone (the version alone is kept), 1 whole, 2 without its body, which was dropped
--   version  8 bytes   all numbers are unsigned and big-endian
--   written  8 bytes   server's clock, µs since 1970
--   deadline 8 bytes   the same; at this instant the record is absent
--   head     2 bytes   length of the head, which follows; the rest is the body. What is
--                      gone has a stamp in its place, see delete.lua
--
-- Lua's numbers are doubles, exact up to 2^53. Clocks in µs reach that in 2255,
-- and no TTL is longer than 150 years, so that sums are exact until 2105. A
-- version that a caller names is compared as the 8 bytes that it is.
--
-- What follows goes on from these:
--
--   now      the server's clock, in µs
--   value    the string at the key, or false
--   last     the version in it, 0 without one
--   named    the same as 8 bytes
--   stands   whether it is a record that is there for callers
--   deadline its deadline
--   state    its state, nil without a value
--   head     its head
--
-- There is no function in here, since each call of a script would make it anew.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local value = redis.call('GET', KEYS[1])
local last, named, stands, deadline, state, head = 0, '', false, 0, nil, ''
if value then
  if #value < 28 then
    return redis.error_reply('CORRUPT a record of ' .. #value .. ' bytes')
  end
  local format, kind, version, written, ends, size = struct.unpack('>BBI8I8I8I2', value)
  local body = #value - 28 - size
  if format ~= 1 or kind > 2 or version < 1 or version >= 9007199254740991
    or size > 4096 or body < 0 or (kind ~= 1 and body > 0) then
    return redis.error_reply('CORRUPT a record of format ' .. format .. ' and state ' .. kind)
  end
  last, named, stands, deadline = version, string.sub(value, 3, 10), kind ~= 0 and now < ends, ends
  state, head = kind, string.sub(value, 29, 28 + size)
end
