package notice

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"regexp"
	"slices"
	"strings"

	"postern/backend/care"
)

var alphabet = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// NewToken makes the token of a notice's Reply-To: 128 random bits in 26 characters. Whoever answers with it shows that they had
// the notice, no more.
func NewToken() string {
	var bits [16]byte
	_, _ = rand.Read(bits[:]) // it never fails: the program ends first
	return alphabet.EncodeToString(bits[:])
}

// Hash is the hash of a token, as a notice's event keeps it.
func Hash(token string) string {
	return care.EventID(sha256.Sum256([]byte(strings.ToLower(token)))).String()
}

// Address gives the address that bears a token, and with none the one that bears none: of "care@clinic.example" it is
// "care+TOKEN@clinic.example" or itself, of "*@reply.clinic.example", which takes everything, "TOKEN@reply.clinic.example" or
// "stop@reply.clinic.example". Of no base it is none.
func Address(base, token string) string {
	local, domain, is := strings.Cut(base, "@")
	switch {
	case !is:
		return ""
	case local == "*" && token == "":
		local = "stop"
	case local == "*":
		local = token
	case token != "":
		local += "+" + token
	}
	return local + "@" + domain
}

var bearing = regexp.MustCompile(`(?:^|[^A-Za-z0-9])([A-Za-z2-7]{26})@`)

// Tokens finds what may be a token in addresses, as they stand in headers or an envelope, in lower case and each once: mail systems
// change the case of addresses.
func Tokens(addresses ...string) (all []string) {
	for _, a := range addresses {
		for _, found := range bearing.FindAllStringSubmatch(a, -1) {
			if t := strings.ToLower(found[1]); !slices.Contains(all, t) {
				all = append(all, t)
			}
		}
	}
	return all
}

var named = regexp.MustCompile(`(?:^|[^a-z0-9])([a-z2-7]{32})(?:$|[^a-z0-9])`)

// Envelopes finds what may be an Envelope in what names a mail, a Message-ID for one, in lower case and each once.
func Envelopes(names ...string) (all []string) {
	for _, n := range names {
		for _, found := range named.FindAllStringSubmatch(strings.ToLower(n), -1) {
			if !slices.Contains(all, found[1]) {
				all = append(all, found[1])
			}
		}
	}
	return all
}
