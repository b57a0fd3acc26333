-- Returns the server's clock and the record; nil if none stands.
if not stands then
  return false
end
return {now, value}
