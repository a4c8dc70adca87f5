package wire

import (
	"runtime/metrics"
	"strings"
	"testing"
)

func TestLimitsHaveDefaults(t *testing.T) {
	got := Limits{MaxBulk: 7, MaxInline: -1}.withDefaults()
	want := Limits{MaxInline: 64 << 10, MaxArguments: 16384, MaxBulk: 7, MaxCommand: 4 << 20}
	if got != want {
		t.Errorf("got %+v; want %+v", got, want)
	}
}

// allocated is the bytes that do allocates, other goroutines' included.
func allocated(do func()) uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	before := sample[0].Value.Uint64()
	do()
	metrics.Read(sample)
	return sample[0].Value.Uint64() - before
}

func TestAnnouncedLengthsAllocateNothing(t *testing.T) {
	vast := Limits{MaxArguments: 1 << 30, MaxBulk: 1 << 30, MaxCommand: 1 << 31}
	for _, test := range []struct {
		name, input string
		limits      Limits
	}{
		{"a gigabyte refused", "*1\r\n$1073741824\r\n", Limits{}},
		{"a gigabyte allowed", "*1\r\n$1000000000\r\nx", vast},
		{"ten million arguments refused", "*10000000\r\n$1\r\na\r\n", Limits{}},
		{"ten million arguments allowed", "*10000000\r\n$1\r\na\r\n", vast},
	} {
		var err error
		got := allocated(func() { _, err = NewReader(strings.NewReader(test.input), test.limits).ReadCommand() })
		if got > 64<<10 || err == nil {
			t.Errorf("%s: got %d bytes allocated, error %v; want less than 64 KiB and an error", test.name, got, err)
		}
		got = allocated(func() { _, err = NewReplyReader(strings.NewReader(test.input), test.limits).ReadReply() })
		if got > 64<<10 || err == nil {
			t.Errorf("%s, in a reply: got %d bytes allocated, error %v; want less than 64 KiB and an error", test.name, got, err)
		}
	}
}
