package pidfd

import (
	"os"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"
)

// A Watch is a process being watched by the thread pool of the system, which uses a thread for each
// 63 of them.
type Watch struct {
	f       func()
	key     uintptr
	process windows.Handle // a duplicate, since os may close its own; keeps the PID and the exit status until f has returned

	registration sync.Mutex // held until wait is set
	wait         windows.Handle
}

// AfterExit arranges for f to be called once p has ended, in the goroutine that watches all
// processes: f must not block. If AfterExit returns an error, f is never called.
//
// The error is [os.ErrProcessDone] if p was waited for, and that of the system call if it has
// failed.
func (p Process) AfterExit(f func()) (*Watch, error) {
	w := &Watch{f: f}
	self := windows.CurrentProcess()
	var dupErr error
	err := p.OS.WithHandle(func(handle uintptr) {
		dupErr = windows.DuplicateHandle(self, windows.Handle(handle), self, &w.process, windows.SYNCHRONIZE, false, 0)
	})
	if err == nil {
		err = os.NewSyscallError("DuplicateHandle", dupErr)
	}
	if err != nil {
		return nil, err
	}
	// The system may run the callback, and wait for it, before it returns, so the lock of the
	// watches must not be held.
	w.registration.Lock()
	defer w.registration.Unlock()
	if err = byHandle.add(w); err == nil {
		if w.wait, err = registerWait(w.process, w.key); err == nil {
			return w, nil
		}
		byHandle.remove(w)
	}
	windows.CloseHandle(w.process)
	return nil, err
}

// AfterStateChange is AfterExit: processes are not traced here.
func (p Process) AfterStateChange(f func()) (*Watch, error) { return p.AfterExit(f) }

// Stop ends the watch. If the process ends at the same time, f may be running or about to run when
// Stop returns.
func (w *Watch) Stop() {
	if byHandle.remove(w) {
		w.unregister()
		windows.CloseHandle(w.process)
	}
}

// unregister cancels the registered wait. If the callback is running, it blocks until that has
// returned, which does not take long.
func (w *Watch) unregister() {
	w.registration.Lock()
	defer w.registration.Unlock()
	unregisterWait(w.wait)
}

// byHandle holds all watches.
var byHandle watches

// watches is a set of watches. While it is not empty, a goroutine calls their functions.
type watches struct {
	mu      sync.Mutex // guards everything below; never held while a watch's f runs
	last    uintptr    // the newest key
	all     map[uintptr]*Watch
	ended   []*Watch
	running bool
	exits   windows.Handle // an auto-reset event: ended or all has changed
}

// add adds w. The goroutine blocks in a system call: if all goroutines were blocked in Go, waiting
// for what a thread of the system will report, the runtime would report a deadlock.
func (s *watches) add(w *Watch) (err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		if s.exits, err = windows.CreateEvent(nil, 0, 0, nil); err != nil {
			return os.NewSyscallError("CreateEvent", err)
		}
		s.all = make(map[uintptr]*Watch)
	}
	s.last++
	w.key = s.last
	s.all[w.key] = w
	if !s.running {
		s.running = true
		go s.run()
	}
	return nil
}

// remove removes w, and reports whether it was in the set.
func (s *watches) remove(w *Watch) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, there := s.all[w.key]
	delete(s.all, w.key)
	if len(s.all) == 0 {
		windows.SetEvent(s.exits)
	}
	return there
}

// end is called by a thread of the system when the process of the watch with the key has ended. The
// watch may have been removed at the same time.
func (s *watches) end(key uintptr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if w := s.all[key]; w != nil {
		s.ended = append(s.ended, w)
		windows.SetEvent(s.exits)
	}
}

// run calls the functions of watches whose process has ended, until the set is empty.
func (s *watches) run() {
	for s.watching() {
		windows.WaitForSingleObject(s.exits, windows.INFINITE)
		s.mu.Lock()
		ended := s.ended
		s.ended = nil
		s.mu.Unlock()
		for _, w := range ended {
			if s.remove(w) {
				w.f() // first, since others wait for it
				w.unregister()
				windows.CloseHandle(w.process)
				kept.closeEmpty()
			}
		}
	}
}

// watching reports whether the set is not empty. If it is, run returns, and add starts it again.
func (s *watches) watching() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running = len(s.all) > 0
	return s.running
}

var (
	kernel32                    = windows.NewLazySystemDLL("kernel32.dll")
	registerWaitForSingleObject = kernel32.NewProc("RegisterWaitForSingleObject")
	unregisterWaitEx            = kernel32.NewProc("UnregisterWaitEx")
	callback                    = sync.OnceValue(func() uintptr { return syscall.NewCallback(ended) })
)

// ended is the WAITORTIMERCALLBACK of all watches.
func ended(key uintptr, timedOut uintptr) uintptr {
	byHandle.end(key)
	return 0
}

// Flags of RegisterWaitForSingleObject.
const (
	wtExecuteInWaitThread = 0x4
	wtExecuteOnlyOnce     = 0x8
)

// registerWait arranges for ended to be called with the key once the process has ended.
func registerWait(process windows.Handle, key uintptr) (wait windows.Handle, err error) {
	ok, _, err := registerWaitForSingleObject.Call(uintptr(unsafe.Pointer(&wait)), uintptr(process), callback(), key,
		windows.INFINITE, wtExecuteOnlyOnce|wtExecuteInWaitThread)
	if ok == 0 {
		return 0, os.NewSyscallError("RegisterWaitForSingleObject", err)
	}
	return wait, nil
}

// unregisterWait cancels a wait. After it has returned, ended is not called any more.
func unregisterWait(wait windows.Handle) {
	unregisterWaitEx.Call(uintptr(wait), uintptr(windows.InvalidHandle))
}
