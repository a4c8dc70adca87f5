package luabind_test

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"testing/synctest"
)

// Nothing of the Lua surface is different while what it reads is noted.
func TestLuaRecorded(t *testing.T) {
	if testing.Short() {
		t.Skip("it runs all files of testdata/lua again")
	}
	for _, file := range chunkFiles(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			for _, c := range readChunks(t, file, sqlite) {
				for _, lane := range c.lanes {
					if lane != cooperative { // where all open methods run
						continue
					}
					t.Run(fmt.Sprintf("%d_%s", c.line, lane), func(t *testing.T) {
						folder := c.write(t, lane)
						synctest.Test(t, func(t *testing.T) {
							c.test(t, lane, func(log *slog.Logger) (*house, error) {
								h, err := open(folder, log)
								if h != nil {
									h.record = true
								}
								return h, err
							})
						})
					})
				}
			}
		})
	}
}
