// Package witness stands between the code of a call and what it reads of the outside: the clock, random numbers, the results
// of commands, shared values, rows of data.
//
// A [Witness] either notes what is read ([Witness.Begin]), for the journal, or answers it from a recording
// ([Witness.Rehearse]). Who reads on behalf of a script asks for the call's witness, which is nil in the ordinary case,
// and then notes with Note what it has found, or takes the answer from Answer. A witness belongs to the goroutine
// that holds the lane's baton.
package witness

import (
	"time"

	"moongate/runtime/recording"
	"moongate/runtime/wire"

	lua "github.com/yuin/gopher-lua"
)

// What is read that is no command.
const (
	Clock        = "clock"        // the value is the nanoseconds since 1970 and the zone's seconds east of Greenwich
	Random       = "random"       // 64 bits
	Storage      = "storage"      // a field of a shared object, by the path to it
	Interprocess = "interprocess" // an interprocess variable, or what is in one, by the path to it
	Data         = "data"         // an act of data
	// Raised begins the name of a command that has raised an error.
	Raised = "raised "
)

// Witness is the witness of one call. The zero value is ready for Begin or Rehearse.
type Witness struct {
	notes recording.Notes

	recording *recording.Recording // that is rehearsed; nil: the witness notes
	player    recording.Player
	options   recording.RehearseOptions
	zone      *time.Location // of the last clock that was answered

	written map[key]own // what the call itself has written to what is shared
	epoch   int         // how often the call has waited
	since   int         // the epoch with which the call began
	acted   bool        // the call has done something that what it reads may show
	made    int64       // numbers that were made up for what nothing depends on
	kept    map[any]any // what who reads keeps of the call
}

// own is a value that the call itself has written.
type own struct {
	value any
	epoch int
}

// key says which value of what is shared.
type key struct{ what, path string }

// Begin makes the witness ready to note a call.
func (w *Witness) Begin() {
	w.notes.Reset()
	w.recording = nil
	w.forget()
}

// Rehearse makes the witness ready to answer a call from a recording.
func (w *Witness) Rehearse(r *recording.Recording, o recording.RehearseOptions) {
	w.notes.Reset()
	w.recording, w.options = r, o
	w.player.Play(r.Reads)
	w.forget()
}

// Again makes the witness ready for another call of the rehearsal, which finds what those before it have written.
func (w *Witness) Again() {
	w.notes.Reset()
	w.acted = false
	w.epoch++
	w.since = w.epoch
}

// Found reports whether a call before this one of the rehearsal has written a value, which is then news to this one.
func (w *Witness) Found(what, path string) bool {
	if w.since == 0 {
		return false
	}
	is, ok := w.written[key{what, path}]
	return ok && is.epoch < w.since
}

// End lets go of what the call has met. The notes stay until the next Begin.
func (w *Witness) End() { w.forget() }

// keptFields is how many fields a map of the witness may have had that is used again.
const keptFields = 1000

func (w *Witness) forget() {
	switch n := len(w.written); {
	case n > keptFields:
		w.written = nil
	case n > 0:
		clear(w.written)
	}
	switch n := len(w.kept); {
	case n > keptFields:
		w.kept = nil
	case n > 0:
		clear(w.kept)
	}
	w.made, w.acted, w.epoch, w.since = 0, false, 0, 0
}

// Recording is what is rehearsed, nil when the witness notes.
func (w *Witness) Recording() *recording.Recording { return w.recording }

// Live reports whether what the recording lacks is answered by the host that is there.
func (w *Witness) Live() bool { return w.recording != nil && w.options.Live }

// Notes are what was read.
func (w *Witness) Notes() *recording.Notes { return &w.notes }

// Note notes what the code of L, in the function that it has called, has read.
func (w *Witness) Note(L *lua.LState, what, key string, values ...any) {
	if w.notes.Cut() || !w.noting() {
		return
	}
	file, line := place(L)
	w.notes.Add(what, key, file, line, values...)
}

// noting reports whether anybody wants the notes.
func (w *Witness) noting() bool { return w.recording == nil || w.options.Reads }

// Room is memory to pack a list of values in for NotePacked.
func (w *Witness) Room() []byte { return w.notes.Room() }

// NotePacked is Note for values that are packed in Room, as wire.Pack does it.
func (w *Witness) NotePacked(L *lua.LState, what, key string, packed []byte) {
	if w.notes.Cut() || !w.noting() {
		return
	}
	file, line := place(L)
	w.notes.AddPacked(what, key, file, line, packed)
}

// noteClock notes the clock.
func (w *Witness) noteClock(L *lua.LState, now time.Time) {
	_, offset := now.Zone()
	b := wire.AppendInteger(wire.AppendListHeader(w.Room(), 2), now.UnixNano())
	w.NotePacked(L, Clock, "", wire.AppendInteger(b, int64(offset)))
}

// NoteUnkept notes that something was read that cannot be kept.
func (w *Witness) NoteUnkept(L *lua.LState, what, key string) {
	if w.notes.Cut() || !w.noting() {
		return
	}
	file, line := place(L)
	w.notes.AddUnkept(what, key, file, line)
}

// place is where the code stands that has called the function which runs in L; "" when that is no code.
func place(L *lua.LState) (file string, line int) {
	for level := 1; level < 6; level++ { // level 0 is the function
		frame, ok := L.GetStack(level)
		if !ok {
			break
		}
		if _, err := L.GetInfo("Sl", frame, lua.LNil); err == nil && frame.CurrentLine > 0 {
			return frame.Source, frame.CurrentLine
		}
	}
	return "", 0
}

// Answer is what the recording has for a read: the next answer, or with again the last one once more when there are no more.
// It reports false when the recording lacks it. The read is noted.
func (w *Witness) Answer(L *lua.LState, what, key string, again bool) ([]any, bool) {
	r := w.Find(what, key, again)
	if r == nil {
		return nil, false
	}
	values := r.Unpacked()
	if values == nil {
		return nil, false
	}
	w.Note(L, what, key, values...)
	return values, true
}

// Find is Answer for who unpacks the value later, or never: nil when the recording lacks it. It is not noted.
func (w *Witness) Find(what, key string, again bool) *recording.Read {
	r, ok := w.player.Next(what, key)
	if !ok && again && !w.recording.Cut {
		r, ok = w.player.Last(what, key)
	}
	if !ok || r.Value == nil {
		return nil
	}
	return r
}

// NotesReads reports whether a rehearsal notes what it reads.
func (w *Witness) NotesReads() bool { return w.recording != nil && w.options.Reads }

// Due is the read that follows the one that was answered last, if it is of what and key: what the call itself has written is read
// again only where the recording says that others were at it meanwhile. The values are nil if they could not be kept.
func (w *Witness) Due(L *lua.LState, what, key string) ([]any, bool) {
	r, ok := w.player.Due(what, key)
	if !ok {
		return nil, false
	}
	values := r.Unpacked()
	w.Note(L, what, key, values...)
	return values, true
}

// Waited says that the call has let others run: they may have changed what it has written, or read as a whole.
func (w *Witness) Waited() { w.epoch++ }

// Epoch is how often the call has let others run.
func (w *Witness) Epoch() int { return w.epoch }

// Now is the clock as the call sees it.
func (w *Witness) Now(L *lua.LState) time.Time {
	if w.recording == nil || w.Live() && w.recording.Clock().IsZero() {
		now := time.Now()
		w.noteClock(L, now)
		return now
	}
	if values, ok := w.Answer(L, Clock, "", true); ok && len(values) == 2 {
		nanoseconds, _ := values[0].(int64)
		offset, _ := values[1].(int64)
		return w.in(time.Unix(0, nanoseconds), int(offset))
	}
	now := w.recording.Clock()
	w.noteClock(L, now)
	return now
}

// in is a time in the zone of the machine that recorded it.
func (w *Witness) in(t time.Time, offset int) time.Time {
	if _, here := t.Zone(); here == offset {
		return t
	}
	if w.zone != nil {
		if _, there := t.In(w.zone).Zone(); there == offset {
			return t.In(w.zone)
		}
	}
	w.zone = time.FixedZone("", offset)
	return t.In(w.zone)
}

// Write says that the call has written a value to what is shared.
func (w *Witness) Write(what, path string, value any) {
	if w.written == nil {
		w.written = map[key]own{}
	}
	w.written[key{what, path}] = own{value, w.epoch}
}

// Written is what the call has written, and whether it has; waited is whether others have run since.
func (w *Witness) Written(what, path string) (v any, waited, ok bool) {
	if len(w.written) == 0 {
		return nil, false, false
	}
	is, ok := w.written[key{what, path}]
	return is.value, is.epoch != w.epoch, ok
}

// Act says that a rehearsal has only pretended to do something: what the recording has of the outside may not show it any
// more. Acted reports whether there was such an act.
func (w *Witness) Act() { w.acted = true }

// Acted reports whether there was an act.
func (w *Witness) Acted() bool { return w.acted }

// Made is a number for something that a rehearsal only pretends to make.
func (w *Witness) Made() int64 {
	w.made++
	return 1<<30 + w.made
}

// Wrote reports whether the call has written to anything shared.
func (w *Witness) Wrote() bool { return len(w.written) > 0 }

// Keep keeps a value of the call under a key, a type of the caller's own; Kept gives it back.
func (w *Witness) Keep(key, value any) {
	if w.kept == nil {
		w.kept = map[any]any{}
	}
	w.kept[key] = value
}

// Kept is what is kept under a key, nil when nothing is.
func (w *Witness) Kept(key any) any { return w.kept[key] }
