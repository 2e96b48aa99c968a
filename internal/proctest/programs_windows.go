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

// Killed is the error of a process that was killed.
const Killed = "exit status 1"

// programs are what the tests start and this system does not have: the test binary itself plays them,
// under their names.
var programs = []string{"break", "cat", "echo", "false", "sh", "sleep", "tr", "tree", "true"}

// play does what the program does in whose name this process was started, if that is one of those.
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
	case "break": // tells that it was asked to end, and does
		asked := make(chan os.Signal, 1)
		signal.Notify(asked, os.Interrupt)
		setConsoleCtrlHandler.Call(0, 0) // CTRL_C, too, which the leader of a group is deaf to otherwise
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

// tree tells its number, and starts another one unless n is 1. It then ends if it leaves, unless it is the
// last.
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

// shell is sh -c with a list of simple commands, each of which may be in the background, or have its
// output sent to standard error. It knows $! and no other syntax.
func shell(script string) (code int) {
	var last string // number of the process started last in the background
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

// offerPrograms puts the programs where [exec.LookPath] finds them, if nobody has done so before.
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
	for _, name := range programs { // not links: to Wine, all processes of a file have one name
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
