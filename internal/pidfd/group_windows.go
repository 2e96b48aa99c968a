package pidfd

import (
	"cmp"
	"os"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

// A Group is the job object that a process was started in. It contains the process and its
// descendants.
type Group struct {
	mu          sync.Mutex     // held while job is closed, and by Alive, which is called without other locks
	job         windows.Handle // 0 if closed
	leader      windows.Handle // keeps the PID of the leader, which is the ID of its console process group, from being reused
	pid         int            // of the leader
	killsOnExit bool
}

// NewGroup returns nil: a process that was not started in a job leads no group.
func NewGroup(p Process) *Group { return nil }

// NewJob returns a new job that contains p, which was created suspended, and resumes p if resumes
// is set. So every process that p starts belongs to the job. If killsOnExit is set, all processes
// of the job are killed when this program ends for any reason. If NewJob returns an error, p has
// not run.
func NewJob(p *os.Process, killsOnExit, resumes bool) (*Group, error) {
	job, err := windows.CreateJobObject(nil, nil)
	if err != nil {
		return nil, os.NewSyscallError("CreateJobObject", err)
	}
	g := &Group{job: job, pid: p.Pid}
	withErr := p.WithHandle(func(handle uintptr) { err = g.assign(windows.Handle(handle), killsOnExit, resumes) })
	if err = cmp.Or(err, withErr); err != nil {
		g.close()
		return nil, err
	}
	return g, nil
}

func (g *Group) assign(process windows.Handle, killsOnExit, resumes bool) error {
	self := windows.CurrentProcess()
	if err := windows.DuplicateHandle(self, process, self, &g.leader, windows.SYNCHRONIZE, false, 0); err != nil {
		return os.NewSyscallError("DuplicateHandle", err)
	}
	if killsOnExit {
		if err := g.killOnExit(); err != nil {
			return err
		}
	}
	if err := windows.AssignProcessToJobObject(g.job, process); err != nil {
		return os.NewSyscallError("AssignProcessToJobObject", err)
	}
	if resumes {
		return resume(process)
	}
	return nil
}

var ntResumeProcess = windows.NewLazySystemDLL("ntdll.dll").NewProc("NtResumeProcess")

// resume resumes a process that was created suspended. The documented way is to resume its thread,
// but package os has closed the handle of that, and finding it takes a list of all threads of the
// system.
func resume(process windows.Handle) error {
	if err := ntResumeProcess.Find(); err != nil {
		return err
	}
	if status, _, _ := ntResumeProcess.Call(uintptr(process)); status != 0 {
		return os.NewSyscallError("NtResumeProcess", windows.NTStatus(status))
	}
	return nil
}

// killOnExit makes the system kill all processes of the job when its last handle is closed.
func (g *Group) killOnExit() error {
	g.killsOnExit = true
	limits := windows.JOBOBJECT_EXTENDED_LIMIT_INFORMATION{
		BasicLimitInformation: windows.JOBOBJECT_BASIC_LIMIT_INFORMATION{
			LimitFlags: windows.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE,
		},
	}
	ok, _, err := setInformationJobObject.Call(uintptr(g.job), windows.JobObjectExtendedLimitInformation,
		uintptr(unsafe.Pointer(&limits)), unsafe.Sizeof(limits))
	if ok == 0 {
		return os.NewSyscallError("SetInformationJobObject", err)
	}
	return nil
}

// The functions of package windows with these names take the address of the information as a
// uintptr, which does not follow a stack that grows during the call. The arguments of Call are on
// the heap.
var (
	queryInformationJobObject = kernel32.NewProc("QueryInformationJobObject")
	setInformationJobObject   = kernel32.NewProc("SetInformationJobObject")
)

// Signal terminates the job if sig is [os.Kill]. If sig is [os.Interrupt], it sends
// CTRL_BREAK_EVENT to the console process group of the leader, and fails if no process of that
// shares a console with this program. If sig is [Null], it only checks whether the job is empty. It
// returns [os.ErrProcessDone] if the job is empty.
func (g *Group) Signal(sig os.Signal, pinned bool) error {
	switch {
	case !g.Alive():
		return os.ErrProcessDone
	case sig == Null:
		return nil
	case sig == os.Kill:
		return os.NewSyscallError("TerminateJobObject", windows.TerminateJobObject(g.job, 1))
	case sig == os.Interrupt:
		err := windows.GenerateConsoleCtrlEvent(BreakEvent, uint32(g.pid))
		return os.NewSyscallError("GenerateConsoleCtrlEvent", err)
	}
	return syscall.Errno(syscall.EWINDOWS) // as package os returns
}

// BreakEvent is the console event that is sent for [os.Interrupt].
var BreakEvent uint32 = windows.CTRL_BREAK_EVENT // changed by tests

// Alive reports whether the job is not empty. It returns false after Close.
func (g *Group) Alive() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.job == 0 { // which would stand for the job of this program
		return false
	}
	var accounting struct {
		TotalUserTime, TotalKernelTime, ThisPeriodTotalUserTime, ThisPeriodTotalKernelTime int64

		TotalPageFaultCount, TotalProcesses, ActiveProcesses, TotalTerminatedProcesses uint32
	}
	const jobObjectBasicAccountingInformation = 1
	ok, _, _ := queryInformationJobObject.Call(uintptr(g.job), jobObjectBasicAccountingInformation,
		uintptr(unsafe.Pointer(&accounting)), unsafe.Sizeof(accounting), 0)
	return ok == 0 || accounting.ActiveProcesses > 0
}

// ByPID returns false: the group is named by a handle.
func (g *Group) ByPID() bool { return false }

// Pidfds returns 0.
func (g *Group) Pidfds() int { return 0 }

// LeaderLeft returns false: a process can't leave its job.
func (g *Group) LeaderLeft() bool { return false }

// CanTellAlive returns true.
func (g *Group) CanTellAlive() bool { return true }

// ScanDelay returns 0.
func ScanDelay() time.Duration { return 0 }

// Pause blocks the thread for d, and returns true.
func Pause(d time.Duration) bool {
	windows.SleepEx(uint32((d + time.Millisecond - 1).Milliseconds()), false)
	return true
}

// Close closes the handles of g, which may be nil. It does not end processes: if closing the last
// handle would, it is kept open until some time after the job is empty, or until this program ends.
func (g *Group) Close() {
	switch {
	case g == nil:
	case g.killsOnExit && g.Alive():
		kept.add(g)
	default:
		g.close()
	}
}

func (g *Group) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	windows.CloseHandle(g.job)
	g.job = 0
	if g.leader != 0 {
		windows.CloseHandle(g.leader)
	}
}

// kept are the jobs that can't be closed before they are empty. They are polled.
var kept jobs

type jobs struct {
	mu  sync.Mutex
	all []*Group // the one checked last is the last
}

func (j *jobs) add(g *Group) {
	j.closeEmpty()
	j.mu.Lock()
	defer j.mu.Unlock()
	j.all = append(j.all, g)
}

// closeEmpty closes the next two jobs if they are empty. It is called when a job is added and when
// a watched process has ended. So each call is fast, and empty jobs do not accumulate.
func (j *jobs) closeEmpty() {
	j.mu.Lock()
	defer j.mu.Unlock()
	for range min(2, len(j.all)) {
		g := j.all[0]
		j.all = j.all[1:]
		if g.Alive() {
			j.all = append(j.all, g)
		} else {
			g.close()
		}
	}
}
