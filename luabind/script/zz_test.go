package script
import ("testing";"time";"fmt";"strings")
func FuzzZZ(f *testing.F) {
	for _, seed := range fuzzSeeds { f.Add(seed) }
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > 1<<14 { return }
		t0 := time.Now()
		Compile(s, "x")
		if d := time.Since(t0); d > time.Second { t.Fatal(d) }
	})
}
func TestZZ64(t *testing.T) {
	var a, b, c strings.Builder
	for i := 0; a.Len() < 65500; i++ { fmt.Fprintf(&a, "%s=0 ", string(rune('A'+i%26))+string(rune('a'+i/26%26))+string(rune('a'+i/676))) }
	b.WriteString("x={")
	for i := 0; b.Len() < 65500; i++ { fmt.Fprintf(&b, "%x,", i); if i%16 > 9 {  } }
	for i := 0; c.Len() < 32000; i++ { fmt.Fprintf(&c, "goto a%x ", i) }
	for i := 0; c.Len() < 65500; i++ { fmt.Fprintf(&c, "::a%x::", i) }
	for n, s := range []string{a.String(), strings.ReplaceAll(b.String(), "a", "") , c.String()} {
		t0 := time.Now()
		_, err := Compile(s, "x")
		fmt.Printf("%d %v %.80v\n", n, time.Since(t0), err)
	}
}
