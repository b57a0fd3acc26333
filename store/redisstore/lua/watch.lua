-- ARGV: version. Returns how many µs the record of that version has left, 0 if
-- it is over.
local now = clock()
local value, _, stands, deadline, fault = read(now)
if fault then
  return fault
end
if not stands or not names(value, ARGV[1]) then
  return 0
end
return deadline - now
