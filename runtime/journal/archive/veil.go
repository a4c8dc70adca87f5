package archive

import (
	"cmp"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Veil makes rows anonymous: users get pseudonyms and addresses others, the same one each time, also inside of
// reasons, facts and what was read. Who has the key, and only they, can find out which pseudonym is whose by trying.
//
// Addresses are mapped one to one, and two of them have as many leading bits in common afterwards as before
// (Crypto-PAn's idea: each bit is flipped or not by a secret function of the bits before it). Networks that are
// kept stay what they are: an address is in one afterwards exactly if it was before. These are the private ones and
// other special ones (RFC 6890), and those that the maker of the veil names: the networks of his rules. Loopback
// addresses and 0.0.0.0 stay.
//
// Lost is: which networks other than those addresses were in, names in what scripts compare with, and who it is in
// what depends on a name or an address by more than equality. Not veiled is everything else that a row or a read has:
// other texts, such as those in the scripts' own tables, ports, times, numbers of accounts. One goroutine uses it.
type Veil struct {
	block   cipher.Block
	secret  []byte
	kept    []netip.Prefix
	mapped  map[netip.Addr]netip.Addr
	names   map[string]string // of users, and their pseudonyms
	folded  map[string]string // the same by the names in small letters
	lengths []int             // of names, the longest first
}

// special are networks that are kept always, and still those in which addresses are not mapped at all.
var (
	special = networks("0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.168.0.0/16 224.0.0.0/4 240.0.0.0/4 ::/127 fc00::/7 fe80::/10 ff00::/8")
	still   = networks("0.0.0.0/8 127.0.0.0/8 ::/127")
)

func networks(list string) (all []netip.Prefix) {
	for _, s := range strings.Fields(list) {
		all = append(all, netip.MustParsePrefix(s))
	}
	return all
}

// NewVeil makes a veil. The same key gives the same pseudonyms. keep are networks that stay what they are.
func NewVeil(key []byte, keep []netip.Prefix) *Veil {
	sum := sha256.Sum256(append([]byte("moongate veil\n"), key...))
	block, err := aes.NewCipher(sum[:16])
	if err != nil {
		panic(err) // 16 bytes are a key
	}
	v := &Veil{block: block, secret: sum[16:], mapped: map[netip.Addr]netip.Addr{}, names: map[string]string{}, folded: map[string]string{}}
	for _, k := range append(slices.Clone(special), keep...) {
		v.kept = append(v.kept, k.Masked())
	}
	return v
}

// ownNames are users who are nobody in particular.
var ownNames = []string{"", "Designer", "Administrator"}

// Know says that there is a user of that name, so that it is veiled wherever it comes, also in rows of others.
func (v *Veil) Know(name string) { v.name(name) }

// name is the pseudonym of a user.
func (v *Veil) name(name string) string {
	if slices.Contains(ownNames, name) {
		return name
	}
	if a, err := netip.ParseAddr(name); err == nil {
		return v.address(a).String()
	}
	if other, ok := v.names[name]; ok {
		return other
	}
	other := "user-" + v.pseudonym(name)
	v.names[name] = other
	if small := strings.ToLower(name); v.folded[small] == "" {
		v.folded[small] = other
	}
	if at, ok := slices.BinarySearchFunc(v.lengths, len(name), func(a, b int) int { return b - a }); !ok {
		v.lengths = slices.Insert(v.lengths, at, len(name))
	}
	return other
}

// pseudonym is some letters that stand for a text.
func (v *Veil) pseudonym(s string) string { return hex.EncodeToString(v.digest(s))[:10] }

func (v *Veil) digest(s string) []byte {
	h := hmac.New(sha256.New, v.secret)
	h.Write([]byte(s))
	return h.Sum(nil)
}

// address is the address that stands for another one.
func (v *Veil) address(a netip.Addr) netip.Addr {
	zone := a.Zone()
	a = a.Unmap().WithZone("")
	if !a.IsValid() || slices.ContainsFunc(still, func(n netip.Prefix) bool { return n.Contains(a) }) {
		return a.WithZone(zone)
	}
	other, ok := v.mapped[a]
	if !ok {
		other = v.flipped(a)
		v.mapped[a] = other
	}
	return other.WithZone(zone)
}

// flipped flips bits of an address, each by what comes before it.
func (v *Veil) flipped(a netip.Addr) netip.Addr {
	from := a.AsSlice()
	to := slices.Clone(from)
	for bit := range len(from) * 8 {
		prefix, err := a.Prefix(bit)
		if err != nil || slices.ContainsFunc(v.kept, func(k netip.Prefix) bool { return k.Bits() > bit && prefix.Contains(k.Addr()) }) {
			continue // on the way to a network that is kept
		}
		if v.coin(prefix) {
			to[bit/8] ^= 0x80 >> (bit % 8)
		}
	}
	other, _ := netip.AddrFromSlice(to)
	return other
}

// coin is a secret bit of a prefix.
func (v *Veil) coin(p netip.Prefix) bool {
	var in, out [16]byte
	sixteen := p.Addr().As16() // where IPv4 is somewhere else than IPv6
	copy(in[:], sixteen[:])
	var first [16]byte
	v.block.Encrypt(first[:], in[:])
	first[0] ^= byte(p.Bits())
	first[1] ^= byte(p.Addr().BitLen())
	v.block.Encrypt(out[:], first[:])
	return out[0]&1 == 1
}

// addrPort is the same with a port, which stays.
func (v *Veil) addrPort(a netip.AddrPort) netip.AddrPort {
	if !a.IsValid() {
		return a
	}
	return netip.AddrPortFrom(v.address(a.Addr()), a.Port())
}

// Numbers of users that are made from what they stand for: of an IPv4 address between these two, of names and IPv6
// addresses below (see package host).
const (
	firstAddress = -1 << 32
	firstName    = 2 * firstAddress
)

// number is the number of a user whose number was made from an address or a name; other numbers stay.
func (v *Veil) number(n int64) int64 {
	switch {
	case n > firstAddress:
		return n
	case n > firstName:
		var four [4]byte
		binary.BigEndian.PutUint32(four[:], uint32(firstAddress-n))
		other := v.address(netip.AddrFrom4(four)).As4()
		return firstAddress - int64(binary.BigEndian.Uint32(other[:]))
	}
	var bytes [8]byte
	binary.BigEndian.PutUint64(bytes[:], uint64(n))
	return firstName - int64(binary.BigEndian.Uint64(v.digest(string(bytes[:])))>>16)
}

// prose is a text in which names and made numbers are replaced where they stand as words, and addresses wherever they stand:
// scripts put them behind words of their own (login_203.0.113.7) and before others (203.0.113.7.dyn.isp.net).
func (v *Veil) prose(s string) string {
	var b strings.Builder
	for at, word := 0, true; at < len(s); {
		other, n := "", 0
		if word {
			other, n = v.wordAt(s[at:])
		}
		if n == 0 {
			other, n = v.addressAt(s, at)
		}
		if n > 0 {
			b.WriteString(other)
			at, word = at+n, false
			continue
		}
		r, size := utf8.DecodeRuneInString(s[at:])
		b.WriteString(s[at : at+size])
		word = !partOfWord(r)
		at += size
	}
	return b.String()
}

// partOfWord reports whether a name cannot begin behind this. It can behind an underscore: seen_ann is a name of scripts.
func partOfWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// wordAt is what stands for the name or number with which s begins, and how long that is; 0: nothing has to.
func (v *Veil) wordAt(s string) (string, int) {
	for _, n := range v.lengths {
		if n > len(s) {
			continue
		}
		if other := cmp.Or(v.names[s[:n]], v.folded[strings.ToLower(s[:n])]); other != "" {
			if r, _ := utf8.DecodeRuneInString(s[n:]); n == len(s) || !partOfWord(r) {
				return other, n
			}
		}
	}
	return v.numberAt(s)
}

// addressAt is what stands for the address, or the network, that begins in s at a byte, and how long that is.
func (v *Veil) addressAt(s string, at int) (string, int) {
	a, n := address4(s, at)
	if n == 0 {
		a, n = address6(s, at)
	}
	if n == 0 {
		return "", 0
	}
	other, behind := v.address(a), s[at+n:]
	if bits := digits(strings.TrimPrefix(behind, "/")); bits != "" && behind[0] == '/' {
		if size, err := strconv.Atoi(bits); err == nil {
			if network, err := other.Prefix(size); err == nil {
				return network.String(), n + 1 + len(bits)
			}
		}
	}
	return other.String(), n
}

// address4 is the IPv4 address that begins in s at a byte, and its length, 0 for none. Four numbers of more are none.
func address4(s string, at int) (netip.Addr, int) {
	if at > 0 && strings.IndexByte("0123456789.", s[at-1]) >= 0 {
		return netip.Addr{}, 0
	}
	n := 0
	for group := range 4 {
		if group > 0 {
			if at+n == len(s) || s[at+n] != '.' {
				return netip.Addr{}, 0
			}
			n++
		}
		n += len(digits(s[at+n:]))
	}
	behind := s[at+n:]
	if len(behind) > 1 && behind[0] == '.' && digits(behind[1:]) != "" {
		return netip.Addr{}, 0
	}
	a, err := netip.ParseAddr(s[at : at+n])
	if err != nil {
		return netip.Addr{}, 0
	}
	return a, n
}

const (
	hexadecimal = "0123456789abcdefABCDEF"
	longest6    = 45 // bytes of an IPv6 address with an IPv4 one in it
)

// address6 is the same for IPv6: the longest one that begins there.
func address6(s string, at int) (netip.Addr, int) {
	if at > 0 && strings.IndexByte(hexadecimal+":", s[at-1]) >= 0 {
		return netip.Addr{}, 0
	}
	n := at
	for n < min(len(s), at+longest6) && strings.IndexByte(hexadecimal+":.", s[n]) >= 0 {
		n++
	}
	run := s[at:n]
	if colon := strings.IndexByte(run, ':'); colon < 0 || colon > 4 {
		return netip.Addr{}, 0
	}
	for n := len(run); n >= len("::"); n-- {
		if a, err := netip.ParseAddr(run[:n]); err == nil {
			return a, n
		}
	}
	return netip.Addr{}, 0
}

// digits are those with which s begins.
func digits(s string) string {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return s[:n]
}

// numberAt is the same for numbers that are made.
func (v *Veil) numberAt(s string) (string, int) {
	if s[0] != '-' {
		return "", 0
	}
	n := 1 + len(digits(s[1:]))
	number, err := strconv.ParseInt(s[:n], 10, 64)
	if err != nil || number > firstAddress {
		return "", 0
	}
	return strconv.FormatInt(v.number(number), 10), n
}
