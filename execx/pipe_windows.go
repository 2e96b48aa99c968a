package execx

import (
	"cmp"
	"os"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"

	"go.execx.dev/internal/pidfd"
)

// wake makes all reads of r fail that are in progress. Each blocks a thread of the system, and may
// not have begun to block, so they are canceled until there are none.
func wake(r *os.File, reading *atomic.Int32) bool {
	if reading.Load() == 0 {
		return true
	}
	go func() {
		for reading.Load() > 0 {
			control(r, func(pipe windows.Handle) { windows.CancelIoEx(pipe, nil) })
			pidfd.Pause(time.Millisecond)
		}
	}()
	return true
}

// setNonblock does nothing: package os does not change the file for a process.
func setNonblock(r *os.File) {}

// readBuffered reads what is in the pipe. It returns 0 if the pipe is empty.
func readBuffered(r *os.File, b []byte) (n int, err error) {
	conn, err := r.SyscallConn()
	if err != nil {
		return 0, err
	}
	// No other read is in progress, which could take the data.
	rawErr := conn.Read(func(pipe uintptr) (done bool) {
		if available(windows.Handle(pipe)) > 0 && len(b) > 0 {
			n, err = windows.Read(windows.Handle(pipe), b)
			n, err = max(n, 0), os.NewSyscallError("ReadFile", err)
		}
		return true
	})
	return n, cmp.Or(err, rawErr)
}

// buffered returns the number of bytes in the pipe.
func buffered(r *os.File) (n int) {
	control(r, func(pipe windows.Handle) { n = available(pipe) })
	return n
}

func available(pipe windows.Handle) int {
	n, _ := peek(pipe)
	return n
}

// hungUp reports whether the pipe that r reads from is empty and has no writer any more. It blocks
// while a read is in progress.
func hungUp(r *os.File) (hungUp bool) {
	control(r, func(pipe windows.Handle) {
		_, err := peek(pipe)
		hungUp = err == windows.ERROR_BROKEN_PIPE
	})
	return hungUp
}

var peekNamedPipe = windows.NewLazySystemDLL("kernel32.dll").NewProc("PeekNamedPipe")

func peek(pipe windows.Handle) (available int, err error) {
	var n uint32
	if ok, _, err := peekNamedPipe.Call(uintptr(pipe), 0, 0, 0, uintptr(unsafe.Pointer(&n)), 0); ok == 0 {
		return 0, err
	}
	return int(n), nil
}

func control(r *os.File, f func(pipe windows.Handle)) {
	if conn, err := r.SyscallConn(); err == nil {
		conn.Control(func(pipe uintptr) { f(windows.Handle(pipe)) })
	}
}
