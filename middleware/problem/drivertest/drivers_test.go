package drivertest

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/lib/pq"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/concordhttp/concord/middleware/problem"
)

// conflicts are errors as the drivers make them of what servers send, with the
// member by which a renderer that shows constraints names theirs.
var conflicts = map[string]struct {
	err          error
	kind         problem.Kind
	member, name string
}{
	"pgx: unique": {
		&pgconn.PgError{Severity: "ERROR", Code: "23505", Message: `duplicate key value violates unique constraint "users_email_key"`, Detail: "Key (email)=(ada@example.com) already exists.", SchemaName: "public", TableName: "users", ConstraintName: "users_email_key"},
		problem.KindDuplicate, "conflicting", "users_email_key",
	},
	"pgx: foreign key":           {&pgconn.PgError{Code: "23503", ConstraintName: "orders_user_fk"}, problem.KindDependency, "constraint", "orders_user_fk"},
	"pgx: restrict":              {&pgconn.PgError{Code: "23001", ConstraintName: "orders_user_fk"}, problem.KindDependency, "constraint", "orders_user_fk"},
	"pgx: exclusion":             {&pgconn.PgError{Code: "23P01", ConstraintName: "no_overlap"}, problem.KindStateConflict, "constraint", "no_overlap"},
	"pgx: check":                 {&pgconn.PgError{Code: "23514", ConstraintName: "positive"}, problem.KindStateConflict, "constraint", "positive"},
	"pgx: serialization failure": {&pgconn.PgError{Code: "40001"}, problem.KindWriteConflict, "", ""},
	"pgx: deadlock":              {&pgconn.PgError{Code: "40P01"}, problem.KindWriteConflict, "", ""},
	"pgx: lock not available":    {&pgconn.PgError{Code: "55P03"}, problem.KindWriteConflict, "", ""},

	"lib/pq: unique": {
		&pq.Error{Severity: "ERROR", Code: "23505", Message: `duplicate key value violates unique constraint "users_email_key"`, Detail: "Key (email)=(ada@example.com) already exists.", Table: "users", Constraint: "users_email_key"},
		problem.KindDuplicate, "conflicting", "users_email_key",
	},
	"lib/pq: foreign key": {&pq.Error{Code: "23503", Constraint: "orders_user_fk"}, problem.KindDependency, "constraint", "orders_user_fk"},
	"lib/pq: deadlock":    {&pq.Error{Code: "40P01"}, problem.KindWriteConflict, "", ""},

	"mysql: unique": {
		&mysql.MySQLError{Number: 1062, SQLState: [5]byte{'2', '3', '0', '0', '0'}, Message: "Duplicate entry 'ada@example.com' for key 'users.email'"},
		problem.KindDuplicate, "conflicting", "users.email",
	},
	"mysql: foreign key": {
		&mysql.MySQLError{Number: 1452, Message: "Cannot add or update a child row: a foreign key constraint fails (`shop`.`orders`, CONSTRAINT `orders_user_fk` FOREIGN KEY (`user`) REFERENCES `users` (`id`))"},
		problem.KindDependency, "constraint", "orders_user_fk",
	},
	"mysql: check":        {&mysql.MySQLError{Number: 3819, Message: "Check constraint 'positive' is violated."}, problem.KindStateConflict, "constraint", "positive"},
	"mysql: deadlock":     {&mysql.MySQLError{Number: 1213, Message: "Deadlock found when trying to get lock; try restarting transaction"}, problem.KindWriteConflict, "", ""},
	"mysql: lock timeout": {&mysql.MySQLError{Number: 1205}, problem.KindWriteConflict, "", ""},
}

func TestErrorsOfRealDriversBecomeProblems(t *testing.T) {
	for name, c := range conflicts {
		t.Run(name, func(t *testing.T) {
			p, ok := problem.From(fmt.Errorf("saving: %w", c.err))
			require.True(t, ok)
			assert.Equal(t, c.kind, p.Kind)
			assert.ErrorIs(t, p, c.err)

			w := httptest.NewRecorder()
			problem.JSON(w, httptest.NewRequest("PUT", "/", nil), p)
			for _, secret := range []string{"ada@example.com", "users", "orders", "positive", "overlap"} {
				assert.NotContains(t, w.Body.String(), secret)
			}

			w = httptest.NewRecorder()
			problem.Renderer{ShowConstraints: true}.JSON(w, httptest.NewRequest("PUT", "/", nil), p)
			assert.NotContains(t, w.Body.String(), "ada@example.com")
			var members map[string]any
			require.NoError(t, json.Unmarshal(w.Body.Bytes(), &members))
			if c.member == "" {
				assert.Len(t, members, 6, "the standard members alone")
			} else {
				assert.Equal(t, c.name, members[c.member])
			}
		})
	}
}

func TestOtherErrorsOfRealDriversAreNoProblem(t *testing.T) {
	for _, err := range []error{
		&pgconn.PgError{Code: "42601"}, &pgconn.PgError{Code: "23502"}, (*pgconn.PgError)(nil), &pgconn.ConnectError{},
		&pq.Error{Code: "57014"}, (*pq.Error)(nil),
		&mysql.MySQLError{Number: 1064}, (*mysql.MySQLError)(nil), mysql.ErrInvalidConn,
	} {
		assert.NotPanics(t, func() {
			_, ok := problem.FromSQL(err)
			assert.False(t, ok, "%T", err)
		})
	}
}
