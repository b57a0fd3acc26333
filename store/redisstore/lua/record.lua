-- What every script begins with. A record is one string:
--
--   format   1 byte    1
--   state    1 byte    0 gone (the version alone is kept), 1 whole, 2 without its body, which was dropped
--   version  8 bytes   all numbers are unsigned and big-endian
--   written  8 bytes   server's clock, µs since 1970
--   deadline 8 bytes   the same; at this instant the record is absent
--   head     2 bytes   length of the head, which follows; the rest is the body
--
-- Lua's numbers are doubles, exact up to 2^53. Clocks in µs reach that in 2255,
-- and no TTL is longer than 150 years, so that sums are exact until 2105. A
-- version that a caller names is compared as the 8 bytes that it is.
local layout, size = '>BBI8I8I8I2', 28

local function clock()
  local t = redis.call('TIME')
  return t[1] * 1000000 + t[2]
end

-- read returns the value at the key, nil if there is none; its version; whether
-- it is a record that stands; its deadline; and an error to reply with.
local function read(now)
  local value = redis.call('GET', KEYS[1])
  if not value then
    return nil, 0, false, 0
  end
  if #value < size then
    return nil, 0, false, 0, redis.error_reply('CORRUPT a record of ' .. #value .. ' bytes')
  end
  local format, state, version, written, deadline, head = struct.unpack(layout, value)
  local body = #value - size - head
  if format ~= 1 or state > 2 or version < 1 or version >= 9007199254740991
    or head > 4096 or body < 0 or (state ~= 1 and body > 0) then
    return nil, 0, false, 0, redis.error_reply('CORRUPT a record of format ' .. format .. ' and state ' .. state)
  end
  return value, version, state ~= 0 and now < deadline, deadline
end

-- names reports whether value has the version of these 8 bytes.
local function names(value, version)
  return string.sub(value, 3, 10) == version
end

-- write writes a record over one whose version was last, and returns the new one.
local function write(now, last, state, ttl, keep, head, body)
  local version = math.max(last + 1, now)
  redis.call('SET', KEYS[1], struct.pack(layout, 1, state, version, now, now + ttl, #head) .. head .. body, 'PX', keep)
  return version
end
