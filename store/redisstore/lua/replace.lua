-- ARGV[6]: the version to replace. ARGV[7]: 1 if replicas are waited for. Returns
-- the clock and the record if another one stands; nil if none does.
if not stands then
  return false
end
if named ~= ARGV[6] then
  if ARGV[7] == '1' and head == ARGV[4] then
    redis.call('SET', KEYS[1], value, 'KEEPTTL') -- see create.lua
  end
  return {now, value}
end
-- Before the write, so that a user who may not publish has changed nothing.
redis.call('PUBLISH', KEYS[1], ARGV[6])
