package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/talix-dev/talix/store"
)

// Codes of errors that are handled, as PostgreSQL documents them.
const (
	codeCanceled      = "57014"
	codeSerialization = "40001"
	codeDeadlock      = "40P01"
	codeLocked        = "55P03"
	codeUnique        = "23505"
	codeUntyped       = "42P18"
	codeAmbiguous     = "42P08"
	codeNoTable       = "42P01"
	codeNoFunction    = "42883"
)

// wroteNothing tells whether a statement that ended with the error has
// certainly changed nothing and never will: the server said so while it lived
// on, or has never seen the statement.
func wroteNothing(err error) bool {
	var told *pgconn.PgError
	if errors.As(err, &told) {
		// What ends the session may come after the commit. A cancellation may
		// too, by a hair's breadth.
		return severity(told) == "ERROR" && told.Code != codeCanceled
	}
	var unsent *unsent
	return errors.As(err, &unsent) || pgconn.SafeToRetry(err)
}

// unsent is an error after which the server has seen nothing.
type unsent struct{ error }

func (u *unsent) Unwrap() error { return u.error }

func severity(e *pgconn.PgError) string {
	if e.SeverityUnlocalized != "" {
		return e.SeverityUnlocalized
	}
	return e.Severity
}

// worthRepeating tells of a failure that is only about the moment.
func worthRepeating(err error) bool {
	return isCode(err, codeSerialization) || isCode(err, codeDeadlock)
}

func isCode(err error, code string) bool {
	var told *pgconn.PgError
	return errors.As(err, &told) && told.Code == code
}

// explain wraps an error with what was done and how to mend what people can.
func explain(doing string, err error) error {
	if err == nil {
		return nil
	}
	var told *pgconn.PgError
	if errors.As(err, &told) {
		if hint := mend(told.Code); hint != "" {
			return fmt.Errorf("%s: %w; %s", doing, err, hint)
		}
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// refusedText is the error of a text that cannot be prepared. What is missing is
// missing because the text names it.
func refusedText(err error) error {
	if isCode(err, codeNoTable) || isCode(err, codeNoFunction) {
		return fmt.Errorf("prepare query: %w", err)
	}
	return explain("prepare query", err)
}

// mend says what to do about an error of the server.
func mend(code string) string {
	switch {
	case code == "25006":
		return "the server is read-only, as a standby is: name the primary, for instance by several hosts and target_session_attrs=read-write in the DSN"
	case code == "42501":
		return "give the user of the DSN the rights to the store's schema"
	case code == "3F000" || code == codeNoTable || code == codeNoFunction:
		return "the store's schema has been changed or dropped: restore it from a backup"
	case code == "53100":
		return "the server's disk is full: make room, the store goes on by itself"
	case code == "53300":
		return "raise the server's max_connections, or lower Writers and Readers"
	case code == "55P03":
		return "another session holds a partition: look for it in pg_locks"
	case strings.HasPrefix(code, "XX"):
		return "the server found damage or a fault of its own: see its log, and restore a backup if need be"
	}
	return ""
}

// isDamage tells whether the server has found its data damaged.
func isDamage(err error) bool {
	var told *pgconn.PgError
	return errors.As(err, &told) && (told.Code == "XX001" || told.Code == "XX002")
}

// explainRead is explain for reads, where damage is told as such.
func explainRead(doing string, err error) error {
	if isDamage(err) {
		err = fmt.Errorf("%w: %w", store.ErrCorrupt, err)
	}
	return explain(doing, err)
}

// ended is the error of a context, if it has ended, since then what else went
// wrong is its consequence.
func ended(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// isShape tells of tables that are not as the statement thought.
func isShape(err error) bool {
	var told *pgconn.PgError
	return errors.As(err, &told) && (told.Code == "42P01" || told.Code == "42703" || told.Code == "42883")
}
