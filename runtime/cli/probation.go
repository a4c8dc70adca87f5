package cli

import (
	"fmt"
	"strconv"
	"strings"

	"moongate/runtime/admin"
	"moongate/runtime/host"
)

// defaultProbation is what --probation on means.
var defaultProbation = host.Probation{Faults: 1, Refusals: 3, First: 200}

// probationFlag is the value of --probation.
type probationFlag host.Probation

// String is the bounds, or off.
func (p *probationFlag) String() string { return host.Probation(*p).String() }

// Type is what a value is called in the help.
func (p *probationFlag) Type() string { return "bounds" }

// Set reads on, off, or bounds: faults=1,refusals=3x,first=200. What is not said of first is 200; of the others, no bound.
func (p *probationFlag) Set(text string) error {
	switch text {
	case "on":
		*p = probationFlag(defaultProbation)
		return nil
	case "off":
		*p = probationFlag{}
		return nil
	}
	bounds := host.Probation{First: defaultProbation.First}
	for part := range strings.SplitSeq(text, ",") {
		if err := setBound(&bounds, strings.TrimSpace(part)); err != nil {
			return err
		}
	}
	if bounds.Faults == 0 && bounds.Refusals == 0 {
		return fmt.Errorf("%q takes nothing back: say faults=N, refusals=Nx, or both", text)
	}
	*p = probationFlag(bounds)
	return nil
}

func setBound(p *host.Probation, part string) (err error) {
	name, value, _ := strings.Cut(part, "=")
	switch name {
	case "faults":
		p.Faults, err = strconv.Atoi(value)
	case "first":
		p.First, err = strconv.Atoi(value)
	case "refusals":
		p.Refusals, err = strconv.ParseFloat(strings.TrimSuffix(value, "x"), 64)
	default:
		return fmt.Errorf("%q is no bound: write on, off, or as in faults=1,refusals=3x,first=200", part)
	}
	if err != nil || p.Faults < 0 || p.First < 1 || !(p.Refusals == 0 || p.Refusals >= 1 && p.Refusals < 1e6) {
		return fmt.Errorf("%q: a number of 1 or more is expected, as in faults=1,refusals=3x,first=200", part)
	}
	return nil
}

// probationLines say how scripts are doing that were loaded while the server runs.
func probationLines(p *admin.Probation) []sheetLine {
	if p == nil {
		return nil
	}
	state := cell{text: "none is on it"}
	if p.On {
		state = cell{fmt.Sprintf("the scripts in use are on it: %d decided, %d refused, %d failed", p.Decided, p.Refused, p.Faults), yellow}
	}
	lines := []sheetLine{{"probation", []cell{{text: p.Bounds}, state}}}
	if p.Last != "" {
		lines = append(lines, sheetLine{"", []cell{{fmt.Sprintf("%d taken back, last at %s: %s", p.TakenBack, clock(p.LastAt), p.Last), red}}})
	}
	return lines
}
