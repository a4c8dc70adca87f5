package archive

import (
	"bytes"
	"encoding/json"
	"fmt"

	"moongate/runtime/journal"
	"moongate/runtime/recording"
	"moongate/runtime/wire"
)

// Row veils a row. The error says that its reads are nonsense; they are left out then.
func (v *Veil) Row(r *journal.Row) error {
	r.UserName = v.name(r.UserName)
	r.User = v.number(r.User)
	r.Address, r.Local = v.addrPort(r.Address), v.addrPort(r.Local)
	for _, s := range []*string{&r.Listener, &r.Upstream, &r.Reason, &r.Fault, &r.Shadow, &r.Cause} {
		*s = v.prose(*s)
	}
	r.Facts = v.facts(r.Facts)
	if r.Began.IsZero() {
		return nil
	}
	reads, cut, err := recording.ParseReads([]byte(r.Reads))
	if err == nil {
		err = v.reads(reads)
	}
	if err != nil {
		r.Recorded = journal.Recorded{}
		return err
	}
	veiled := recording.Recording{Reads: reads, Cut: cut}
	r.Reads = string(veiled.AppendReads(nil))
	return nil
}

// reads veils what was read.
func (v *Veil) reads(reads []recording.Read) error {
	for i := range reads {
		r := &reads[i]
		r.Key = v.prose(r.Key)
		if r.Value == nil || impersonal[r.What] {
			continue
		}
		values, err := wire.Unpack(r.Value)
		if err != nil {
			return fmt.Errorf("what %s gave: %w", r.What, err)
		}
		for n := range values {
			values[n] = v.value("", values[n])
		}
		if r.Value, err = wire.Pack(values); err != nil {
			return fmt.Errorf("what %s gave: %w", r.What, err)
		}
	}
	return nil
}

// impersonal are reads whose values are numbers that may look like a user's, and never are.
var impersonal = map[string]bool{"random": true, "clock": true}

// nameFields and paperFields are fields that are the name of somebody, or stand for one, whatever their texts are.
var (
	nameFields  = map[string]bool{"subject": true, "names": true, "login": true, "user_name": true}
	paperFields = map[string]bool{"serial": true, "fingerprint": true}
)

// value veils a value, which is that of a field, if it has a name.
func (v *Veil) value(field string, value any) any {
	switch value := value.(type) {
	case string:
		switch {
		case nameFields[field]:
			return v.name(value)
		case paperFields[field] && value != "":
			return "anonymous-" + v.pseudonym(value)
		}
		return v.prose(value)
	case int64:
		return v.number(value)
	case float64:
		if whole := int64(value); float64(whole) == value {
			return float64(v.number(whole))
		}
	case []any:
		for i := range value {
			value[i] = v.value(field, value[i])
		}
	case wire.Map:
		for i, pair := range value {
			name, _ := pair.Key.(string)
			value[i] = wire.Pair{Key: v.value("", pair.Key), Value: v.value(name, pair.Value)}
		}
	case map[string]any:
		for name := range value {
			value[name] = v.value(name, value[name])
		}
	}
	return value
}

// facts veils a JSON object; what is none is left out.
func (v *Veil) facts(facts string) string {
	if facts == "" {
		return ""
	}
	d := json.NewDecoder(bytes.NewReader([]byte(facts)))
	d.UseNumber()
	var all map[string]any
	if d.Decode(&all) != nil {
		return ""
	}
	b, err := json.Marshal(v.value("", all))
	if err != nil {
		return ""
	}
	return string(b)
}
