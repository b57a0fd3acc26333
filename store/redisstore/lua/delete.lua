-- ARGV: version, milliseconds to keep the key, stamp, 1 if replicas are waited for.
-- Returns 1 if it was deleted, and 2 if it had been and replicas are waited for.
--
-- What remains is its version and, in place of a head, the stamp of this call and
-- the digest of the head. A stamp is 8 bytes that tell one store from another and
-- a number that grows with each call of that store, so a Create of the same head
-- that was sent before, and comes after, is known by it.
if state == 0 and named == ARGV[1] and ARGV[4] == '1' then
  redis.call('SET', KEYS[1], value, 'KEEPTTL')
  return 2
end
if not stands or named ~= ARGV[1] then
  return 0
end
redis.call('PUBLISH', KEYS[1], ARGV[1])
redis.call('SET', KEYS[1],
  struct.pack('>BBI8I8I8I2', 1, 0, last, now, now, 56) .. ARGV[3] .. redis.sha1hex(head),
  'PX', ARGV[2])
return 1
