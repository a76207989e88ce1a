package app

import (
	"fmt"
	"io/fs"
	"os"
	"unsafe"

	"golang.org/x/sys/windows"

	"postern/backend/care"
)

// private refuses a file whose list of access lets somebody in whom everybody is: Everyone, all who are signed in, all users or
// guests of this computer; or which has no such list. Single accounts and other groups that it names are not looked at.
func private(f *os.File, _ fs.FileInfo, _ bool) error {
	list, err := windows.GetSecurityInfo(windows.Handle(f.Fd()), windows.SE_FILE_OBJECT, windows.DACL_SECURITY_INFORMATION)
	if err != nil {
		return care.Because(care.Forbidden, err, "Who can read the file "+f.Name()+" cannot be found out, so it is not used.")
	}
	refused := func(why string) error {
		return care.Because(care.Forbidden, fmt.Errorf("%s", why), "Others can read the file "+f.Name()+". Let nobody have it but the account that runs Postern: icacls FILE /inheritance:r /grant:r ACCOUNT:R")
	}
	access, _, err := list.DACL()
	if err != nil || access == nil {
		return refused("it has no list of access")
	}
	for n := range uint32(access.AceCount) {
		var entry *windows.ACCESS_ALLOWED_ACE
		if err := windows.GetAce(access, n, &entry); err != nil {
			return refused(err.Error())
		}
		if entry.Header.AceType != windows.ACCESS_ALLOWED_ACE_TYPE || entry.Header.AceFlags&windows.INHERIT_ONLY_ACE != 0 {
			continue
		}
		who := (*windows.SID)(unsafe.Pointer(&entry.SidStart))
		for _, all := range []windows.WELL_KNOWN_SID_TYPE{windows.WinWorldSid, windows.WinAuthenticatedUserSid, windows.WinBuiltinUsersSid,
			windows.WinInteractiveSid, windows.WinBuiltinGuestsSid, windows.WinAnonymousSid} {
			if who.IsWellKnown(all) {
				return refused("its list of access names " + who.String())
			}
		}
	}
	return nil
}
