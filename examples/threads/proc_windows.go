package main

import (
	"os"
	"unsafe"

	"golang.org/x/sys/windows"
)

// threads returns the number of threads of this process, or nil if it is unknown.
func threads() *int {
	snapshot, err := windows.CreateToolhelp32Snapshot(windows.TH32CS_SNAPTHREAD, 0)
	if err != nil {
		return nil
	}
	defer windows.CloseHandle(snapshot)
	n := 0
	entry := windows.ThreadEntry32{Size: uint32(unsafe.Sizeof(windows.ThreadEntry32{}))}
	for err = windows.Thread32First(snapshot, &entry); err == nil; err = windows.Thread32Next(snapshot, &entry) {
		if int(entry.OwnerProcessID) == os.Getpid() {
			n++
		}
	}
	return &n
}

// proc returns nil: Windows has no /proc. (Under Wine, the files of Linux would be there.)
func proc(file, key string) *int { return nil }
