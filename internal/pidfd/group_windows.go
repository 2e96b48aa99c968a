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

// A Group is the job object that a process was started in: the process, and all that it has
// started, and so on.
type Group struct {
	job         windows.Handle
	leader      windows.Handle // by which the number of the leader, and so of its console group, stays its own
	pid         int            // of the leader
	killsOnExit bool
}

// NewGroup returns nil: what was not started in a job leads no group.
func NewGroup(p Process) *Group { return nil }

// NewJob returns a job that p is alone in, which was created suspended, and resumes p if resumes
// is set. So nothing that p starts can be outside of it. If killsOnExit is set, everything in the job is killed
// when this program ends, however it does. If there is an error, p has not run.
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

// resume lets a process run that was created suspended. The documented way is to open its thread,
// which takes a list of all threads of the system to find: os has closed the handle of it.
func resume(process windows.Handle) error {
	if err := ntResumeProcess.Find(); err != nil {
		return err
	}
	if status, _, _ := ntResumeProcess.Call(uintptr(process)); status != 0 {
		return os.NewSyscallError("NtResumeProcess", windows.NTStatus(status))
	}
	return nil
}

// killOnExit has everything in the job killed when its last handle is closed.
func (g *Group) killOnExit() error {
	g.killsOnExit = true
	limits := windows.JOBOBJECT_EXTENDED_LIMIT_INFORMATION{
		BasicLimitInformation: windows.JOBOBJECT_BASIC_LIMIT_INFORMATION{
			LimitFlags: windows.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE,
		},
	}
	_, err := windows.SetInformationJobObject(g.job, windows.JobObjectExtendedLimitInformation,
		uintptr(unsafe.Pointer(&limits)), uint32(unsafe.Sizeof(limits)))
	return os.NewSyscallError("SetInformationJobObject", err)
}

// Signal kills everything in the job, if sig is [os.Kill], or looks whether there is anything, if it
// is [Null]. [os.Interrupt] is CTRL_BREAK_EVENT, for those of them that are in the console group of
// the leader, and fails if none of these shares a console with this program. The error is
// [os.ErrProcessDone] if there is nothing in the job.
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
	return syscall.Errno(syscall.EWINDOWS) // as os says
}

// BreakEvent is the event of the console that [os.Interrupt] is.
var BreakEvent uint32 = windows.CTRL_BREAK_EVENT // changed by tests

// Alive reports whether any process in the job has not ended.
func (g *Group) Alive() bool {
	var accounting struct {
		TotalUserTime, TotalKernelTime, ThisPeriodTotalUserTime, ThisPeriodTotalKernelTime int64

		TotalPageFaultCount, TotalProcesses, ActiveProcesses, TotalTerminatedProcesses uint32
	}
	const jobObjectBasicAccountingInformation = 1
	err := windows.QueryInformationJobObject(g.job, jobObjectBasicAccountingInformation,
		uintptr(unsafe.Pointer(&accounting)), uint32(unsafe.Sizeof(accounting)), nil)
	return err != nil || accounting.ActiveProcesses > 0
}

// ByPID reports whether the group is named by its number alone.
func (g *Group) ByPID() bool { return false }

// Pidfds returns how many pidfds g has. Here there are none.
func (g *Group) Pidfds() int { return 0 }

// LeaderLeft reports whether the leader has joined another group. No process can leave a job.
func (g *Group) LeaderLeft() bool { return false }

// CanTellAlive reports whether [Group.Alive] can tell.
func (g *Group) CanTellAlive() bool { return true }

// ScanDelay returns how long a caller of [Group.Alive] is to wait who asks repeatedly.
func ScanDelay() time.Duration { return 0 }

// Pause reports whether it has blocked a thread for d.
func Pause(d time.Duration) bool {
	windows.SleepEx(uint32((d + time.Millisecond - 1).Milliseconds()), false)
	return true
}

// Close closes the handles of g, which may be nil. That ends nothing: if it would, they are kept
// until nothing is left in the job, and a little longer, or until this program ends.
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
	windows.CloseHandle(g.job)
	if g.leader != 0 {
		windows.CloseHandle(g.leader)
	}
}

// kept are the jobs that cannot be closed before they are empty. Nobody tells when they are.
var kept jobs

type jobs struct {
	mu  sync.Mutex
	all []*Group // the one looked at last is the last
}

func (j *jobs) add(g *Group) {
	j.look()
	j.mu.Lock()
	defer j.mu.Unlock()
	j.all = append(j.all, g)
}

// look closes those of the next two jobs that are empty. It is called whenever one is added or a process
// that is watched has ended: so the empty ones do not become more, and each call takes little time.
func (j *jobs) look() {
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
