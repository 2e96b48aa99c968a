// Package toolhelp lists processes on Windows.
package toolhelp

import (
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

// A Process is a process that has not ended.
type Process struct {
	Pid     int
	Program string // the name of its executable file
	Created time.Time
}

// Children returns the children of this process that have not ended. It does not return children of
// an earlier process with the same PID.
func Children() ([]Process, error) {
	ours, err := created(windows.CurrentProcess())
	if err != nil {
		return nil, err
	}
	return childrenSince(ours)
}

// childrenSince returns the children of this process, and of earlier ones with its PID, that were
// created at then or later.
func childrenSince(then time.Time) ([]Process, error) {
	snapshot, err := windows.CreateToolhelp32Snapshot(windows.TH32CS_SNAPPROCESS, 0)
	if err != nil {
		return nil, os.NewSyscallError("CreateToolhelp32Snapshot", err)
	}
	defer windows.CloseHandle(snapshot)
	var children []Process
	entry := windows.ProcessEntry32{Size: uint32(unsafe.Sizeof(windows.ProcessEntry32{}))}
	for err = windows.Process32First(snapshot, &entry); err == nil; err = windows.Process32Next(snapshot, &entry) {
		if int(entry.ParentProcessID) != os.Getpid() {
			continue
		}
		if at, alive := inspect(entry.ProcessID); alive && !at.Before(then) {
			children = append(children, Process{int(entry.ProcessID), windows.UTF16ToString(entry.ExeFile[:]), at})
		}
	}
	return children, nil
}

// inspect returns the time at which the process was created, and whether it has not ended.
func inspect(pid uint32) (at time.Time, alive bool) {
	process, err := windows.OpenProcess(windows.SYNCHRONIZE|windows.PROCESS_QUERY_LIMITED_INFORMATION, false, pid)
	if err != nil {
		return time.Time{}, false
	}
	defer windows.CloseHandle(process)
	event, err := windows.WaitForSingleObject(process, 0)
	if err != nil || event != uint32(windows.WAIT_TIMEOUT) {
		return time.Time{}, false
	}
	at, err = created(process)
	return at, err == nil
}

func created(process windows.Handle) (time.Time, error) {
	var at, exit, kernel, user windows.Filetime
	if err := windows.GetProcessTimes(process, &at, &exit, &kernel, &user); err != nil {
		return time.Time{}, os.NewSyscallError("GetProcessTimes", err)
	}
	return time.Unix(0, at.Nanoseconds()), nil
}
