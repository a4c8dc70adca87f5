package postgres

import (
	"context"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"moongate/runtime/datastore/failure"
)

// endedError says that the caller's context has ended.
func endedError(ctx context.Context) error {
	return &failure.Error{Kind: failure.Ended, Message: "ended: " + context.Cause(ctx).Error(), Cause: context.Cause(ctx)}
}

// kinds are the kinds of the server's errors, by their code or its first two letters (PostgreSQL's manual, appendix
// A).
var kinds = map[string]struct {
	kind   failure.Kind
	advice string
}{
	"23505": {failure.DuplicateKey, ""},
	"23502": {failure.Conflict, "the database is newer than structure.lua: give the column a default in the database, or declare it"}, // of its own columns the store knows
	"22":    {failure.Value, ""},
	"23":    {failure.Value, ""},
	"54":    {failure.Value, ""},
	"55P03": {failure.Locked, "somebody else's transaction has changed the row; try again"},
	"40P01": {failure.Locked, "two transactions wait for each other; try again"},
	"40001": {failure.Locked, "try again"},
	"57014": {failure.Locked, "the server has cancelled it; try again"},
	"08":    {failure.Unavailable, "look whether the server runs"},
	"57P01": {failure.Unavailable, "the server is shutting down"},
	"57P02": {failure.Unavailable, "the server has crashed"},
	"57P03": {failure.Unavailable, "the server is starting or shutting down"},
	"53300": {failure.Unavailable, "the server has too many connections; raise max_connections"},
	"53100": {failure.Full, "free some space on the server's disk"},
	"28":    {failure.Unavailable, "correct the user and the password in the URL"},
	"3D":    {failure.Unavailable, "make the database"},
	"25006": {failure.ReadOnly, "the server is a standby; name the primary in the URL"},
	"42501": {failure.ReadOnly, "give the user the right (GRANT)"},
	"XX001": {failure.Corrupt, "look at the server's log"},
	"XX002": {failure.Corrupt, "look at the server's log"},
}

// explain makes a failure of an error. A read is never uncertain, and a write always when the server has not
// answered: pgconn.SafeToRetry also calls a statement safe whose answer was cut off ("conn closed").
func (e *Engine) explain(ctx context.Context, err error, reads bool) error {
	var known *failure.Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	where := e.config.Host + "/" + e.config.Database + ": "
	var server *pgconn.PgError
	if errors.As(err, &server) {
		if ctx.Err() != nil && server.Code == "57014" {
			return endedError(ctx)
		}
		k, ok := kinds[server.Code]
		if !ok {
			k = kinds[server.Code[:min(2, len(server.Code))]]
		}
		message := where + server.Message + " (SQLSTATE " + server.Code + ")"
		if server.Detail != "" {
			message += ": " + server.Detail
		}
		if k.advice != "" {
			message += "; " + k.advice
		}
		return &failure.Error{Kind: k.kind, Message: oneLine(message), Cause: err}
	}
	if ctx.Err() != nil {
		ended := endedError(ctx).(*failure.Error)
		ended.Uncertain = !reads
		return ended
	}
	return &failure.Error{Kind: failure.Unavailable, Message: oneLine(where + err.Error() + "; look whether the server runs"), Cause: err,
		Uncertain: !reads}
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
