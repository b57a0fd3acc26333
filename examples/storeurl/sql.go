package storeurl

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite" // registers "sqlite"

	"github.com/concordhttp/concord/store/sqlstore"
)

// How many connections the pools have at most. Records have some of their own,
// so that handlers which hold all of theirs keep no claim waiting.
const (
	handlerConns = 16
	recordConns  = 4
)

// openSQLite opens a file. The log is synced at each commit, so that what was
// answered survives the end of the machine, and not just that of the process.
func (o *Opened) openSQLite(ctx context.Context, file string) error {
	if file == "" {
		return errors.New("sqlite:FILE wants the name of a file")
	}
	source := "file:" + (&url.URL{Path: file}).EscapedPath() + "?_pragma=journal_mode(WAL)" +
		"&_pragma=synchronous(FULL)&_pragma=busy_timeout(1000)&_txlock=immediate"
	return o.openSQL(ctx, "sqlite", source, sqlstore.Config{Dialect: sqlstore.SQLite})
}

func (o *Opened) openPostgres(ctx context.Context, source string) error {
	return o.openSQL(ctx, "pgx", source, sqlstore.Config{Dialect: sqlstore.PostgreSQL, Listen: listen})
}

// listen has waiting requests woken by NOTIFY.
func listen(ctx context.Context, driverConn any) (string, error) {
	conn, ok := driverConn.(*stdlib.Conn)
	if !ok {
		return "", fmt.Errorf("%T is no connection of pgx", driverConn)
	}
	n, err := conn.Conn().WaitForNotification(ctx)
	if err != nil {
		return "", err
	}
	return n.Payload, nil
}

// errNoURL is for what url.Parse refuses: its own error would show it, password
// and all.
var errNoURL = errors.New("this is no URL")

func (o *Opened) openMySQL(ctx context.Context, source string) error {
	u, err := url.Parse(source)
	if err != nil {
		return errNoURL
	}
	c := mysql.NewConfig()
	c.Net, c.Addr, c.User = "tcp", u.Host, u.User.Username()
	for name, values := range u.Query() {
		if name != "socket" {
			return fmt.Errorf("there is no parameter %q; one that is passed over could be the one that asks for TLS", name)
		}
		c.Net, c.Addr = "unix", values[0]
	}
	c.Passwd, _ = u.User.Password()
	if len(u.Path) > 1 {
		c.DBName = u.Path[1:]
	}
	c.InterpolateParams = true // one round trip a statement instead of three
	return o.openSQL(ctx, "mysql", c.FormatDSN(), sqlstore.Config{Dialect: sqlstore.MySQL})
}

func (o *Opened) openSQL(ctx context.Context, driver, source string, c sqlstore.Config) error {
	handlers, err := o.openPool(driver, source, handlerConns)
	if err != nil {
		return err
	}
	if c.Records, err = o.openPool(driver, source, recordConns); err != nil {
		return err
	}
	records, err := sqlstore.New(handlers, c)
	if err != nil {
		return err
	}
	o.onClose(records.Close)
	o.Store, o.DB, o.Dialect = records, handlers, c.Dialect
	return records.Migrate(ctx)
}

func (o *Opened) openPool(driver, source string, conns int) (*sql.DB, error) {
	db, err := sql.Open(driver, source)
	if err != nil {
		return nil, err
	}
	o.onClose(db.Close)
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	db.SetConnMaxIdleTime(5 * time.Minute)
	return db, nil
}
