//go:build unix

package execx_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"strings"
	"syscall"
	"time"

	exec "go.execx.dev/execx"
)

func ExampleCommand() {
	c := exec.Command("tr", "a-z", "A-Z")
	c.Stdin = strings.NewReader("some input")
	var out strings.Builder
	c.Stdout = &out
	if err := c.Run(); err != nil {
		log.Fatal(err)
	}
	fmt.Println(out.String())
	// Output: SOME INPUT
}

func ExampleCommandContext() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	err := exec.CommandContext(ctx, "sleep", "1000").Run()
	fmt.Println(err)
	// Output: signal: killed
}

func ExampleLookPath() {
	_, err := exec.LookPath("no-such-program")
	fmt.Println(err)
	fmt.Println(errors.Is(err, exec.ErrNotFound))
	// Output:
	// exec: "no-such-program": executable file not found in $PATH
	// true
}

func ExampleAwaitExit() {
	c := exec.Command("sh", "-c", "exit 3")
	if err := c.Start(); err != nil {
		log.Fatal(err)
	}
	// AwaitExit does not reap the process. It can wait for any process, not only for a child.
	switch err := exec.AwaitExit(context.Background(), c.Process); {
	case errors.Is(err, errors.ErrUnsupported): // there are no pidfds
	case err != nil:
		log.Fatal(err)
	}
	fmt.Println(c.Wait())
	// Output: exit status 3
}

func ExampleCmd_Start() {
	c := exec.Command("sleep", "0.01")
	if err := c.Start(); err != nil {
		log.Fatal(err)
	}
	fmt.Println("waiting for the command to finish")
	fmt.Println("finished with", c.Wait())
	// Output:
	// waiting for the command to finish
	// finished with <nil>
}

func ExampleCmd_Run() {
	err := exec.Command("sh", "-c", "exit 3").Run()
	if exitErr, ok := errors.AsType[*exec.ExitError](err); ok {
		fmt.Println("exit code", exitErr.ExitCode())
	}
	// Output: exit code 3
}

func ExampleCmd_Output() {
	out, err := exec.Command("sh", "-c", "echo results; echo no disk >&2; exit 1").Output()
	fmt.Printf("%s", out)
	if exitErr, ok := errors.AsType[*exec.ExitError](err); ok {
		fmt.Printf("%v: %s", err, exitErr.Stderr)
	}
	// Output:
	// results
	// exit status 1: no disk
}

func ExampleCmd_CombinedOutput() {
	out, err := exec.Command("sh", "-c", "echo stdout; echo stderr >&2").CombinedOutput()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s", out)
	// Output:
	// stdout
	// stderr
}

func ExampleCmd_StdinPipe() {
	c := exec.Command("cat")
	c.Stdout = os.Stdout
	stdin, err := c.StdinPipe()
	if err != nil {
		log.Fatal(err)
	}
	if err := c.Start(); err != nil {
		log.Fatal(err)
	}
	io.WriteString(stdin, "values written to the pipe\n")
	stdin.Close() // cat reads until the end of its input
	if err := c.Wait(); err != nil {
		log.Fatal(err)
	}
	// Output: values written to the pipe
}

func ExampleCmd_StdoutPipe() {
	c := exec.Command("echo", `{"Name": "Bob", "Age": 32}`)
	stdout, err := c.StdoutPipe()
	if err != nil {
		log.Fatal(err)
	}
	// Waiting first is correct here: it does not close the pipe.
	if err := c.Run(); err != nil {
		log.Fatal(err)
	}
	var person struct {
		Name string
		Age  int
	}
	if err := json.NewDecoder(stdout).Decode(&person); err != nil {
		log.Fatal(err)
	}
	stdout.Close() // its end was not read
	fmt.Printf("%s is %d years old\n", person.Name, person.Age)
	// Output: Bob is 32 years old
}

func ExampleCmd_StderrPipe() {
	c := exec.Command("sh", "-c", "echo one >&2; echo two >&2")
	stderr, err := c.StderrPipe()
	if err != nil {
		log.Fatal(err)
	}
	if err := c.Start(); err != nil {
		log.Fatal(err)
	}
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		fmt.Println(lines.Text())
	}
	if err := c.Wait(); err != nil {
		log.Fatal(err)
	}
	// Output:
	// one
	// two
}

func ExampleCmd_Wait() {
	c := exec.Command("sh", "-c", "exit 3")
	if err := c.Start(); err != nil {
		log.Fatal(err)
	}
	first := c.Wait()
	fmt.Println(first)
	fmt.Println(c.Wait() == first) // os/exec: "exec: Wait was already called"
	// Output:
	// exit status 3
	// true
}

func ExampleCmd_WaitContext() {
	c := exec.Command("sleep", "1000")
	if err := c.Start(); err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	fmt.Println(c.WaitContext(ctx)) // the command is still running

	c.Kill()
	fmt.Println(c.Wait())
	// Output:
	// context deadline exceeded
	// signal: killed
}

// A select can wait for several commands and other events, without a goroutine for each command.
func ExampleCmd_WaitChan() {
	slow := exec.Command("sleep", "1000")
	fast := exec.Command("sh", "-c", "exit 3")
	for _, c := range []*exec.Cmd{slow, fast} {
		if err := c.Start(); err != nil {
			log.Fatal(err)
		}
	}
	ctx := context.Background()
	select {
	case err := <-slow.WaitChan(ctx):
		fmt.Println("slow:", err)
	case err := <-fast.WaitChan(ctx):
		fmt.Println("fast:", err)
	case <-time.After(time.Minute):
		fmt.Println("neither")
	}
	slow.Kill()
	slow.Wait()
	// Output: fast: exit status 3
}

func ExampleCmd_AfterWait() {
	results := make(chan string)
	for status := range 3 {
		c := exec.Command("sh", "-c", fmt.Sprint("exit ", status))
		if err := c.Start(); err != nil {
			log.Fatal(err)
		}
		c.AfterWait(func(err error) { results <- fmt.Sprint(c.Args[2], ": ", err) })
	}
	for range 3 {
		fmt.Println(<-results)
	}
	// Unordered output:
	// exit 0: <nil>
	// exit 1: exit status 1
	// exit 2: exit status 2
}

func ExampleCmd_TryWait() {
	c := exec.Command("cat")
	stdin, err := c.StdinPipe()
	if err != nil {
		log.Fatal(err)
	}
	if err := c.Start(); err != nil {
		log.Fatal(err)
	}
	done, _ := c.TryWait()
	fmt.Println(done)

	stdin.Close()
	c.Wait()
	done, err = c.TryWait()
	fmt.Println(done, err)
	// Output:
	// false
	// true <nil>
}

func ExampleCmd_Signal() {
	c := exec.Command("sleep", "1000")
	if err := c.Start(); err != nil {
		log.Fatal(err)
	}
	if err := c.Signal(syscall.SIGTERM); err != nil {
		log.Fatal(err)
	}
	fmt.Println(c.Wait())
	// Output: signal: terminated
}

func ExampleCmd_Kill() {
	c := exec.Command("sleep", "1000")
	if err := c.Start(); err != nil {
		log.Fatal(err)
	}
	fmt.Println(c.Kill())
	fmt.Println(c.Wait())
	fmt.Println(c.Kill())
	// Output:
	// <nil>
	// signal: killed
	// os: process already finished
}
