package sqlstore

import (
	"context"
	"database/sql"
	"sync"
)

// prepared is a pool on which each statement is prepared once. It is for SQLite,
// where to understand a statement costs as much as to carry it out; servers are
// asked in another way, since what stands between may give each statement to
// another one of their sessions.
type prepared struct {
	*sql.DB

	mu         sync.Mutex
	statements map[string]*sql.Stmt
}

func prepare(db *sql.DB) *prepared {
	return &prepared{DB: db, statements: map[string]*sql.Stmt{}}
}

func (p *prepared) statement(ctx context.Context, query string) (*sql.Stmt, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s := p.statements[query]; s != nil {
		return s, nil
	}
	s, err := p.DB.PrepareContext(ctx, query) //nolint:sqlclosecheck // close closes it
	if err == nil {
		p.statements[query] = s
	}
	return s, err
}

// ExecContext implements [Querier].
func (p *prepared) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	s, err := p.statement(ctx, query) //nolint:sqlclosecheck // it is used again, until close closes it
	if err != nil {
		return nil, err
	}
	return s.ExecContext(ctx, args...)
}

// QueryContext implements [Querier].
func (p *prepared) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	s, err := p.statement(ctx, query) //nolint:sqlclosecheck // it is used again, until close closes it
	if err != nil {
		return nil, err
	}
	return s.QueryContext(ctx, args...)
}

// close forgets the statements. The pool stays open.
func (p *prepared) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for query, s := range p.statements {
		_ = s.Close() // the connections close what is left
		delete(p.statements, query)
	}
}
