-- Returns the clock and the record if one stands.
if stands then
  return {now, value}
end
