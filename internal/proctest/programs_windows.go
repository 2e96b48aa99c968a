package proctest

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/windows"
)

// Killed is the error for a process that was killed.
const Killed = "exit status 1"

// programs lists the programs that tests use and that Windows lacks. The test binary runs in their
// place, under their names.
var programs = []string{"break", "cat", "echo", "false", "sh", "sleep", "tr", "tree", "true"}

// play runs the program that this process was started as, if it is one of programs.
func play() (code int, is bool) {
	name := strings.TrimSuffix(filepath.Base(os.Args[0]), ".exe")
	if !slices.Contains(programs, name) {
		return 0, false
	}
	return run(name, os.Args[1:]), true
}

func run(name string, args []string) (code int) {
	var err error
	switch name {
	case "cat":
		_, err = io.Copy(os.Stdout, os.Stdin)
	case "echo":
		end := "\n"
		if len(args) > 0 && args[0] == "-n" {
			args, end = args[1:], ""
		}
		_, err = fmt.Print(strings.Join(args, " "), end)
	case "break": // reports that it was asked to end, and exits
		asked := make(chan os.Signal, 1)
		signal.Notify(asked, os.Interrupt)
		setConsoleCtrlHandler.Call(0, 0) // also CTRL_C, which the leader of a console process group ignores otherwise
		fmt.Println("ready")
		<-asked
		return 42
	case "exit":
		code, err = strconv.Atoi(args[0])
	case "false":
		return 1
	case "head": // -c n /dev/zero
		var n int
		n, err = strconv.Atoi(args[1])
		os.Stdout.Write(make([]byte, n))
	case "kill": // -9 $$
		Kill(os.Getpid())
	case "read":
		_, err = bufio.NewReader(os.Stdin).ReadString('\n')
	case "sh":
		return shell(args[1])
	case "sleep":
		var seconds float64
		seconds, err = strconv.ParseFloat(args[0], 64)
		time.Sleep(time.Duration(seconds * float64(time.Second)))
	case "tr": // a-z A-Z
		var in []byte
		in, err = io.ReadAll(os.Stdin)
		os.Stdout.WriteString(strings.ToUpper(string(in)))
	case "tree":
		err = tree(args[0], len(args) > 1)
	case "true":
	case "wait":
		time.Sleep(time.Hour)
	default:
		return 127
	}
	if err != nil {
		return 1
	}
	return code
}

var setConsoleCtrlHandler = windows.NewLazySystemDLL("kernel32.dll").NewProc("SetConsoleCtrlHandler")

// tree prints its PID, and starts another tree unless n is 1. If leaves is set, it then exits,
// unless it is the last one.
func tree(n string, leaves bool) error {
	fmt.Println(os.Getpid())
	if n != "1" {
		below, err := strconv.Atoi(n)
		if err != nil {
			return err
		}
		args := []string{strconv.Itoa(below - 1)}
		if leaves {
			args = append(args, "leaves")
		}
		c := exec.Command("tree", args...)
		c.Stdout, c.Stderr = os.Stdout, os.Stderr
		if err := c.Start(); err != nil || leaves {
			return err
		}
	}
	time.Sleep(time.Hour)
	return nil
}

// shell imitates sh -c for a list of simple commands, each of which may run in the background or
// have its output redirected to standard error. It supports $! and no other syntax.
func shell(script string) (code int) {
	var last string // PID of the last background process
	for command := range strings.SplitSeq(strings.ReplaceAll(script, "& ", "&;"), ";") {
		command = strings.ReplaceAll(strings.TrimSpace(command), "$!", last)
		command = strings.TrimSuffix(command, " || true")
		command, inBackground := strings.CutSuffix(command, " &")
		command, toStderr := strings.CutSuffix(command, " >&2")
		words := strings.Fields(strings.TrimPrefix(command, "exec "))
		switch {
		case len(words) == 0:
		case inBackground:
			c := exec.Command(words[0], words[1:]...)
			c.Stdout, c.Stderr = os.Stdout, os.Stderr
			if err := c.Start(); err != nil {
				return 127
			}
			last = strconv.Itoa(c.Process.Pid)
		default:
			stdout := os.Stdout
			if toStderr {
				os.Stdout = os.Stderr
			}
			code = run(words[0], words[1:])
			os.Stdout = stdout
			if words[0] == "exit" {
				return code
			}
		}
	}
	return code
}

// offerPrograms puts the programs in a directory where [exec.LookPath] finds them, unless that has
// been done.
func offerPrograms() (withdraw func()) {
	if Rerunning() {
		return func() {}
	}
	dir, err := os.MkdirTemp("", "proctest")
	must(err)
	self, err := os.Executable()
	must(err)
	binary, err := os.ReadFile(self)
	must(err)
	for _, name := range programs { // copies rather than links: in Wine, all processes of a file have the same name
		must(os.WriteFile(filepath.Join(dir, name+".exe"), binary, 0o777))
	}
	must(os.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH")))
	return func() { remove(dir) }
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
