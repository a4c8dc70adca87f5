package trial

import (
	"encoding/xml"
	"io"
	"path/filepath"
	"time"
)

// Report is what came of several folders. The zero value is that of none.
type Report struct{ folders []folder }

type folder struct {
	path string
	Summary
}

// Add adds a folder.
func (r *Report) Add(path string, s Summary) { r.folders = append(r.folders, folder{path, s}) }

// Failed reports whether anything did.
func (r *Report) Failed() bool {
	for i := range r.folders {
		if r.folders[i].Failed() {
			return true
		}
	}
	return false
}

// file is the path of a file of the folder.
func (f *folder) file(name string) string { return filepath.Join(f.path, filepath.FromSlash(name)) }

// WriteJUnit writes everything as JUnit's XML. What could not run is an error, what failed a failure.
func (r *Report) WriteJUnit(w io.Writer) error {
	all := junitSuites{}
	var took time.Duration
	for _, f := range r.folders {
		if len(f.Problems) > 0 {
			all.add(broken(f.path, f.Problems))
		}
		for i := range f.Files {
			took += f.Files[i].Elapsed
			all.add(f.Files[i].suite(f.file(f.Files[i].Name)))
		}
	}
	all.Time = junitTime(took)
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// WriteLCOV writes a tracefile as lcov and genhtml read it.
func (r *Report) WriteLCOV(w io.Writer) error {
	for _, f := range r.folders {
		if err := f.Coverage.writeLCOV(w, f.file); err != nil {
			return err
		}
	}
	return nil
}
