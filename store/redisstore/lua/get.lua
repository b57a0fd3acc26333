-- Returns the server's clock and the record; nil if none stands.
local now = clock()
local value, _, stands, _, fault = read(now)
if fault then
  return fault
end
if not stands then
  return false
end
return {now, value}
