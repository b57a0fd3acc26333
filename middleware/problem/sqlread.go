package problem

import (
	"math"
	"reflect"
	"strconv"
	"strings"
)

// conflict is what one driver's error says. The zero value says nothing.
type conflict struct {
	kind       Kind
	constraint string // name of the constraint, if the error tells it
}

// driver is how the errors of one database driver are read.
type driver struct {
	path string // import path; it is that of packages below it and later versions too
	read func(error, reflect.Value) conflict
}

// drivers are those that state no SQLSTATE. They are told by their whole import
// path, since applications have packages with names like acme/internal/sqlite,
// whose errors have codes with meanings of their own.
var drivers = []driver{
	{"github.com/go-sql-driver/mysql", readMySQL},
	{"modernc.org/sqlite", readSQLite},
	{"github.com/mattn/go-sqlite3", readSQLite},
	{"github.com/ncruces/go-sqlite3", readSQLite},
}

// readConflict reads one error, not those that it wraps. Drivers are told apart
// by the shape of their error and the path of its package, so that none has to
// be imported.
func readConflict(err error) conflict {
	v := reflect.Indirect(reflect.ValueOf(err))
	if s, ok := err.(interface{ SQLState() string }); ok {
		if kind := sqlStates[s.SQLState()]; kind != "" {
			return conflict{kind, constraintField(v)}
		}
	}
	path := v.Type().PkgPath()
	for _, d := range drivers {
		if below, ok := strings.CutPrefix(path, d.path); ok && (below == "" || below[0] == '/') {
			return d.read(err, v)
		}
	}
	return conflict{}
}

// constraintField reads the name from the field that pgx or lib/pq has for it.
func constraintField(v reflect.Value) string {
	if v.Kind() != reflect.Struct {
		return ""
	}
	for _, name := range [...]string{"ConstraintName", "Constraint"} {
		if f := v.FieldByName(name); f.Kind() == reflect.String {
			return f.String()
		}
	}
	return ""
}

// readMySQL reads the fields Number and Message of go-sql-driver's MySQLError.
func readMySQL(_ error, v reflect.Value) conflict {
	if v.Kind() != reflect.Struct {
		return conflict{}
	}
	number := v.FieldByName("Number")
	if number.Kind() != reflect.Uint16 {
		return conflict{}
	}
	kind := mysqlNumbers[uint16(number.Uint())]
	if kind == "" {
		return conflict{}
	}
	c := conflict{kind: kind}
	if message := v.FieldByName("Message"); message.Kind() == reflect.String {
		c.constraint = mysqlConstraint(message.String())
	}
	return c
}

// mysqlConstraint finds the name in the English messages of MySQL and MariaDB;
// there is no field for it. The last place counts, because the duplicate value
// comes before the name of its key, and could be made to look like one.
func mysqlConstraint(message string) string {
	for _, mark := range [...]struct{ before, after string }{
		{" for key '", "'"},         // Duplicate entry '…' for key '…'
		{"CONSTRAINT `", "`"},       // foreign keys, and MariaDB's checks
		{"Check constraint '", "'"}, // MySQL's checks
	} {
		if i := strings.LastIndex(message, mark.before); i >= 0 {
			name, _, ok := strings.Cut(message[i+len(mark.before):], mark.after)
			if ok {
				return name
			}
		}
	}
	return ""
}

// readSQLite reads the code, and what its message adds to it.
func readSQLite(err error, v reflect.Value) conflict {
	code := sqliteCode(err, v)
	kind := sqliteKind(code)
	if kind == "" {
		return conflict{}
	}
	return conflict{kind, sqliteConstraint(code, err.Error())}
}

// sqliteCode returns the most precise result code that an error tells: a field
// or method ExtendedCode goes before Code; and drivers use the numbers
// themselves as errors too. Zero, which is SQLITE_OK: it tells none.
//
// The methods are looked up by literal names, one by one: given any other, the
// linker has to keep every exported method of the whole program, 2 MB of a
// small one.
func sqliteCode(err error, v reflect.Value) int {
	if code, ok := integer(v); ok {
		return code
	}
	methods := reflect.ValueOf(err)
	for _, code := range [...]int{
		codeField(v, "ExtendedCode"), codeMethod(methods.MethodByName("ExtendedCode")),
		codeField(v, "Code"), codeMethod(methods.MethodByName("Code")),
	} {
		if code != 0 {
			return code
		}
	}
	return 0
}

// codeField returns the integer in a field of a struct; zero if there is none.
func codeField(v reflect.Value, name string) int {
	if v.Kind() != reflect.Struct {
		return 0
	}
	code, _ := integer(v.FieldByName(name))
	return code
}

// codeMethod calls a method that takes nothing and returns one integer, whose
// type is each driver's own; zero if it is no such method.
func codeMethod(m reflect.Value) int {
	if !m.IsValid() || m.Type().NumIn() != 0 || m.Type().NumOut() != 1 {
		return 0
	}
	code, _ := integer(m.Call(nil)[0])
	return code
}

// integer returns the value of an integer of any type. The codes of SQLite are
// positive and fit into 31 bits; whatever does not is none of them.
func integer(v reflect.Value) (int, bool) {
	switch {
	case v.CanInt() && v.Int() >= 0 && v.Int() <= math.MaxInt32:
		return int(v.Int()), true
	case v.CanUint() && v.Uint() <= math.MaxInt32:
		return int(v.Uint()), true
	}
	return 0, false
}

// sqliteConstraint finds the columns of a unique constraint or the name of a
// check in the message: SQLite has no other place for them, and puts no values
// there.
func sqliteConstraint(code int, message string) string {
	mark := "UNIQUE constraint failed: "
	switch sqliteKind(code) {
	case KindDuplicate:
	case KindStateConflict:
		mark = "CHECK constraint failed: "
	default:
		return ""
	}
	_, name, _ := strings.Cut(message, mark)
	return strings.TrimSuffix(name, " ("+strconv.Itoa(code)+")") // which modernc.org/sqlite appends
}
