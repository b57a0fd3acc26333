-- ARGV[6]: the version to replace. Returns the clock and the record if another
-- one stands; nil if none does.
if not stands then
  return false
end
if named ~= ARGV[6] then
  return {now, value}
end
-- Before the write, so that a user who may not publish has changed nothing.
redis.call('PUBLISH', KEYS[1], ARGV[6])
