package drivertest

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// spy stands between package database/sql and a driver. It counts statements, and
// lets a test act at a commit.
type spy struct {
	driver driver.Driver
	source string

	mu         sync.Mutex
	statements []string
	commit     func(commit func() error, cut func()) error
}

// spied opens a pool of connections through a spy.
func (d database) spied(t testing.TB, source string) (*sql.DB, *spy) {
	t.Helper()
	plain, err := sql.Open(d.driver, source)
	require.NoError(t, err)
	s := &spy{driver: plain.Driver(), source: source}
	require.NoError(t, plain.Close())
	db := sql.OpenDB(s)
	db.SetMaxOpenConns(20)
	db.SetMaxIdleConns(20)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db, s
}

// take returns the statements since it was last called.
func (s *spy) take() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.statements
	s.statements = nil
	return all
}

func (s *spy) note(statement string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.statements = append(s.statements, statement)
}

// atCommit has the next commit go through f, which can cut the connection.
func (s *spy) atCommit(f func(commit func() error, cut func()) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.commit = f
}

// Connect implements driver.Connector.
func (s *spy) Connect(ctx context.Context) (driver.Conn, error) {
	open, ok := s.driver.(driver.DriverContext)
	if !ok {
		c, err := s.driver.Open(s.source)
		return &spiedConn{Conn: c, s: s}, err
	}
	connector, err := open.OpenConnector(s.source)
	if err != nil {
		return nil, err
	}
	c, err := connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &spiedConn{Conn: c, s: s}, nil
}

// Driver implements driver.Connector.
func (s *spy) Driver() driver.Driver { return s.driver }

type spiedConn struct {
	driver.Conn
	s   *spy
	cut bool
}

func (c *spiedConn) Close() error {
	if c.cut {
		return nil
	}
	c.cut = true
	return c.Conn.Close()
}

func (c *spiedConn) ExecContext(ctx context.Context, q string, args []driver.NamedValue) (driver.Result, error) {
	c.s.note(q)
	return c.Conn.(driver.ExecerContext).ExecContext(ctx, q, args)
}

func (c *spiedConn) QueryContext(ctx context.Context, q string, args []driver.NamedValue) (driver.Rows, error) {
	c.s.note(q)
	return c.Conn.(driver.QueryerContext).QueryContext(ctx, q, args)
}

func (c *spiedConn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	tx, err := c.Conn.(driver.ConnBeginTx).BeginTx(ctx, o)
	if err != nil {
		return nil, err
	}
	return &spiedTx{tx, c}, nil
}

func (c *spiedConn) PrepareContext(ctx context.Context, q string) (driver.Stmt, error) {
	stmt, err := c.Conn.(driver.ConnPrepareContext).PrepareContext(ctx, q)
	if err != nil {
		return nil, err
	}
	return &spiedStmt{stmt, c.s, q}, nil
}

func (c *spiedConn) CheckNamedValue(v *driver.NamedValue) error {
	if checker, ok := c.Conn.(driver.NamedValueChecker); ok {
		return checker.CheckNamedValue(v)
	}
	return driver.ErrSkip
}

func (c *spiedConn) ResetSession(ctx context.Context) error {
	if r, ok := c.Conn.(driver.SessionResetter); ok {
		return r.ResetSession(ctx)
	}
	return nil
}

func (c *spiedConn) IsValid() bool {
	v, ok := c.Conn.(driver.Validator)
	return !c.cut && (!ok || v.IsValid())
}

type spiedStmt struct {
	driver.Stmt
	s *spy
	q string
}

func (x *spiedStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	x.s.note(x.q)
	return x.Stmt.(driver.StmtExecContext).ExecContext(ctx, args)
}

func (x *spiedStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	x.s.note(x.q)
	return x.Stmt.(driver.StmtQueryContext).QueryContext(ctx, args)
}

type spiedTx struct {
	driver.Tx
	c *spiedConn
}

func (x *spiedTx) Commit() error {
	x.c.s.mu.Lock()
	f := x.c.s.commit
	x.c.s.commit = nil
	x.c.s.mu.Unlock()
	if f == nil {
		return x.Tx.Commit()
	}
	return f(x.Tx.Commit, func() { _ = x.c.Close() })
}

var errCut = errors.New("the connection was cut")
