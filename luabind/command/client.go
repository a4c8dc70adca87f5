package command

import (
	"context"
	"errors"

	"moongate/luabind/lane"
	"moongate/runtime/method"
	"moongate/runtime/remote"
	"moongate/runtime/wire"

	lua "github.com/yuin/gopher-lua"
)

var clientCommands = []Command{
	{Name: "application_type", Signature: "application_type() -> number", FourD: "Application type", Since: "0.7", Roles: everywhere,
		Meaning: "what runs the script: 5 a server, 4 a client of one, 0 a local host", run: applicationType},
	{Name: "register_client", Signature: "register_client(name) -> boolean or nil", FourD: "REGISTER CLIENT", Since: "0.7", Waits: true, Reads: true, Roles: everywhere,
		Meaning: "on a client, has it carry out what execute_on_client gives to that name, one after the other, in a process of that name; other clients may have the name too. False, and nothing, if it does that already, and elsewhere", run: registerClient, once: true, instead: falseInstead},
	{Name: "unregister_client", Signature: "unregister_client() -> boolean or nil", FourD: "UNREGISTER CLIENT", Since: "0.7", Waits: true, Reads: true, Roles: everywhere,
		Meaning: "on a client, has it carry out nothing more, and forgets what it was to; false if it is not registered, and elsewhere", run: unregisterClient, once: true, instead: falseInstead},
	{Name: "get_registered_clients", Signature: "get_registered_clients() -> table or nil", FourD: "GET REGISTERED CLIENTS", Since: "0.7", Waits: true, Asked: true, Reads: true, Roles: everywhere,
		Meaning: "the registered clients of the server: a list of name and load, how many methods it has still to execute", run: getRegisteredClients},
	{Name: "execute_on_client", Signature: "execute_on_client(name, method [, parameter ...]) -> number or nil", FourD: "EXECUTE ON CLIENT", Since: "0.7", Waits: true, Asked: true, Reads: true, Roles: everywhere,
		Meaning: "has all clients that are registered under a name, in which @ stands for any text, run a project method of theirs some time after this, each in turn; gives how many clients these are", run: executeOnClient, once: true},
	{Name: "send_message_to_remote_user", Signature: "send_message_to_remote_user(text [, session_id])", FourD: "SEND MESSAGE TO REMOTE USER", Since: "0.7", Roles: everywhere,
		Meaning: "shows a text to the user of a session, or to all users. Only a server does anything", run: onlyOnServer(sendMessage), instead: noEffect("s")},
}

// The numbers of "Application type". 4D has others, for programs that are none of these.
const (
	applicationLocal  = 0
	applicationRemote = 4
	applicationServer = 5
)

func applicationType(e *environment, L *lua.LState) int {
	switch e.role {
	case method.Server:
		return number(L, applicationServer)
	case method.Remote:
		return number(L, applicationRemote)
	default:
		return number(L, applicationLocal)
	}
}

// registerClient is "REGISTER CLIENT", which has no effect in local mode. Its period has been ignored for long, and a client
// that registers as a local process is none here: its methods may use the server.
func registerClient(e *environment, L *lua.LState) int {
	name := L.CheckString(1)
	return e.registration(L, "register_client", func(ctx context.Context) (bool, error) { return e.host.RegisterClient(ctx, name) })
}

func unregisterClient(e *environment, L *lua.LState) int {
	return e.registration(L, "unregister_client", e.host.UnregisterClient)
}

// registration changes whether this client is registered, outside, because the server is asked.
func (e *environment) registration(L *lua.LState, command string, change func(ctx context.Context) (bool, error)) int {
	if !e.distant() {
		L.Push(lua.LFalse)
		return 1
	}
	results, err := e.answered(L, command, func(ctx context.Context) ([]any, error) {
		done, err := change(ctx)
		return []any{done}, err
	})
	if _, known := errors.AsType[*remote.Error](err); known {
		return e.trouble(L, command, lua.LNil, err)
	}
	if err != nil { // of the name
		L.RaiseError("%s", worded(command, err.Error()))
	}
	return give(L, command, results)
}

func getRegisteredClients(e *environment, L *lua.LState) int {
	if e.distant() {
		return e.askFor(L, "get_registered_clients")
	}
	all := e.host.Sessions().Clients().List()
	list := L.CreateTable(len(all), 0)
	for _, c := range all {
		row := L.CreateTable(0, 2)
		row.RawSetString("name", lua.LString(c.Name))
		row.RawSetString("load", lua.LNumber(c.Load))
		list.Append(row)
	}
	lane.Running(L).Step(L, stepsPerRow*len(all))
	L.Push(list)
	return 1
}

// executeOnClient is "EXECUTE ON CLIENT". That a client gets the order does not mean that it has such a method.
func executeOnClient(e *environment, L *lua.LState) int {
	pattern, name := L.CheckString(1), L.CheckString(2)
	if name == "" {
		L.ArgError(2, "name of a project method expected, got an empty text")
	}
	args := copies(L, 3, L.GetTop())
	if e.distant() {
		return e.askFor(L, "execute_on_client", append([]any{pattern, name}, args...)...)
	}
	packed, err := wire.Pack(args)
	if err != nil {
		L.RaiseError("execute_on_client: %s", err.Error())
	}
	return number(L, e.host.Sessions().Clients().Execute(pattern, name, args, len(packed)))
}

// sendMessage is "SEND MESSAGE TO REMOTE USER".
func sendMessage(e *environment, L *lua.LState) int {
	text, live := L.CheckString(1), e.host.Sessions().Live()
	if L.Get(2) != lua.LNil {
		live = e.host.Sessions().OfSession(L.CheckString(2))
	}
	if len(text) > longestMessage || !printable(text) {
		L.ArgError(1, "message of at most 4000 bytes without control characters expected")
	}
	lane.Running(L).Step(L, stepsPerValue*len(live))
	e.host.Send(text, live)
	return 0
}

// longestMessage is how long a message for users may be, in bytes.
const longestMessage = 4000
