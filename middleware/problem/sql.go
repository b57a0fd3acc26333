package problem

// sqlStates are the SQLSTATE codes of PostgreSQL, and of databases that use the
// same, that stand for a conflict.
var sqlStates = map[string]Kind{
	"23505": KindDuplicate,     // unique_violation
	"23503": KindDependency,    // foreign_key_violation
	"23001": KindDependency,    // restrict_violation, which PostgreSQL 18 reports for ON DELETE RESTRICT
	"23P01": KindStateConflict, // exclusion_violation
	"23514": KindStateConflict, // check_violation
	"40001": KindWriteConflict, // serialization_failure
	"40P01": KindWriteConflict, // deadlock_detected
	"55P03": KindWriteConflict, // lock_not_available
}

// mysqlNumbers are the error numbers of MySQL and MariaDB that stand for one.
var mysqlNumbers = map[uint16]Kind{
	1062: KindDuplicate,     // ER_DUP_ENTRY
	1586: KindDuplicate,     // ER_DUP_ENTRY_WITH_KEY_NAME
	1216: KindDependency,    // ER_NO_REFERENCED_ROW
	1217: KindDependency,    // ER_ROW_IS_REFERENCED
	1451: KindDependency,    // ER_ROW_IS_REFERENCED_2
	1452: KindDependency,    // ER_NO_REFERENCED_ROW_2
	3819: KindStateConflict, // ER_CHECK_CONSTRAINT_VIOLATED
	4025: KindStateConflict, // ER_CONSTRAINT_FAILED of MariaDB
	1020: KindWriteConflict, // ER_CHECKREAD, of MariaDB with snapshot isolation
	1205: KindWriteConflict, // ER_LOCK_WAIT_TIMEOUT
	1213: KindWriteConflict, // ER_LOCK_DEADLOCK
	3572: KindWriteConflict, // ER_LOCK_NOWAIT
}

// sqliteCodes are the extended result codes of SQLite that stand for one. Of
// BUSY and LOCKED every extended code does; see sqliteKind.
var sqliteCodes = map[int]Kind{
	2067: KindDuplicate,     // SQLITE_CONSTRAINT_UNIQUE
	1555: KindDuplicate,     // SQLITE_CONSTRAINT_PRIMARYKEY
	2579: KindDuplicate,     // SQLITE_CONSTRAINT_ROWID
	787:  KindDependency,    // SQLITE_CONSTRAINT_FOREIGNKEY
	275:  KindStateConflict, // SQLITE_CONSTRAINT_CHECK
	1811: KindStateConflict, // SQLITE_CONSTRAINT_TRIGGER: RAISE is how SQLite states rules over several rows
}

func sqliteKind(code int) Kind {
	switch code & 0xff { // the primary code
	case 5, 6: // SQLITE_BUSY, SQLITE_LOCKED
		return KindWriteConflict
	}
	return sqliteCodes[code]
}

// sqlDetails say what is known without any text of the database, which may
// quote values.
var sqlDetails = map[Kind]string{
	KindDuplicate:     "A value that has to be unique is in use already.",
	KindDependency:    "Something refers to what this request removes, or this request refers to what does not exist.",
	KindStateConflict: "A rule of the database does not allow this change as things are.",
	KindWriteConflict: "The database gave this write up because of another one at the same moment.",
}

// FromSQL returns the problem that an error of a database stands for, found
// anywhere in the tree of err (at most 64 errors are looked at). No driver is
// imported. It knows
//
//   - SQLSTATE codes, of errors with a method SQLState() string: pgx, lib/pq;
//   - numbers of MySQL and MariaDB, of go-sql-driver/mysql;
//   - result codes of SQLite, of modernc.org/sqlite, mattn/go-sqlite3 and
//     ncruces/go-sqlite3.
//
// Drivers of the last two groups are told by their import path, in any major
// version; a copy of one under another path is not known.
//
// Unique violations become [KindDuplicate], foreign keys [KindDependency],
// exclusion and check constraints [KindStateConflict], deadlocks,
// serialization failures and locks that were not free [KindWriteConflict].
// False: err is nil or none of these, such as a violated NOT NULL, which is a
// mistake in the request or the program and no conflict.
//
// The problem's Err is err. Nothing of its text is rendered; the name of the
// constraint only by a [Renderer] with ShowConstraints.
func FromSQL(err error) (p *Problem, ok bool) {
	if err == nil {
		return nil, false
	}
	// The methods of foreign errors are called here. One that panics has told
	// us nothing, and must not turn an error into a broken connection.
	defer func() {
		if recover() != nil {
			p, ok = nil, false
		}
	}()
	var c conflict
	budget := maxChain
	found := walk(err, &budget, func(err error) bool {
		c = readConflict(err)
		return c.kind != ""
	})
	if !found {
		return nil, false
	}
	p = New(c.kind, sqlDetails[c.kind])
	p.Err = err
	p.constraint = c.constraint
	return p, true
}
