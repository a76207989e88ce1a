package backend

import "golang.org/x/sys/windows"

// room is how many bytes the disk of a folder has, and how many are left to this account.
func room(dir string) (free, size int64, err error) {
	name, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return 0, 0, err
	}
	var left, all uint64
	if err := windows.GetDiskFreeSpaceEx(name, &left, &all, nil); err != nil {
		return 0, 0, err
	}
	return int64(left), int64(all), nil
}
