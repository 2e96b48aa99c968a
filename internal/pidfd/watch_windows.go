package pidfd

import (
	"os"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"
)

// A Watch is one process being watched, by the thread pool of the system. That has a thread for
// each 63 of them.
type Watch struct {
	f       func()
	key     uintptr
	process windows.Handle // a duplicate, as os may close its own; keeps the number and the status until f has returned

	registration sync.Mutex // held until wait is set
	wait         windows.Handle
}

// AfterExit arranges for f to be called once p has ended, on a goroutine that
// watches many processes: f must not block. It is never called after an error.
//
// The error is [os.ErrProcessDone] if p was waited for, and that of the system call if handles or
// threads ran out.
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
	// The system may have the callback run before it returns, and the callback may be what it
	// waits for: no lock of the watches is held.
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

// AfterStateChange is AfterExit: nothing can be traced here.
func (p Process) AfterStateChange(f func()) (*Watch, error) { return p.AfterExit(f) }

// Stop ends the watch. If the process ends meanwhile, the function may be running or about to
// run when Stop returns.
func (w *Watch) Stop() {
	if byHandle.remove(w) {
		w.unregister()
		windows.CloseHandle(w.process)
	}
}

// unregister has the system forget w. It waits for the callback, which does not take long, if
// that is running.
func (w *Watch) unregister() {
	w.registration.Lock()
	defer w.registration.Unlock()
	unregisterWait(w.wait)
}

// byHandle are the watches.
var byHandle watches

// watches have a goroutine, while there are any, that calls their functions.
type watches struct {
	mu      sync.Mutex // guards everything below; never held while a watch's f runs
	last    uintptr    // the key given last
	all     map[uintptr]*Watch
	ended   []*Watch
	running bool
	news    windows.Handle // an event, that resets itself
}

// add adds w. The goroutine waits for news in a system call: from one that all goroutines wait in Go
// for what a thread of the system will tell, the runtime would conclude that the program is dead.
func (s *watches) add(w *Watch) (err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		if s.news, err = windows.CreateEvent(nil, 0, 0, nil); err != nil {
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

// remove removes w, and reports whether it was there.
func (s *watches) remove(w *Watch) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, there := s.all[w.key]
	delete(s.all, w.key)
	if len(s.all) == 0 {
		windows.SetEvent(s.news)
	}
	return there
}

// end is called by the system, in a thread of its own, when the process has ended of the watch
// that has the key. It may come late, when the watch was removed.
func (s *watches) end(key uintptr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if w := s.all[key]; w != nil {
		s.ended = append(s.ended, w)
		windows.SetEvent(s.news)
	}
}

// run calls the functions of the watches whose process has ended until nothing is watched.
func (s *watches) run() {
	for s.watching() {
		windows.WaitForSingleObject(s.news, windows.INFINITE)
		s.mu.Lock()
		ended := s.ended
		s.ended = nil
		s.mu.Unlock()
		for _, w := range ended {
			if s.remove(w) {
				w.f() // first: somebody waits for it
				w.unregister()
				windows.CloseHandle(w.process)
				kept.look()
			}
		}
	}
}

// watching reports whether anything is watched. If not, run returns: the decision and the note of
// it are one, so that add knows to start it again.
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

// registerWait has ended called with the key once the process has ended.
func registerWait(process windows.Handle, key uintptr) (wait windows.Handle, err error) {
	ok, _, err := registerWaitForSingleObject.Call(uintptr(unsafe.Pointer(&wait)), uintptr(process), callback(), key,
		windows.INFINITE, wtExecuteOnlyOnce|wtExecuteInWaitThread)
	if ok == 0 {
		return 0, os.NewSyscallError("RegisterWaitForSingleObject", err)
	}
	return wait, nil
}

// unregisterWait ends what registerWait has begun. ended is not called any more once it has returned.
func unregisterWait(wait windows.Handle) {
	unregisterWaitEx.Call(uintptr(wait), uintptr(windows.InvalidHandle))
}
