// Package redisstore keeps Concord's records in Redis 7.0 or newer, or Valkey:
// a single server, Sentinel or Cluster. All servers that use one store behave as
// one.
//
//	client := redis.NewUniversalClient(&redis.UniversalOptions{
//		Addrs:                 []string{"127.0.0.1:6379"},
//		ContextTimeoutEnabled: true,
//	})
//	records, err := redisstore.New(client, redisstore.Config{Prefix: "shop:"})
//
// Each method is one Lua script of one key, so one round trip, and one step that
// the server takes by itself. Expiry, Age and versions come from the server's
// clock alone. The scripts are carried out by masters and refused by replicas,
// also where the client reads from replicas.
//
// A record outlives itself in the server: its deadline is part of its value and
// decides, while the key stays for another ten minutes, store.Grace, with the
// version that its successor has to exceed. Nothing else is kept, and nothing
// has to be swept; but memory comes back only then.
//
// What a crash or a failover may lose depends on the server's settings;
// README.md in this folder has the table, and [Store.Check] looks at them.
package redisstore
