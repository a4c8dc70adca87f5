package wire

import (
	"bytes"
	"math"
	"testing"
)

// Parts that are written one by one are what Pack writes of the whole.
func TestPackedByParts(t *testing.T) {
	want, err := Pack([]any{nil, true, false, int64(-7), 1.5, math.Inf(1), "", "a\r\nb", Map{{Key: "k", Value: []any{int64(1), "x"}}}})
	if err != nil {
		t.Fatal(err)
	}
	got := AppendNull(AppendListHeader(nil, 9))
	got = AppendBool(AppendBool(got, true), false)
	got = AppendFloat(AppendFloat(AppendInteger(got, -7), 1.5), math.Inf(1))
	got = AppendText(AppendText(got, ""), "a\r\nb")
	got = AppendText(AppendMapHeader(got, 1), "k")
	if got, err = AppendValue(got, []any{int64(1), "x"}, 2); err != nil || !bytes.Equal(got, want) {
		t.Errorf("got %q, error %v, want %q", got, err, want)
	}
}
