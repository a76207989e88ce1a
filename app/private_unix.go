//go:build !windows

package app

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"postern/backend/care"
)

// private refuses a file that another account can read, or could have written: it has to be this account's or root's, with no
// leave for the group or for others. Of what systemd handed, the leave of the group is how it lets this account alone read it.
func private(f *os.File, info fs.FileInfo, handed bool) error {
	open := fs.FileMode(0o077)
	if handed {
		open = 0o027
	}
	if info.Mode().Perm()&open != 0 {
		return care.Because(care.Forbidden, fmt.Errorf("its mode is %04o", info.Mode().Perm()),
			"Others can read the file "+f.Name()+". Take that leave away first: chmod 600 "+f.Name())
	}
	if s, known := info.Sys().(*syscall.Stat_t); known && s.Uid != 0 && int(s.Uid) != os.Getuid() {
		return care.Because(care.Forbidden, fmt.Errorf("it belongs to the account %d", s.Uid),
			"The file "+f.Name()+" belongs to another account, which can read it and change it. Give it to the account that runs Postern, or to root.")
	}
	return nil
}
