package enrol

import (
	"crypto/rand"
	"crypto/sha256"
	"strings"

	"postern/backend/care"
	"postern/backend/trust/vault"
)

// An invitation's code is 75 random bits as fifteen characters, and one that tells a slip of the pen.
const (
	codeLength = 16
	codeGroup  = 4
	slipLabel  = "postern.invite.slip.v1\n"
)

func newCode() string {
	var raw [codeLength - 1]byte
	_, _ = rand.Read(raw[:]) // never fails: crypto/rand ends the program instead
	for i, b := range raw {
		raw[i] = vault.CodeAlphabet[b&31]
	}
	return string(raw[:]) + slip(string(raw[:]))
}

func slip(code string) string {
	sum := sha256.Sum256([]byte(slipLabel + code))
	return string(vault.CodeAlphabet[sum[0]&31])
}

// ShowCode writes a code in groups of four.
func ShowCode(code string) string {
	var groups []string
	for ; len(code) > codeGroup; code = code[codeGroup:] {
		groups = append(groups, code[:codeGroup])
	}
	return strings.Join(append(groups, code), "-")
}

// ParseCode reads a code as people type it: in either case, with or without hyphens and spaces, O for 0, I or L for 1. What
// is no code is care.Invalid in the field "code"; it says nothing of any invitation.
func ParseCode(typed string) (string, error) {
	var b strings.Builder
	for _, r := range strings.ToUpper(typed) {
		r, counts := vault.CodeCharacter(r)
		if !counts {
			continue
		}
		if !strings.ContainsRune(vault.CodeAlphabet, r) {
			return "", badCode("An invitation code has only letters and digits, and no U.")
		}
		b.WriteRune(r)
	}
	code := b.String()
	switch {
	case len(code) < codeLength:
		return "", badCode("That is too short: an invitation code has four groups of four.")
	case len(code) > codeLength:
		return "", badCode("That is too long: an invitation code has four groups of four.")
	case slip(code[:codeLength-1]) != code[codeLength-1:]:
		return "", badCode("One of the characters is not as on the letter. Compare them group by group.")
	}
	return code, nil
}

func badCode(sentence string) error { return care.Refusef(care.Invalid, "%s", sentence).In("code") }
