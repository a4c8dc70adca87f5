package command

import (
	"context"

	"moongate/luabind/lane"
	"moongate/runtime/datastore"

	lua "github.com/yuin/gopher-lua"
)

var transactionCommands = []Command{
	{Name: "start_transaction", Signature: "start_transaction() -> boolean or nil", FourD: "START TRANSACTION", Since: "0.5", Waits: true, Roles: everywhere,
		Meaning: "begins a transaction of the calling process, inside of the one that it has, if any, and gives true: what it saves and drops is for others, and for ever, when the outermost one is validated; one that is open when the process ends is cancelled", run: startTransaction},
	{Name: "validate_transaction", Signature: "validate_transaction() -> boolean or nil", FourD: "VALIDATE TRANSACTION", Since: "0.5", Waits: true, Roles: everywhere,
		Meaning: "ends the innermost transaction and keeps what was done in it, and gives true; when it gives nil, the transaction is cancelled", run: validateTransaction},
	{Name: "cancel_transaction", Signature: "cancel_transaction() -> boolean or nil", FourD: "CANCEL TRANSACTION", Since: "0.5", Waits: true, Roles: everywhere,
		Meaning: "ends the innermost transaction and forgets what was done in it, and gives true", run: cancelTransaction},
	{Name: "in_transaction", Signature: "in_transaction() -> boolean", FourD: "In transaction", Since: "0.5", Waits: true, Roles: everywhere,
		Meaning: "whether the calling process has a transaction", run: inTransaction},
	{Name: "transaction_level", Signature: "transaction_level() -> number", FourD: "Transaction level", Since: "0.5", Waits: true, Roles: everywhere,
		Meaning: "how many transactions of the calling process are inside each other, 0 when it has none", run: transactionLevel},
}

func startTransaction(e *environment, L *lua.LState) int {
	return e.acted(L, "start_transaction", e.act(L, func(ctx context.Context, c datastore.Data) error { return c.StartTransaction(ctx) }))
}

func validateTransaction(e *environment, L *lua.LState) int {
	return e.acted(L, "validate_transaction", e.act(L, func(ctx context.Context, c datastore.Data) error { return c.ValidateTransaction(ctx) }))
}

func cancelTransaction(e *environment, L *lua.LState) int {
	return e.acted(L, "cancel_transaction", e.act(L, func(ctx context.Context, c datastore.Data) error { return c.CancelTransaction(ctx) }))
}

func inTransaction(e *environment, L *lua.LState) int {
	L.Push(lua.LBool(e.level(L) > 0))
	return 1
}

func transactionLevel(e *environment, L *lua.LState) int { return number(L, e.level(L)) }

// level is how many transactions the calling process has. A process that asked for no data has none, unless code of it has run
// on its server, which is then asked.
func (e *environment) level(L *lua.LState) int {
	p := lane.Running(L)
	if ran, _ := p.Value(ranKey{}).(bool); ran {
		d := e.data(L)
		if err := e.act(L, func(ctx context.Context, _ datastore.Data) error { return d.distant.Refresh(ctx) }); err == nil {
			p.Keep(ranKey{}, false)
		}
	}
	if d, ok := lane.Running(L).Value(dataKey{}).(*dataOf); ok {
		return d.context.Level()
	}
	return 0
}
