package gate

import (
	"fmt"
	"strings"
)

// ParseFlag reads LISTEN=UPSTREAM[,UPSTREAM ...], and more such gates after commas, as in 127.0.0.1:6380=a:6379,b:6379. The gates have no names
// but their addresses. The error says what is wrong and how to write it.
func ParseFlag(text string) ([]Definition, error) {
	var all []Definition
	for part := range strings.SplitSeq(text, ",") {
		upstream := strings.TrimSpace(part)
		if listen, first, ok := strings.Cut(upstream, "="); ok {
			all = append(all, Definition{Listen: strings.TrimSpace(listen)})
			upstream = strings.TrimSpace(first)
		}
		if len(all) == 0 {
			return nil, fmt.Errorf("%q is no gate; write it as LISTEN=UPSTREAM, each host:port", text)
		}
		last := &all[len(all)-1]
		last.Upstreams = append(last.Upstreams, upstream)
	}
	for i := range all {
		if err := all[i].Check(); err != nil {
			return nil, fmt.Errorf("%w (a gate is LISTEN=UPSTREAM, each host:port)", err)
		}
	}
	return all, nil
}
