-- ARGV: version. Returns how many µs the record of that version has left, 0 if
-- it is over.
if not stands or named ~= ARGV[1] then
  return 0
end
return deadline - now
