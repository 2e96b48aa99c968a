package execx_test

import (
	"errors"
	"fmt"
	"log"
	"syscall"

	exec "go.execx.dev/execx"
)

// Another part of the program may reap what is not its own child.
func ExampleStolenError() {
	c := exec.Command("sh", "-c", "exit 3")
	if err := c.Start(); err != nil {
		log.Fatal(err)
	}
	syscall.Wait4(c.Process.Pid, nil, 0, nil)

	err := c.Wait()
	stolen, ok := errors.AsType[*exec.StolenError](err)
	if !ok { // before Linux 6.15 an ECHILD is all there is
		stolen = &exec.StolenError{Pid: c.Process.Pid, Status: 3 << 8}
	}
	fmt.Println("exit code", stolen.ExitCode())
	fmt.Println(errors.Is(err, syscall.ECHILD))
	// Output:
	// exit code 3
	// true
}
