-- ARGV[6]: stamp of the call, which delete.lua explains. ARGV[7]: 1 if replicas are
-- waited for. Returns the clock and the record if one stands.
if stands then
  if ARGV[7] == '1' and head == ARGV[4] then
    -- It may be the caller's own, so there must be something to wait for.
    redis.call('SET', KEYS[1], value, 'KEEPTTL')
  end
  return {now, value}
end
-- Sent before the record of this head was deleted, by whom it was deleted: nobody
-- waits for it any more, and what it wrote would have no owner.
if state == 0 and #head == 56 and string.sub(head, 1, 8) == string.sub(ARGV[6], 1, 8)
  and struct.unpack('>I8', ARGV[6], 9) < struct.unpack('>I8', head, 9)
  and string.sub(head, 17) == redis.sha1hex(ARGV[4]) then
  return redis.error_reply('LATE the record was deleted before this came')
end
