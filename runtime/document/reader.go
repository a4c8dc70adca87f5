package document

import (
	"bytes"
	"errors"
	"io"
	"unicode/utf8"
)

// Bounds of packets, in bytes.
const (
	MaxPacket = 16 << 20
	MaxStop   = 255 // of the text before which a packet ends
)

// Until says where a packet ends: before the next Stop, which is skipped, or after so many characters. Without either
// it has none.
type Until struct {
	Stop   string // at most MaxStop bytes; not empty: the packet ends there
	Length int    // characters (UTF-8; a byte that belongs to none counts as one), when Stop is empty
}

// Packet is a packet that has been found: how long it is, in bytes, and how much after it is skipped.
type Packet struct{ Size, Skip int }

// search looks for the end of a packet in one piece after the other. A piece begins where found.Size ended in the one
// before.
type search struct {
	until Until
	left  int // characters still wanted
	found Packet
}

func (u Until) search() search { return search{until: u, left: u.Length} }

// step looks through the next piece and reports whether the packet's end is found. last says that nothing follows.
func (s *search) step(piece []byte, last bool) bool {
	if s.until.Stop == "" {
		return s.count(piece, last)
	}
	stop := []byte(s.until.Stop)
	if i := bytes.Index(piece, stop); i >= 0 {
		s.found.Size += i
		s.found.Skip = len(stop)
		return true
	}
	if last {
		s.found.Size += len(piece)
		return true
	}
	s.found.Size += max(0, len(piece)-len(stop)+1) // the stop may have begun
	return false
}

func (s *search) count(piece []byte, last bool) bool {
	for s.left > 0 && len(piece) > 0 && (last || utf8.FullRune(piece)) {
		_, n := utf8.DecodeRune(piece)
		piece = piece[n:]
		s.found.Size += n
		s.left--
	}
	return last || s.left == 0
}

const (
	aheadSize = 16 << 10 // bytes that are read beyond a packet
	pieceSize = 64 << 10 // bytes of a long packet that are looked through at once
)

// errTooLong is returned by measure for a packet of more than MaxPacket bytes.
var errTooLong = errors.New("packet too long")

// reader cuts packets out of a document. Where it stands is its own: at, after which it has read ahead a little.
type reader struct {
	from  io.ReaderAt
	at    int64  // where the next packet begins
	ahead []byte // what stands there, as far as it has been read
	room  []byte // what ahead is a part of; nil until the first reading
}

// peek finds a packet in what has been read ahead.
func (r *reader) peek(u Until) (Packet, bool) {
	s := u.search()
	found := s.step(r.ahead, false)
	return s.found, found
}

// measure finds the next packet and stays before it. At the end of the document the packet is what is left; with nothing
// left the error is io.EOF. It waits for the disk.
func (r *reader) measure(u Until) (Packet, error) {
	last, err := r.fill()
	if err != nil {
		return Packet{}, err
	}
	s := u.search()
	if last && len(r.ahead) == 0 {
		return Packet{}, io.EOF
	}
	if s.step(r.ahead, last) {
		return s.found, nil
	}
	piece := make([]byte, pieceSize)
	for s.found.Size <= MaxPacket {
		n, err := r.from.ReadAt(piece, r.at+int64(s.found.Size))
		if err != nil && err != io.EOF {
			return Packet{}, err
		}
		if s.step(piece[:n], err == io.EOF) {
			break
		}
	}
	if s.found.Size > MaxPacket {
		return Packet{}, errTooLong
	}
	return s.found, nil
}

// fill reads ahead, and reports whether that is all that is left of the document.
func (r *reader) fill() (last bool, err error) {
	if r.room == nil {
		r.room = make([]byte, aheadSize)
	}
	n := copy(r.room, r.ahead)
	more, err := r.from.ReadAt(r.room[n:], r.at+int64(n))
	r.ahead = r.room[:n+more]
	if err == io.EOF {
		return true, nil
	}
	return false, err
}

// take reads a packet that peek or measure has found, and goes on behind it. It waits for the disk only if measure found
// it. A document that has become shorter meanwhile gives what is left.
func (r *reader) take(p Packet) (string, error) {
	all := p.Size + p.Skip
	if all <= len(r.ahead) {
		text := string(r.ahead[:p.Size])
		r.ahead = r.ahead[all:]
		r.at += int64(all)
		return text, nil
	}
	text := make([]byte, p.Size)
	n := copy(text, r.ahead)
	more, err := r.from.ReadAt(text[n:], r.at+int64(n))
	if err != nil && err != io.EOF {
		return "", err
	}
	r.drop()
	if err == io.EOF && n+more < p.Size {
		all = n + more
	}
	r.at += int64(all)
	return string(text[:n+more]), nil
}

// drop forgets what was read ahead.
func (r *reader) drop() { r.ahead = r.ahead[:0] }
