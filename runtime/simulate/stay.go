package simulate

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// Stay is how long a client that was accepted stays connected. The zero Stay is no time at all.
type Stay struct {
	// From and To bound a time drawn evenly from between them; if they are equal, all clients stay as long.
	From, To time.Duration
	// Mean is that of an exponential distribution (most leave soon, few stay very long, as people do); From and To
	// are 0 then.
	Mean time.Duration
}

// ParseStay reads 5s (always), 1s..10s (evenly between the two) or ~5s (exponential, with that mean).
func ParseStay(text string) (Stay, error) {
	if mean, ok := strings.CutPrefix(text, "~"); ok {
		d, err := positive(mean)
		return Stay{Mean: d}, err
	}
	from, to, ranged := strings.Cut(text, "..")
	if !ranged {
		to = from
	}
	first, err := positive(from)
	if err != nil {
		return Stay{}, err
	}
	second, err := positive(to)
	switch {
	case err != nil:
		return Stay{}, err
	case second < first:
		return Stay{}, fmt.Errorf("%s is from more to less; write %s..%s", text, to, from)
	}
	return Stay{From: first, To: second}, nil
}

func positive(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q is no time; write 5s, 1s..10s (evenly between them) or ~5s (exponential with that mean)", text)
	}
	return d, nil
}

// String is what ParseStay reads.
func (s Stay) String() string {
	switch {
	case s.Mean > 0:
		return "~" + s.Mean.String()
	case s.From == s.To:
		return s.From.String()
	default:
		return s.From.String() + ".." + s.To.String()
	}
}

// Average is the mean time that clients stay.
func (s Stay) Average() time.Duration { return s.Mean + (s.From+s.To)/2 }

// draw is the time that one client stays.
func (s Stay) draw(random *rand.Rand) time.Duration {
	switch {
	case s.Mean > 0:
		return time.Duration(random.ExpFloat64() * float64(s.Mean))
	case s.From < s.To:
		return s.From + time.Duration(random.Int64N(int64(s.To-s.From)))
	default:
		return s.From
	}
}
