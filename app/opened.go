package app

import (
	"fmt"
	"io"
	"os"
	"strings"

	"postern/backend/care"
)

// invitationEnding is how the names of invitations end: the desktop opens Postern for them.
const invitationEnding = ".postern-invite"

// invitationLimit is more than any invitation has: a larger file is something else.
const invitationLimit = 64 << 10

// invited reads the invitation with which the program was opened, if any.
func invited(args []string) ([]byte, error) {
	if len(args) == 0 {
		return nil, nil
	}
	if !strings.HasSuffix(strings.ToLower(args[0]), invitationEnding) {
		return nil, care.Refusef(care.Invalid, "There is no command %q, and it is no invitation (%s). \"postern help\" lists the commands.", args[0], "*"+invitationEnding)
	}
	f, err := os.Open(args[0])
	if err != nil {
		return nil, care.Because(care.NotFound, err, "The invitation cannot be read.")
	}
	defer func() { _ = f.Close() }() // it was only read
	text, err := io.ReadAll(io.LimitReader(f, invitationLimit+1))
	if err != nil {
		return nil, care.Because(care.NotFound, fmt.Errorf("read the invitation: %w", err), "The invitation cannot be read.")
	}
	if len(text) > invitationLimit {
		return nil, care.Refusef(care.Invalid, "That file is too large to be an invitation.")
	}
	return text, nil
}
