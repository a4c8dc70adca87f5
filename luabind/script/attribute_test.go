package script

import "testing"

func TestAttributes(t *testing.T) {
	for _, test := range []struct {
		source     string
		preemptive bool
		warnings   []string
	}{
		{`--%attributes = {"preemptive":"capable"}`, true, nil},
		{`--%attributes={"preemptive":"capable"} comment added and reserved by 4D.`, true, nil},
		{`-- %attributes = {"preemptive":"capable"}` + "\r\nlocal x", true, nil},
		{"\ufeff" + `--%attributes = {"preemptive":"capable"}`, true, nil},
		{"#!/usr/bin/lua\n" + `--%attributes = {"preemptive":"capable"}`, true, nil},
		{`--%attributes = {"preemptive":"incapable"}`, false, nil},
		{`--%attributes = {"preemptive":"indifferent"}`, false, nil},
		{`--%attributes = {"invisible":true,"shared":false,"executedOnServer":true,"publishedWeb":true,"lang":"en"}`, false, nil},
		{`--%attributes = {}`, false, nil},
		{`-- attributes = {"preemptive":"capable"}`, false, nil},
		{`--%attributes = {"preemtive":"capable"}`, false,
			[]string{"m.lua:1: unknown attribute preemtive; did you mean preemptive?"}},
		{`--%attributes = {"zzz":1,"colour":2}`, false,
			[]string{"m.lua:1: unknown attribute colour", "m.lua:1: unknown attribute zzz"}},
		{"\n" + `--%attributes = {"preemptive":"capable"}`, false,
			[]string{"m.lua:2: attributes are read from the first line only"}},
		{"#!x\n\n" + `--%attributes = {"preemptive":"capable"}`, false,
			[]string{"m.lua:3: attributes are read from the first line only"}},
	} {
		set := mustLoad(t, write(t, map[string]string{"m.lua": test.source}))
		if got := set.Methods[0].Preemptive; got != test.preemptive {
			t.Errorf("%q: got %v", test.source, got)
		}
		wantWarnings(t, set, test.warnings...)
	}
}

func TestAttributeErrors(t *testing.T) {
	for _, test := range []struct{ line, want string }{
		{`--%attributes = {"preemptive":capable}`, `m.lua:1: attributes: not a JSON object such as {"preemptive":"capable"}: invalid character 'c' looking for beginning of value`},
		{`--%attributes = {"preemptive":"capable"} x`, `m.lua:1: attributes: not a JSON object...`},
		{`--%attributes =`, `m.lua:1: attributes: not a JSON object...`},
		{`--%attributes = ["preemptive"]`, `m.lua:1: attributes: not a JSON object...`},
		{`--%attributes = {"preemptive":"yes"}`, `m.lua:1: attributes: preemptive is "yes"; it can be capable, incapable or indifferent`},
		{`--%attributes = {"preemptive":true}`, `m.lua:1: attributes: preemptive is true; it can be capable, incapable or indifferent`},
		{`--%attributes = {"executedOnServer":"true"}`, `m.lua:1: attributes: executedOnServer is "true"; it can be true or false`},
		{`--%attributes = {"executedOnServer":null}`, `m.lua:1: attributes: executedOnServer is null; it can be true or false`},
		{`--%attributes = {"preemptive":"Capable"}`, `m.lua:1: attributes: preemptive is "Capable"; it can be...`},
	} {
		_, err := Load(write(t, map[string]string{"m.lua": test.line}), nil)
		wantError(t, err, test.want)
	}
}

func TestAttributesThatDoNotApply(t *testing.T) {
	const mark = `--%attributes = {"preemptive":"capable","executedOnServer":true}`
	set := mustLoad(t, write(t, map[string]string{"on_exit.lua": mark, "lib/util.lua": mark}))
	if m := set.Methods[0]; m.Preemptive || m.OnServer {
		t.Errorf("the marks of a database method count: %+v", m)
	}
	wantWarnings(t, set, "lib/util.lua:1: attributes of a module are ignored: it runs in the process that requires it",
		"on_exit.lua:1: database methods are always cooperative: the mark preemptive is ignored",
		"on_exit.lua:1: database methods run where their event is: the mark executedOnServer is ignored")
}

func TestOnServer(t *testing.T) {
	for source, want := range map[string]bool{
		`--%attributes = {"executedOnServer":true}`:                        true,
		`--%attributes = {"preemptive":"capable","executedOnServer":true}`: true,
		`--%attributes = {"executedOnServer":false}`:                       false,
		`--%attributes = {"preemptive":"capable"}`:                         false,
		``: false,
	} {
		set := mustLoad(t, write(t, map[string]string{"m.lua": source}))
		if got := set.Methods[0].OnServer; got != want {
			t.Errorf("%q: got %v, want %v", source, got, want)
		}
	}
}
