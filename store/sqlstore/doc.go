// Package sqlstore keeps records in PostgreSQL, in MySQL or MariaDB, or in
// SQLite, through database/sql. It imports no driver; pgx, lib/pq,
// go-sql-driver/mysql and modernc.org/sqlite are tested.
//
//	records, err := sqlstore.New(db, sqlstore.Config{Dialect: sqlstore.PostgreSQL})
//	...
//	err = records.Migrate(ctx) // once, at the start of each server
//
// All records lie in one table. What a method decides it decides in a single
// statement, under the lock of the row, and by the clock of the database alone:
//
//	               PostgreSQL  MySQL, SQLite
//	Get            1           1              takes no lock
//	Create, won    1           2              the first of the two is a read
//	Create, lost   1           1              a read; 1 more if both came at once
//	Replace, won   1           1
//	Replace, lost  2           2              the second is a read
//	Delete         1           1
//
// On PostgreSQL a Create that expects to find a record, because it found one there
// before, asks for that alone, and if it was wrong takes two statements to win.
// Reads of one key that come to a Store at the same time share a statement, and none
// shares one that began before it asked.
//
// Statements that the database ended because of others (a serialization failure,
// a deadlock, SQLITE_BUSY), or that got none but broken connections of their pool,
// are sent again until Config.CallTimeout is over. A
// record that was deleted or has expired leaves its row, and in it its version,
// for store.Grace and up to ten minutes more; [Store.Sweep] removes such rows
// then, and somebody has to call it every few minutes.
//
// # Transactions
//
// A [Store] is a store.Beginner: the outcome of a request can commit in the
// transaction of its handler, which takes it with [Tx] or [Conn]. See [Store.Begin]
// for what ends such a transaction.
//
// # The databases
//
// PostgreSQL 12 and later, at any isolation level. With Config.Listen waiting is
// woken by NOTIFY; see there.
//
// MySQL 8 and MariaDB 10.5 and later, on InnoDB. The clock does not depend on the
// time zone of the session. With the driver's interpolateParams=true each
// statement is one round trip. Binary logs have to hold rows, or be MIXED.
// Sessions have autocommit on, as by default: with it off no record is ever
// committed. A server with --sysdate-is-now has a clock that stands still within a
// statement, and is of no use.
//
// SQLite 3.42 and later, in a file, with journal_mode(WAL): with any other, reads
// wait for writes. Its clock counts milliseconds, and so do ages and lives. Set a
// busy_timeout well below Config.CallTimeout, since SQLite waits it out whatever
// the context says. A database in memory is another one for each connection, and
// of no use here. A handler that reads before it writes
// wants _txlock=immediate, or it gets a write-conflict when another request comes
// in between. One write at a time is all that SQLite has: a transaction that
// has written makes the claims of all other requests wait.
package sqlstore
