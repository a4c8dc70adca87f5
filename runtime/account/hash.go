package account

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"
)

// Costs are what one check of a password costs. The zero value is no costs.
type Costs struct {
	Memory  uint32 // KiB
	Passes  uint32 // over that memory
	Threads uint32 // that work on it side by side
}

// String is as the hash has it: m=19456,t=2,p=1.
func (c Costs) String() string { return fmt.Sprintf("m=%d,t=%d,p=%d", c.Memory, c.Passes, c.Threads) }

// usual are the costs of new hashes: the first of those that OWASP's Password Storage Cheat Sheet asks for.
var usual = Costs{Memory: 19 << 10, Passes: 2, Threads: 1}

// Limits of what a users file may ask for. Whoever can write the file could otherwise stop the server with one line.
const (
	maxMemory            = 1 << 20 // KiB
	memoryOfThread       = 8       // KiB, the least that Argon2 can do with
	maxPasses            = 64
	maxThreads           = 16
	maxWork              = 1 << 20 // KiB times passes: a second or two of a processor
	minSalt, maxSalt     = 8, 64   // bytes
	minDigest, maxDigest = 16, 64  // bytes
)

// check says which cost is out of reason.
func (c Costs) check() error {
	switch {
	case c.Threads < 1 || c.Threads > maxThreads:
		return fmt.Errorf("the hash asks for p=%d; 1 to %d are allowed", c.Threads, maxThreads)
	case c.Passes < 1 || c.Passes > maxPasses:
		return fmt.Errorf("the hash asks for t=%d; 1 to %d are allowed", c.Passes, maxPasses)
	case c.Memory > maxMemory || c.Memory < memoryOfThread*c.Threads:
		return fmt.Errorf("the hash asks for m=%d; %d to %d (KiB) are allowed with p=%d", c.Memory, memoryOfThread*c.Threads,
			maxMemory, c.Threads)
	case uint64(c.Memory)*uint64(c.Passes) > maxWork:
		return fmt.Errorf("the hash asks for m=%d and t=%d; their product may be %d at the most, or each login takes seconds", c.Memory, c.Passes, maxWork)
	}
	return nil
}

// hash is what a users file knows of a password.
type hash struct {
	costs        Costs
	salt, digest []byte
}

// newHash hashes a password with a salt of its own. It blocks for as long as the costs say.
func newHash(password []byte, costs Costs) hash {
	h := hash{costs: costs, salt: make([]byte, 16)}
	rand.Read(h.salt) // never fails
	h.digest = h.of(password, 32)
	return h
}

// matches reports whether it is the hash of this password. It blocks for as long as the costs say.
func (h hash) matches(password []byte) bool {
	return subtle.ConstantTimeCompare(h.of(password, len(h.digest)), h.digest) == 1
}

func (h hash) of(password []byte, size int) []byte {
	return argon2.IDKey(password, h.salt, h.costs.Passes, h.costs.Memory, uint8(h.costs.Threads), uint32(size))
}

// prefix is how the PHC form of an Argon2id hash begins, up to its version.
const prefix = "$argon2id$"

// version is the one version of Argon2 in use, 1.3.
const version = "v=19"

// base64Text is how the PHC form writes salt and digest.
var base64Text = base64.RawStdEncoding.Strict()

// String is the PHC form.
func (h hash) String() string {
	return prefix + version + "$" + h.costs.String() + "$" + base64Text.EncodeToString(h.salt) + "$" +
		base64Text.EncodeToString(h.digest)
}

// errOtherHash is returned by parseHash for a hash of another kind, which only its owner's password could replace.
var errOtherHash = errors.New("the hash is not of the kind $argon2id$v=19$")

// parseHash reads the PHC form, and nothing that does not give the same text when it is written again. It refuses costs
// that are out of reason. No error shows any of the text.
func parseHash(text string) (hash, error) {
	rest, ok := strings.CutPrefix(text, prefix+version+"$")
	if !ok {
		return hash{}, errOtherHash
	}
	parts := strings.Split(rest, "$")
	if len(parts) != 3 {
		return hash{}, errors.New("the hash has parts too many or too few; its form is " + prefix + version + "$costs$salt$hash")
	}
	var h hash
	var err error
	if h.costs, err = parseCosts(parts[0]); err != nil {
		return hash{}, err
	}
	if h.salt, err = parseBytes("salt", parts[1], minSalt, maxSalt); err != nil {
		return hash{}, err
	}
	h.digest, err = parseBytes("hash", parts[2], minDigest, maxDigest)
	return h, err
}

// parseCosts reads m=19456,t=2,p=1.
func parseCosts(text string) (Costs, error) {
	var numbers [3]uint32
	parts := strings.Split(text, ",")
	for i, name := range []string{"m=", "t=", "p="} {
		if len(parts) != len(numbers) || !strings.HasPrefix(parts[i], name) {
			return Costs{}, errors.New("the costs of the hash are not in the form m=19456,t=2,p=1")
		}
		digits := parts[i][len(name):]
		n, err := strconv.ParseUint(digits, 10, 32)
		if err != nil || strconv.FormatUint(n, 10) != digits {
			return Costs{}, fmt.Errorf("the hash asks for %s something that is no number, or far too large a one", name)
		}
		numbers[i] = uint32(n)
	}
	c := Costs{Memory: numbers[0], Passes: numbers[1], Threads: numbers[2]}
	return c, c.check()
}

func parseBytes(what, text string, least, most int) ([]byte, error) {
	if len(text) > base64Text.EncodedLen(most) {
		return nil, fmt.Errorf("the %s has more than %d bytes", what, most)
	}
	b, err := base64Text.DecodeString(text)
	if err != nil || strings.ContainsAny(text, "\r\n") { // which the decoder skips
		return nil, fmt.Errorf("the %s is not in base64 without padding", what)
	}
	if len(b) < least {
		return nil, fmt.Errorf("the %s has %d bytes; %d to %d are allowed", what, len(b), least, most)
	}
	return b, nil
}
